package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scimcms/scimcms/queue/redisconn"
)

// ErrLost says that a lease is gone: it ran out, or somebody else has the key. Its holder must not begin a CMS call
// and can no longer write to Redis.
var ErrLost = errors.New("queue: lease lost")

// Lease is one holder's right to act on a key, and what the key's record said when it was taken.
type Lease struct {
	Key      string
	Token    string
	Ticket   int64 // what the holder acts on: all changes up to this one
	Lane     Lane
	Attempts int    // failed attempts so far
	Look     int64  // not 0: read the CMS before planning, whatever an intent or the plan says
	Intent   string // a call of an earlier holder whose outcome is unknown: look for it first
	Code     string // last error
	Text     string

	Reclaimed bool  // the lease before this one ran out
	Probe     bool  // the circuit is open, and this key finds out whether the CMS is back
	Since     int64 // Unix ms since when the key is not agreed
	Taken     int64 // Unix ms when the lease was taken, 0 for an adopted one

	mu     sync.Mutex
	with   []any // what was read when it was taken, until somebody asks for it
	until  time.Time
	result string // how it was ended; "" while it lasts
}

func (l *Lease) end(result string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result = result
}

// With gives what was read in the script that took the lease (ReadWithTake), to the first who asks; nil: nothing was.
func (l *Lease) With() []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	with := l.with
	l.with = nil
	return with
}

func (l *Lease) ended() (result string, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.result, l.result != ""
}

// Remaining is how much of the lease is left, by the clock of this process.
func (l *Lease) Remaining(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until.Sub(now)
}

// prolong sets the end of the lease. began is a moment before the script that took or renewed it.
func (l *Lease) prolong(began time.Time, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = began.Add(d)
}

// TakeOptions narrow what Take returns.
type TakeOptions struct {
	OnlyLeavers bool
}

// Take leases the most urgent due key, or returns nil when nothing is due or the project is stopped. Leases that ran
// out are put back into their lane first. While the circuit is open, one key at a time is handed out as its probe; in a dry
// run only Options.Harmless are.
func (q *Queue) Take(ctx context.Context, opt TakeOptions) (*Lease, error) {
	leases, err := q.TakeSome(ctx, 1, opt)
	if err != nil || len(leases) == 0 {
		return nil, err
	}
	return leases[0], nil
}

// TakeSome is Take for as many keys as the caller can begin with at once, at most n of them; fewer when fewer are due. Each is
// chosen as Take would choose it next.
func (q *Queue) TakeSome(ctx context.Context, n int, opt TakeOptions) ([]*Lease, error) {
	began, tokens := q.opt.Clock(), make([]string, n)
	for i := range tokens {
		tokens[i] = NewToken()
	}
	args := q.harmless(strings.Join(tokens, " "), millis(q.opt.Lease), q.lookMillis(), flag(opt.OnlyLeavers))
	out, err := q.run(ctx, q.scripts.take, args...).Slice()
	if err != nil {
		return nil, fmt.Errorf("queue: take: %w", err)
	}
	if n, ok := out[0].(int64); ok && n > 0 {
		q.opt.Observer.Reclaimed(int(n))
		q.opt.Logger.WarnContext(ctx, "leases ran out and were taken back", "leases", n)
	}
	leases := make([]*Lease, 0, len(out)-1)
	for i, entry := range out[1:] {
		leases = append(leases, q.taken(tokens[i], began, entry))
	}
	return leases, nil
}

// taken reads a lease as the script gives it.
func (q *Queue) taken(token string, began time.Time, entry any) *Lease {
	list, _ := entry.([]any)
	f := append(texts(list), make([]string, max(0, takenFields-len(list)))...)
	l := newLease(f[0], token, f[6:])
	if len(list) == takenFields {
		l.with, _ = list[takenFields-1].([]any)
	}
	l.Taken, l.Reclaimed, l.Probe, l.Since = number(f[1]), f[3] == "1", f[4] == "1", number(f[5])
	l.prolong(began, q.opt.Lease)
	q.opt.Observer.Taken(l.Lane, time.Duration(max(l.Taken-l.Since, 0))*time.Millisecond)
	return l
}

// takenFields is how much the script gives of each key.
const takenFields = 14

// NextDue says when there will be something to take: after in (0 = now), or found = false when nothing is queued or the
// project is paused. It writes nothing.
func (q *Queue) NextDue(ctx context.Context, opt TakeOptions) (in time.Duration, found bool, err error) {
	args := q.harmless(q.NowArg(), flag(opt.OnlyLeavers))
	ms, err := q.scripts.due.Run(ctx, q.opt.Redis, []string{q.keys.base}, args...).Int64()
	if err != nil {
		return 0, false, fmt.Errorf("queue: next due: %w", err)
	}
	return time.Duration(max(ms, 0)) * time.Millisecond, ms >= 0, nil
}

// Adopt makes a Lease of what a script took with q_lease and read with q_record. The script's own duration is not
// known here, so the lease counts as taken one Redis time limit ago; AdoptSince is exact.
func (q *Queue) Adopt(key, token string, rec []string) *Lease {
	return q.AdoptSince(q.opt.Clock().Add(-redisconn.CallTimeout), key, token, rec)
}

// AdoptSince is Adopt for a caller that noted the time before it sent its script.
func (q *Queue) AdoptSince(began time.Time, key, token string, rec []string) *Lease {
	l := newLease(key, token, rec)
	l.prolong(began, q.opt.Lease)
	return l
}

// newLease reads the seven fields of q_record.
func newLease(key, token string, rec []string) *Lease {
	rec = append(slices.Clip(rec), make([]string, max(0, 7-len(rec)))...)
	attempts, _ := strconv.Atoi(rec[2])
	return &Lease{
		Key: key, Token: token, Ticket: number(rec[0]), Lane: Lane(rec[1]), Attempts: attempts,
		Look: number(rec[3]), Intent: rec[4], Code: rec[5], Text: rec[6],
	}
}

// Renew prolongs a lease. It returns ErrLost when the lease is gone. A revoked lease is not prolonged, and not lost yet:
// its holder ends the call that it has under way, and then finds that it can write nothing.
func (q *Queue) Renew(ctx context.Context, l *Lease) error {
	began := q.opt.Clock()
	left, err := q.run(ctx, q.scripts.renew, l.Key, l.Token, millis(q.opt.Lease)).Int64()
	if err != nil {
		return fmt.Errorf("queue: renew %s: %w", l.Key, err)
	}
	if left <= 0 {
		return fmt.Errorf("renew %s: %w", l.Key, ErrLost)
	}
	l.prolong(began, time.Duration(left)*time.Millisecond)
	return nil
}

// Guard returns a check to run right before every send of a CMS call: it fails when the rest of the lease is too
// short for the call's deadline. A call cannot be fenced, so none is begun that could outlive its lease.
func (q *Queue) Guard(l *Lease) func() error {
	return func() error {
		if left := l.Remaining(q.opt.Clock()); left < q.opt.CallTimeout+margin {
			return fmt.Errorf("%s left of the lease on %s: %w", left.Round(time.Millisecond), l.Key, ErrLost)
		}
		return nil
	}
}

// lookMillis is how long after a lease ran out the CMS must be read again: by then every call of its holder has ended.
func (q *Queue) lookMillis() string { return millis(2 * q.opt.CallTimeout) }

// texts turns a script's answer into strings.
func texts(in []any) []string {
	out := make([]string, len(in))
	for i, v := range in {
		switch v := v.(type) {
		case string:
			out[i] = v
		case int64:
			out[i] = strconv.FormatInt(v, 10)
		}
	}
	return out
}
