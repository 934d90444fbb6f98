package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// binding is what the engine knows of the CMS project behind its token: which one it is, and who the token acts as.
type binding struct {
	mu      sync.Mutex
	checked bool
	site    string // id of the CMS project
	token   string // id of the access token
	owner   string // CMS id of the collaborator behind the token, "" when it is no collaborator's
	problem string // why nothing may be synced
	failure string // why the newest try to check failed, in words
}

func (b *binding) tokenID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.token
}

func (b *binding) owns(l directory.Link) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.owner != "" && l.Kind == directory.Collaborator && l.ID == b.owner
}

// bound is the CMS project that is known to be the record's, "" before it is known.
func (b *binding) bound() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.site
}

// refuse says that nothing may be synced from now on.
func (b *binding) refuse(problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problem = problem
}

func (b *binding) set(site string, me cmsclient.Identity, problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checked, b.site, b.problem = true, site, problem
	switch me.Type {
	case "access_token":
		b.token = me.ID
	case "user":
		b.owner = me.ID
	}
}

func (b *binding) failed(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = why
}

// pending is what an operator should know while the check has not succeeded.
func (b *binding) pending() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failure == "" {
		return "the CMS has not answered yet"
	}
	return "nothing is synced until the CMS answers: " + b.failure
}

// ok says that CMS calls go to the project that the record belongs to.
func (b *binding) ok() bool {
	checked, problem := b.state()
	return checked && problem == ""
}

func (b *binding) state() (checked bool, problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.checked, b.problem
}

// Bind checks that the record belongs to the CMS project that the token opens, and ties a new record to it. A record of
// another project would make its people strangers: nothing is synced then.
func (e *Engine) Bind(ctx context.Context) error {
	if err := e.markDryRun(ctx); err != nil {
		return err
	}
	if err := e.bind(ctx); err != nil {
		return err
	}
	return e.claimRules(ctx)
}

// identify is Bind for a process that syncs nothing and so has no say about the rules in force.
func (e *Engine) identify(ctx context.Context) error {
	if !e.binding.ok() {
		if err := e.bind(ctx); err != nil {
			return err
		}
	}
	if _, problem := e.binding.state(); problem != "" {
		return errors.New(problem)
	}
	return nil
}

func (e *Engine) bind(ctx context.Context) error {
	site, err := e.cms.Site(ctx)
	if err != nil {
		return err
	}
	me, err := e.cms.Me(ctx)
	if err != nil {
		return err
	}
	bound, err := e.dir.Bind(ctx, site.ID)
	if err != nil {
		return err
	}
	problem := ""
	if bound != site.ID {
		problem = foreign(bound, site.ID)
		e.log.ErrorContext(ctx, "project not bound", "project", e.o.Project, "record", bound, "token", site.ID)
	}
	e.binding.set(site.ID, me, problem)
	return nil
}

// newRecord is how long an operator is told that the record was begun anew.
const newRecord = 24 * time.Hour

// Bound says that the CMS project behind the token is known to be the record's, and that this replica's rules are in
// force. Until then nothing can be synced here, and workers need not take keys.
func (e *Engine) Bound() bool { return e.works() }

// bindWait is how long a failed binding waits for the next try.
const bindWait = 2 * time.Second

// bindUntilDone tries until the CMS has said which project the token opens.
func (e *Engine) bindUntilDone(ctx context.Context) {
	for failed := false; ; failed = true {
		err := e.Bind(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		e.binding.failed(words(err))
		if !failed {
			e.log.WarnContext(ctx, "the CMS does not say which project the token opens; nothing is synced until it does",
				"project", e.o.Project, "error", err)
		}
		t := time.NewTimer(bindWait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// words is an error for an operator to read.
func words(err error) string {
	if ce, ok := errors.AsType[*cmsclient.Error](err); ok {
		return ce.Reason()
	}
	return err.Error()
}

// Readiness says whether a project can take writes and sync them.
type Readiness struct {
	OK      bool
	Reasons []string // why not
	Notes   []string // what an operator should know
}

// Ready asks Redis and reports what is known of the CMS.
func (e *Engine) Ready(ctx context.Context) Readiness {
	var r Readiness
	stats, err := e.queue.Stats(ctx)
	if err != nil {
		return Readiness{Reasons: []string{"Redis does not answer"}}
	}
	if restoring, err := e.queue.Restoring(ctx); err != nil || restoring {
		return Readiness{Reasons: []string{"a restore of the record is under way or was broken off: nothing is read or written until one has ended"}}
	}
	checked, problem := e.binding.state()
	switch {
	case problem != "":
		r.Reasons = append(r.Reasons, problem)
	case !checked:
		r.Notes = append(r.Notes, e.binding.pending())
	}
	if e.epoch.older() {
		r.Notes = append(r.Notes, "other replicas run newer rules: this one accepts writes and syncs nothing")
	}
	if e.DryRun() {
		r.Notes = append(r.Notes, "dry run: writes are accepted and planned, and nothing is sent to the CMS; see scimcms plan")
	} else if stats.DryRun > 0 {
		r.Notes = append(r.Notes, "another replica is in a dry run: nothing is sent to the CMS until all replicas have dry_run: false")
	}
	r.Notes = append(r.Notes, queueNotes(stats)...)
	r.Notes = append(r.Notes, e.recordNotes(ctx)...)
	if stop, err := e.dir.InvitationsStopped(ctx); err == nil && stop.Code != "" {
		r.Notes = append(r.Notes, "the CMS takes no invitations at the moment: "+stop.Text)
	}
	r.OK = len(r.Reasons) == 0
	return r
}

func queueNotes(stats queue.Stats) (notes []string) {
	if stats.Circuit != "" {
		notes = append(notes, "the CMS refuses every call: "+stats.Circuit)
	}
	if stats.Paused {
		notes = append(notes, "the queue is paused")
	}
	if stats.Parked > 0 {
		notes = append(notes, fmt.Sprintf("%d keys are parked and wait for an operator", stats.Parked))
	}
	if stats.Held > 0 {
		notes = append(notes, fmt.Sprintf("the brake holds %d people back until an operator releases or discards them", stats.Held))
	}
	return notes
}

func (e *Engine) recordNotes(ctx context.Context) (notes []string) {
	if begun, people, err := e.dir.Begun(ctx); err == nil && people > 0 && e.o.Now().Sub(begun) < newRecord {
		notes = append(notes, fmt.Sprintf("the record is new since %s, and the CMS had %d people then: they keep their roles; memberships and "+
			"groups that rules name come back when the identity provider pushes its groups", begun.UTC().Format(time.RFC3339), people))
	}
	if confirmed, begun, err := e.dir.RepairConfirmed(ctx); err == nil && begun && !confirmed && e.set().Drift == driftRepair {
		notes = append(notes, "drift is reported and not repaired: the record was begun when the CMS had people already; when the identity provider "+
			"has pushed everybody and every group, run scimcms drift confirm")
	}
	if last, err := e.dir.LastImport(ctx); err == nil && last.IsZero() {
		notes = append(notes, "nothing has been imported from the CMS yet")
	}
	return notes
}

// Stats are an engine's figures for metrics.
type Stats struct {
	Users, Groups int64
	ImportAge     time.Duration // -1: never imported
	ImportWait    time.Duration // how long after the last picture the next one is due
	Drift         map[mapping.DriftKind]int
	Calls         int64 // to the CMS in this month, by UTC
}

// Stats reads the figures of the record.
func (e *Engine) Stats(ctx context.Context) (Stats, error) {
	c, err := e.dir.Counts(ctx)
	if err != nil {
		return Stats{}, err
	}
	imports, err := e.dir.ImportState(ctx)
	if err != nil {
		return Stats{}, err
	}
	age := e.o.Now().Sub(imports.Last)
	if imports.Last.IsZero() {
		age = -1
	}
	calls, err := e.dir.Calls(ctx)
	if err != nil {
		return Stats{}, err
	}
	drift, err := e.driftCounts(ctx)
	return Stats{
		Users: c.Users, Groups: c.Groups, ImportAge: age, ImportWait: e.set().importWait(imports), Drift: drift, Calls: calls,
	}, err
}
