package cmsclient

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

const (
	typeRole      = "role"
	rolesEndpoint = "/roles"
	roleEndpoint  = "/roles/:id"
)

// Permissions are attributes of a role as the CMS wrote them: flags, environments_access, arrays of entries.
type Permissions map[string]json.RawMessage

// Allows tells whether a flag is set.
func (p Permissions) Allows(flag string) bool { return string(p[flag]) == "true" }

// denies tells whether a flag is certainly not set.
func (p Permissions) denies(flag string) bool {
	v := string(p[flag])
	return v == "" || v == "false" || v == "null"
}

// Role is what a person may do.
type Role struct {
	ID   string
	Name string
	// Permissions are the role's own attributes, all but its name.
	Permissions Permissions
	// InheritsFrom are the roles whose permissions it has as well.
	InheritsFrom []string
	// Final are the permissions after inheritance; nil where the CMS does not tell.
	Final Permissions
}

// privileges are the flags that let somebody change who may do what, or the project as a whole.
var privileges = [...]string{
	"can_manage_users", "can_manage_sso", "can_manage_access_tokens", "can_manage_environments",
	"can_edit_schema", "can_promote_environments",
}

// Privileged tells whether the role has power over people, tokens, environments or the schema, inherited power
// included. Where that cannot be told it says yes.
func (r Role) Privileged() bool {
	if r.Final == nil && len(r.InheritsFrom) > 0 {
		return true
	}
	return slices.ContainsFunc(privileges[:], func(flag string) bool {
		return !r.Permissions.denies(flag) || !r.Final.denies(flag)
	})
}

// Can tells whether a flag is set, after inheritance where the CMS tells.
func (r Role) Can(flag string) bool {
	return r.Permissions.Allows(flag) || r.Final.Allows(flag)
}

// Template is the role under another name: what CreateRole takes to make an equal one in a single call.
func (r Role) Template(name string) RoleAttributes {
	return RoleAttributes{Name: name, Permissions: maps.Clone(r.Permissions), InheritsFrom: slices.Clone(r.InheritsFrom)}
}

// RoleAttributes is a role to create, or what to change of one: "" and nil leave a value as it is.
type RoleAttributes struct {
	Name         string
	Permissions  Permissions
	InheritsFrom []string
}

func (a RoleAttributes) outgoing(id string) *outgoing {
	out := &outgoing{Type: typeRole, ID: id}
	if a.Name != "" || len(a.Permissions) > 0 {
		out.Attributes = make(map[string]any, len(a.Permissions)+1)
	}
	for name, value := range a.Permissions {
		out.Attributes[name] = value
	}
	if a.Name != "" {
		out.Attributes["name"] = a.Name
	}
	if a.InheritsFrom != nil {
		refs := make([]ref, len(a.InheritsFrom))
		for i, id := range a.InheritsFrom {
			refs[i] = ref{ID: id, Type: typeRole}
		}
		out.Relationships = map[string]any{"inherits_permissions_from": links{Data: refs}}
	}
	return out
}

// Roles lists all roles.
func (c *Client) Roles(ctx context.Context) ([]Role, error) {
	return collect(func(yield func(Role) error) error {
		return c.do(ctx, request{
			method: http.MethodGet, endpoint: rolesEndpoint, decode: list[roleWire](typeRole, yield),
		})
	})
}

// Role reads one role.
func (c *Client) Role(ctx context.Context, id string) (Role, error) {
	return c.role(ctx, request{method: http.MethodGet, endpoint: roleEndpoint, id: id}, id)
}

// CreateRole makes a role.
func (c *Client) CreateRole(ctx context.Context, a RoleAttributes) (Role, error) {
	return c.role(ctx, request{method: http.MethodPost, endpoint: rolesEndpoint, body: a.outgoing("")}, "")
}

// UpdateRole changes what a names of a role.
func (c *Client) UpdateRole(ctx context.Context, id string, a RoleAttributes) (Role, error) {
	data := a.outgoing(id)
	if data.Attributes == nil && data.Relationships == nil {
		return Role{}, &Error{Method: http.MethodPut, Endpoint: roleEndpoint, invalid: true, cause: errEmptyUpdate}
	}
	return c.role(ctx, request{method: http.MethodPut, endpoint: roleEndpoint, id: id, body: data}, id)
}

// DuplicateRole copies a role under a name that the CMS chooses.
func (c *Client) DuplicateRole(ctx context.Context, id string) (Role, error) {
	return c.role(ctx, request{method: http.MethodPost, endpoint: roleEndpoint + "/duplicate", id: id}, "")
}

// DeleteRole deletes a role that nobody holds.
func (c *Client) DeleteRole(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, endpoint: roleEndpoint, id: id})
}

// role makes a call that answers with a role, the one with id where that is known beforehand.
func (c *Client) role(ctx context.Context, r request, id string) (Role, error) {
	var role Role
	r.decode = single[roleWire](&role, typeRole, id)
	err := c.do(ctx, r)
	return role, err
}

type roleWire struct {
	ref
	Attributes    Permissions `json:"attributes"`
	Relationships struct {
		Inherits links `json:"inherits_permissions_from"`
	} `json:"relationships"`
	Meta struct {
		Final Permissions `json:"final_permissions"`
	} `json:"meta"`
}

func (w roleWire) head() ref { return w.ref }

func (w roleWire) entity() Role {
	r := Role{ID: w.ID, Permissions: w.Attributes, InheritsFrom: w.Relationships.Inherits.ids(), Final: w.Meta.Final}
	// A name that is no string is none.
	_ = json.Unmarshal(w.Attributes["name"], &r.Name)
	delete(r.Permissions, "name")
	return r
}
