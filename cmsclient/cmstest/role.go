package cmstest

import (
	"slices"
	"strconv"
)

const (
	editorName = "Editor"
	adminName  = "Admin"
)

// role is a set of permissions that people and tokens hold.
type role struct {
	id       int
	name     string
	own      permissions
	inherits []int
}

func (r *role) number() int { return r.id }
func (r *role) key() string { return roleKey(r.name) }

// firstRoles are the two roles of a new project, as recorded from one.
func firstRoles() (editor, admin *role) {
	content := []any{map[string]any{
		"environment": "main", "action": "all", "on_creator": "anyone", "localization_scope": "all",
	}}
	both := map[string]any{
		positive("item_type"): content, positive("upload"): content,
		positive("build_trigger"): []any{map[string]any{"build_trigger": nil}},
		"can_edit_favicon":        true, "can_access_build_events_log": true,
	}
	all := map[string]any{"environments_access": "all"}
	for _, flag := range flagNames() {
		all[flag] = true
	}
	base := newPermissions().set(both)
	return &role{name: editorName, own: base}, &role{name: adminName, own: base.set(all)}
}

// finalOf is what the role comes to with everything it inherits. Links never form a circle.
func (s *store) finalOf(r *role) permissions {
	parents := make([]permissions, 0, len(r.inherits))
	for _, id := range r.inherits {
		if parent, ok := s.roles.byID[id]; ok {
			parents = append(parents, s.finalOf(parent))
		}
	}
	return final(r.own, parents)
}

func (s *store) roleResource(r *role) Resource {
	attributes := r.own.attributes()
	attributes["name"] = r.name
	refs := make([]Ref, 0, len(r.inherits))
	for _, id := range r.inherits {
		refs = append(refs, Ref{ID: strconv.Itoa(id), Type: "role"})
	}
	return Resource{
		ID: strconv.Itoa(r.id), Type: "role", Attributes: attributes,
		Relationships: map[string]Link{"inherits_permissions_from": {Data: refs}},
		Meta:          map[string]any{"final_permissions": s.finalOf(r).attributes()},
	}
}

// reaches says that role id inherits from target, or is it.
func (s *store) reaches(id, target int) bool {
	if id == target {
		return true
	}
	r, ok := s.roles.byID[id]
	return ok && slices.ContainsFunc(r.inherits, func(next int) bool { return s.reaches(next, target) })
}

func (s *store) listRoles(*call) (answer, error) {
	list := make([]Resource, 0, len(s.roles.rows))
	for _, r := range s.roles.rows {
		list = append(list, s.roleResource(r))
	}
	return ok(list)
}

func (s *store) getRole(c *call) (answer, error) {
	r, found := s.roles.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	return ok(s.roleResource(r))
}

func (s *store) createRole(c *call) (answer, error) {
	r := &role{own: newPermissions()}
	if err := s.changeRole(r, c); err != nil {
		return answer{}, err
	}
	if s.rolesFull() {
		return answer{}, planError("roles")
	}
	r.id = s.roles.number()
	s.roles.add(r)
	return created(s.roleResource(r))
}

func (s *store) updateRole(c *call) (answer, error) {
	r, found := s.roles.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	changed := *r
	if err := s.changeRole(&changed, c); err != nil {
		return answer{}, err
	}
	s.roles.rekey(r, func() { *r = changed })
	return ok(s.roleResource(r))
}

// changeRole applies a body that passed the schema to r, which is not in the table, or says why not.
func (s *store) changeRole(r *role, c *call) error {
	attributes := c.attributes()
	if err := s.rename(r, attributes); err != nil {
		return err
	}
	if err := checkPermissions(attributes); err != nil {
		return err
	}
	r.own = r.own.set(attributes)
	if parents, sent := c.links("inherits_permissions_from"); sent {
		return s.inherit(r, parents)
	}
	return nil
}

// rename gives r the name that attributes bring, if any.
func (s *store) rename(r *role, attributes map[string]any) error {
	name, sent := attributes["name"].(string)
	if !sent {
		return nil
	}
	if name == "" {
		return emptyName()
	}
	if other, taken := s.roles.byKey[roleKey(name)]; taken && other.id != r.id {
		return nameTaken()
	}
	r.name = name
	return nil
}

// inherit makes r inherit from these roles and no others.
func (s *store) inherit(r *role, parents []string) error {
	r.inherits = make([]int, 0, len(parents))
	for _, id := range parents {
		parent, found := s.roles.find(id)
		if !found {
			return missingRelated()
		}
		if r.id != 0 && s.reaches(parent.id, r.id) {
			return inheritsItself()
		}
		r.inherits = append(r.inherits, parent.id)
	}
	return nil
}

func (s *store) deleteRole(c *call) (answer, error) {
	r, found := s.roles.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	if s.inUse(r) {
		return answer{}, roleInUse()
	}
	gone := s.roleResource(r)
	s.roles.remove(r)
	return ok(gone)
}

func (s *store) duplicateRole(c *call) (answer, error) {
	r, found := s.roles.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	if s.rolesFull() {
		return answer{}, planError("roles")
	}
	name := copyName(r.name, func(n string) bool { _, taken := s.roles.byKey[roleKey(n)]; return taken })
	twin := &role{id: s.roles.number(), name: name, own: r.own.clone(), inherits: slices.Clone(r.inherits)}
	s.roles.add(twin)
	return created(s.roleResource(twin))
}

// inUse says that a person, an invitation, the token or another role has the role.
func (s *store) inUse(r *role) bool {
	if s.uses[r.id] > 0 || s.tokenRole == r.id {
		return true
	}
	return slices.ContainsFunc(s.roles.rows, func(other *role) bool { return slices.Contains(other.inherits, r.id) })
}

func (s *store) rolesFull() bool { return s.roleLimit > 0 && len(s.roles.rows) >= s.roleLimit }
