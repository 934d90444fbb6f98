package directory

import "context"

// Index names what records are found by without reading them all.
type Index string

// The indexes. ByID and the unique ones find at most one record.
const (
	ByID          Index = "id"
	ByUserName    Index = "userName"
	ByExternalID  Index = "externalId"
	ByDisplayName Index = "displayName"
	ByEmail       Index = "emails"
)

// Window is a part of a list: Start counts from 1.
type Window struct{ Start, Count int }

// Page is a part of a list and the size of the whole.
type Page[T any] struct {
	Total int
	Items []T
}

// lookup says how an index is read: the script's way, the index's key and whether its values are folded.
type lookup struct {
	how, index string
	fold       bool
}

var userLookups = map[Index]lookup{
	ByID:          {how: "id"},
	ByUserName:    {how: "index", index: "x:un", fold: true},
	ByExternalID:  {how: "index", index: "x:ext"},
	ByDisplayName: {how: "sorted", index: "xd", fold: true},
	ByEmail:       {how: "sorted", index: "xm", fold: true},
}

var groupLookups = map[Index]lookup{
	ByID:          {how: "id"},
	ByDisplayName: {how: "index", index: "x:gname", fold: true},
	ByExternalID:  {how: "index", index: "x:gext"},
}

type query struct {
	kind, how, index, value string
	w                       Window
	members                 int
}

func (d *Directory) read(ctx context.Context, q query) (int, []any, error) {
	first, count := max(q.w.Start, 1)-1, max(q.w.Count, 0)
	ans, err := d.run(ctx, d.scripts.read, nil, q.kind, q.how, q.index, q.value, first, count, q.members)
	if err != nil {
		return 0, nil, err
	}
	return int(num(at(ans, 0))), list(at(ans, 1)), nil
}

func page[T any](total int, records []any, decode func([]any) T) Page[T] {
	p := Page[T]{Total: total, Items: make([]T, 0, len(records))}
	for _, r := range records {
		p.Items = append(p.Items, decode(list(r)))
	}
	return p
}

// User reads one visible user.
func (d *Directory) User(ctx context.Context, id string) (User, error) {
	return d.oneUser(ctx, "wish", id, userRecord)
}

// UserView reads what a listing shows of one visible user: document, name, generation, link, status and groups.
func (d *Directory) UserView(ctx context.Context, id string) (User, error) {
	return d.oneUser(ctx, "id", id, userView)
}

// UserRecord reads one user, also one that is deleted.
func (d *Directory) UserRecord(ctx context.Context, id string) (User, error) {
	return d.oneUser(ctx, "record", id, userRecord)
}

func (d *Directory) oneUser(ctx context.Context, how, id string, decode func([]any) User) (User, error) {
	_, records, err := d.read(ctx, query{kind: "u", how: how, value: id, w: Window{1, 1}})
	if err != nil {
		return User{}, err
	}
	if len(records) == 0 {
		return User{}, ErrNotFound
	}
	return decode(list(records[0])), nil
}

// FindUsers reads the visible users with a value, with what a listing shows of them. An index that users do not have finds nobody.
func (d *Directory) FindUsers(ctx context.Context, by Index, value string, w Window) (Page[User], error) {
	l, ok := userLookups[by]
	if !ok {
		return Page[User]{}, nil
	}
	if l.fold {
		value = d.opts.Fold(value)
	}
	total, records, err := d.read(ctx, query{kind: "u", how: l.how, index: l.index, value: value, w: w})
	return page(total, records, userView), err
}

// ListUsers reads a part of all listed users, oldest first, with what a listing shows of them.
func (d *Directory) ListUsers(ctx context.Context, w Window) (Page[User], error) {
	total, records, err := d.read(ctx, query{kind: "u", how: "list", w: w})
	return page(total, records, userView), err
}

// ScanUsers gives every listed user to fn, oldest first, in chunks of scanChunk, until fn says no more.
func (d *Directory) ScanUsers(ctx context.Context, fn func(User) (bool, error)) error {
	return scan(fn, func(after string) ([]User, string, error) {
		_, records, err := d.read(ctx, query{kind: "u", how: "after", value: after, w: Window{1, scanChunk}})
		items := page(0, records, userView).Items
		if n := len(items); n > 0 {
			after = str(items[n-1].Seq)
		}
		return items, after, err
	})
}

// Group reads one visible group; members is how many members to read with it at most (-1: all, 0: none). A group with
// more has none.
func (d *Directory) Group(ctx context.Context, id string, members int) (Group, error) {
	p, err := d.FindGroups(ctx, ByID, id, Window{1, 1}, members)
	if err != nil {
		return Group{}, err
	}
	if len(p.Items) == 0 {
		return Group{}, ErrNotFound
	}
	return p.Items[0], nil
}

// FindGroups reads the visible groups with a value.
func (d *Directory) FindGroups(ctx context.Context, by Index, value string, w Window, members int) (Page[Group], error) {
	l, ok := groupLookups[by]
	if !ok {
		return Page[Group]{}, nil
	}
	if l.fold {
		value = d.opts.Fold(value)
	}
	total, records, err := d.read(ctx, query{kind: "g", how: l.how, index: l.index, value: value, w: w, members: members})
	return page(total, records, groupRecord), err
}

// ListGroups reads a part of all listed groups, oldest first.
func (d *Directory) ListGroups(ctx context.Context, w Window, members int) (Page[Group], error) {
	total, records, err := d.read(ctx, query{kind: "g", how: "list", w: w, members: members})
	return page(total, records, groupRecord), err
}

// ScanGroups gives every listed group to fn, oldest first, until fn says no more.
func (d *Directory) ScanGroups(ctx context.Context, members int, fn func(Group) (bool, error)) error {
	return scan(fn, func(after string) ([]Group, string, error) {
		_, records, err := d.read(ctx, query{kind: "g", how: "after", value: after, w: Window{1, scanChunk}, members: members})
		items := page(0, records, groupRecord).Items
		if n := len(items); n > 0 {
			after = str(items[n-1].Seq)
		}
		return items, after, err
	})
}

// scanChunk is how many records a scan holds in memory.
const scanChunk = 200

func scan[T any](fn func(T) (bool, error), next func(after string) ([]T, string, error)) error {
	for after := "-1"; ; {
		items, last, err := next(after)
		if err != nil {
			return err
		}
		for _, it := range items {
			if more, err := fn(it); err != nil || !more {
				return err
			}
		}
		if len(items) == 0 {
			return nil
		}
		after = last
	}
}
