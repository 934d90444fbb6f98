package reconcile

import (
	"context"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// probeEvery is how often a CMS that takes no invitations is asked whether it does again.
const probeEvery = 30 * time.Second

// codeNoSeat is the code of people who wait for a free seat of the CMS's plan.
const codeNoSeat = "plan_upgrade_required"

// codePlanLimit is the code of what another limit of the plan refuses, such as one more role.
const codePlanLimit = "plan_limit"

// stoppedError says that the CMS takes no invitation at all at the moment, whoever is invited: none was sent.
type stoppedError struct{ directory.InvitationStop }

// Error implements error.
func (e *stoppedError) Error() string { return "the CMS takes no invitations: " + e.Text }

// admit asks whether an invitation may be sent. One refusal for want of a seat, or because the account behind the token is
// not verified, is true of every invitation: the others are not tried until a probe says that the CMS takes them again.
// probe says that this invitation is the probe. A request that waits for a creation always asks: an administrator who has
// just bought a seat tries again at once.
func (e *Engine) admit(ctx context.Context, waits bool) (probe bool, err error) {
	every := probeEvery
	if waits {
		every = 0
	}
	admission, stop, err := e.dir.Admit(ctx, every)
	switch {
	case err != nil:
		return false, err
	case admission == directory.Admitted:
		return false, nil
	case admission == directory.NotInvited:
		return false, &stoppedError{stop}
	case stop.Code != codeNoSeat:
		return true, nil
	}
	free, err := e.freeSeats(ctx)
	if err != nil {
		return false, err
	}
	if free <= 0 {
		return false, &stoppedError{stop}
	}
	e.reopen(ctx, stop, free-1)
	return false, nil
}

// freeSeats asks the CMS how many people more its plan allows.
func (e *Engine) freeSeats(ctx context.Context) (int64, error) {
	limits, err := e.cms.SubscriptionLimits(ctx)
	if err != nil {
		return 0, err
	}
	for _, l := range limits {
		if l.Code == "users" && l.Max != nil {
			return *l.Max - l.Usage, nil
		}
	}
	return 1 << 30, nil // a plan without a limit
}

// reopen lets as many invitations pass as there are free seats, and replays those who wait for one.
func (e *Engine) reopen(ctx context.Context, stop directory.InvitationStop, free int64) {
	waiting, err := e.queue.ParkedFor(ctx, stop.Code)
	if err == nil && waiting > 0 {
		// The stop stays until nobody waits: if this process dies before the replay, the next probe does it.
		err = e.dir.FreeInvitations(ctx, free)
	} else if err == nil {
		err = e.dir.ResumeInvitations(ctx)
	}
	if err == nil {
		limit := -1
		if free < waiting {
			limit = int(free)
		}
		_, err = e.queue.ReplayCode(ctx, stop.Code, limit)
	}
	if err != nil {
		e.log.WarnContext(ctx, "those who wait for an invitation could not be replayed", "project", e.o.Project, "error", err)
	}
	e.o.Wake()
}

// stopInvitations notes that the CMS refused an invitation for a reason that is true of all.
func (e *Engine) stopInvitations(ctx context.Context, ce *cmsclient.Error) {
	e.log.WarnContext(ctx, "the CMS takes no invitations", "project", e.o.Project, "code", code(ce))
	if err := e.dir.StopInvitations(ctx, directory.InvitationStop{Code: code(ce), Text: ce.Reason()}); err != nil {
		e.log.WarnContext(ctx, "the stop of invitations could not be noted", "project", e.o.Project, "error", err)
	}
}

// ProbeSeats looks for free seats while somebody waits for one, so that they need no operator. In a dry run nobody is invited.
func (e *Engine) ProbeSeats(ctx context.Context) {
	if e.DryRun() {
		return
	}
	stop, err := e.dir.InvitationsStopped(ctx)
	switch {
	case err == nil && stop.Code == "":
		e.replayUnstopped(ctx)
		return
	case err != nil || stop.Code != codeNoSeat:
		return
	}
	admission, stop, err := e.dir.ProbeInvitations(ctx, probeEvery)
	if err != nil || admission != directory.Probe {
		return
	}
	free, err := e.freeSeats(ctx)
	switch {
	case err != nil:
		e.log.WarnContext(ctx, "the CMS does not say how many seats are free", "project", e.o.Project, "error", err)
	case free > 0:
		e.reopen(ctx, stop, free)
	}
}

// replayUnstopped replays those who wait for a seat though nothing stops invitations: they were parked while another process
// forgot the stop.
func (e *Engine) replayUnstopped(ctx context.Context) {
	n, err := e.queue.ParkedFor(ctx, codeNoSeat)
	if err == nil && n > 0 {
		var free int64
		if free, err = e.freeSeats(ctx); err == nil && free > 0 {
			_, err = e.queue.ReplayCode(ctx, codeNoSeat, int(min(free, n)))
			e.o.Wake()
		}
	}
	if err != nil {
		e.log.WarnContext(ctx, "those who wait for a seat could not be replayed", "project", e.o.Project, "error", err)
	}
}

// notInvited is how the sync of somebody ends whom the CMS would not let be invited: parked for want of a seat, to be replayed
// when one is free; else it waits.
func notInvited(stop directory.InvitationStop) queue.Verdict {
	if stop.Code == codeNoSeat {
		return queue.Verdict{Outcome: queue.Park, Code: stop.Code, Text: stop.Text}
	}
	return queue.Verdict{Outcome: queue.Wait, After: 2 * probeEvery, Code: stop.Code, Text: stop.Text}
}
