package mapping

// Kind is what the CMS has for a person.
type Kind int

// Kinds of CMS entities.
const (
	Nothing Kind = iota
	Invitation
	Collaborator
)

// WishState is what the identity provider wants of a person.
type WishState int

// States of a wish.
const (
	Active WishState = iota
	Inactive
	Deleted
)

// Wish is what the identity provider wants.
type Wish struct {
	State   WishState
	Address string
	Role    RoleDecision
	Written bool // the identity provider (or an operator) wrote this person since the last agreement
}

// Applied is what the proxy last made the CMS have, or found there and accepted. Accepted tells it.
type Applied struct {
	Known   bool // false: nothing was ever agreed on
	Kind    Kind
	Address string
	RoleID  string
	Active  bool
}

// Observed is what the CMS was last seen to have.
type Observed struct {
	Kind    Kind
	ID      string
	Address string
	RoleID  string
	Active  bool // of a collaborator
	Expired bool // of an invitation
}

// Destination is who gets the content of a removed collaborator.
type Destination struct {
	Type string // access_token, user, account or sso_user
	ID   string
}

// Policy is what a project wants to happen to leavers and to changed addresses.
type Policy struct {
	Remove      bool         // delete the collaborators of deleted people; else deactivate them
	Destination *Destination // nil: none is named
	Token       string       // id of the proxy's own access token, the destination of whoever would be their own; may be empty
	Reinvite    bool         // a new address is invited anew; else a collaborator keeps the address they have in the CMS
	Repair      bool         // roles that somebody changed by hand are corrected, and invitations of leavers withdrawn
	Resend      bool         // an invitation that ran out may be sent again without a write
}

// Case is one person as Make sees them: what is wished, what was agreed on last, and what there is.
type Case struct {
	Wish    Wish
	Applied Applied
	// Observed is the entity that the person is linked to.
	Observed Observed
	// Old is the entity it replaced under Policy.Reinvite, as long as that exists: the link moves to a new invitation when
	// it is sent, and what it pointed at is Old from then on.
	Old    Observed
	Policy Policy
}

// Attr names what drifted.
type Attr string

// Attributes that can drift.
const (
	AttrPresence Attr = "presence" // in the CMS at all; or an invitation that ran out
	AttrActive   Attr = "active"   // can get in
	AttrRole     Attr = "role"
	AttrAddress  Attr = "address"
)

// Drift is a difference between wish and CMS that somebody made in the CMS. It is reported, not repaired, by a plan.
type Drift struct {
	Attr             Attr
	Wished, Observed string
}

// Failure is why a wish cannot be met. The zero value is none.
type Failure struct {
	Code string
	Text string // for operators
}

// Plan is how the CMS is made to agree.
type Plan struct {
	Steps  []Step // in order; when one fails those after it are not to be tried
	Drift  []Drift
	Failed Failure // what the steps leave unmet
	Wait   bool    // an invitation or a role change is held back until its role can be given
}

// Agreed reports whether nothing is left to do, now or later. Drift may be left.
func (p Plan) Agreed() bool { return len(p.Steps) == 0 && p.Failed.Code == "" && !p.Wait }

// Make plans the fewest calls by which the CMS agrees with the wish. Every attribute is compared three ways: it is touched
// only where the wish differs both from what was agreed on last and from what there is. The exception is access for
// somebody who should have none: see planner.mayRevoke.
func Make(c Case) Plan {
	if c.Old.Kind == c.Observed.Kind && c.Old.ID == c.Observed.ID {
		c.Old = Observed{}
	}
	p := planner{Case: c}
	if c.Wish.State == Active {
		p.admit()
	} else {
		p.revoke()
	}
	return p.plan
}

// Accepted is what to keep as Applied once Make's plan came out agreed. Until then the former Applied stays: a plan that
// was carried out halfway is made anew from it.
func Accepted(c Case) Applied {
	o, a := c.Observed, c.Applied
	if c.Wish.State == Active {
		if o.Kind == Nothing {
			return a
		}
		next := Applied{Known: true, Kind: o.Kind, Address: c.Wish.Address, RoleID: c.Wish.Role.RoleID, Active: true}
		if c.Wish.Role.Keep || next.RoleID == "" {
			next.RoleID = o.RoleID
		}
		return next
	}
	if o.Kind == Nothing || (a.Known && a.Kind == Nothing) {
		return Applied{Known: true}
	}
	if a.Known {
		return Applied{Known: true, Kind: o.Kind, Address: a.Address, RoleID: a.RoleID}
	}
	return Applied{Known: true, Kind: o.Kind, Address: o.Address, RoleID: o.RoleID}
}
