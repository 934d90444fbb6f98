package reconcile

import (
	"bytes"
	"context"
	"errors"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

// maxEdits is how often an edit is repeated on a record that others change at the same moment.
const maxEdits = 16

// CreateUser records a wish for somebody new and syncs it. Somebody who is there already is taken up under the same id
// when nobody wishes anything of them at present: found in the CMS, refused, parked, inactive, or deleted under this
// externalId. Else it is a *directory.ConflictError.
func (e *Engine) CreateUser(ctx context.Context, w directory.UserWish) (Result[directory.User], error) {
	if e.protected(w.Address) {
		return Result[directory.User]{}, ErrProtected
	}
	for range maxEdits {
		c, err := e.dir.CreateUser(ctx, w, e.token(ctx))
		if exists, ok := errors.AsType[*directory.ExistsError](err); ok {
			res, err := e.takeUp(ctx, w, exists)
			if errors.Is(err, directory.ErrNotFound) {
				continue // an import has forgotten the record meanwhile
			}
			return res, err
		}
		if err != nil {
			return Result[directory.User]{}, err
		}
		return e.finishUser(ctx, c, true, true)
	}
	return Result[directory.User]{}, directory.ErrStale
}

// takeUp applies a create to a record that is there, like a replacement.
func (e *Engine) takeUp(ctx context.Context, w directory.UserWish, exists *directory.ExistsError) (Result[directory.User], error) {
	for range maxEdits {
		cur, err := e.dir.UserRecord(ctx, exists.ID)
		if err != nil {
			return Result[directory.User]{}, err
		}
		if err := e.mayTakeUp(cur, exists); err != nil {
			return Result[directory.User]{}, err
		}
		c, err := e.dir.WriteUser(ctx, cur, w, e.token(ctx), takeUpEvent(cur, exists))
		if errors.Is(err, directory.ErrStale) {
			continue
		}
		if err != nil {
			return Result[directory.User]{}, err
		}
		return e.finishUser(ctx, c, true, cur.State == directory.Rejected)
	}
	return Result[directory.User]{}, directory.ErrStale
}

func (e *Engine) mayTakeUp(cur directory.User, exists *directory.ExistsError) error {
	conflict := &directory.ConflictError{Attribute: exists.Attribute, ID: cur.ID}
	switch {
	case e.untouchable(cur):
		return ErrProtected
	case cur.State != directory.Live:
		return nil
	case !cur.Managed:
		if exists.Attribute == "emails" && !e.set().Adopt {
			return conflict
		}
		return nil
	case !cur.Active, cur.Sync.Parked:
		return nil
	}
	return conflict
}

func takeUpEvent(cur directory.User, exists *directory.ExistsError) string {
	switch {
	case cur.State == directory.Deleted:
		return "user.revive"
	case !cur.Managed && exists.Attribute == "emails":
		return "user.adopt_by_address"
	case !cur.Managed:
		return "user.adopt"
	}
	return "user.reactivate"
}

// UpdateUser changes the wish of a user and syncs it. edit is called with the newest record, again after a conflict; it may
// read, and changes nothing itself.
func (e *Engine) UpdateUser(ctx context.Context, id string, edit func(directory.User) (directory.UserWish, error)) (Result[directory.User], error) {
	if id == e.service.ID {
		return Result[directory.User]{}, ErrProtected
	}
	for range maxEdits {
		cur, err := e.dir.User(ctx, id)
		if err != nil {
			return Result[directory.User]{}, err
		}
		w, err := e.edited(cur, edit)
		if err != nil {
			return Result[directory.User]{}, err
		}
		if cur.State == directory.Live && sameWish(cur, w) {
			return e.unchanged(ctx, cur)
		}
		c, err := e.dir.WriteUser(ctx, cur, w, e.token(ctx), "user.write")
		if errors.Is(err, directory.ErrStale) {
			continue
		}
		if err != nil {
			return Result[directory.User]{}, err
		}
		return e.finishUser(ctx, c, false, cur.State == directory.Rejected)
	}
	return Result[directory.User]{}, directory.ErrStale
}

func (e *Engine) edited(cur directory.User, edit func(directory.User) (directory.UserWish, error)) (directory.UserWish, error) {
	w, err := edit(cur)
	if err == nil && (e.untouchable(cur) || e.protected(w.Address)) {
		err = ErrProtected
	}
	return w, err
}

func sameWish(cur directory.User, w directory.UserWish) bool {
	return bytes.Equal(cur.Doc, w.Doc) && cur.UserName == w.UserName && cur.External == w.ExternalID &&
		cur.Address == w.Address && cur.Active == w.Active
}

// unchanged answers a write that changes nothing. It costs no CMS call unless something is left to do: a parked key is
// tried again, and what the CMS was last seen to have is planned against as if the identity provider insisted.
func (e *Engine) unchanged(ctx context.Context, cur directory.User) (Result[directory.User], error) {
	// A creation that is not over may still be refused, and taken back: whoever writes the same meanwhile wishes it, too.
	creating := cur.Sync.Ticket != 0 && !cur.Applied.Known
	enqueue := cur.Sync.Parked || creating || (cur.Sync.Ticket == 0 && e.leavesWork(ctx, cur))
	if !enqueue && cur.Managed {
		return Result[directory.User]{Item: cur}, nil
	}
	c, err := e.dir.TouchUser(ctx, cur, enqueue, e.token(ctx))
	if err != nil {
		return Result[directory.User]{}, err
	}
	c.Changed = false
	return e.finishUser(ctx, c, false, false)
}

// leavesWork plans a user against the stored observation.
func (e *Engine) leavesWork(ctx context.Context, u directory.User) bool {
	set, err := e.roles.newest(ctx)
	if err != nil {
		return true
	}
	decision, err := e.decide(u, set)
	if err != nil {
		return true
	}
	c := e.caseFor(u, decision)
	c.Wish.Written = true
	return !mapping.Make(c).Agreed()
}

// DeleteUser records that nobody wishes anything of a user any more, and takes their access away. check, if not
// nil, refuses it by the newest record.
func (e *Engine) DeleteUser(ctx context.Context, id string, check func(directory.User) error) error {
	if id == e.service.ID {
		return ErrProtected
	}
	c, err := e.deletedUser(ctx, id, check)
	if err != nil {
		return err
	}
	_, _, err = e.request(ctx, directory.UserKey(id), c.Lease, c.Item.Sync, false)
	return err
}

// deletedUser deletes the record: the very version that check has seen, or whatever it is at without a check.
func (e *Engine) deletedUser(ctx context.Context, id string, check func(directory.User) error) (directory.Committed[directory.User], error) {
	for range maxEdits {
		cur, err := e.dir.User(ctx, id)
		switch {
		case err != nil:
			return directory.Committed[directory.User]{}, err
		case e.untouchable(cur):
			return directory.Committed[directory.User]{}, ErrProtected
		}
		var at int64
		if check != nil {
			if err := check(cur); err != nil {
				return directory.Committed[directory.User]{}, err
			}
			at = cur.Gen
		}
		c, err := e.dir.DeleteUser(ctx, id, at, e.token(ctx))
		if !errors.Is(err, directory.ErrStale) {
			return c, err
		}
	}
	return directory.Committed[directory.User]{}, directory.ErrStale
}

// finishUser syncs a committed user and reads the record anew when that changed it.
func (e *Engine) finishUser(ctx context.Context, c directory.Committed[directory.User], created, takeBack bool) (Result[directory.User], error) {
	res := Result[directory.User]{Item: c.Item, Created: created, Changed: c.Changed}
	out, settled, err := e.request(ctx, directory.UserKey(c.Item.ID), c.Lease, c.Item.Sync, takeBack)
	if err != nil || !settled {
		return res, err
	}
	if out.rejected != nil {
		return res, out.rejected
	}
	// This write was accepted, whatever a second look says: the record may be deleted meanwhile, or Redis away.
	if now, err := e.dir.User(ctx, c.Item.ID); err == nil {
		res.Item = now
	}
	return res, nil
}
