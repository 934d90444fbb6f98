package directory

import (
	"context"
	"errors"
)

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

// Range is a part of a list by place: up to Count records with a sequence greater than From in ascending order, or with Back
// those with a smaller one in descending order. Unlike a window it does not move when records before it come or go.
type Range struct {
	From  int64
	Back  bool
	Count int
	Omit  Omit
}

// Omit says what of a user need not be read: the groups; the link and the state of the synchronisation.
type Omit struct{ Groups, Sync bool }

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

// GroupRecord reads one group without its members, also one that is deleted.
func (d *Directory) GroupRecord(ctx context.Context, id string) (Group, error) {
	_, records, err := d.read(ctx, query{kind: "g", how: "record", value: id, w: Window{1, 1}})
	if err != nil {
		return Group{}, err
	}
	if len(records) == 0 {
		return Group{}, ErrNotFound
	}
	return groupRecord(list(records[0])), nil
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
	return scan(fn, func(g Group) int64 { return g.Seq }, func(r Range) (Page[Group], error) { return d.RangeGroups(ctx, r, members) })
}

// RangeGroups reads listed groups by their place in the order of listings, with at most so many members.
func (d *Directory) RangeGroups(ctx context.Context, r Range, members int) (Page[Group], error) {
	how := "after"
	if r.Back {
		how = "before"
	}
	total, records, err := d.read(ctx, query{kind: "g", how: how, value: str(r.From), w: Window{1, r.Count}, members: members})
	return page(total, records, groupRecord), err
}

// GroupsByID reads the visible ones of some groups, in the order of the ids.
func (d *Directory) GroupsByID(ctx context.Context, ids []string, members int) ([]Group, error) {
	groups := make([]Group, 0, len(ids))
	for _, id := range ids {
		g, err := d.Group(ctx, id, members)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		default:
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// scanChunk is how many records a scan holds in memory.
const scanChunk = 200

// scan gives every record to fn, in chunks of scanChunk.
func scan[T any](fn func(T) (bool, error), place func(T) int64, next func(Range) (Page[T], error)) error {
	for from := int64(-1); ; {
		p, err := next(Range{From: from, Count: scanChunk})
		if err != nil {
			return err
		}
		for _, it := range p.Items {
			from = place(it)
			if more, err := fn(it); err != nil || !more {
				return err
			}
		}
		if len(p.Items) == 0 {
			return nil
		}
	}
}
