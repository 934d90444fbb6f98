package mapping

import (
	"maps"
	"slices"
	"strconv"
)

// Role is a role of the CMS, as far as rules look at it.
type Role struct {
	ID, Name   string
	Privileged bool // it may manage users, single sign-on, access tokens, environments or the schema, inherited powers included
}

// RoleSet finds the roles of the CMS by id and by the name that the configuration uses.
type RoleSet struct {
	byID     map[string]Role
	exact    map[string]string   // name → id
	folded   map[string][]string // folded name → ids
	resolved map[string]string   // name as configured → id it stood for once
}

// NewRoleSet makes a set of all roles of the CMS. resolved tells which role a configured name stood for when it was last
// found: a role that was renamed in the CMS since is still meant. It may be nil.
func NewRoleSet(roles []Role, resolved map[string]string) RoleSet {
	s := RoleSet{
		byID:     make(map[string]Role, len(roles)),
		exact:    make(map[string]string, len(roles)),
		folded:   make(map[string][]string, len(roles)),
		resolved: resolved,
	}
	for _, r := range roles {
		s.byID[r.ID] = r
		s.exact[r.Name] = r.ID
		s.folded[Fold(r.Name)] = append(s.folded[Fold(r.Name)], r.ID)
	}
	return s
}

// With is the set with further roles.
func (s RoleSet) With(more []Role) RoleSet {
	return NewRoleSet(append(slices.Collect(maps.Values(s.byID)), more...), s.resolved)
}

// ByID finds a role by its id in the CMS.
func (s RoleSet) ByID(id string) (Role, bool) {
	r, ok := s.byID[id]
	return r, ok
}

// Roles are all roles, in the CMS's order.
func (s RoleSet) Roles() []Role {
	return slices.SortedFunc(maps.Values(s.byID), func(a, b Role) int { return compareIDs(a.ID, b.ID) })
}

// Named finds the role that a configured name means: the one it stood for before, else the one of exactly this name, else
// the only one whose name differs just in the case of ASCII letters.
func (s RoleSet) Named(name string) (Role, bool) {
	if r, ok := s.byID[s.resolved[name]]; ok {
		return r, true
	}
	if id, ok := s.exact[name]; ok {
		return s.ByID(id)
	}
	if ids := s.folded[Fold(name)]; len(ids) == 1 {
		return s.ByID(ids[0])
	}
	return Role{}, false
}

// quoted is a role's name for people to read, its id when it is unknown.
func (s RoleSet) quoted(id string) string {
	if r, ok := s.byID[id]; ok {
		return strconv.Quote(r.Name)
	}
	return id
}
