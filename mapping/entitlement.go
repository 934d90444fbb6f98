package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Entitlement is a role that the identity provider has assigned to a person by itself.
type Entitlement struct {
	ID   string // of the role in the CMS
	Name string // the role's name when it was last written; ranks a role that is gone
}

// byEntitlement decides for a person whom the identity provider has assigned roles: the first by roles.entitlements_order,
// then in the CMS's order. Like a rule's role, one that is gone makes nobody fall through to the next.
func (r *Rules) byEntitlement(p Person, roles RoleSet) (RoleDecision, bool) {
	if len(p.Entitlements) == 0 {
		return RoleDecision{}, false
	}
	first := slices.MinFunc(p.Entitlements, func(a, b Entitlement) int {
		return cmp.Or(cmp.Compare(r.entitlementRank(a, roles), r.entitlementRank(b, roles)), compareIDs(a.ID, b.ID))
	})
	role, found := roles.ByID(first.ID)
	d := RoleDecision{Source: FromEntitlement, Because: fmt.Sprintf("entitlement: the identity provider assigns role %q",
		cmp.Or(role.Name, first.Name, first.ID))}
	if n := len(p.Entitlements); n > 1 {
		d.Because += fmt.Sprintf(", the first of %d", n)
	}
	if !found {
		return d.missing(), true
	}
	if i := r.ruleFor(role, p, roles); role.Privileged && i >= 0 {
		d.RoleID = role.ID
		d.Because += fmt.Sprintf(", which is privileged; rule %d allows it", i+1)
		return d, true
	}
	return r.grant(d, role), true
}

// entitlementRank is the place of an entitlement in roles.entitlements_order; those that are not listed come last.
func (r *Rules) entitlementRank(e Entitlement, roles RoleSet) int {
	for i, name := range r.config.EntitlementsOrder {
		role, found := roles.Named(name)
		if found && role.ID == e.ID || !found && Fold(name) == Fold(e.Name) {
			return i
		}
	}
	return len(r.config.EntitlementsOrder)
}

// ruleFor is the index of the first rule that matches a person and gives a role; -1 when none does.
func (r *Rules) ruleFor(role Role, p Person, roles RoleSet) int {
	for i, rule := range r.config.Rules {
		if named, found := roles.Named(rule.Role); !found || named.ID != role.ID {
			continue
		}
		if _, ok := r.matches(i, p.Attributes, p.Groups); ok {
			return i
		}
	}
	return -1
}

// compareIDs is the CMS's order of roles: that of their numbers, where ids are numbers.
func compareIDs(a, b string) int {
	if isNumber(a) && isNumber(b) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}
	return cmp.Compare(a, b)
}

func isNumber(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' }) < 0
}

// Catalog is the roles of the CMS as the identity provider may assign them to people.
type Catalog struct {
	roles   RoleSet
	offered []Role
}

// Catalog makes the catalog of the roles that the CMS has. Offered is each of them but the privileged ones that nobody
// could be given: with roles.privileged by_rule those that no rule names.
func (r *Rules) Catalog(all RoleSet) Catalog {
	roles := all.Roles()
	c := Catalog{roles: NewRoleSet(roles, nil)} // what a name stood for once is the configuration's business
	for _, role := range roles {
		if r.mayGive(role) || slices.ContainsFunc(r.config.Rules, func(rule Rule) bool {
			named, found := all.Named(rule.Role)
			return found && named.ID == role.ID
		}) {
			c.offered = append(c.offered, role)
		}
	}
	return c
}

// Offered are the roles that may be assigned, in the CMS's order.
func (c Catalog) Offered() []Role { return c.offered }

// Find finds the role, offered or not, that a value means: an id, else a name, in any case where only one has it.
func (c Catalog) Find(value string) (role Role, offered, found bool) {
	if role, found = c.roles.ByID(value); !found {
		role, found = c.roles.Named(value)
	}
	return role, found && slices.ContainsFunc(c.offered, func(o Role) bool { return o.ID == role.ID }), found
}

// Name is the name that a role has now; "" when the CMS does not have it.
func (c Catalog) Name(id string) string {
	role, _ := c.roles.ByID(id)
	return role.Name
}
