package reconcile

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// Result is a write as it was accepted.
type Result[T any] struct {
	Item    T
	Created bool // a create made the record or took one up
	Changed bool
}

// syncLimit bounds a sync that a request began and no longer waits for.
const syncLimit = time.Minute

// slotAhead is how far away the next CMS call may be for a request to make it itself. Under a backlog the identity
// provider is answered at once.
const slotAhead = time.Second

// token is a lease token for a commit; empty, so that the commit takes no lease, while it is not known that CMS calls go
// to the right project, while other rules are in force, in a dry run, or when the request may not wait any more.
func (e *Engine) token(ctx context.Context) string {
	if !e.works() || e.DryRun() || e.patience(ctx) <= 0 {
		return ""
	}
	return queue.NewToken()
}

// request syncs a committed key within sync.wait. settled says that an attempt has ended; else the queue goes on. The
// sync outlives the request: a client that goes away cancels no CMS call.
func (e *Engine) request(ctx context.Context, key string, l *queue.Lease, s directory.Sync, takeBack bool) (out outcome, settled bool, err error) {
	if l == nil {
		e.o.Wake()
		if !s.Leased || e.DryRun() {
			return outcome{}, false, nil // work is stopped, or the record needs none
		}
		return e.await(ctx, key, s.Ticket)
	}
	var create *creation
	if takeBack {
		create = new(creation)
	}
	done := make(chan outcome, 1)
	e.inFlight.Go(func() { done <- e.detached(context.WithoutCancel(ctx), l, create) })
	began, patience := e.o.Now(), e.patience(ctx)
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case out = <-done:
		spend(ctx, e.o.Now().Sub(began))
		return ended(out, create)
	case <-wait.C:
		spend(ctx, patience)
	case <-ctx.Done():
	}
	switch {
	case !create.tell(): // the record is being taken back: a moment more, and the request is told why
		return ended(<-done, create)
	case ctx.Err() != nil:
		return outcome{}, false, ctx.Err()
	}
	return outcome{}, false, nil
}

// ended is what a request makes of a sync that has ended. Whether a creation was taken back may be unknown, if Redis did not
// answer: then so is what became of the write.
func ended(out outcome, create *creation) (outcome, bool, error) {
	if out.err != nil && create.refused() {
		return outcome{}, false, &directory.UnavailableError{Cause: out.err}
	}
	return out, out.err == nil, nil
}

// detached runs a sync to its end and gives back what it left of its lease.
func (e *Engine) detached(ctx context.Context, l *queue.Lease, create *creation) outcome {
	ctx, cancel := context.WithTimeout(withoutPatience(ctx), syncLimit)
	defer cancel()
	kept, stop := e.queue.KeepAlive(ctx, l)
	out := e.guarded(kept, l, create)
	stop()
	if v := e.verdict(ctx, l, out); v.Outcome != queue.Ended {
		if _, err := e.queue.Finish(context.WithoutCancel(ctx), l, v); err != nil {
			e.log.ErrorContext(ctx, "a sync could not be ended; its lease will run out", "project", e.o.Project, "key", l.Key, "error", err)
		}
	}
	e.o.Wake()
	return out
}

// guarded is a sync whose panic becomes its error: nobody else would stop it from ending the process.
func (e *Engine) guarded(ctx context.Context, l *queue.Lease, create *creation) (out outcome) {
	defer func() {
		if r := recover(); r != nil {
			e.log.ErrorContext(ctx, "panic in a sync", "project", e.o.Project, "key", l.Key, "panic", r, "stack", string(debug.Stack()))
			out = outcome{err: errPanic}
		}
	}()
	return e.sync(ctx, l, create)
}

// errPanic stands for a panic; the log has it.
var errPanic = errors.New("internal error, see the log")

// await waits for a ticket that another holder is working on.
func (e *Engine) await(ctx context.Context, key string, ticket int64) (outcome, bool, error) {
	began, patience := e.o.Now(), e.patience(ctx)
	if patience <= 0 {
		return outcome{}, false, nil
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	entry, err := e.queue.Await(waiting, key, ticket)
	if waiting.Err() != nil {
		spend(ctx, patience)
	} else {
		spend(ctx, e.o.Now().Sub(began))
	}
	switch {
	case ctx.Err() != nil:
		return outcome{}, false, ctx.Err()
	case err != nil:
		return outcome{}, false, nil // out of patience, or Redis is away: the wish is accepted in any case
	}
	out := outcome{result: string(entry.State)}
	if entry.State == queue.Parked && refusedByCMS(entry.Code) {
		out.rejected = newRejected(entry.Code, entry.Text)
	}
	return out, true, nil
}

// refusedByCMS tells the CMS's refusals from what only this proxy's configuration stands in the way of.
func refusedByCMS(code string) bool {
	switch code {
	case mapping.CodeRoleMissing, mapping.CodePrivilegedRole, mapping.CodeInvitationGone, codeAddressTaken, codeNoAddress, codeRemovalPaused:
		return false
	}
	return true
}

// errNoSlot means that the CMS's rate leaves no room for a call within a request's patience.
var errNoSlot = errors.New("the next CMS call is too far away for a request to wait")

type patienceKey struct{}

func withoutPatience(ctx context.Context) context.Context {
	return context.WithValue(ctx, patienceKey{}, true)
}

// Gate paces the CMS client by a pacer. Calls that a request makes itself give up when the next slot is far away.
type Gate struct{ Pacer *queue.Pacer }

var _ cmsclient.Gate = Gate{}

// Wait returns when the next call may be sent.
func (g Gate) Wait(ctx context.Context) error {
	if ctx.Value(patienceKey{}) == nil {
		return g.Pacer.Wait(ctx)
	}
	slot, _, ok, err := g.Pacer.Book(ctx, slotAhead)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNoSlot
	}
	return g.Pacer.Wait(queue.WithSlot(ctx, slot))
}

// Report tells the pacer what the CMS answered.
func (g Gate) Report(ctx context.Context, f cmsclient.Feedback) {
	if f.Status == 0 {
		return
	}
	// A report that Redis does not take only makes the pace less exact; the next call finds Redis away itself.
	_ = g.Pacer.Report(ctx, queue.Feedback{Limited: f.Limited, Reset: f.Reset, Limit: f.Limit})
}
