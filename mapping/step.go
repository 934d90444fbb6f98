package mapping

import "strings"

// Op is a kind of CMS call.
type Op int

// Operations of a plan.
const (
	Invite            Op = iota // create an invitation for Address with RoleID
	SetInvitationRole           // give invitation ID the role RoleID
	Withdraw                    // delete invitation ID
	Resend                      // renew invitation ID
	UpdateUser                  // give collaborator ID the role RoleID and the state Active, where set
	DeleteUser                  // delete collaborator ID, its content to Destination
)

// String is the operation's name, fit for a metric label.
func (op Op) String() string {
	names := [...]string{"invite", "set_invitation_role", "withdraw", "resend", "update_user", "delete_user"}
	if op < 0 || int(op) >= len(names) {
		return "unknown"
	}
	return names[op]
}

// Step is one CMS call of a plan.
type Step struct {
	Op          Op
	ID          string // of the invitation or collaborator; "" for Invite
	Address     string // of the entity
	RoleID      *string
	Active      *bool
	Destination *Destination // of DeleteUser; nil: none is named
	Old         bool         // it concerns Case.Old
}

// String says the step in words. It names the person's address.
func (s Step) String() string { return s.describe(func(id string) string { return id }) }

func (s Step) describe(roleName func(id string) string) string {
	role := ""
	if s.RoleID != nil {
		role = roleName(*s.RoleID)
	}
	switch s.Op {
	case Invite:
		return "invite " + s.Address + " with role " + role
	case SetInvitationRole:
		return "give invitation " + s.who() + " role " + role
	case Withdraw:
		return "withdraw invitation " + s.who()
	case Resend:
		return "resend invitation " + s.who()
	case UpdateUser:
		return s.changes(role) + " collaborator " + s.who() + s.newRole(role)
	case DeleteUser:
		return "remove collaborator " + s.who() + s.inheritance()
	}
	return s.Op.String() + " " + s.who()
}

// who is "5 (ada@example.com)".
func (s Step) who() string {
	if s.Address == "" {
		return s.ID
	}
	return s.ID + " (" + s.Address + ")"
}

func (s Step) changes(role string) string {
	switch {
	case s.Active == nil && role == "":
		return "leave"
	case s.Active == nil:
		return "give"
	case *s.Active:
		return "activate"
	}
	return "deactivate"
}

func (s Step) newRole(role string) string {
	switch {
	case role == "":
		return ""
	case s.Active == nil:
		return " role " + role
	}
	return " with role " + role
}

func (s Step) inheritance() string {
	if s.Destination == nil {
		return ""
	}
	return ", content to " + strings.ReplaceAll(s.Destination.Type, "_", " ") + " " + s.Destination.ID
}

// letsIn reports whether the entity gives access, or would on acceptance.
func (o Observed) letsIn() bool {
	return (o.Kind == Collaborator && o.Active) || (o.Kind == Invitation && !o.Expired)
}

// state is what there is, in words.
func (o Observed) state() string {
	switch {
	case o.Kind == Nothing:
		return "nothing there"
	case o.Kind == Invitation && o.Expired:
		return "expired invitation"
	case o.Kind == Invitation:
		return "invitation"
	case o.Active:
		return "active collaborator"
	}
	return "inactive collaborator"
}
