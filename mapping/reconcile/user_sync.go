package reconcile

import (
	"context"
	"errors"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// maxRounds is how often one sync plans anew after a look, before it leaves the key to the queue.
const maxRounds = 6

// errAgain makes a sync plan anew from the record.
var errAgain = errors.New("plan again")

// userSync makes the CMS agree with one user's wish.
type userSync struct {
	syncing
	user      directory.User
	roles     mapping.RoleSet
	plans     mapping.Case   // what the newest plan was made of
	withdrawn bool           // an invitation that was to be withdrawn was gone already
	waiting   directory.Link // what a look saw at the wished address, beside what is theirs
}

func (s *userSync) run(ctx context.Context) outcome {
	out, err := outcome{}, errAgain
	for n := 0; n < maxRounds && errors.Is(err, errAgain); n++ {
		out, err = s.round(ctx)
	}
	if errors.Is(err, errAgain) {
		out, err = s.finish(ctx, directory.UserResult{}, queue.Verdict{Outcome: queue.Retry, Code: "unsettled",
			Text: "the CMS looked different at every attempt"})
	}
	if err != nil {
		return outcome{result: queue.ResultLost, err: err}
	}
	return out
}

// round reads the record, looks at the CMS if it must, plans, and carries the plan out.
func (s *userSync) round(ctx context.Context) (outcome, error) {
	s.set = s.engine.set()
	work, err := s.engine.dir.LoadUser(ctx, s.id, s.lease)
	if err != nil {
		return outcome{}, err
	}
	s.user = work.Item
	if s.now == 0 {
		s.now = work.Now
	}
	if s.outdated(work.Rules) {
		return s.finish(ctx, directory.UserResult{}, outdatedVerdict())
	}
	if !work.Found || !s.concerned() {
		return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Done})
	}
	if work.Yielding {
		return s.finish(ctx, directory.UserResult{}, queue.Verdict{Outcome: queue.Wait, After: busyWait, Code: "busy",
			Text: "a call for the leaver who had the CMS account before is under way"})
	}
	if s.roles, _, err = s.engine.rolesFor(ctx, work.RolesVersion); err != nil {
		return s.unreadable(ctx, err)
	}
	if s.mustLook() {
		if err := s.look(ctx); err != nil {
			return s.unreadable(ctx, err)
		}
		return outcome{}, errAgain
	}
	if s.returns() {
		return s.takeBack(ctx)
	}
	if s.nowhere() {
		return s.park(ctx, codeNoAddress, "the user has no e-mail address: map one in the identity provider")
	}
	return s.carryOut(ctx)
}

// concerned says that the identity provider wishes something of the user that the proxy may do.
func (s *userSync) concerned() bool {
	return s.user.State != directory.Rejected && s.user.Managed && !s.engine.untouchable(s.user)
}

// nowhere says that somebody is to be invited who has no address.
func (s *userSync) nowhere() bool {
	return wishState(s.user) == mapping.Active && s.user.Address == "" && s.user.Link.Kind == directory.NoLink
}

// returns says that the address is again that of the former account, while its successor has another one.
func (s *userSync) returns() bool {
	old := s.user.Old
	return wishState(s.user) == mapping.Active && old.Kind == directory.Collaborator && mapping.SameAddress(old.Address, s.user.Address) &&
		!mapping.SameAddress(s.user.Link.Address, s.user.Address)
}

// takeBack makes the former account the person's own again, and what has replaced it the former one. Nothing is agreed on
// about it: it may have lost its access meanwhile.
func (s *userSync) takeBack(ctx context.Context) (outcome, error) {
	link, old, applied := s.user.Old, s.user.Link, s.tookBack()
	if _, err := s.settle(ctx, directory.UserResult{Link: &link, Old: &old, Applied: &applied}); err != nil {
		return s.settleFailed(ctx, err)
	}
	return outcome{}, errAgain
}

// tookBack is what is agreed on about somebody whose former account is their own again.
func (s *userSync) tookBack() directory.Applied {
	link := s.user.Old
	return directory.Applied{Known: true, Kind: link.Kind, Address: link.Address, Writes: s.user.Applied.Writes}
}

// carryOut makes the calls of a plan, each with its intent before and its result after it. The last result ends the sync.
func (s *userSync) carryOut(ctx context.Context) (outcome, error) {
	repairs, err := s.engine.repairs(ctx)
	if err != nil {
		return outcome{}, err
	}
	made, err := s.engine.planUser(s.set, s.user, s.roles, repairs)
	if err != nil {
		return outcome{}, err
	}
	c, plan := made.Case, made.Plan
	unadopt := s.user.Adopted && made.decision.Source.Decides()
	s.plans = c
	res := directory.UserResult{Intent: s.cleared(), Unadopt: unadopt}
	for i, step := range plan.Steps {
		if step.Op == mapping.Invite && s.waiting.ID != "" {
			return s.takeWaiting(ctx)
		}
		if res, err = s.step(ctx, step); err != nil {
			return s.stepFailed(ctx, step, err)
		}
		res.Intent, res.Unadopt = s.cleared(), unadopt
		if res.Link != nil {
			res.Applied = s.moved(*res.Link)
		}
		c = after(c, res)
		if i == len(plan.Steps)-1 && res.Applied == nil {
			break // written with the end; what is agreed on no more is written in any case
		}
		if _, err := s.settle(ctx, res); err != nil {
			return s.settleFailed(ctx, err)
		}
		s.learn(res)
	}
	return s.conclude(ctx, c, plan, res)
}

// takeWaiting links what is at the wished address already: nobody can be invited there.
func (s *userSync) takeWaiting(ctx context.Context) (outcome, error) {
	seen := sight{link: s.waiting, had: s.user.Link, old: s.user.Old}
	s.waiting = directory.Link{}
	if err := s.found(ctx, seen); err != nil {
		return s.settleFailed(ctx, err)
	}
	return outcome{}, errAgain
}

// after is the case once a result is written.
func after(c mapping.Case, res directory.UserResult) mapping.Case {
	if res.Link != nil {
		c.Observed = observed(*res.Link)
	}
	if res.Old != nil {
		c.Old = observed(*res.Old)
	}
	return c
}

// learn keeps the user in step with what was written.
func (s *userSync) learn(res directory.UserResult) {
	if res.Link != nil {
		s.user.Link = *res.Link
	}
	if res.Old != nil {
		s.user.Old = *res.Old
	}
}

// conclude ends a sync whose calls are made.
func (s *userSync) conclude(ctx context.Context, c mapping.Case, plan mapping.Plan, res directory.UserResult) (outcome, error) {
	switch {
	case plan.Failed.Code != "":
		return s.finish(ctx, res, queue.Verdict{Outcome: queue.Park, Code: plan.Failed.Code, Text: plan.Failed.Text})
	case plan.Wait:
		return s.finish(ctx, res, queue.Verdict{Outcome: queue.Wait, After: roleWait, Code: "role_pending",
			Text: "waits for the role of a group"})
	case s.removalPaused(c):
		return s.finish(ctx, res, queue.Verdict{Outcome: queue.Park, Code: codeRemovalPaused,
			Text: "deactivated; the removal waits because the CMS does not accept content_owner"})
	}
	if err := s.warnUnbound(ctx); err != nil {
		return outcome{}, err
	}
	if s.certain() {
		// While a call may still arrive, what there is now is no agreement to compare with.
		applied := appliedRecord(mapping.Accepted(c), s.user.Writes)
		applied.Profile = s.user.Applied.Profile
		if wishState(s.user) == mapping.Active {
			applied.Profile = s.profileText()
		}
		res.Applied = &applied
	}
	return s.finish(ctx, res, queue.Verdict{Outcome: queue.Done})
}

// removalPaused says that somebody is still there who is to be removed.
func (s *userSync) removalPaused(c mapping.Case) bool {
	configured := s.set.Rules.Policy("").Remove
	return configured && !c.Policy.Remove && c.Wish.State == mapping.Deleted && c.Observed.Kind == mapping.Collaborator
}

// park ends a sync that can only succeed after a change.
func (s *userSync) park(ctx context.Context, code, text string) (outcome, error) {
	return s.finish(ctx, directory.UserResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Park, Code: code, Text: text})
}

// finish writes a result that ends the sync. A creation that the CMS refused while its request waits is taken back.
func (s *userSync) finish(ctx context.Context, res directory.UserResult, v queue.Verdict) (outcome, error) {
	v.Lane, v.Call = s.lane(), s.last
	var rejected *RejectedError
	if v.Outcome == queue.Park && s.refused {
		rejected = newRejected(v.Code, v.Text)
		switch {
		case s.create == nil:
		case !s.doubt && s.user.Link.Kind == directory.NoLink && s.create.refuse():
			res.End.Reject, v.Outcome = s.user.Writes, queue.Done
		default: // whom a call may still bring is kept, and who was told of as accepted: to be told of as failed would be wrong
			rejected = nil
		}
	}
	res.End.Verdict = &v
	result, err := s.settle(ctx, res)
	if err != nil {
		return s.settleFailed(ctx, err)
	}
	if res.End.Reject != 0 {
		result = outRejected
	}
	return outcome{result: result, rejected: rejected}, nil
}

// lane is the lane that the wish belongs to.
func (s *userSync) lane() queue.Lane {
	switch {
	case wishState(s.user) != mapping.Active:
		return queue.Leavers
	case s.lease.Lane == queue.Leavers:
		return queue.Interactive
	}
	return s.lease.Lane
}

func (s *userSync) settle(ctx context.Context, res directory.UserResult) (string, error) {
	res.From = &s.user.Link
	res.Asked = s.asked(res)
	// A result is written even if the worker's or the request's patience is at its end: the call was made.
	result, err := s.engine.dir.SettleUser(context.WithoutCancel(ctx), s.id, s.lease, res)
	if err == nil && res.Asked != nil {
		s.user.Asked = res.Asked
	}
	return result, err
}

// settleFailed parks a user whose CMS entity belongs to somebody else, or has them wait for a leaver who is about to let
// go of it. A record that a commit has linked to something else is planned anew; other failures are the queue's.
func (s *userSync) settleFailed(ctx context.Context, err error) (outcome, error) {
	var taken *directory.TakenError
	switch {
	case errors.Is(err, directory.ErrMoved):
		s.looked = false // if a call is under way, or a look is owed, what it shows belongs to the new link
		return outcome{}, errAgain
	case !errors.As(err, &taken):
		return outcome{}, err
	}
	if taken.Leaving {
		return s.finish(ctx, directory.UserResult{}, queue.Verdict{Outcome: queue.Wait, After: busyWait, Code: "busy",
			Text: "the CMS account with this address is still a leaver's, user " + taken.ID + " of this server"})
	}
	return s.park(ctx, codeAddressTaken, "the CMS account with this address belongs to user "+taken.ID+" of this server")
}

// unreadable ends a sync on an error of a read.
func (s *userSync) unreadable(ctx context.Context, err error) (outcome, error) {
	var ce *cmsclient.Error
	var taken *directory.TakenError
	switch {
	case errors.As(err, &taken), errors.Is(err, directory.ErrMoved):
		return s.settleFailed(ctx, err)
	case errors.As(err, &ce), errors.Is(err, context.DeadlineExceeded):
		v := s.failure(ctx, err)
		if v.Outcome == queue.Park {
			v.Outcome = queue.Retry
		}
		return s.finish(ctx, directory.UserResult{}, v)
	}
	return outcome{}, err
}
