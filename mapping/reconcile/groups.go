package reconcile

import (
	"bytes"
	"context"
	"errors"
	"regexp"

	"github.com/scimcms/scimcms/mapping/directory"
)

// GroupEdit is a change of a group. Nil leaves a value as it is.
type GroupEdit struct {
	Name       *string
	ExternalID *string
	Doc        func(old []byte) ([]byte, error)
	Members    directory.MemberChange
	// Check, if any, refuses the edit by the newest record; the edit is then made of that very version or not at all.
	Check func(directory.Group) error
	Limit int // how many members the answer may carry (-1: all); a bigger group comes without any
}

// CreateGroup records a new group and makes or links its role. Its members' roles follow on their own.
func (e *Engine) CreateGroup(ctx context.Context, w directory.GroupWish, members []string, limit int) (Result[directory.Group], error) {
	c, err := e.dir.CreateGroup(ctx, w, members, limit, e.token(ctx))
	if err != nil {
		return Result[directory.Group]{}, err
	}
	return e.finishGroup(ctx, c, true, limit)
}

// UpdateGroup changes a group. A change of membership alone needs no look at the rest of the group.
func (e *Engine) UpdateGroup(ctx context.Context, id string, edit GroupEdit) (Result[directory.Group], error) {
	if edit.membersOnly() && edit.Check == nil {
		return e.changeMembers(ctx, id, edit)
	}
	for range maxEdits {
		cur, err := e.dir.Group(ctx, id, 0)
		if err != nil {
			return Result[directory.Group]{}, err
		}
		res, err := e.editGroup(ctx, cur, edit)
		if !errors.Is(err, directory.ErrStale) {
			return res, err
		}
	}
	return Result[directory.Group]{}, directory.ErrStale
}

func (g GroupEdit) membersOnly() bool { return g.Name == nil && g.ExternalID == nil && g.Doc == nil }

// editGroup applies an edit to the group as it was read.
func (e *Engine) editGroup(ctx context.Context, cur directory.Group, edit GroupEdit) (Result[directory.Group], error) {
	if edit.Check != nil {
		if err := edit.Check(cur); err != nil {
			return Result[directory.Group]{}, err
		}
		at := cur.Version()
		edit.Members.At = &at
	}
	w, same, err := edit.apply(cur)
	if err != nil {
		return Result[directory.Group]{}, err
	}
	if same {
		return e.changeMembers(ctx, cur.ID, edit)
	}
	c, err := e.dir.WriteGroup(ctx, cur, directory.GroupChange{Wish: w, Members: edit.Members, Limit: edit.Limit}, e.token(ctx))
	if err != nil {
		return Result[directory.Group]{}, err
	}
	return e.finishGroup(ctx, c, false, edit.Limit)
}

// apply gives the group's attributes after the edit, and whether they are what they were.
func (g GroupEdit) apply(cur directory.Group) (w directory.GroupWish, same bool, err error) {
	w = directory.GroupWish{Name: cur.Name, ExternalID: cur.External, Doc: cur.Doc}
	if g.Name != nil {
		w.Name = *g.Name
	}
	if g.ExternalID != nil {
		w.ExternalID = *g.ExternalID
	}
	if g.Doc != nil {
		if w.Doc, err = g.Doc(cur.Doc); err != nil {
			return w, false, err
		}
	}
	return w, w.Name == cur.Name && w.ExternalID == cur.External && bytes.Equal(w.Doc, cur.Doc), nil
}

func (e *Engine) changeMembers(ctx context.Context, id string, edit GroupEdit) (Result[directory.Group], error) {
	c, err := e.dir.ChangeMembers(ctx, id, edit.Members, edit.Limit, e.token(ctx))
	if err != nil {
		return Result[directory.Group]{}, err
	}
	return e.finishGroup(ctx, c, false, edit.Limit)
}

// DeleteGroup records that a group is gone. Its members lose what they had through it; a role that the proxy made goes
// when nobody holds it any more. check, if not nil, refuses it by the newest record.
func (e *Engine) DeleteGroup(ctx context.Context, id string, check func(directory.Group) error) error {
	c, err := e.deletedGroup(ctx, id, check)
	if err != nil {
		return err
	}
	_, _, err = e.request(ctx, directory.GroupKey(id), c.Lease, c.Item.Sync, false)
	return err
}

// deletedGroup deletes the record: the very version that check has seen, or whatever it is at without a check.
func (e *Engine) deletedGroup(ctx context.Context, id string, check func(directory.Group) error) (directory.Committed[directory.Group], error) {
	if check == nil {
		return e.dir.DeleteGroup(ctx, id, nil, e.token(ctx))
	}
	for range maxEdits {
		cur, err := e.dir.Group(ctx, id, 0)
		if err != nil {
			return directory.Committed[directory.Group]{}, err
		}
		if err := check(cur); err != nil {
			return directory.Committed[directory.Group]{}, err
		}
		at := cur.Version()
		c, err := e.dir.DeleteGroup(ctx, id, &at, e.token(ctx))
		if !errors.Is(err, directory.ErrStale) {
			return c, err
		}
	}
	return directory.Committed[directory.Group]{}, directory.ErrStale
}

// finishGroup syncs the group's own key, if it needs to be, and lets the workers know of its members'.
func (e *Engine) finishGroup(ctx context.Context, c directory.Committed[directory.Group], created bool, limit int) (Result[directory.Group], error) {
	res := Result[directory.Group]{Item: c.Item, Created: created, Changed: c.Changed}
	e.skipped(ctx, c.Item.ID, c.Unknown)
	if c.Lease == nil && c.Item.Sync.Ticket == 0 {
		e.o.Wake()
		return res, nil
	}
	out, settled, err := e.request(ctx, directory.GroupKey(c.Item.ID), c.Lease, c.Item.Sync, created)
	if err != nil || !settled {
		return res, err
	}
	if out.rejected != nil {
		return res, out.rejected
	}
	if now, err := e.dir.Group(ctx, c.Item.ID, limit); err == nil {
		res.Item = now
	}
	return res, nil
}

// skippedNamed is how many members that were left out a log line names.
const skippedNamed = 20

// userID is what an id of a user looks like. Anything else that a client sends as one may be a person's name.
var userID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// skipped warns of members of a pushed group that are no users. The commit has noted them in the audit log.
func (e *Engine) skipped(ctx context.Context, group string, unknown []string) {
	if len(unknown) == 0 {
		return
	}
	var ids []string
	for _, id := range unknown[:min(len(unknown), skippedNamed)] {
		if userID.MatchString(id) {
			ids = append(ids, id)
		}
	}
	e.o.Observer.Skipped(len(unknown))
	e.log.WarnContext(ctx, "members that are no users were left out", "project", e.o.Project, "group", group, "members", len(unknown), "ids", ids)
}
