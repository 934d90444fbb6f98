package scim

// userRoles is the attribute by which the identity provider assigns roles of the CMS. Ids are compared in the case they have.
var userRoles = exactly(plural("roles", stringKind, "The CMS roles assigned to the user, by id or name; /Roles lists them."))

// exactly has the values of a plural attribute compared case by case.
func exactly(a *attribute) *attribute {
	a.sub[0].exact = true
	return a
}

// RoleEntry is an entry of a user's roles.
type RoleEntry struct {
	Value   string
	Display string
	Type    string
	Primary bool
}

// Roles are the entries of the user's roles, as they are.
func (r *Resource) Roles() []RoleEntry {
	list, _ := r.Attributes[userRoles.name].([]any)
	entries := make([]RoleEntry, 0, len(list))
	for _, e := range list {
		m, _ := e.(map[string]any)
		text := func(sub string) string { s, _ := m[sub].(string); return s }
		entries = append(entries, RoleEntry{Value: text("value"), Display: text("display"), Type: text("type"), Primary: isPrimary(e)})
	}
	return entries
}

// SetRoles replaces the user's roles.
func (r *Resource) SetRoles(entries []RoleEntry) {
	list := make([]any, 0, len(entries))
	for _, e := range entries {
		m := map[string]any{"value": e.Value}
		if e.Display != "" {
			m["display"] = e.Display
		}
		if e.Type != "" {
			m["type"] = e.Type
		}
		if e.Primary {
			m["primary"] = true
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		delete(r.Attributes, userRoles.name)
		return
	}
	r.Attributes[userRoles.name] = list
}

// WithRoles returns the patch as one whose filters and lists of what to remove may say a role otherwise than it is kept:
// role turns such a text into the value that is kept, and anything else into itself.
func (p *Patch) WithRoles(role func(string) string) *Patch {
	return &Patch{operations: p.operations, role: role}
}

// roleValues is a filter over entries of roles that compares with the values that are kept.
func roleValues(n node, role func(string) string) node {
	switch n := n.(type) {
	case *logical:
		return &logical{and: n.and, left: roleValues(n.left, role), right: roleValues(n.right, role)}
	case *negation:
		return &negation{roleValues(n.inner, role)}
	case *comparison:
		text, ok := n.value.raw.(string)
		if !ok || n.attr == nil || n.attr.name != "value" || n.op != opEqual && n.op != opNotEqual {
			return n
		}
		c := *n
		c.value = newOperand(role(text))
		return &c
	}
	return n
}

// namedRoles are entries with the values that are kept.
func namedRoles(entries []any, role func(string) string) []any {
	list := make([]any, 0, len(entries))
	for _, e := range entries {
		m, _ := e.(map[string]any)
		if v, ok := m["value"].(string); ok {
			e = complete(e, map[string]any{"value": role(v)})
		}
		list = append(list, e)
	}
	return list
}
