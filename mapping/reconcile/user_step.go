package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// intent is a CMS write that may be under way, as the queue record keeps it.
type intent struct {
	Op      string `json:"op"`
	ID      string `json:"id,omitempty"`
	Address string `json:"address,omitempty"`
	Role    bool   `json:"role,omitempty"`   // it gives the user a role
	Access  bool   `json:"access,omitempty"` // it gives or takes the user's access
	Resend  int64  `json:"resend,omitempty"` // the how manieth resend without a write it is

	asked []string // with it, the addresses to which invitations may be on their way
}

func (i intent) String() string {
	b, err := json.Marshal(i)
	if err != nil { // cannot be: three strings
		return i.Op
	}
	return string(b)
}

// errNoIntent means that the call was not made, because it could not be noted.
var errNoIntent = errors.New("the call could not be noted")

// step makes one CMS call of a plan and gives the link as it is afterwards.
func (s *userSync) step(ctx context.Context, st mapping.Step) (directory.UserResult, error) {
	probe := false
	if st.Op == mapping.Invite {
		var err error
		if probe, err = s.engine.admit(ctx, s.create != nil); err != nil {
			return directory.UserResult{}, err
		}
	}
	if err := s.intend(ctx, s.note(st), directory.Taking(s.plans.Takes(st)), s.idents(st)...); err != nil {
		return directory.UserResult{}, fmt.Errorf("%w: %w", errNoIntent, err)
	}
	link, err := s.call(ctx, st)
	if err != nil {
		return directory.UserResult{}, err
	}
	if probe {
		s.engine.reopen(ctx, directory.InvitationStop{}, 0)
	}
	return s.made(st, link), nil
}

// note is the intent of a step.
func (s *userSync) note(st mapping.Step) intent {
	access := st.Active != nil || st.Op == mapping.Withdraw || st.Op == mapping.DeleteUser
	note := intent{Op: st.Op.String(), ID: st.ID, Address: fold(st.Address), Role: st.RoleID != nil, Access: access && !st.Old}
	if st.Op == mapping.Resend && s.user.Applied.Known && s.user.Writes <= s.user.Applied.Writes {
		note.Resend = s.user.Resends + 1 // counted before it is sent: at most so often
	}
	if st.Op == mapping.Invite {
		s.user.Asked = append(lacking(s.user.Asked, note.Address), note.Address)
		note.asked = s.user.Asked
	}
	return note
}

// made is the result of a step that left the CMS with link: whom an invitation replaces becomes the former account.
func (s *userSync) made(st mapping.Step, link directory.Link) directory.UserResult {
	if st.Old {
		return directory.UserResult{Old: &link}
	}
	res := directory.UserResult{Link: &link, Own: st.Op == mapping.Invite}
	if st.Op == mapping.Invite && s.user.Link.Kind == directory.Collaborator {
		old := s.user.Link
		res.Old = &old
	} else if s.user.Old.ID != "" {
		old := s.user.Old
		res.Old = &old
	}
	return res
}

// idents are the CMS identities that a step touches.
func (s *userSync) idents(st mapping.Step) []string {
	out := []string{"mail:" + fold(st.Address)}
	if st.ID != "" {
		out = append(out, "id:"+st.ID)
	}
	return out
}

func (s *userSync) call(ctx context.Context, st mapping.Step) (directory.Link, error) {
	cms := s.engine.cms
	switch st.Op {
	case mapping.Invite:
		in, err := cms.CreateInvitation(ctx, cmsclient.InvitationCreate{Email: st.Address, RoleID: *st.RoleID, Profile: s.profile()})
		return invitationLink(in), err
	case mapping.SetInvitationRole:
		up := cmsclient.InvitationUpdate{RoleID: s.user.Link.RoleID, Profile: s.profile()}
		if st.RoleID != nil {
			up.RoleID = *st.RoleID
		}
		in, err := cms.UpdateInvitation(ctx, st.ID, up)
		return invitationLink(in), err
	case mapping.Resend:
		in, err := cms.ResendInvitation(ctx, st.ID)
		return invitationLink(in), err
	case mapping.Withdraw:
		return directory.Link{}, cms.DeleteInvitation(ctx, st.ID)
	case mapping.UpdateUser:
		u, err := cms.UpdateUser(ctx, st.ID, cmsclient.UserUpdate{RoleID: st.RoleID, Active: st.Active, Profile: s.profile()})
		return userLink(u), err
	case mapping.DeleteUser:
		return directory.Link{}, cms.DeleteUser(ctx, st.ID, destination(st.Destination))
	}
	return directory.Link{}, fmt.Errorf("step %s is not a call", st.Op)
}

func destination(d *mapping.Destination) *cmsclient.Destination {
	if d == nil {
		return nil
	}
	return &cmsclient.Destination{Type: d.Type, ID: d.ID}
}

// stepFailed decides what an error of a call means: look and plan again, or end the sync.
func (s *userSync) stepFailed(ctx context.Context, st mapping.Step, err error) (outcome, error) {
	var ce *cmsclient.Error
	var stopped *stoppedError
	held, braked := errors.AsType[*directory.HeldError](err)
	switch {
	case braked:
		return s.hold(ctx, held)
	case errors.As(err, &stopped):
		s.refused = true
		return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, notInvited(stopped.InvitationStop))
	case errors.Is(err, directory.ErrBusy):
		return s.finish(ctx, directory.UserResult{}, queue.Verdict{Outcome: queue.Wait, After: busyWait, Code: "busy",
			Text: "another user's sync holds the same CMS account"})
	case errors.Is(err, directory.ErrDryRun):
		return s.finish(ctx, directory.UserResult{}, dryRunVerdict())
	case errors.Is(err, errNoIntent), !errors.As(err, &ce):
		return outcome{}, err
	}
	return s.callFailed(ctx, st, ce, err)
}

// callFailed decides what the error of a call means that may have reached the CMS.
func (s *userSync) callFailed(ctx context.Context, st mapping.Step, ce *cmsclient.Error, err error) (outcome, error) {
	if (st.Op == mapping.Invite || st.Op == mapping.Resend) && ce.StopsInvitations() {
		s.engine.stopInvitations(ctx, ce)
		s.refused = true
		v := notInvited(directory.InvitationStop{Code: code(ce), Text: ce.Reason()})
		return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, v)
	}
	class := cmsclient.Classify(err)
	switch {
	case !ce.Sent, class == cmsclient.Retry, class == cmsclient.Stop:
		return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, s.failure(ctx, err))
	case class == cmsclient.Look && ce.Unknown:
		return s.settleUnknown(ctx)
	case class == cmsclient.Look, class == cmsclient.Gone, class == cmsclient.Already:
		return s.settleByLook(ctx, st, err)
	case st.Op == mapping.DeleteUser:
		return s.refusedRemoval(ctx, st, err)
	}
	return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, s.failure(ctx, err))
}

// settleUnknown looks what became of a call without an answer. Unless the look shows its effect, the queue keeps the key
// until a look that began after the call's last moment.
func (s *userSync) settleUnknown(ctx context.Context) (outcome, error) {
	if err := s.look(ctx); err != nil {
		return s.unreadable(ctx, err)
	}
	return outcome{}, errAgain
}

// settleByLook handles refusals that say that the CMS is not as the record has it: the entity is gone, or is there
// already. When a look finds nothing new, the refusal is final.
func (s *userSync) settleByLook(ctx context.Context, st mapping.Step, refused error) (outcome, error) {
	before, old := s.user.Link, s.user.Old
	s.own = false // the call was answered: only what is there now counts
	if err := s.look(ctx); err != nil {
		return s.unreadable(ctx, err)
	}
	switch {
	case s.user.Link != before, s.user.Old != old:
		s.withdrawn = st.Op == mapping.Withdraw && !st.Old && s.user.Link.Kind == directory.NoLink
		return outcome{}, errAgain
	case cmsclient.Classify(refused) == cmsclient.Already:
		s.refused = true
		return s.park(ctx, "joined_elsewhere",
			"the CMS says that this address is taken, but lists nobody with it: the project's owner or a single sign-on user")
	case st.RoleID != nil:
		return s.roleGone(ctx)
	}
	return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, s.failure(ctx, refused))
}

// roleGone reads the roles anew: the person is there, so it is the role that the CMS does not know.
func (s *userSync) roleGone(ctx context.Context) (outcome, error) {
	if err := s.engine.readRoles(ctx); err != nil {
		return s.unreadable(ctx, err)
	}
	return s.finish(ctx, directory.UserResult{Intent: s.cleared()},
		queue.Verdict{Outcome: queue.Retry, Code: mapping.CodeRoleMissing, Text: "the CMS does not know the role"})
}

// refusedRemoval takes away the access of somebody who cannot be removed, and parks the removal.
func (s *userSync) refusedRemoval(ctx context.Context, st mapping.Step, refused error) (outcome, error) {
	s.engine.noteDestination(ctx, refused)
	reason := s.failure(ctx, refused)
	active := s.user.Link.Active
	if st.Old {
		active = s.user.Old.Active
	}
	res := directory.UserResult{}
	if active {
		no := false
		lock := mapping.Step{Op: mapping.UpdateUser, ID: st.ID, Address: st.Address, Active: &no, Old: st.Old}
		var err error
		if res, err = s.step(ctx, lock); err != nil {
			return s.stepFailed(ctx, lock, err)
		}
	}
	res.Intent = s.cleared()
	return s.finish(ctx, res, reason)
}
