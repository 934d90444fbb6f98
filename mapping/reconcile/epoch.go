package reconcile

import (
	"context"
	"sync"
	"time"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// Replicas say every claimEvery which rules they run. Rules that were in force before come back when nobody has run those
// that replaced them for rulesQuiet.
const (
	claimEvery = 5 * time.Second
	rulesQuiet = 30 * time.Second
)

// codeOldRules: other rules than this replica's are in force.
const codeOldRules = "old_rules"

// epoch is how this replica's rules stand to those in force over all replicas. Before the first answer nothing is synced.
type epoch struct {
	mu     sync.Mutex
	state  directory.RulesState
	number int64
}

func (x *epoch) set(state directory.RulesState, number int64) (changed bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	changed = x.state != state && (state == directory.RulesOlder || x.state == directory.RulesOlder)
	x.state, x.number = state, number
	return changed || state == directory.RulesNew
}

// current says that this replica's rules are in force.
func (x *epoch) current() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.state == directory.RulesCurrent || x.state == directory.RulesNew
}

// older says that others are.
func (x *epoch) older() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.state == directory.RulesOlder
}

// claimRules says which rules this replica runs, and hears whether they are in force.
func (e *Engine) claimRules(ctx context.Context) error {
	state, number, err := e.dir.ClaimRules(ctx, e.set().fingerprint, rulesQuiet)
	if err != nil {
		return err
	}
	if !e.epoch.set(state, number) {
		return nil
	}
	switch state {
	case directory.RulesNew:
		e.log.InfoContext(ctx, "new rules are in force: everybody whom they concern is queued", "project", e.o.Project, "epoch", number)
		e.o.Wake()
	case directory.RulesOlder:
		e.log.WarnContext(ctx, "other replicas run newer rules: this one accepts writes and syncs nothing until it has them, too",
			"project", e.o.Project, "epoch", number)
	default:
		e.log.InfoContext(ctx, "this replica's rules are in force", "project", e.o.Project, "epoch", number)
		e.o.Wake()
	}
	return nil
}

// works says that this replica may sync: CMS calls go to the record's project, and its rules are in force.
func (e *Engine) works() bool { return e.binding.ok() && e.epoch.current() }

// outdated says that a sync which has just read its record must not go on: other rules than its own are in force.
func (s *syncing) outdated(inForce string) bool {
	if inForce == "" || inForce == s.set.fingerprint {
		return false
	}
	s.engine.epoch.set(directory.RulesOlder, 0)
	return true
}

// outdatedVerdict gives the key to a replica that runs the rules in force.
func outdatedVerdict() queue.Verdict {
	return queue.Verdict{Outcome: queue.Wait, After: time.Second, Code: codeOldRules, Text: "waits for a replica that runs the newest rules"}
}

// sweepVerdict queues everybody whom new rules concern, batch by batch.
func (e *Engine) sweepVerdict(ctx context.Context, l *queue.Lease) queue.Verdict {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = e.dir.SweepRules(ctx, l); err != nil {
			e.log.WarnContext(ctx, "the people whom new rules concern could not be queued", "project", e.o.Project, "error", err)
			return queue.Verdict{Outcome: queue.Retry, NeverPark: true, Code: "sweep_failed", Text: "the record could not be read"}
		}
		e.o.Wake()
		if !more {
			return queue.Verdict{Outcome: queue.Done}
		}
	}
	return queue.Verdict{Outcome: queue.Wait, Code: "sweep_stopped", Text: "goes on where it stopped"}
}

// keepRules repeats the claim until ctx ends.
func (e *Engine) keepRules(ctx context.Context) {
	tick := time.NewTicker(claimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.claimRules(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "the rules in force could not be read", "project", e.o.Project, "error", err)
		}
	}
}

// Reload puts other settings in force. Syncs under way end with those that they began with, and are made again if the rules
// changed; a dry run stops them before their next call.
func (e *Engine) Reload(ctx context.Context, s Settings) error {
	e.adopt(s)
	if err := e.markDryRun(ctx); err != nil {
		return err
	}
	if !e.binding.ok() {
		return nil // a process that syncs nothing has no say; one that is to sync claims when it is bound
	}
	return e.claimRules(ctx)
}
