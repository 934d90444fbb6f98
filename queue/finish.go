package queue

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Outcome is how an attempt ended. The zero value is no outcome and counts as Retry.
type Outcome int

// The outcomes.
const (
	Done  Outcome = iota + 1 // the CMS agrees: the key leaves the queue
	Retry                    // it may work later: back-off, one attempt used
	Wait                     // something else must happen first: no attempt used
	Park                     // it cannot work as it is: kept aside until a newer wish or a replay
	Hold                     // an operator must approve it: kept aside until then, or until a newer wish; no attempt used
	Ended                    // the handler has ended the lease itself, with q_finish in a script of its own
)

// verdicts are the words of q_finish.
func (o Outcome) verdict() string {
	switch o {
	case Done:
		return "done"
	case Wait:
		return "wait"
	case Park:
		return "park"
	case Hold:
		return "hold"
	case Ended:
		return "ended"
	default:
		return "retry"
	}
}

// Verdict is what a holder says about its key at the end of an attempt.
type Verdict struct {
	Outcome   Outcome
	After     time.Duration // when to come back (Retry, Wait); 0: back-off by attempts for Retry, 1s for Wait
	Lane      Lane          // recomputed from the wish; "" keeps the key's lane
	Code      string        // machine-readable reason, for Retry, Wait, Park and Hold
	Text      string        // the reason in words, without secrets or personal data beyond the key's own
	Call      string        // the last call that the attempt made, for the history: a name, no values
	Look      int64         // Unix ms: the CMS is to be read again then; 0: not for this attempt's sake
	NeverPark bool          // retry without end, at least once a minute; always so in lane Leavers
}

// Results of a finish, as q_finish says them.
const (
	ResultDone     = "done"     // agreed, the key is gone
	ResultAgain    = "again"    // a newer wish came meanwhile: queued again, due now
	ResultRetry    = "retry"    // queued again, due later (also: done, but a look is still owed)
	ResultParked   = "parked"   // kept aside
	ResultHeld     = "held"     // kept aside for an operator to approve
	ResultReleased = "released" // back in its lane, nothing used
	ResultLost     = "lost"     // the lease was gone: nothing written, a look is queued
)

// maxText bounds the stored words of a reason, in bytes.
const maxText = 500

// Finish ends a lease with a verdict and says what became of the key. A lease that is gone writes nothing: a call of
// its holder may still land, so the key is queued to be looked at, and the result is "lost". A lease that has been
// ended already (Ended, Finished) is left alone.
func (q *Queue) Finish(ctx context.Context, l *Lease, v Verdict) (string, error) {
	if result, ended := l.ended(); ended || v.Outcome == Ended {
		return result, nil
	}
	args := append([]any{l.Key, l.Token, q.lookMillis(), v.Look}, q.FinishArgs(l, v)...)
	return q.finish(ctx, l, args)
}

// Release gives a lease back unused: the key is due at once in its lane, and no attempt is counted. Graceful stop.
func (q *Queue) Release(ctx context.Context, l *Lease) error {
	if _, ended := l.ended(); ended {
		return nil
	}
	_, err := q.finish(ctx, l, []any{l.Key, l.Token, q.lookMillis(), 0, l.Ticket, "release", 0, string(l.Lane), "", "", "", ""})
	return err
}

func (q *Queue) finish(ctx context.Context, l *Lease, args []any) (string, error) {
	result, err := q.run(ctx, q.scripts.finish, args...).Text()
	if err != nil {
		return "", fmt.Errorf("queue: finish %s: %w", l.Key, err)
	}
	q.Finished(l, result)
	return result, nil
}

// Look queues key so that the CMS is read once more by a lease taken two call deadlines from now, when every call of
// a lost lease has ended. Finish does it for a lease that it finds lost.
func (q *Queue) Look(ctx context.Context, key string, lane Lane) error {
	if err := q.run(ctx, q.scripts.lost, key, string(lane), q.lookMillis()).Err(); err != nil {
		return fmt.Errorf("queue: look at %s: %w", key, err)
	}
	return nil
}

// FinishArgs are the arguments that a script of another package passes on to q_finish, with due = now + the third:
//
//	ticket, verdict, after ms, lane, code, text, limit, call
//
// Such a script calls q_lost when q_finish says 'lost', and its caller calls Finished with the result.
func (q *Queue) FinishArgs(l *Lease, v Verdict) []any {
	lane, limit := v.Lane, any(q.opt.Attempts)
	if !lane.Valid() {
		lane = l.Lane
	}
	if v.NeverPark || lane == Leavers {
		limit = ""
	}
	return []any{l.Ticket, v.Outcome.verdict(), q.delay(l, v, lane).Milliseconds(), string(lane), v.Code, clip(v.Text), limit, v.Call}
}

// Finished tells those who wait for the key in this process, and the observer, that a lease ended. Finish and Release
// do it themselves; it is for scripts of other packages that call q_finish.
func (q *Queue) Finished(l *Lease, result string) {
	l.end(result)
	q.opt.Observer.Finished(l.Lane, result)
	q.waiters.wake(l.Key)
}

// delay is when a key comes back.
func (q *Queue) delay(l *Lease, v Verdict, lane Lane) time.Duration {
	d := v.After
	if d <= 0 {
		d = time.Second
		if v.Outcome != Wait {
			d = q.opt.Backoff.Delay(l.Attempts+1, q.opt.Rand)
		}
	}
	if v.NeverPark || lane == Leavers {
		d = min(d, leaverMax)
	}
	return d
}

// clip shortens s to maxText bytes of valid UTF-8.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}
