package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// PacerOptions configure a Pacer.
type PacerOptions struct {
	Redis  redis.UniversalClient // required
	Base   string                // required: prefix{cms:HASH}, the same for all who use one CMS token
	Limit  int                   // calls per window; 0 = no pacing
	Window time.Duration         // required with a Limit

	Now   func() int64                                     // Unix µs for tests; nil: Redis's TIME
	Clock func() time.Time                                 // default time.Now, or Now if that is given
	Sleep func(ctx context.Context, d time.Duration) error // default: a timer
}

// Feedback is what the CMS said about its rate limit with one answer.
type Feedback struct {
	Limited bool          // it refused the call for its rate
	Reset   time.Duration // how long to hold back, when limited; 0: 1s
	Limit   int           // calls per window that it told; 0: none told
}

// How long a refusal holds everybody when the CMS does not say, and at most.
const (
	resetDefault = time.Second
	resetMax     = time.Minute
)

// threeAhead, as Book's maxAhead, is how far ahead workers and requests book: three spacings.
const threeAhead time.Duration = -1

// Pacer spaces the calls of all processes that use one CMS token: each books the next send time in Redis. There are
// no bursts, so any sliding window holds at most the limit. A refusal widens the spacing and holds everybody until the
// reset; successes narrow it again. A nil Pacer does not pace.
type Pacer struct {
	opt          PacerOptions
	id           string // of this process
	book, report *redis.Script

	mu      sync.Mutex
	hold    time.Time // slots before it are void: the CMS has told this process to hold back
	factor  float64   // these as last seen
	spacing time.Duration
	learnt  int

	last     time.Time // the last slot of this process
	replicas int64     // processes that booked lately
}

// NewPacer checks opt and returns a Pacer; with Limit 0 it returns nil, which paces nothing.
func NewPacer(opt PacerOptions) (*Pacer, error) {
	if opt.Limit == 0 {
		return nil, nil //nolint:nilnil // a nil Pacer is the one that does not pace
	}
	var errs []error
	if opt.Redis == nil {
		errs = append(errs, errors.New("pacer: Redis is missing"))
	}
	if !validBase(opt.Base) {
		errs = append(errs, fmt.Errorf("pacer: base %q has no hash tag at its end", opt.Base))
	}
	if opt.Limit < 0 || opt.Window <= 0 {
		errs = append(errs, fmt.Errorf("pacer: %d calls per %s is no rate", opt.Limit, opt.Window))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
		if now := opt.Now; now != nil {
			opt.Clock = func() time.Time { return time.UnixMicro(now()) }
		}
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	return &Pacer{
		opt: opt, id: NewToken(), factor: 1, replicas: 1, spacing: opt.Window / time.Duration(opt.Limit),
		book: redis.NewScript(luaSource("book")), report: redis.NewScript(luaSource("report")),
	}, nil
}

// Book books the next free send time if it lies at most maxAhead from now (negative: three spacings). ahead is how far
// away it is, booked (ok) or not.
func (p *Pacer) Book(ctx context.Context, maxAhead time.Duration) (s Slot, ahead time.Duration, ok bool, err error) {
	if p == nil {
		return Slot{}, 0, true, nil
	}
	most := strconv.FormatInt(max(maxAhead.Microseconds(), -1), 10)
	if maxAhead < 0 {
		most = "-1"
	}
	out, err := p.book.Run(ctx, p.opt.Redis, []string{paceKey(p.opt.Base), pacersKey(p.opt.Base)},
		p.nowArg(), p.opt.Window.Microseconds(), p.opt.Limit, most, p.id).Slice()
	if err != nil {
		return Slot{}, 0, false, fmt.Errorf("pacer: book: %w", err)
	}
	f := texts(out)
	ahead = time.Duration(number(f[0])) * time.Microsecond
	p.learn(f[3], time.Duration(number(f[1]))*time.Microsecond, int(number(f[4])))
	if f[2] != "1" {
		return Slot{}, ahead, false, nil
	}
	at := p.opt.Clock().Add(ahead)
	p.booked(at, number(f[5]))
	return Slot{&booking{pacer: p, at: at, used: make(chan struct{})}}, ahead, true, nil
}

// lateness is how much later than booked a call may be sent. With slots 1/0.97 of the limit's own spacing apart, any
// window of calls that are each up to window/50 late holds at most 0.97*1.02*limit + 1 of them, which is within the
// limit and leaves a third of the slack to the network.
func (p *Pacer) lateness() time.Duration { return p.opt.Window / 50 }

// Wait returns when a call may be sent: at the context's slot, if it has one that is still good, else at one that it
// books. It fails at once when the context would end before that.
func (p *Pacer) Wait(ctx context.Context) error {
	if p == nil {
		return ctx.Err()
	}
	if s := slotOf(ctx); p.claim(s) {
		if sent, err := p.arrive(ctx, s); sent || err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if sent, err := p.tryBook(ctx); sent || err != nil {
			return err
		}
	}
	return ctx.Err()
}

// claim takes a slot that is this pacer's, still good and not spent.
func (p *Pacer) claim(s Slot) bool { return s.b != nil && s.b.pacer == p && p.good(s) && s.spend() }

// tryBook books a slot and sleeps until it, or sleeps until it is worth asking again. It reports whether the time to
// send has come.
func (p *Pacer) tryBook(ctx context.Context) (bool, error) {
	left := time.Duration(math.MaxInt64)
	if deadline, ok := ctx.Deadline(); ok {
		left = deadline.Sub(p.opt.Clock())
	}
	s, ahead, ok, err := p.Book(ctx, threeAhead)
	switch {
	case err != nil && ctx.Err() == nil:
		return p.alone(ctx, left)
	case err != nil:
		return false, err
	case ahead > left:
		return false, fmt.Errorf("pacer: the next slot is %s away: %w", ahead.Round(time.Millisecond), context.DeadlineExceeded)
	case !ok:
		return false, p.opt.Sleep(ctx, p.retryIn(ahead))
	}
	s.spend()
	return p.arrive(ctx, s)
}

// alone waits for a send time that Redis could not book, so that a sync under way comes to its end: every process takes its
// share of the limit, as many as booked when Redis was last heard of.
func (p *Pacer) alone(ctx context.Context, left time.Duration) (bool, error) {
	p.mu.Lock()
	at := p.last.Add(time.Duration(p.replicas) * p.spacing)
	if now := p.opt.Clock(); at.Before(now) {
		at = now
	}
	if at.Before(p.hold) {
		at = p.hold
	}
	ahead := at.Sub(p.opt.Clock())
	if ahead <= left {
		p.last = at
	}
	p.mu.Unlock()
	if ahead > left {
		return false, fmt.Errorf("pacer: the next slot is %s away: %w", ahead.Round(time.Millisecond), context.DeadlineExceeded)
	}
	return true, p.opt.Sleep(ctx, ahead)
}

func (p *Pacer) booked(at time.Time, replicas int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.replicas = at, max(replicas, 1)
}

// arrive sleeps until the slot's time. It reports false when the slot has become void meanwhile.
func (p *Pacer) arrive(ctx context.Context, s Slot) (bool, error) {
	if err := p.opt.Sleep(ctx, s.b.at.Sub(p.opt.Clock())); err != nil {
		return false, err
	}
	return p.good(s), nil
}

// retryIn is how long to wait before booking again when the next slot is ahead away, farther than may be booked.
func (p *Pacer) retryIn(ahead time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(ahead-2*p.spacing, p.spacing/2)
}

// gap is the spacing of calls as last seen.
func (p *Pacer) gap() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spacing
}

// good reports whether a call may still be sent with the slot: it is not too late, and no refusal has come since.
func (p *Pacer) good(s Slot) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.opt.Clock().After(s.b.at.Add(p.lateness())) && !s.b.at.Before(p.hold)
}

// Report tells the pacer what an answer of the CMS said about its limit. Answers that change nothing cost nothing.
func (p *Pacer) Report(ctx context.Context, fb Feedback) error {
	if p == nil || p.settled(fb) {
		return nil
	}
	reset := min(fb.Reset, resetMax)
	if reset <= 0 {
		reset = resetDefault
	}
	if fb.Limited {
		p.mu.Lock()
		if until := p.opt.Clock().Add(reset); until.After(p.hold) {
			p.hold = until
		}
		p.mu.Unlock()
	}
	out, err := p.report.Run(ctx, p.opt.Redis, []string{paceKey(p.opt.Base)},
		p.nowArg(), flag(fb.Limited), reset.Microseconds(), fb.Limit).Text()
	if err != nil {
		return fmt.Errorf("pacer: report: %w", err)
	}
	p.learn(out, 0, fb.Limit)
	return nil
}

// settled reports whether a success says nothing new: full pace, and the limit that is known.
func (p *Pacer) settled(fb Feedback) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !fb.Limited && p.factor == 1 && (fb.Limit == 0 || fb.Limit == p.learnt)
}

// learn notes what Redis has said; a spacing or limit of 0 is not known.
func (p *Pacer) learn(factor string, spacing time.Duration, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if spacing > 0 {
		p.spacing = spacing
	}
	if f, err := strconv.ParseFloat(factor, 64); err == nil {
		p.factor = f
	}
	if limit > 0 {
		p.learnt = limit
	}
}

// NextIn is how far away the next free slot is. A request does not wait for its sync when that is long.
func (p *Pacer) NextIn(ctx context.Context) (time.Duration, error) {
	if p == nil {
		return 0, nil
	}
	pipe := p.opt.Redis.Pipeline()
	stored, now := pipe.HMGet(ctx, paceKey(p.opt.Base), "next", "hold", "now"), pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("pacer: next slot: %w", err)
	}
	f, micros := texts(stored.Val()), now.Val().UnixMicro()
	if p.opt.Now != nil {
		micros = p.opt.Now()
	}
	next := max(number(f[0]), number(f[1]))
	return time.Duration(max(next-max(micros, number(f[2])), 0)) * time.Microsecond, nil
}

// ETA is how long a backlog takes that costs a call for each key, at the pace that this process last saw.
func (p *Pacer) ETA(backlog int64) time.Duration {
	if p == nil {
		return 0
	}
	return time.Duration(backlog) * p.gap()
}

// Factor is how much wider than the limit asks for calls are spaced, as this process last saw it; 1 is none.
func (p *Pacer) Factor() float64 {
	if p == nil {
		return 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.factor
}

func (p *Pacer) nowArg() string {
	if p.opt.Now == nil {
		return ""
	}
	return strconv.FormatInt(p.opt.Now(), 10)
}

// sleep waits for d or the context's end.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
