package reconcile

import (
	"strconv"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

// Codes of syncs that can only succeed after a change.
const (
	codeAddressTaken  = "address_taken"  // the CMS account is linked to another record
	codeNoAddress     = "no_address"     // users.without_email: accept
	codeRemovalPaused = "removal_paused" // content_owner does not work
)

// roleWait is when a user who waits for a group's role is looked at if the group does not call earlier.
const roleWait = 15 * time.Second

func itoa(n int) string { return strconv.Itoa(n) }

// decide finds the role of a user. Nobody without an active wish needs one.
func (e *Engine) decide(u directory.User, roles mapping.RoleSet) (mapping.RoleDecision, error) {
	return e.decideBy(e.set(), u, roles)
}

func (e *Engine) decideBy(set *live, u directory.User, roles mapping.RoleSet) (mapping.RoleDecision, error) {
	if u.State != directory.Live || !u.Active {
		return mapping.RoleDecision{}, nil
	}
	if u.Kept && u.Link.Kind != directory.NoLink {
		return mapping.RoleDecision{RoleID: u.Link.RoleID, Keep: true, Source: mapping.FromCMS, Because: "an operator discarded a change that the brake held: " +
			"keeps the present role until the identity provider writes this person again"}, nil
	}
	p, err := e.person(u)
	if err != nil {
		return mapping.RoleDecision{}, err
	}
	return set.Rules.RoleOf(p, roles), nil
}

// person is a user as rules see them.
func (e *Engine) person(u directory.User) (mapping.Person, error) {
	attrs, err := e.o.Attributes(u.Doc)
	if err != nil {
		return mapping.Person{}, err
	}
	groups := make([]mapping.GroupRef, 0, len(u.Groups))
	for _, g := range u.Groups {
		groups = append(groups, groupRef(g))
	}
	return mapping.Person{
		Attributes: attrs, Groups: groups, Entitlements: entitlements(attrs), Adopted: u.Adopted, Current: u.Link.RoleID,
	}, nil
}

// groupRef is a group as rules see it. Whoever is stored as a member was put there by the identity provider, so an
// imported group with members is linked.
func groupRef(g directory.GroupRef) mapping.GroupRef {
	r := mapping.GroupRef{ID: g.ID, Name: g.Name, Seq: g.Seq, RoleID: g.RoleID, Imported: g.Imported, Linked: g.Imported}
	switch {
	case g.RoleID != "":
	case g.Status == "pending":
		r.State = mapping.RoleWaiting
	case g.Status == "failed":
		r.State = mapping.RoleParked
	}
	return r
}

// caseFor is a user as the plan sees it.
func (e *Engine) caseFor(u directory.User, role mapping.RoleDecision) mapping.Case {
	return e.caseBy(e.set(), u, role)
}

func (e *Engine) caseBy(set *live, u directory.User, role mapping.RoleDecision) mapping.Case {
	policy := set.Rules.Policy(e.binding.tokenID())
	policy.Remove = policy.Remove && !e.removals.stopped(e.o.Now())
	return mapping.Case{
		Wish: mapping.Wish{
			State: wishState(u), Address: u.Address, Role: role, Written: !u.Applied.Known || u.Writes > u.Applied.Writes,
		},
		Applied: mapping.Applied{
			Known: u.Applied.Known, Kind: kindOf(u.Applied.Kind), Address: u.Applied.Address, RoleID: u.Applied.RoleID, Active: u.Applied.Active,
		},
		Observed: observed(u.Link),
		Old:      observed(u.Old),
		Policy:   policy,
	}
}

func wishState(u directory.User) mapping.WishState {
	switch {
	case u.State == directory.Deleted:
		return mapping.Deleted
	case u.Active:
		return mapping.Active
	}
	return mapping.Inactive
}

func kindOf(k directory.LinkKind) mapping.Kind {
	switch k {
	case directory.Invitation:
		return mapping.Invitation
	case directory.Collaborator:
		return mapping.Collaborator
	}
	return mapping.Nothing
}

func linkKind(k mapping.Kind) directory.LinkKind {
	return [...]directory.LinkKind{directory.NoLink, directory.Invitation, directory.Collaborator}[k]
}

func observed(l directory.Link) mapping.Observed {
	return mapping.Observed{Kind: kindOf(l.Kind), ID: l.ID, Address: l.Address, RoleID: l.RoleID, Active: l.Active, Expired: l.Expired}
}

func appliedRecord(a mapping.Applied, writes int64) directory.Applied {
	return directory.Applied{Known: true, Kind: linkKind(a.Kind), Address: a.Address, RoleID: a.RoleID, Active: a.Active, Writes: writes}
}

// protected reports whether an address is never to be touched.
func (e *Engine) protected(address string) bool {
	return address != "" && e.set().Rules.Protected(address)
}

// untouchable people are the protected ones and whoever is behind the CMS token.
func (e *Engine) untouchable(u directory.User) bool {
	return e.protected(u.Address) || e.protected(u.Link.Address) || e.binding.owns(u.Link)
}
