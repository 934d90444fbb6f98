package mapping

// DriftKind names a difference that somebody made in the CMS, for lists and metrics.
type DriftKind string

// Kinds of drift. Those of roles and of groups are found by whoever reads both sides.
const (
	DriftRole              DriftKind = "role"               // another role
	DriftInactive          DriftKind = "inactive"           // deactivated by hand
	DriftLeaverAccess      DriftKind = "leaver_access"      // somebody who is to have no access has it again
	DriftLeftover          DriftKind = "leftover"           // something without access was put there for a leaver
	DriftAddress           DriftKind = "address"            // another address
	DriftCollaboratorGone  DriftKind = "collaborator_gone"  // deleted by hand
	DriftInvitationGone    DriftKind = "invitation_gone"    // withdrawn by hand, or accepted with another account
	DriftInvitationExpired DriftKind = "invitation_expired" // ran out
	DriftRoleRenamed       DriftKind = "role_renamed"       // a role that a rule or group uses has another name
	DriftRoleGone          DriftKind = "role_gone"          // it is gone
	DriftRoleLeftBehind    DriftKind = "role_left_behind"   // the role of a deleted group, still used by others
	DriftUnboundCandidate  DriftKind = "unbound_candidate"  // a leaver may have joined with another account
)

// DriftKinds are all kinds.
func DriftKinds() []DriftKind {
	return []DriftKind{DriftRole, DriftInactive, DriftLeaverAccess, DriftLeftover, DriftAddress, DriftCollaboratorGone, DriftInvitationGone,
		DriftInvitationExpired, DriftRoleRenamed, DriftRoleGone, DriftRoleLeftBehind, DriftUnboundCandidate}
}

// KindOf names a drift of a case's plan. Who is gone is taken for an invitee: whether they had joined is not the case's to tell.
func KindOf(c Case, d Drift) DriftKind {
	switch {
	case d.Attr == AttrRole:
		return DriftRole
	case d.Attr == AttrActive:
		return DriftInactive
	case d.Attr == AttrAddress:
		return DriftAddress
	case c.Wish.State != Active:
		return DriftLeftover
	case c.Observed.Kind == Invitation:
		return DriftInvitationExpired
	}
	return DriftInvitationGone
}
