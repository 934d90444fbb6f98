package mapping

import "slices"

// Taking is what a call takes from a person.
type Taking string

// What a call can take.
const (
	TakesNothing Taking = ""
	TakesAccess  Taking = "access"
	TakesRole    Taking = "role"
)

// Takes says what a step of Make's plan takes from the person: the access that an entity gives, or a role that nothing
// gives any more. Another role that comes in addition to what gave the present one takes nothing.
func (c Case) Takes(s Step) Taking {
	switch {
	case s.Op == Withdraw, s.Op == DeleteUser, s.Active != nil && !*s.Active:
		return TakesAccess
	case s.RoleID == nil, s.Op != UpdateUser && s.Op != SetInvitationRole:
		return TakesNothing
	}
	o := c.Observed
	if s.Old {
		o = c.Old
	}
	if c.Wish.Role.Takes && o.letsIn() && o.RoleID != *s.RoleID {
		return TakesRole
	}
	return TakesNothing
}

// offers reports whether an entitlement, a rule, a group or the default gives the role that a person has now, even if another one comes
// first.
func (r *Rules) offers(p Person, roles RoleSet) bool {
	named := func(name string) bool {
		role, found := roles.Named(name)
		return found && role.ID == p.Current
	}
	if slices.ContainsFunc(p.Entitlements, func(e Entitlement) bool { return e.ID == p.Current }) {
		return true
	}
	for i, rule := range r.config.Rules {
		if _, ok := r.matches(i, p.Attributes, p.Groups); ok && named(rule.Role) {
			return true
		}
	}
	for _, g := range p.Groups {
		// The role of a group that a rule names is the rule's, whatever the group had before.
		if _, ruled := r.GroupRole(g.Name); !ruled && g.RoleID == p.Current && r.passOver(g) == "" {
			return true
		}
	}
	return named(r.config.Default)
}
