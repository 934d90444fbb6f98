package directory

import (
	"context"
	"strconv"
	"strings"

	"github.com/scimcms/scimcms/queue"
)

// Committed is a write that was accepted: the record as it is now and, when the script could take it, the lease of its
// key for this request.
type Committed[T any] struct {
	Item    T
	Lease   *queue.Lease // nil: leased by somebody else, or work is stopped
	Changed bool
	Unknown []string // members that are no users and were left out
}

// ExistsError says that a create met a record of the same person or name. The caller decides whether the write takes it
// up or is a conflict.
type ExistsError struct {
	ID        string
	Attribute string // what matched: userName, emails or externalId
}

// Error implements error.
func (e *ExistsError) Error() string { return e.Attribute + " belongs to " + e.ID }

// userArgs are a wish as the scripts take it: doc, userName, folded, externalId, address, folded, displayName folded,
// e-mails folded, active.
func (d *Directory) userArgs(w UserWish) []any {
	fold := d.opts.Fold
	mails := make([]string, 0, len(w.Emails))
	for _, m := range w.Emails {
		mails = append(mails, strings.ReplaceAll(fold(m), "\n", " "))
	}
	return []any{w.Doc, w.UserName, fold(w.UserName), w.ExternalID, w.Address, fold(w.Address), fold(w.DisplayName),
		strings.Join(mails, "\n"), flag(w.Active)}
}

// naturalKey is what a user's id is made from: the CMS address at creation, or the userName where there is none.
func (d *Directory) naturalKey(w UserWish) string {
	if w.Address != "" {
		return d.opts.Fold(w.Address)
	}
	return d.opts.Fold(w.UserName)
}

func lane(active bool) string {
	if active {
		return string(queue.Interactive)
	}
	return string(queue.Leavers)
}

func (d *Directory) lookMS() int64 { return 2*ms(d.opts.CallTimeout) + 5000 }

// CreateUser records a new user. *ExistsError names a record that has the userName, the address or the externalId;
// *ConflictError two of them.
func (d *Directory) CreateUser(ctx context.Context, w UserWish, token string) (Committed[User], error) {
	key := d.naturalKey(w)
	for uses := int64(0); ; {
		id := d.opts.NewID("User", key, uses)
		args := append([]any{d.now(), id, token, ms(d.opts.Lease), lane(w.Active), key, uses}, d.userArgs(w)...)
		ans, err := d.commit(ctx, d.scripts.createUser, []string{d.keys.user(id)}, append(args, d.lookMS())...)
		if err != nil {
			return Committed[User]{}, err
		}
		switch str(at(ans.list, 0)) {
		case "count":
			uses = num(at(ans.list, 1))
		case "exists":
			return Committed[User]{}, &ExistsError{ID: str(at(ans.list, 1)), Attribute: str(at(ans.list, 2))}
		case "two":
			return Committed[User]{}, &ConflictError{Attribute: "userName", ID: str(at(ans.list, 1)), Other: str(at(ans.list, 2))}
		default:
			return d.committed(ans, token, created(id, w, ans)), nil
		}
	}
}

// created is a new user as its script has written it.
func created(id string, w UserWish, ans answer) User {
	u := User{ID: id, State: Live, Gen: 1, Writes: 1, Seq: num(at(ans.list, 5)), Created: moment(at(ans.list, 3))}
	return u.wishing(w, ans)
}

// wishing is a user with a new wish that was just written.
func (u User) wishing(w UserWish, ans answer) User {
	u.State, u.Managed = Live, true
	u.Doc, u.UserName, u.External, u.Address, u.Active = w.Doc, w.UserName, w.ExternalID, w.Address, w.Active
	u.Modified = moment(at(ans.list, 3))
	u.Sync = Sync{State: Pending, LastSynced: u.Sync.LastSynced, Ticket: num(at(ans.list, 4))}
	return u
}

// committed prefers the record that the script read to the one that is known to have been written.
func (d *Directory) committed(ans answer, token string, written User) Committed[User] {
	if rec := list(at(ans.list, 1)); rec != nil {
		return d.committedUser(ans, token)
	}
	c := Committed[User]{Item: written, Lease: d.lease(ans, UserKey(written.ID), token), Changed: true}
	c.Item.Sync.Leased = c.Lease != nil || str(at(ans.list, 5)) == "leased"
	return c
}

// WriteUser replaces the wish of the record that was read as cur; event goes to the audit log. ErrStale when it changed
// meanwhile.
func (d *Directory) WriteUser(ctx context.Context, cur User, w UserWish, token, event string) (Committed[User], error) {
	args := append([]any{d.now(), cur.ID, token, ms(d.opts.Lease), lane(w.Active), cur.Gen}, d.userArgs(w)...)
	ans, err := d.commit(ctx, d.scripts.writeUser, []string{d.keys.user(cur.ID)}, append(args, d.lookMS(), event)...)
	if err != nil {
		return Committed[User]{}, err
	}
	if err := refusal(ans.list); err != nil {
		return Committed[User]{}, err
	}
	return d.committed(ans, token, rewritten(cur, w, ans)), nil
}

// rewritten is a user after a new wish.
func rewritten(cur User, w UserWish, ans answer) User {
	u := cur.wishing(w, ans)
	u.Gen, u.Writes = cur.Gen+1, cur.Writes+1
	if cur.Active && !w.Active {
		u.DeactivatedGen = u.Gen
	}
	return u
}

// TouchUser makes a user managed without changing the wish and, with enqueue, has it synced again.
func (d *Directory) TouchUser(ctx context.Context, cur User, enqueue bool, token string) (Committed[User], error) {
	ans, err := d.commit(ctx, d.scripts.touchUser, []string{d.keys.user(cur.ID)},
		d.now(), cur.ID, token, ms(d.opts.Lease), lane(cur.Active), flag(enqueue))
	if err != nil {
		return Committed[User]{}, err
	}
	if err := refusal(ans.list); err != nil {
		return Committed[User]{}, err
	}
	return d.committedUser(ans, token), nil
}

// DeleteUser leaves a tombstone and queues the deprovisioning. ErrStale when gen is given (not 0) and the record is at another.
func (d *Directory) DeleteUser(ctx context.Context, id string, gen int64, token string) (Committed[User], error) {
	expected := ""
	if gen != 0 {
		expected = strconv.FormatInt(gen, 10)
	}
	ans, err := d.commit(ctx, d.scripts.deleteUser, []string{d.keys.user(id)}, d.now(), id, token, ms(d.opts.Lease), expected)
	if err != nil {
		return Committed[User]{}, err
	}
	if err := refusal(ans.list); err != nil {
		return Committed[User]{}, err
	}
	return d.committedUser(ans, token), nil
}

func (d *Directory) committedUser(ans answer, token string) Committed[User] {
	u := userRecord(list(at(ans.list, 1)))
	return Committed[User]{Item: u, Lease: d.lease(ans, UserKey(u.ID), token), Changed: true}
}

func (d *Directory) lease(ans answer, key, token string) *queue.Lease {
	r := texts(at(ans.list, 2))
	if r == nil || token == "" {
		return nil
	}
	return d.queue.AdoptSince(ans.began, key, token, r)
}

// refusal turns the refusals that all commit scripts share into errors.
func refusal(ans []any) error {
	switch str(at(ans, 0)) {
	case "ok":
		return nil
	case "gone":
		return ErrNotFound
	case "taken":
		return &ConflictError{Attribute: str(at(ans, 1)), ID: str(at(ans, 2))}
	case "unknown":
		return &UnknownMembersError{IDs: texts(at(ans, 1))}
	case "lost":
		return ErrLost
	}
	return ErrStale
}
