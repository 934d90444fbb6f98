package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// importKey is the queue key of the import: its lease makes one replica import at a time.
const importKey = "import/all"

// lookMargin is how long after its deadline a CMS call can still take effect.
const lookMargin = 5 * time.Second

// slotWait is when a key comes back that found no room at the CMS within a request's patience.
const slotWait = 20 * time.Millisecond

// busyWait is when a key whose CMS identity is held by another key tries again.
const busyWait = 250 * time.Millisecond

// outRejected is a sync's outcome beside the queue's results: the CMS refused a creation, and it was taken back.
const outRejected = "rejected"

// fold is how addresses and names are compared.
func fold(s string) string { return mapping.Fold(s) }

// outcome is how one sync ended, for the request that waits for it.
type outcome struct {
	result   string         // of the queue (done, again, retry, parked, held), rejected, or lost
	rejected *RejectedError // the CMS refused for good
	err      error          // what went wrong, for the log
}

// Handle syncs the key of a lease that a worker took. The engine ends the lease itself, in the script that writes the
// result; the verdict stands for what it could not write.
func (e *Engine) Handle(ctx context.Context, l *queue.Lease) queue.Verdict {
	if !e.binding.ok() {
		return queue.Verdict{Outcome: queue.Wait, After: bindWait, Code: "not_bound", Text: "it is not known yet that the CMS token opens the right project"}
	}
	if e.epoch.older() {
		return outdatedVerdict()
	}
	if e.DryRun() && !slices.Contains(HarmlessKeys(), l.Key) {
		return dryRunVerdict() // somebody's mark has run out: this process sends nothing all the same
	}
	if l.Key == directory.RulesKey {
		return e.sweepVerdict(ctx, l)
	}
	if l.Key == importKey {
		return e.importVerdict(ctx, l)
	}
	return e.verdict(ctx, l, e.sync(ctx, l, nil))
}

// sync runs one key under its lease, which the caller keeps alive. create is not nil while a request waits for the record's
// creation.
func (e *Engine) sync(ctx context.Context, l *queue.Lease, create *creation) outcome {
	ctx = cmsclient.WithGuard(ctx, e.queue.Guard(l))
	kind, id, _ := strings.Cut(l.Key, "/")
	began := e.o.Now()
	s := syncing{engine: e, lease: l, id: id, create: create, send: &sendWindow{now: e.o.Now}}
	ctx = cmsclient.WithGuard(ctx, s.send.guard)
	var out outcome
	switch kind {
	case "user":
		user := &userSync{syncing: s}
		out, s = user.run(ctx), user.syncing
	case "group":
		group := &groupSync{syncing: s}
		out, s = group.run(ctx), group.syncing
	default:
		return outcome{err: errors.New("unknown kind of key")}
	}
	if s.called && (out.result == queue.ResultDone || out.result == queue.ResultParked || out.result == outRejected) {
		e.answered(ctx, l)
	}
	if isLost(out.err) && s.own {
		e.lost(ctx, l)
	}
	e.observe(kind, l, out, e.o.Now().Sub(began))
	return out
}

func isLost(err error) bool {
	return errors.Is(err, directory.ErrLost) || errors.Is(err, queue.ErrLost)
}

// lost notes that a call which this sync noted may land over what others did since its lease was lost.
func (e *Engine) lost(ctx context.Context, l *queue.Lease) {
	var i intent
	if l.Intent == "" || json.Unmarshal([]byte(l.Intent), &i) != nil {
		return
	}
	c := directory.Changes{Role: i.Role, Access: i.Access, Name: i.Op == opRenameRole}
	if err := e.dir.Lost(context.WithoutCancel(ctx), l, c); err != nil {
		e.log.ErrorContext(ctx, "a lost lease could not be noted", "project", e.o.Project, "key", l.Key, "error", err)
	}
}

// answered closes the circuit when the key of a probe shows that the CMS takes calls again.
func (e *Engine) answered(ctx context.Context, l *queue.Lease) {
	if !l.Probe {
		return
	}
	if err := e.queue.Clear(ctx); err != nil {
		e.log.WarnContext(ctx, "the circuit could not be closed", "project", e.o.Project, "error", err)
	}
}

func (e *Engine) observe(kind string, l *queue.Lease, out outcome, took time.Duration) {
	e.o.Observer.Synced(kind, out.result)
	if out.result != queue.ResultDone {
		return
	}
	if l.Since > 0 && l.Taken > 0 {
		took += time.Duration(max(l.Taken-l.Since, 0)) * time.Millisecond
	}
	e.o.Observer.Agreed(kind, took)
}

// verdict tells the queue what is left to do: nothing when the lease was ended here, else to try again.
func (e *Engine) verdict(ctx context.Context, l *queue.Lease, out outcome) queue.Verdict {
	if out.err == nil {
		return queue.Verdict{Outcome: queue.Ended}
	}
	if isLost(out.err) {
		e.log.WarnContext(ctx, "a lease was lost during a sync; the key will be looked at", "project", e.o.Project, "key", l.Key)
		return queue.Verdict{Outcome: queue.Retry, Look: l.Look}
	}
	e.log.WarnContext(ctx, "sync failed", "project", e.o.Project, "key", l.Key, "error", out.err)
	return queue.Verdict{Outcome: queue.Retry, Code: "internal", Text: "the sync could not be carried out; the log of the proxy says why"}
}

// syncing is what the syncs of users and groups have in common.
type syncing struct {
	engine  *Engine
	set     *live // the settings that this round goes by
	lease   *queue.Lease
	id      string
	create  *creation // a request waits for the creation of this record: a refusal takes it back
	now     int64     // ms, when the record was first read under this lease
	looked  bool      // the CMS was read under this lease
	called  bool      // a CMS call was made
	send    *sendWindow
	own     bool   // the open intent was noted by this sync
	doubt   bool   // a call of this sync may still arrive: the CMS is to be read again after its last moment
	refused bool   // the CMS refused for good
	last    string // name of the last call, for the key's history
}

// errLate means that a noted call was held up for so long that it could land after the look that is to settle it.
var errLate = errors.New("the call was held up for too long after it was noted")

// sendWindow is the time in which a noted write may be sent: an intent says when the call can no longer arrive.
type sendWindow struct {
	now   func() time.Time
	until time.Time // zero: nothing is noted
}

func (w *sendWindow) guard() error {
	if !w.until.IsZero() && w.now().After(w.until) {
		return errLate
	}
	return nil
}

// cleared is what becomes of the intent when the outcome of the newest call is known.
func (s *syncing) cleared() directory.IntentChange {
	if s.doubt {
		return directory.DoubtfulIntent
	}
	return directory.ClearIntent
}

// certain says that no call of this key may still arrive.
func (s *syncing) certain() bool { return !s.doubt && s.lease.Look <= s.now }

// openIntent is the call that was noted last, if its outcome is not known.
func (s *syncing) openIntent() (intent, bool) {
	var i intent
	if s.lease.Intent == "" || json.Unmarshal([]byte(s.lease.Intent), &i) != nil {
		return intent{}, false
	}
	return i, true
}

// mustLook says that the CMS is to be read before anything is planned: an earlier call may have been applied, or still
// be under way.
func (s *syncing) mustLook() bool {
	return !s.looked && (s.lease.Intent != "" || s.lease.Look != 0 || s.lease.Reclaimed)
}

// intend notes a CMS write before it is sent.
func (s *syncing) intend(ctx context.Context, what intent, takes directory.Taking, idents ...string) error {
	noted := s.engine.o.Now()
	call := directory.Call{
		Note: what.String(), Deadline: s.engine.o.CallTimeout + lookMargin, Takes: takes,
		Changes: directory.Changes{Role: what.Role, Access: what.Access, Resend: what.Resend, Asked: what.asked},
	}
	err := s.engine.dir.Intend(ctx, s.lease, call, idents...)
	s.send.until, s.last = noted.Add(lookMargin), what.Op
	if err == nil {
		s.own, s.called = true, true
	}
	return err
}

// failure says how a sync ends after an error of a CMS call that no look can settle.
func (s *syncing) failure(ctx context.Context, err error) queue.Verdict {
	var ce *cmsclient.Error
	if errors.Is(err, cmsclient.ErrReadOnly) {
		return dryRunVerdict()
	}
	if !errors.As(err, &ce) {
		return queue.Verdict{Outcome: queue.Retry, Code: "transport", Text: "the CMS could not be reached"}
	}
	if errors.Is(err, errNoSlot) || errors.Is(err, errLate) {
		return queue.Verdict{Outcome: queue.Wait, After: slotWait, Code: "paced", Text: "waits for its turn at the CMS"}
	}
	v := queue.Verdict{Outcome: queue.Retry, Code: code(ce), Text: ce.Reason()}
	switch cmsclient.Classify(err) {
	case cmsclient.Stop:
		s.engine.stop(ctx, ce)
		v.Outcome = queue.Wait
	case cmsclient.Reject, cmsclient.Already, cmsclient.Gone:
		if ce.Unlisted() && s.engine.troubled(ctx, s.lease.Key, ce, s.engine.queue.Refused) {
			v.Outcome = queue.Wait
			break
		}
		s.refused = true
		v.Outcome = queue.Park
	default:
		v.After = ce.Reset
		if away(ce) && ctx.Err() == nil {
			s.engine.troubled(ctx, s.lease.Key, ce, s.engine.queue.Failed)
		}
	}
	return v
}

// away says that a call met no working CMS: it gave no answer, or answered that it failed.
func away(ce *cmsclient.Error) bool {
	return ce.Status == 0 || ce.Status >= http.StatusInternalServerError
}

// troubled notes what the CMS did over one key, and says whether that has opened the circuit of the project.
func (e *Engine) troubled(ctx context.Context, key string, ce *cmsclient.Error,
	note func(ctx context.Context, key, reason, code string) (bool, error),
) bool {
	open, err := note(context.WithoutCancel(ctx), key, ce.Reason(), code(ce))
	if err != nil {
		e.log.WarnContext(ctx, "trouble with the CMS could not be noted", "project", e.o.Project, "key", key, "error", err)
	}
	return open
}

// stop keeps the whole project from calling a CMS that would refuse every call alike.
func (e *Engine) stop(ctx context.Context, ce *cmsclient.Error) {
	e.log.ErrorContext(ctx, "the CMS refuses every call: the project is stopped until a probe succeeds",
		"project", e.o.Project, "code", code(ce), "status", ce.Status)
	if err := e.queue.Trip(ctx, ce.Reason(), code(ce)); err != nil {
		e.log.ErrorContext(ctx, "the stop could not be noted", "project", e.o.Project, "error", err)
	}
}

// code names an error of the CMS for operators and metrics.
func code(ce *cmsclient.Error) string {
	switch {
	case strings.EqualFold(ce.Code(), codeNoSeat) && ce.Limit() != "users":
		return codePlanLimit // no seat that becomes free helps
	case ce.Code() != "":
		return strings.ToLower(ce.Code())
	case ce.Unknown:
		return "unknown_outcome"
	case ce.Status != 0:
		return "http_" + itoa(ce.Status)
	}
	return "transport"
}
