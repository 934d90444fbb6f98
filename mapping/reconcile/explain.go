package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// Explanation says how a user stands and what would be called next. It names addresses, and is for operators only.
type Explanation struct {
	User  directory.User
	Lines []string
	Queue queue.Entry
	Next  []string // calls that the next sync would make, as far as the record tells
}

// AmbiguousError means that several users have what was asked for.
type AmbiguousError struct{ IDs []string }

// Error implements error.
func (e *AmbiguousError) Error() string {
	return "several users have this address, name the id: " + strings.Join(e.IDs, ", ")
}

// Explain tells how the user with this id, userName or address stands: what is wished, what was agreed on, what the CMS was
// seen to have, why the role is what it is, what would be called next, and what waits why. It calls nothing and writes
// nothing.
func (e *Engine) Explain(ctx context.Context, who string) (Explanation, error) {
	u, err := e.named(ctx, who)
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{User: u}
	if x.Queue, _, err = e.queue.Show(ctx, directory.UserKey(u.ID)); err != nil {
		return x, &directory.UnavailableError{Cause: err}
	}
	switch {
	case u.State == directory.Rejected:
		x.Lines = []string{"the CMS refused the creation: nothing is wished until the identity provider writes this user again"}
		return x, nil
	case !u.Managed:
		x.Lines = []string{"found in the CMS: the identity provider has not written this user, so nothing is wished and nothing is changed"}
		return x, nil
	case e.untouchable(u):
		x.Lines = []string{"protected: never changed"}
		return x, nil
	}
	err = e.explain(ctx, &x)
	return x, err
}

func (e *Engine) explain(ctx context.Context, x *Explanation) error {
	roles, _, err := e.storedRoles(ctx)
	if err != nil {
		return err
	}
	repairs, err := e.repairs(ctx)
	if err != nil {
		return err
	}
	set := e.set()
	made, err := e.planUser(set, x.User, roles, repairs)
	if err != nil {
		return err
	}
	x.Lines = mapping.Explain(made.Case, made.Plan, roles)
	if made.Wish.State == mapping.Active && !x.User.Kept {
		p, err := e.person(x.User)
		if err != nil {
			return err
		}
		x.Lines = append(x.Lines, set.Rules.Passed(p)...)
	}
	for _, s := range made.Steps {
		x.Next = append(x.Next, s.String())
	}
	return nil
}

// named finds a user by id, userName or address.
func (e *Engine) named(ctx context.Context, who string) (directory.User, error) {
	u, err := e.dir.UserRecord(ctx, who)
	if !errors.Is(err, directory.ErrNotFound) {
		return u, err
	}
	for _, by := range []directory.Index{directory.ByUserName, directory.ByEmail} {
		page, err := e.dir.FindUsers(ctx, by, who, directory.Window{Start: 1, Count: 10})
		switch {
		case err != nil:
			return directory.User{}, err
		case len(page.Items) == 1:
			return e.dir.UserRecord(ctx, page.Items[0].ID)
		case len(page.Items) > 1:
			ids := make([]string, 0, len(page.Items))
			for _, u := range page.Items {
				ids = append(ids, u.ID)
			}
			return directory.User{}, &AmbiguousError{IDs: slices.Sorted(slices.Values(ids))}
		}
	}
	return directory.User{}, directory.ErrNotFound
}

// storedRoles are the CMS's roles as they were last read. Unlike a sync's it publishes nothing: the rules here may be others
// than those in force. known says that they were ever read.
func (e *Engine) storedRoles(ctx context.Context) (set mapping.RoleSet, known bool, err error) {
	stored, err := e.dir.PublishedRoles(ctx)
	if err != nil {
		return mapping.RoleSet{}, false, err
	}
	var roles []cmsclient.Role
	if len(stored.JSON) > 0 {
		if err := json.Unmarshal(stored.JSON, &roles); err != nil {
			return mapping.RoleSet{}, false, fmt.Errorf("stored roles: %w", err)
		}
	}
	return roleSet(roles, stored.Resolved), len(stored.JSON) > 0, nil
}
