package proxy

import (
	"context"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// UserReader reads people. A record that is not visible is directory.ErrNotFound, and is left out where many are read.
type UserReader interface {
	User(ctx context.Context, id string) (directory.User, error)
	FindUsers(ctx context.Context, by directory.Index, value string, w directory.Window) (directory.Page[directory.User], error)
	ListUsers(ctx context.Context, w directory.Window) (directory.Page[directory.User], error)
	RangeUsers(ctx context.Context, r directory.Range) (directory.Page[directory.User], error)
	UsersByID(ctx context.Context, ids []string) ([]directory.User, error)
}

// UserWriter keeps what the identity provider wishes of people, and makes the CMS agree. The edit of an update is called
// again when the record changed meanwhile. The check of a deletion, if any, is asked like an edit.
type UserWriter interface {
	CreateUser(ctx context.Context, w directory.UserWish) (reconcile.Result[directory.User], error)
	UpdateUser(ctx context.Context, id string, edit func(directory.User) (directory.UserWish, error)) (reconcile.Result[directory.User], error)
	DeleteUser(ctx context.Context, id string, check func(directory.User) error) error
}

// RoleReader reads the roles of the CMS that people may be assigned. Fresh is for the first page of a listing.
type RoleReader interface {
	Roles(ctx context.Context, fresh bool) (mapping.Catalog, error)
}

// UserStore is the people of one project, and the roles that they may have.
type UserStore interface {
	UserReader
	UserWriter
	RoleReader
}

// GroupReader reads groups; members is how many of a group's members to load at most: all when negative, and none of a
// group that has more.
type GroupReader interface {
	Group(ctx context.Context, id string, members int) (directory.Group, error)
	FindGroups(ctx context.Context, by directory.Index, value string, w directory.Window, members int) (directory.Page[directory.Group], error)
	ListGroups(ctx context.Context, w directory.Window, members int) (directory.Page[directory.Group], error)
	RangeGroups(ctx context.Context, r directory.Range, members int) (directory.Page[directory.Group], error)
	GroupsByID(ctx context.Context, ids []string, members int) ([]directory.Group, error)
}

// GroupWriter keeps what the identity provider wishes of groups.
type GroupWriter interface {
	CreateGroup(ctx context.Context, w directory.GroupWish, members []string, limit int) (reconcile.Result[directory.Group], error)
	UpdateGroup(ctx context.Context, id string, edit reconcile.GroupEdit) (reconcile.Result[directory.Group], error)
	DeleteGroup(ctx context.Context, id string, check func(directory.Group) error) error
}

// GroupStore is the groups of one project.
type GroupStore interface {
	GroupReader
	GroupWriter
}

// The engine of a project is both.
var (
	_ UserStore  = (*reconcile.Engine)(nil)
	_ GroupStore = (*reconcile.Engine)(nil)
)
