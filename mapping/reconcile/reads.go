package reconcile

import (
	"context"

	"github.com/scimcms/scimcms/mapping/directory"
)

// User reads one user.
func (e *Engine) User(ctx context.Context, id string) (directory.User, error) {
	if s := e.service; id == s.ID {
		return s, nil
	}
	return e.dir.UserView(ctx, id)
}

// FindUsers reads the users with a value of an index.
func (e *Engine) FindUsers(ctx context.Context, by directory.Index, value string, w directory.Window) (directory.Page[directory.User], error) {
	p, err := e.dir.FindUsers(ctx, by, value, w)
	if err == nil && p.Total == 0 && e.meansServiceUser(by, value) {
		return servicePage(e.service, w), nil
	}
	return p, err
}

// ListUsers reads a part of all users, oldest first. The first page waits a little for a picture of the CMS that is not
// older than import.max_age.
func (e *Engine) ListUsers(ctx context.Context, w directory.Window) (directory.Page[directory.User], error) {
	if w.Start <= 1 {
		e.freshen(ctx)
	}
	p, err := e.dir.ListUsers(ctx, w)
	if err == nil && p.Total == 0 {
		return servicePage(e.service, w), nil
	}
	return p, err
}

// RangeUsers reads users by their place in the order of listings.
func (e *Engine) RangeUsers(ctx context.Context, r directory.Range) (directory.Page[directory.User], error) {
	p, err := e.dir.RangeUsers(ctx, r)
	if err == nil && p.Total == 0 && r.From < e.service.Seq && !r.Back {
		return servicePage(e.service, directory.Window{Start: 1, Count: r.Count}), nil
	}
	return p, err
}

// UsersByID reads those of the users that there are, in the order of the ids.
func (e *Engine) UsersByID(ctx context.Context, ids []string) ([]directory.User, error) {
	if len(ids) == 1 && ids[0] == e.service.ID {
		return []directory.User{e.service}, nil
	}
	return e.dir.UsersByID(ctx, ids)
}

// ScanUsers gives every user to fn, oldest first, until fn says no more.
func (e *Engine) ScanUsers(ctx context.Context, fn func(directory.User) (bool, error)) error {
	return e.dir.ScanUsers(ctx, fn)
}

// Group reads one group with at most so many members (-1: all); a bigger group comes without any.
func (e *Engine) Group(ctx context.Context, id string, members int) (directory.Group, error) {
	return e.dir.Group(ctx, id, members)
}

// FindGroups reads the groups with a value of an index.
func (e *Engine) FindGroups(ctx context.Context, by directory.Index, value string, w directory.Window, members int) (directory.Page[directory.Group], error) {
	return e.dir.FindGroups(ctx, by, value, w, members)
}

// ListGroups reads a part of all groups, oldest first; its first page waits like that of ListUsers.
func (e *Engine) ListGroups(ctx context.Context, w directory.Window, members int) (directory.Page[directory.Group], error) {
	if w.Start <= 1 {
		e.freshen(ctx)
	}
	return e.dir.ListGroups(ctx, w, members)
}

// RangeGroups reads groups by their place in the order of listings.
func (e *Engine) RangeGroups(ctx context.Context, r directory.Range, members int) (directory.Page[directory.Group], error) {
	return e.dir.RangeGroups(ctx, r, members)
}

// GroupsByID reads those of the groups that there are, in the order of the ids.
func (e *Engine) GroupsByID(ctx context.Context, ids []string, members int) ([]directory.Group, error) {
	return e.dir.GroupsByID(ctx, ids, members)
}

// ScanGroups gives every group to fn, oldest first, until fn says no more.
func (e *Engine) ScanGroups(ctx context.Context, members int, fn func(directory.Group) (bool, error)) error {
	return e.dir.ScanGroups(ctx, members, fn)
}
