package mapping

// planner writes the plan of one case.
type planner struct {
	Case
	plan Plan
}

// admit plans for somebody who is to have access. What takes access away comes first, except that under reinvite the old
// collaborator goes only when the new one can get in.
func (p *planner) admit() {
	joined := p.Observed.Kind == Collaborator
	switch {
	case p.Old.Kind == Invitation || (joined && p.Observed.Active):
		p.retireOld()
	case joined && (p.moves() || !p.present() || p.another(p.Observed)): // goes when the other one is active again, or has a successor
	default:
		p.updateOldRole()
	}
	switch p.Observed.Kind {
	case Nothing:
		p.admitAbsent()
	case Invitation:
		p.admitInvited()
	default:
		p.admitCollaborator()
	}
}

func (p *planner) admitAbsent() {
	if p.present() && !p.addressChanged() && !p.Wish.Written {
		p.drift(AttrPresence, "in the CMS", "nothing there")
		p.fail(CodeInvitationGone, "the invitation or collaborator vanished from the CMS; the next write of the identity provider invites again")
		return
	}
	p.invite()
}

func (p *planner) admitInvited() {
	o := p.Observed
	if !SameAddress(p.Wish.Address, o.Address) {
		if p.addressChanged() {
			p.step(Step{Op: Withdraw, ID: o.ID, Address: o.Address})
			p.invite()
			return
		}
		p.drift(AttrAddress, p.Wish.Address, o.Address)
	}
	if role := p.roleFor(o); role != "" {
		p.step(Step{Op: SetInvitationRole, ID: o.ID, Address: o.Address, RoleID: &role})
	}
	switch {
	case !o.Expired:
	case p.present() && !p.Wish.Written && !p.Policy.Resend:
		p.drift(AttrPresence, "a valid invitation", "an expired one")
	case !p.plan.Wait: // it would go out with the former role
		p.step(Step{Op: Resend, ID: o.ID, Address: o.Address})
	}
}

func (p *planner) admitCollaborator() {
	o := p.Observed
	if p.moves() {
		p.replace()
		return
	}
	if !SameAddress(p.Wish.Address, o.Address) {
		p.drift(AttrAddress, p.Wish.Address, o.Address)
	}
	update := Step{Op: UpdateUser, ID: o.ID, Address: o.Address}
	if role := p.roleFor(o); role != "" {
		update.RoleID = &role
	}
	if !o.Active {
		if p.present() && !p.another(o) {
			p.drift(AttrActive, "active", "inactive")
		} else {
			update.Active = new(true)
		}
	}
	if update.RoleID != nil || update.Active != nil {
		p.step(update)
	}
	if update.Active != nil {
		p.retireOld()
	}
}

// replace invites the new address of a collaborator, who keeps access with the old one until the invitation is accepted,
// and so has to get a new role there, too. The record remembers one predecessor, so an earlier one goes first.
func (p *planner) replace() {
	o := p.Observed
	if !o.Active {
		p.retireOld()
	} else if role := p.roleFor(o); role != "" {
		p.step(Step{Op: UpdateUser, ID: o.ID, Address: o.Address, RoleID: &role})
	}
	p.invite()
}

// invite sends the invitation, if its role can be given.
func (p *planner) invite() {
	role := p.Wish.Role
	switch {
	case role.Wait:
		p.plan.Wait = true
	case role.Failed != "":
		p.plan.Wait = true
		p.fail(role.Failed, role.Because)
	case role.RoleID == "" && role.Keep:
		p.plan.Wait = true
		p.fail(CodePrivilegedRole, role.Because+", which cannot be given anew without a rule")
	case role.RoleID == "":
		p.plan.Wait = true
		p.fail(CodeRoleMissing, "no role is decided on")
	default:
		p.step(Step{Op: Invite, Address: p.Wish.Address, RoleID: &role.RoleID})
	}
}

// roleFor is the role to give to what there is, "" when its role is to stay.
func (p *planner) roleFor(o Observed) string {
	role := p.Wish.Role
	switch {
	case role.Wait:
		p.plan.Wait = true
		return ""
	case role.Failed != "":
		p.fail(role.Failed, role.Because)
		return ""
	case role.Keep || role.RoleID == "" || role.RoleID == o.RoleID:
		return ""
	case p.Applied.Known && p.Applied.RoleID == role.RoleID && !p.Policy.Repair && !p.another(o):
		p.drift(AttrRole, role.RoleID, o.RoleID)
		return ""
	}
	return role.RoleID
}

// updateOldRole gives a new role to the collaborator through whom the person gets in until the invitation is accepted. It
// comes before the invitation's own role: Applied is one for both.
func (p *planner) updateOldRole() {
	if p.Old.Kind != Collaborator || !p.Old.Active {
		return
	}
	drift := p.plan.Drift
	if role := p.roleFor(p.Old); role != "" {
		p.step(Step{Op: UpdateUser, ID: p.Old.ID, Address: p.Old.Address, RoleID: &role, Old: true})
	}
	p.plan.Drift, p.plan.Failed, p.plan.Wait = drift, Failure{}, false // said of the entity that is to stay
}

// retireOld takes access from the entity that was replaced. It is the proxy's own leftover, nothing that people maintain
// by hand, so it is compared with nothing.
func (p *planner) retireOld() {
	old := p.Old
	p.Old = Observed{} // once
	switch {
	case old.Kind == Invitation:
		p.step(Step{Op: Withdraw, ID: old.ID, Address: old.Address, Old: true})
	case old.Kind == Collaborator && p.removes():
		p.step(Step{Op: DeleteUser, ID: old.ID, Address: old.Address, Destination: p.destination(old), Old: true})
	case old.Kind == Collaborator && old.Active:
		p.step(Step{Op: UpdateUser, ID: old.ID, Address: old.Address, Active: new(false), Old: true})
	}
}

// revoke plans for somebody who is to have no access. It waits for nothing, roles least of all.
func (p *planner) revoke() {
	p.revokeObserved()
	p.retireOld()
}

func (p *planner) revokeObserved() {
	o := p.Observed
	switch {
	case o.Kind == Nothing:
	case o.Kind == Invitation:
		p.revokeBy(Step{Op: Withdraw, ID: o.ID, Address: o.Address})
	case p.removes():
		p.revokeBy(Step{Op: DeleteUser, ID: o.ID, Address: o.Address, Destination: p.destination(o)})
	case o.Active:
		p.revokeBy(Step{Op: UpdateUser, ID: o.ID, Address: o.Address, Active: new(false)})
	}
}

func (p *planner) revokeBy(s Step) {
	switch {
	case p.mayRevoke(), p.Policy.Repair && s.Op == Withdraw:
		p.step(s)
	default:
		p.drift(AttrPresence, "nothing there", p.Observed.state())
	}
}

// mayRevoke says that what there is may be taken away. Access always is: nobody in the CMS can give it back by hand to
// somebody whom the identity provider has off. What gives no access and was put there afterwards is drift, unless the
// identity provider has written the person since.
func (p *planner) mayRevoke() bool {
	a := p.Applied
	switch {
	case p.Observed.letsIn():
		return true
	case p.Wish.Written || !a.Known:
		return true
	case p.removes():
		return a.Kind != Nothing
	}
	return p.present()
}

// present reports whether it was agreed on that the person can get in, or is invited.
func (p *planner) present() bool {
	return p.Applied.Known && p.Applied.Kind != Nothing && p.Applied.Active
}

// addressChanged reports whether the wish, and not somebody in the CMS, changed the address.
func (p *planner) addressChanged() bool {
	a := p.Applied
	return !a.Known || a.Kind == Nothing || !SameAddress(p.Wish.Address, a.Address)
}

// another reports whether what there is was found when the address changed, and is not what was agreed on last: how it
// differs from that is nobody's change by hand. A collaborator who keeps the CMS address stays the same one.
func (p *planner) another(o Observed) bool {
	if p.Applied.Kind == Collaborator && !p.Policy.Reinvite {
		return false
	}
	return p.addressChanged() && !SameAddress(p.Applied.Address, o.Address)
}

// moves reports whether a collaborator is to be invited under a new address.
func (p *planner) moves() bool {
	return p.Policy.Reinvite && p.addressChanged() && !SameAddress(p.Wish.Address, p.Observed.Address)
}

// removes reports whether collaborators are to be deleted rather than deactivated.
func (p *planner) removes() bool { return p.Wish.State == Deleted && p.Policy.Remove }

// destination is who gets the content of a removed collaborator: nobody inherits from themselves.
func (p *planner) destination(o Observed) *Destination {
	d := p.Policy.Destination
	if d == nil || d.Type != "user" || d.ID != o.ID {
		return d
	}
	if p.Policy.Token == "" {
		return nil
	}
	return &Destination{Type: "access_token", ID: p.Policy.Token}
}

func (p *planner) step(s Step) { p.plan.Steps = append(p.plan.Steps, s) }

func (p *planner) drift(attr Attr, wished, observed string) {
	p.plan.Drift = append(p.plan.Drift, Drift{Attr: attr, Wished: wished, Observed: observed})
}

func (p *planner) fail(code, text string) { p.plan.Failed = Failure{Code: code, Text: text} }
