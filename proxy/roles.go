package proxy

import (
	"errors"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// The roles of the CMS are read-only here: they are made in the CMS, or by pushing a group. Other methods are 405.

func (s *Server) listRoles(r *request) error {
	q, err := r.query(scim.RoleType)
	if err != nil {
		return err
	}
	return s.answerRoles(r, q)
}

func (s *Server) searchRoles(r *request) error {
	q, err := r.searchQuery(scim.RoleType)
	if err != nil {
		return err
	}
	return s.answerRoles(r, q)
}

func (s *Server) answerRoles(r *request, q scim.ListQuery) error {
	catalog, err := r.tenant.Users.Roles(r.Request.Context(), q.StartIndex <= 1)
	if err != nil && !errors.Is(err, reconcile.ErrNoRoles) {
		return err
	}
	all, base := catalog.Offered(), r.base()
	page, err := listing[mapping.Role]{
		kind: scim.RoleType,
		list: func(w directory.Window) (directory.Page[mapping.Role], error) {
			first := min(max(w.Start, 1)-1, len(all))
			return directory.Page[mapping.Role]{Total: len(all), Items: all[first:min(first+max(w.Count, 0), len(all))]}, nil
		},
		scan: func(fn func(mapping.Role) (bool, error)) error {
			for _, role := range all {
				if more, err := fn(role); err != nil || !more {
					return err
				}
			}
			return nil
		},
		view: func(role mapping.Role) (map[string]any, error) {
			return viewOf(roleInput(base, role, scim.Projection{}), nil)
		},
	}.page(q, s.window(q))
	if err != nil {
		return err
	}
	return writeList(r, page, q, func(role mapping.Role) (scim.RenderInput, error) { return roleInput(base, role, q.Projection), nil })
}

func (s *Server) readRole(r *request) error {
	id, err := r.resourceID(scim.RoleType)
	if err != nil {
		return err
	}
	q, err := r.query(scim.RoleType)
	if err != nil {
		return err
	}
	catalog, err := r.roles()
	if err != nil && !errors.Is(err, reconcile.ErrNoRoles) {
		return err
	}
	for _, role := range catalog.Offered() {
		if role.ID == id {
			return r.writeResource(200, roleInput(r.base(), role, q.Projection), "")
		}
	}
	return notFound(scim.RoleType, id)
}

// roleInput is a role as scim renders it.
func roleInput(base string, role mapping.Role, p scim.Projection) scim.RenderInput {
	description := ""
	if role.Privileged {
		description = "May manage users, sign-on, tokens, environments or the schema of the CMS."
	}
	return scim.RenderInput{
		Type: scim.RoleType, Stored: scim.RoleJSON(role.Name, description), ID: role.ID,
		Location: base + "/Roles/" + role.ID, Projection: p,
	}
}

// roles are the roles of the CMS, read once for a request.
func (r *request) roles() (mapping.Catalog, error) {
	if r.catalog == nil {
		catalog, err := r.tenant.Users.Roles(r.Request.Context(), false)
		if err != nil {
			return mapping.Catalog{}, err
		}
		r.catalog = &catalog
	}
	return *r.catalog, nil
}
