package proxy

import (
	"errors"
	"net/http"
	"strings"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

func (s *Server) listUsers(r *request) error {
	q, err := r.query(scim.UserType)
	if err != nil {
		return err
	}
	return s.answerUsers(r, q)
}

func (s *Server) searchUsers(r *request) error {
	q, err := r.searchQuery(scim.UserType)
	if err != nil {
		return err
	}
	return s.answerUsers(r, q)
}

func (s *Server) answerUsers(r *request, q scim.ListQuery) error {
	ctx, users, base := r.Request.Context(), r.tenant.Users, r.base()
	page, err := listing[directory.User]{
		kind: scim.UserType,
		list: func(w directory.Window) (directory.Page[directory.User], error) { return users.ListUsers(ctx, w) },
		find: func(by directory.Index, value string, w directory.Window) (directory.Page[directory.User], error) {
			return users.FindUsers(ctx, by, value, w)
		},
		scan: func(fn func(directory.User) (bool, error)) error { return users.ScanUsers(ctx, fn) },
		view: func(u directory.User) (map[string]any, error) {
			return viewOf(r.userInput(base, u, scim.Projection{}))
		},
	}.page(q, s.window(q))
	if err != nil {
		return err
	}
	return writeList(r, page, q, func(u directory.User) (scim.RenderInput, error) { return r.userInput(base, u, q.Projection) })
}

func (s *Server) listGroups(r *request) error {
	q, err := r.query(scim.GroupType)
	if err != nil {
		return err
	}
	return s.answerGroups(r, q)
}

func (s *Server) searchGroups(r *request) error {
	q, err := r.searchQuery(scim.GroupType)
	if err != nil {
		return err
	}
	return s.answerGroups(r, q)
}

// listedMembers is how many members of each group a listing reads in one go; those of bigger groups are read group by
// group, so that no single read holds Redis up for long.
const listedMembers = 200

func (s *Server) answerGroups(r *request, q scim.ListQuery) error {
	ctx, groups, base := r.Request.Context(), r.tenant.Groups, r.base()
	members := noMembers
	if q.Projection.Wants("members") || q.Filter != nil && strings.Contains(q.Filter.String(), "members") {
		members = listedMembers
	}
	complete := func(g directory.Group) (directory.Group, error) {
		if members == noMembers || g.Members != nil || g.Size == 0 {
			return g, nil
		}
		whole, err := groups.Group(ctx, g.ID, allMembers)
		if errors.Is(err, directory.ErrNotFound) {
			return g, nil // deleted meanwhile
		}
		return whole, err
	}
	input := func(p scim.Projection) func(directory.Group) (scim.RenderInput, error) {
		return func(g directory.Group) (scim.RenderInput, error) {
			g, err := complete(g)
			if err != nil {
				return scim.RenderInput{}, err
			}
			return r.groupInput(base, g, p)
		}
	}
	page, err := listing[directory.Group]{
		kind: scim.GroupType,
		list: func(w directory.Window) (directory.Page[directory.Group], error) {
			return groups.ListGroups(ctx, w, members)
		},
		find: func(by directory.Index, value string, w directory.Window) (directory.Page[directory.Group], error) {
			return groups.FindGroups(ctx, by, value, w, members)
		},
		scan: func(fn func(directory.Group) (bool, error)) error { return groups.ScanGroups(ctx, members, fn) },
		view: func(g directory.Group) (map[string]any, error) { return viewOf(input(scim.Projection{})(g)) },
	}.page(q, s.window(q))
	if err != nil {
		return err
	}
	return writeList(r, page, q, input(q.Projection))
}

// viewOf is the resource as a map, for filters.
func viewOf(in scim.RenderInput, err error) (map[string]any, error) {
	if err != nil {
		return nil, err
	}
	view, err := scim.View(in)
	if err != nil {
		return nil, unreadable(in.ID, err)
	}
	return view, nil
}

// writeList answers with a page.
func writeList[T any](r *request, page directory.Page[T], q scim.ListQuery, input func(T) (scim.RenderInput, error)) error {
	list := scim.List{Total: page.Total, StartIndex: q.StartIndex, Resources: make([][]byte, len(page.Items))}
	for i, item := range page.Items {
		in, err := input(item)
		if err != nil {
			return err
		}
		if list.Resources[i], err = scim.Render(make([]byte, 0, 512+len(in.Stored)+80*len(in.Members)), in); err != nil {
			return unreadable(in.ID, err)
		}
	}
	r.write(http.StatusOK, list.JSON())
	return nil
}
