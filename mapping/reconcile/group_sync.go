package reconcile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// holdersWait is when the deletion of a role is tried again while people who lose it wait for their turn.
const holdersWait = 500 * time.Millisecond

// Intents of group syncs: a new role, and a role's new name.
const (
	opCreateRole = "create_role"
	opRenameRole = "rename_role"
)

// groupSync gives a group its role and tells its members.
type groupSync struct {
	syncing
	group   directory.Group
	waiting int  // holders of the role to drop with work of their own waiting
	held    int  // and those whom the brake holds
	keep    int  // and those who keep it
	early   bool // a role that was asked for before this sync's newest call may come
	roles   mapping.RoleSet
	all     []cmsclient.Role
}

func (s *groupSync) run(ctx context.Context) outcome {
	out, err := outcome{}, errAgain
	for n := 0; n < maxRounds && errors.Is(err, errAgain); n++ {
		out, err = s.round(ctx)
	}
	if errors.Is(err, errAgain) {
		out, err = s.finish(ctx, directory.GroupResult{}, queue.Verdict{Outcome: queue.Retry, Code: "unsettled",
			Text: "the CMS looked different at every attempt"})
	}
	if err != nil {
		return outcome{result: queue.ResultLost, err: err}
	}
	return out
}

func (s *groupSync) round(ctx context.Context) (outcome, error) {
	s.set = s.engine.set()
	work, err := s.engine.dir.LoadGroup(ctx, s.id, s.lease)
	if err != nil {
		return outcome{}, err
	}
	s.group, s.waiting, s.held, s.keep = work.Item, work.Waiting, work.Held, work.Keep
	if s.now == 0 {
		s.now = work.Now
	}
	if s.outdated(work.Rules) {
		return s.finish(ctx, directory.GroupResult{}, outdatedVerdict())
	}
	if !work.Found || s.group.State == directory.Rejected || !s.group.Managed {
		return s.finish(ctx, directory.GroupResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Done})
	}
	if s.mustLook() {
		if err := s.look(ctx); err != nil {
			return s.unreadable(ctx, err)
		}
		return outcome{}, errAgain
	}
	if work.Yielding {
		return s.finish(ctx, directory.GroupResult{}, queue.Verdict{Outcome: queue.Wait, After: busyWait, Code: "busy",
			Text: "the sync of a deleted group of this name is under way"})
	}
	if s.roles, s.all, err = s.engine.rolesFor(ctx, work.RolesVersion); err != nil {
		return s.unreadable(ctx, err)
	}
	return s.carryOut(ctx)
}

// carryOut gives the group its role, tells the members, and then drops the role that they no longer need.
func (s *groupSync) carryOut(ctx context.Context) (outcome, error) {
	if s.group.State == directory.Live {
		if out, done, err := s.giveRole(ctx); done || err != nil {
			return out, err
		}
	}
	told, err := s.tellMembers(ctx)
	switch {
	case err != nil:
		return outcome{}, err
	case told:
		return outcome{}, errAgain // whoever holds a role that goes has work waiting now
	case s.coming():
		return s.awaitRole(ctx)
	case s.group.DropRole != "":
		return s.dropRole(ctx)
	}
	return s.finish(ctx, directory.GroupResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Done})
}

// giveRole makes the group's role what it is to be. done says that the sync has ended, or errAgain that it is planned anew.
func (s *groupSync) giveRole(ctx context.Context) (out outcome, done bool, err error) {
	plan := s.set.Rules.PlanGroup(groupCase(s.group), s.roles)
	if i, _ := s.openIntent(); s.coming() && (plan.Action != mapping.CreateRole || i.Address != s.group.Name) {
		out, err = s.awaitRole(ctx)
		return out, true, err
	}
	switch plan.Action {
	case mapping.LinkRole:
		return s.link(ctx, directory.Role{ID: plan.Role.ID, Name: plan.Role.Name})
	case mapping.CreateRole:
		return s.createRole(ctx, plan.Role)
	case mapping.RenameRole:
		return s.renameRole(ctx)
	case mapping.FailRole:
		out, err = s.park(ctx, plan.Failed.Code, plan.Failed.Text)
		return out, true, err
	case mapping.LeaveRole:
	}
	return outcome{}, false, nil
}

// coming says that a role which was asked for, and which a look has not shown, may still come. Asking for the same name once
// more is safe, since the CMS has a name once; whatever else is to be done waits, so that nobody forgets the role. A call that
// was answered brings none.
func (s *groupSync) coming() bool {
	i, open := s.openIntent()
	return open && i.Op == opCreateRole && !s.certain() && (s.early || !s.own)
}

// unknown is what becomes of the intent when the newest call has settled nothing: a role that may be coming is remembered.
func (s *groupSync) unknown() directory.IntentChange {
	if s.coming() {
		return directory.KeepIntent
	}
	return s.cleared()
}

// awaitRole leaves the key until the role that may be coming must have come.
func (s *groupSync) awaitRole(ctx context.Context) (outcome, error) {
	after := time.Duration(s.lease.Look-s.now) * time.Millisecond
	return s.finish(ctx, directory.GroupResult{}, queue.Verdict{Outcome: queue.Wait, After: max(after, holdersWait), Code: "role_coming",
		Text: "a role that was asked for before may still be made: it is looked for when that can be no more"})
}

// link makes an existing role (or none) the group's. A role that the proxy made is dropped when its holders are moved.
func (s *groupSync) link(ctx context.Context, role directory.Role) (outcome, bool, error) {
	res := directory.GroupResult{Intent: s.cleared(), Role: &role, TellMembers: true}
	if s.group.Owned {
		drop := s.group.RoleID
		res.Drop = &drop
	}
	return s.goOn(ctx, res)
}

// goOn writes a result and plans anew.
func (s *groupSync) goOn(ctx context.Context, res directory.GroupResult) (outcome, bool, error) {
	if _, err := s.settle(ctx, res); err != nil {
		out, err := s.settleFailed(ctx, err)
		return out, true, err
	}
	return outcome{}, true, errAgain
}

// createRole makes the group's role in one call, under its final name.
func (s *groupSync) createRole(ctx context.Context, template mapping.Role) (outcome, bool, error) {
	// The set was made of these roles, so the template is among them.
	i := slices.IndexFunc(s.all, func(r cmsclient.Role) bool { return r.ID == template.ID })
	s.early = s.coming()
	if err := s.intend(ctx, intent{Op: opCreateRole, Address: s.group.Name}, directory.TakesNothing, "role:"+fold(s.group.Name)); err != nil {
		return s.callFailed(ctx, err)
	}
	role, err := s.engine.cms.CreateRole(ctx, s.all[i].Template(s.group.Name))
	if err != nil {
		return s.callFailed(ctx, err)
	}
	return s.owned(ctx, role)
}

func (s *groupSync) renameRole(ctx context.Context) (outcome, bool, error) {
	note := intent{Op: opRenameRole, ID: s.group.RoleID, Address: s.group.Name}
	if err := s.intend(ctx, note, directory.TakesNothing, "role:"+fold(s.group.Name), "role-id:"+s.group.RoleID); err != nil {
		return s.callFailed(ctx, err)
	}
	role, err := s.engine.cms.UpdateRole(ctx, s.group.RoleID, cmsclient.RoleAttributes{Name: s.group.Name})
	if err != nil {
		return s.callFailed(ctx, err)
	}
	return s.owned(ctx, role)
}

// owned makes a role that the proxy made or renamed the group's, and known to every replica.
func (s *groupSync) owned(ctx context.Context, role cmsclient.Role) (outcome, bool, error) {
	ctx = context.WithoutCancel(ctx)
	add := func(all []cmsclient.Role) []cmsclient.Role { return append(without(all, role.ID), role) }
	if err := s.engine.changeRoles(ctx, add); err != nil {
		return outcome{}, true, err
	}
	return s.goOn(ctx, directory.GroupResult{Intent: s.cleared(), TellMembers: s.group.RoleID != role.ID,
		Role: &directory.Role{ID: role.ID, Name: s.group.Name, Owned: true}})
}

// tellMembers queues the members whose role may have changed, batch by batch. told says that there were any.
func (s *groupSync) tellMembers(ctx context.Context) (told bool, err error) {
	if !s.group.FanOut {
		return false, nil
	}
	for more := true; more; {
		if more, err = s.engine.dir.FanOut(ctx, s.id, s.lease.Token); err != nil {
			return true, err
		}
		s.engine.o.Wake()
	}
	return true, nil
}

// dropRole deletes a role that the proxy made, once nobody who is waiting for another one holds it. A role that others
// still use stays behind.
func (s *groupSync) dropRole(ctx context.Context) (outcome, error) {
	if s.waiting > 0 {
		return s.finish(ctx, directory.GroupResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Wait, After: holdersWait,
			Code: "members_moving", Text: "the role is deleted when its holders have been given another one"})
	}
	if s.held > 0 {
		return s.finish(ctx, directory.GroupResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Wait, After: roleWait,
			Code: "members_held", Text: "the role is deleted when an operator has released its holders, whom the brake holds"})
	}
	role := s.group.DropRole
	var err error
	if s.keep > 0 {
		err = errStillHeld // the CMS would refuse, too
	} else {
		if err := s.intend(ctx, intent{Op: "delete_role", ID: role}, directory.TakesNothing, "role-id:"+role); err != nil {
			out, _, err := s.callFailed(ctx, err)
			return out, err
		}
		err = s.engine.cms.DeleteRole(ctx, role)
	}
	return s.dropped(ctx, role, err)
}

// errStillHeld says that a role is known to be in use.
var errStillHeld = errors.New("the role is still held")

// dropped writes what became of a role that was to go.
func (s *groupSync) dropped(ctx context.Context, role string, err error) (outcome, error) {
	none := ""
	res := directory.GroupResult{Intent: s.cleared(), Drop: &none}
	refused := errors.Is(err, errStillHeld) || cmsclient.Classify(err) == cmsclient.Reject
	if s.group.RoleID == role && !refused {
		res.Role = &directory.Role{} // one that others still use stays the tombstone's: it is not listed, and goes with the name
	}
	v := queue.Verdict{Outcome: queue.Done}
	class := cmsclient.Classify(err)
	switch {
	case refused:
		res.LeftBehind = true
		v.Code, v.Text = "role_left_behind", "the role is still used in the CMS and was left there"
	case class != cmsclient.None && class != cmsclient.Gone:
		out, _, err := s.callFailed(ctx, err)
		return out, err
	}
	if err == nil {
		drop := func(all []cmsclient.Role) []cmsclient.Role { return without(all, role) }
		if err := s.engine.changeRoles(context.WithoutCancel(ctx), drop); err != nil {
			return outcome{}, err
		}
	}
	return s.finish(ctx, res, v)
}

// look reads the roles after a call whose outcome is not known, and takes what it shows to the record: a role of the
// group's name that such a call of ours may have made is ours.
func (s *groupSync) look(ctx context.Context) error {
	s.looked, s.called, s.last = true, true, cmp.Or(s.last, "look")
	s.send.until = time.Time{}
	i, open := s.openIntent()
	if err := s.engine.readRoles(ctx); err != nil {
		return err
	}
	set, all, err := s.engine.roles.at(ctx, "0")
	if err != nil {
		return err
	}
	s.roles, s.all = set, all
	res := directory.GroupResult{}
	shown := false
	switch {
	case !open:
		shown = true
	case i.Op == opCreateRole:
		var role mapping.Role
		if role, shown = exactly(all, i.Address); shown {
			res.Role = &directory.Role{ID: role.ID, Name: role.Name, Owned: true}
			res.TellMembers = true
		}
	case i.Op == "delete_role":
		_, there := set.ByID(i.ID)
		shown = !there
	}
	if !shown && s.own {
		s.doubt, s.early = true, true
	}
	if res.Intent = s.unknown(); shown {
		res.Intent = s.cleared()
	}
	_, err = s.settle(ctx, res)
	if _, taken := errors.AsType[*directory.TakenError](err); taken {
		res.Role, res.TellMembers = nil, false // another group has taken it over meanwhile
		_, err = s.settle(ctx, res)
	}
	s.own = false
	return err
}

// exactly finds a role by its very name.
func exactly(all []cmsclient.Role, name string) (mapping.Role, bool) {
	for _, r := range all {
		if r.Name == name {
			return mapping.Role{ID: r.ID, Name: r.Name, Privileged: r.Privileged()}, true
		}
	}
	return mapping.Role{}, false
}

// callFailed decides what an error of a call means: look and plan again, or end the sync.
func (s *groupSync) callFailed(ctx context.Context, err error) (outcome, bool, error) {
	var ce *cmsclient.Error
	if errors.Is(err, directory.ErrBusy) {
		out, err := s.finish(ctx, directory.GroupResult{}, queue.Verdict{Outcome: queue.Wait, After: busyWait, Code: "busy",
			Text: "another group's sync holds the same role"})
		return out, true, err
	}
	if errors.Is(err, directory.ErrDryRun) {
		out, err := s.finish(ctx, directory.GroupResult{}, dryRunVerdict())
		return out, true, err
	}
	if !errors.As(err, &ce) {
		return outcome{}, true, err
	}
	switch class := cmsclient.Classify(err); {
	case ce.Unknown, class == cmsclient.Already && s.coming():
		if err := s.look(ctx); err != nil {
			out, err := s.unreadable(ctx, err)
			return out, true, err
		}
		return outcome{}, true, errAgain
	case class == cmsclient.Already:
		s.refused = true
		out, err := s.park(ctx, "name_taken", "the CMS has a role of this name already; link the group to it instead")
		return out, true, err
	case class == cmsclient.Gone || class == cmsclient.Look:
		if err := s.engine.readRoles(ctx); err != nil {
			out, err := s.unreadable(ctx, err)
			return out, true, err
		}
		return s.goOn(ctx, directory.GroupResult{Intent: s.cleared(), Role: &directory.Role{}})
	}
	out, err := s.finish(ctx, directory.GroupResult{Intent: s.unknown()}, s.failure(ctx, err))
	return out, true, err
}
