package reconcile

import (
	"context"
	"sync"
	"time"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// A replica that is configured for a dry run says so in Redis every dryRunEvery, for dryRunFor: meanwhile no replica of the
// project sends anything, whatever its own configuration says.
const (
	dryRunEvery = claimEvery
	dryRunFor   = 30 * time.Second
)

// codeDryRun is the reason of a key that waits for the end of a dry run.
const codeDryRun = "dry_run"

// HarmlessKeys are the queue keys that are worked on in a dry run, too: the import reads the CMS, and the sweep of new rules
// queues people.
func HarmlessKeys() []string { return []string{importKey, directory.RulesKey} }

// DryRun says whether this replica is configured for a dry run: it accepts writes, plans them, and sends nothing.
func (e *Engine) DryRun() bool { return e.set().DryRun }

// adopt puts settings in force. A dry run begins before, and ends after, anything else goes by them: the client that all
// calls pass is what guarantees that no write leaves this process.
func (e *Engine) adopt(s Settings) {
	if s.DryRun {
		e.cms.SetReadOnly(true)
	}
	e.live.Store(newLive(s))
	if !s.DryRun {
		e.cms.SetReadOnly(false)
	}
}

// dryRunMark is this process's mark of a dry run. It is written by one at a time: a repetition must not land over its end.
type dryRunMark struct {
	replica string // names it

	mu  sync.Mutex
	set bool
}

// markDryRun tells the other replicas whether this one is in a dry run.
func (e *Engine) markDryRun(ctx context.Context) error {
	e.mark.mu.Lock()
	defer e.mark.mu.Unlock()
	var err error
	dry := e.DryRun()
	switch {
	case dry:
		err = e.queue.DryRun(ctx, e.mark.replica, dryRunFor)
	case e.mark.set:
		err = e.queue.EndDryRun(ctx, e.mark.replica)
	default:
		return nil
	}
	if err != nil {
		e.mark.set = true // it may have been written
		return &directory.UnavailableError{Cause: err}
	}
	if e.mark.set != dry {
		e.mark.set = dry
		e.tellDryRun(ctx, dry)
	}
	return nil
}

func (e *Engine) tellDryRun(ctx context.Context, now bool) {
	if now {
		e.log.WarnContext(ctx, "dry run: writes are accepted, kept and planned, and nothing is sent to the CMS by any replica; see scimcms plan",
			"project", e.o.Project)
		return
	}
	e.log.InfoContext(ctx, "the dry run is over: what was accepted meanwhile is sent to the CMS", "project", e.o.Project)
	e.o.Wake()
}

// keepDryRun repeats the mark until ctx ends. The mark outlives this process for a moment, so that a restart does not let
// others send what this one was not to.
func (e *Engine) keepDryRun(ctx context.Context) {
	tick := time.NewTicker(dryRunEvery)
	defer tick.Stop()
	for {
		if err := e.markDryRun(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "the dry run could not be marked", "project", e.o.Project, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// dryRunVerdict has a key wait for the end of the dry run: it uses no attempt, and is neither parked nor counted by the brake.
func dryRunVerdict() queue.Verdict {
	return queue.Verdict{Outcome: queue.Wait, After: dryRunEvery, Code: codeDryRun, Text: "dry run: planned, and not sent to the CMS"}
}
