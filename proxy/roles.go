package proxy

import (
	"errors"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// The roles of the CMS are read-only here: they are made in the CMS, or by pushing a group. Other methods are 405.

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
