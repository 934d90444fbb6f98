package mapping

// CallKind is what a call means to those who read a plan. Its values are shown and must stay.
type CallKind string

// Kinds of calls.
const (
	CallInvitation     CallKind = "invitation"      // somebody is invited
	CallInvitationRole CallKind = "invitation_role" // an invitation gets another role
	CallWithdrawal     CallKind = "withdrawal"      // an invitation is taken back
	CallResend         CallKind = "resend"          // an invitation that ran out is sent again
	CallActivation     CallKind = "activation"      // a collaborator gets in again
	CallDeactivation   CallKind = "deactivation"    // a collaborator gets in no more
	CallRoleChange     CallKind = "role_change"     // a collaborator gets another role
	CallProfile        CallKind = "profile"         // only further attributes change
	CallDeletion       CallKind = "deletion"        // a collaborator is removed
	CallRoleMade       CallKind = "role_made"       // a group gets a role of its own
	CallRoleRenamed    CallKind = "role_renamed"    // the role of a group follows its name
	CallRoleDeleted    CallKind = "role_deleted"    // the role of a group goes
)

// CallKinds are all kinds, in the order in which they are told.
func CallKinds() []CallKind {
	return []CallKind{
		CallInvitation, CallInvitationRole, CallWithdrawal, CallResend, CallActivation, CallDeactivation, CallRoleChange, CallProfile,
		CallDeletion, CallRoleMade, CallRoleRenamed, CallRoleDeleted,
	}
}

// Kind says what the step means.
func (s Step) Kind() CallKind {
	switch s.Op {
	case Invite:
		return CallInvitation
	case SetInvitationRole:
		return profileOr(s, CallInvitationRole)
	case Withdraw:
		return CallWithdrawal
	case Resend:
		return CallResend
	case DeleteUser:
		return CallDeletion
	case UpdateUser:
	}
	switch {
	case s.Active != nil && *s.Active:
		return CallActivation
	case s.Active != nil:
		return CallDeactivation
	}
	return profileOr(s, CallRoleChange)
}

// profileOr is the kind of a step that gives a role, or else only takes the profile along.
func profileOr(s Step, kind CallKind) CallKind {
	if s.RoleID == nil {
		return CallProfile
	}
	return kind
}

// Describe says the step in words, with the names of roles. It names the person's address.
func (s Step) Describe(roles RoleSet) string { return s.describe(roles.quoted) }
