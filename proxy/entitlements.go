package proxy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// maxNamedRoles bounds how many roles an error offers.
const maxNamedRoles = 20

// entitled makes the roles that a resource assigns those of the CMS: by id, whatever they were called, each once. Roles that
// are held already stand, even if the CMS has lost them. A role that is not there, or that nobody may be given, refuses the
// write; somebody who is to leave is never kept by one.
func (r *request) entitled(res *scim.Resource, held []scim.RoleEntry, active bool) (*scim.Resource, error) {
	if res.Attributes["roles"] == nil {
		return res, nil
	}
	catalog, err := r.roles()
	if err != nil && active {
		return nil, err
	}
	var kept []scim.RoleEntry
	for _, e := range res.Roles() {
		e, err := entitlement(catalog, e, held)
		switch {
		case err != nil && active:
			return nil, err
		case err != nil || e.Value == "":
		default:
			kept = addRole(kept, e)
		}
	}
	res = res.Clone()
	res.SetRoles(kept)
	return res, nil
}

// addRole adds a role that is not there yet.
func addRole(list []scim.RoleEntry, e scim.RoleEntry) []scim.RoleEntry {
	i := slices.IndexFunc(list, func(l scim.RoleEntry) bool { return l.Value == e.Value })
	if i < 0 {
		return append(list, e)
	}
	list[i].Primary = list[i].Primary || e.Primary
	return list
}

// entitlement is an entry as it is kept, with the name that the role has now. An entry that lost its value goes.
func entitlement(catalog mapping.Catalog, e scim.RoleEntry, held []scim.RoleEntry) (scim.RoleEntry, error) {
	if i := slices.IndexFunc(held, func(h scim.RoleEntry) bool { return h.Value == e.Value }); i >= 0 && e.Value != "" {
		e.Display = cmp.Or(catalog.Name(e.Value), held[i].Display)
		return e, nil
	}
	if e.Value == "" {
		if slices.ContainsFunc(held, func(h scim.RoleEntry) bool { return h.Display == e.Display }) {
			return e, nil
		}
		return e, scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
			"An entry of roles has no value: send the id or the name of a role of /Roles.")
	}
	role, offered, found := findRole(catalog, e.Value)
	switch {
	case !found:
		return e, unknownRole(catalog, e.Value)
	case !offered:
		return e, scim.Errorf(http.StatusForbidden, "",
			"The role %q may manage users, sign-on, tokens, environments or the schema of the CMS: it is given by a rule of the proxy only. Assign another one, or have the proxy's configuration allow it.",
			role.Name)
	}
	e.Value, e.Display = role.ID, role.Name
	return e, nil
}

func unknownRole(catalog mapping.Catalog, value string) error {
	names := make([]string, 0, maxNamedRoles+1)
	for _, role := range catalog.Offered() {
		if len(names) == maxNamedRoles {
			names = append(names, "…")
			break
		}
		names = append(names, role.Name)
	}
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
		"The CMS has no role %q; /Roles offers %s. Import the entitlements again, or correct the attribute mapping.", shorten(value), strings.Join(names, ", "))
}

// findRole finds the role that a value means. Entra ID sends what it knows of a role as JSON in a text.
func findRole(catalog mapping.Catalog, value string) (role mapping.Role, offered, found bool) {
	if role, offered, found = catalog.Find(value); found || !strings.HasPrefix(value, "{") {
		return role, offered, found
	}
	var entra struct{ Value, DisplayName string }
	if json.Unmarshal([]byte(value), &entra) != nil {
		return role, false, false
	}
	if role, offered, found = catalog.Find(entra.Value); !found {
		role, offered, found = catalog.Find(entra.DisplayName)
	}
	return role, offered, found
}

// rolesKey is where a stored document may assign roles.
var rolesKey = []byte(`"roles":`)

// rolesOf are the roles that the record assigns, under the names that they have now.
func (r *request) rolesOf(res *scim.Resource) []scim.RoleEntry {
	held := res.Roles()
	if len(held) == 0 {
		return nil
	}
	catalog, err := r.roles()
	if err != nil {
		return held // with the names that they had
	}
	for i := range held {
		held[i].Display = cmp.Or(catalog.Name(held[i].Value), held[i].Display)
	}
	return held
}

// heldRoles are the roles that a record assigns.
func (r *request) heldRoles(cur directory.User) ([]scim.RoleEntry, error) {
	if !bytes.Contains(cur.Doc, rolesKey) {
		return nil, nil
	}
	res, err := scim.FromJSON(cur.Doc)
	if err != nil {
		return nil, unreadable(cur.ID, err)
	}
	return r.rolesOf(res), nil
}

// roleValue turns what a patch may call a role into its id, and leaves everything else as it is.
func (r *request) roleValue(text string) string {
	catalog, err := r.roles()
	if err != nil {
		return text
	}
	if role, _, found := findRole(catalog, text); found {
		return role.ID
	}
	return text
}
