package mapping

import (
	"cmp"
	"fmt"
	"slices"
)

// Codes of failures that mapping finds. They are shown to operators and stored, and must stay.
const (
	CodeRoleMissing    = "role_missing"    // a role named by a rule, a group or the default is not in the CMS
	CodePrivilegedRole = "privileged_role" // only a rule may give this role, and none does
	CodeInvitationGone = "invitation_gone" // the person vanished from the CMS; the next write of the identity provider invites again
)

// Source says where a role comes from.
type Source int

// Sources of a role.
const (
	FromDefault     Source = iota // roles.default
	FromRule                      // a rule
	FromGroup                     // a group that owns its role
	FromCMS                       // the person was found in the CMS and keeps the role
	FromEntitlement               // the identity provider has assigned the role to the person
)

// Decides says that the source speaks for the identity provider: whoever was found in the CMS is not left alone any more.
func (s Source) Decides() bool { return s == FromEntitlement || s == FromRule || s == FromGroup }

// RoleState says how far a group's own role is.
type RoleState int

// States of a group's own role.
const (
	RoleReady   RoleState = iota // it is there, or the group owns none (RoleID is empty)
	RoleWaiting                  // it is still to be made
	RoleParked                   // it could not be made; members go by the next rule
)

// GroupRef is a group that a person is a member of.
type GroupRef struct {
	ID, Name string
	Seq      int64     // age: the lower, the older
	RoleID   string    // the role it owns or is linked to
	Imported bool      // it stands for a role that was in the CMS before it
	Linked   bool      // the identity provider has taken the imported group over
	State    RoleState // of its role
}

// Person is what the role of a user depends on.
type Person struct {
	Attributes Attributes // nil: no `when` matches
	Groups     []GroupRef
	// Entitlements are the roles that the identity provider has assigned to the person, in any order.
	Entitlements []Entitlement
	// Adopted: found in the CMS, and no entitlement, rule or role-owning group has matched since. Whoever keeps the record
	// clears it for good when a decision's Source is one of these (Source.Decides).
	Adopted bool
	Current string // id of the role in the CMS now, "" when there is none
}

// RoleDecision is the role a person is to have.
type RoleDecision struct {
	// RoleID is the role to have. With Keep it is the present role, for an invitation anew, and "" if that may not be given.
	RoleID  string
	Keep    bool   // the role in the CMS stays, whatever it is
	Wait    bool   // the role is still to be made: invitations and role changes wait, nothing else does
	Failed  string // code: the role cannot be given; the role in the CMS stays, and who has none waits
	Source  Source
	Takes   bool   // what the person has now comes from a rule or a group that gives it no more, or from somebody's hand
	Because string // sentence for operators: how the decision came about
}

// RoleOf decides a person's role: the entitlement, if there is one; then the first rule that matches, in the order
// written; then the roles of own groups, the oldest group first; then the default, for whomever the proxy invites. roles
// must hold every role of the CMS, those just made by the proxy included.
func (r *Rules) RoleOf(p Person, roles RoleSet) RoleDecision {
	p.Groups = slices.Clone(p.Groups)
	slices.SortStableFunc(p.Groups, func(a, b GroupRef) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID))
	})
	d := r.decide(p, roles)
	d.Takes = d.RoleID != "" && !d.Keep && p.Current != "" && !p.Adopted && !r.offers(p, roles)
	return d
}

func (r *Rules) decide(p Person, roles RoleSet) RoleDecision {
	if d, ok := r.byEntitlement(p, roles); ok {
		return d
	}
	if d, ok := r.byRule(p.Attributes, p.Groups, roles); ok {
		return d
	}
	d, passed, ok := r.byGroup(p.Groups, roles)
	if !ok {
		d = r.byDefault(p, roles)
	}
	d.Because += passed
	return d
}

func (r *Rules) byRule(a Attributes, groups []GroupRef, roles RoleSet) (RoleDecision, bool) {
	for i, rule := range r.config.Rules {
		why, ok := r.matches(i, a, groups)
		if !ok {
			continue
		}
		d := RoleDecision{Source: FromRule, Because: fmt.Sprintf("rule %d (%s) gives role %q", i+1, why, rule.Role)}
		role, found := roles.Named(rule.Role)
		if !found {
			return d.missing(), true
		}
		d.RoleID = role.ID
		return d, true
	}
	return RoleDecision{}, false
}

func (r *Rules) matches(i int, a Attributes, groups []GroupRef) (why string, ok bool) {
	rule := r.config.Rules[i]
	if when := r.when[i]; when != nil {
		return "when " + rule.When, a != nil && when(a)
	}
	for _, g := range groups {
		if matchGlob(rule.Group, g.Name) {
			return fmt.Sprintf("group %q, by %q", rule.Group, g.Name), true
		}
	}
	return "", false
}

// byGroup also tells, in words, which groups were passed over.
func (r *Rules) byGroup(groups []GroupRef, roles RoleSet) (d RoleDecision, passed string, ok bool) {
	for _, g := range groups {
		if why := r.passOver(g); why != "" {
			passed += fmt.Sprintf("; group %q is passed over: %s", g.Name, why)
			continue
		}
		d = RoleDecision{Source: FromGroup, Because: fmt.Sprintf("group %q, the oldest that has a role, gives its own", g.Name)}
		if g.State == RoleWaiting {
			d.Wait = true
			d.Because += ", which is still to be made"
			return d, passed, true
		}
		role, found := roles.ByID(g.RoleID)
		if !found {
			return d.missing(), passed, true
		}
		d.Because += fmt.Sprintf(" role %q", role.Name)
		return r.grant(d, role), passed, true
	}
	return RoleDecision{}, passed, false
}

// passOver says why a group gives no role, "" when it gives one.
func (r *Rules) passOver(g GroupRef) string {
	switch {
	case g.State == RoleParked:
		return "its role could not be made"
	case g.Imported && !g.Linked:
		return "the identity provider has not taken it over"
	case g.Imported && r.config.Link == ByRule:
		return "it is linked to a role that was there before, and roles.link is by_rule"
	case g.State == RoleReady && g.RoleID == "":
		return "it has no role"
	}
	return ""
}

func (r *Rules) byDefault(p Person, roles RoleSet) RoleDecision {
	if p.Adopted && p.Current != "" && r.config.Adopt == Keep {
		return r.keep(p.Current, roles)
	}
	d := RoleDecision{Source: FromDefault, Because: fmt.Sprintf("no rule and no group gives a role: roles.default, %q", r.config.Default)}
	role, found := roles.Named(r.config.Default)
	if !found {
		return d.missing()
	}
	return r.grant(d, role)
}

func (r *Rules) keep(current string, roles RoleSet) RoleDecision {
	d := RoleDecision{Keep: true, Source: FromCMS}
	role, found := roles.ByID(current)
	if found && r.mayGive(role) {
		d.RoleID = role.ID
	}
	d.Because = fmt.Sprintf("found in the CMS, and no rule or group has given a role yet: keeps role %q", cmp.Or(role.Name, current))
	return d
}

func (r *Rules) mayGive(role Role) bool { return !role.Privileged || r.config.Privileged == Allow }

// grant gives a role that no rule names.
func (r *Rules) grant(d RoleDecision, role Role) RoleDecision {
	if r.mayGive(role) {
		d.RoleID = role.ID
		return d
	}
	d.Failed = CodePrivilegedRole
	d.Because += fmt.Sprintf(", but role %q may manage users, sign-on, tokens, environments or the schema, and only a rule gives such a role: the present role stays", role.Name)
	return d
}

func (d RoleDecision) missing() RoleDecision {
	d.Failed = CodeRoleMissing
	d.Because += ", but the CMS has no such role: the present role stays"
	return d
}
