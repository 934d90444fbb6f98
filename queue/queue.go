package queue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options configure a Queue.
type Options struct {
	Redis redis.UniversalClient // required
	Base  string                // required: the project's base, see Base

	// Now gives Unix ms for tests. Nil (production): every script asks Redis, so that no replica's clock counts.
	Now func() int64
	// Clock times leases in this process. Default time.Now (its monotonic part), or Now if that is given.
	Clock func() time.Time

	Lease       time.Duration // how long a key is held without renewal; default 15s
	Renew       time.Duration // how often KeepAlive renews; default 3s
	CallTimeout time.Duration // deadline of one CMS call; default 8s. Lease must exceed it by margin and Renew

	// Harmless keys are leased in a dry run, too: working on them changes nothing outside.
	Harmless []string

	Backoff  Backoff
	Attempts int            // failed attempts after which a key is parked; default 12
	Rand     func() float64 // in [0, 1), for jitter; default math/rand
	Logger   *slog.Logger   // default: discards
	Observer Observer       // default: none
}

// margin is what must be left of a lease beyond the call's deadline when a call begins: the time in which its answer
// is recorded.
const margin = 2 * time.Second

// Queue is the keyed work queue of one project. It is safe for concurrent use, and any number of processes may use the
// same base.
type Queue struct {
	opt     Options
	keys    keys
	scripts scripts
	waiters waiters
}

// New checks opt and returns a Queue. It does not talk to Redis.
func New(opt Options) (*Queue, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	return &Queue{opt: opt, keys: keys{base: opt.Base}, scripts: ownScripts()}, nil
}

func (o Options) withDefaults() Options {
	o.Lease = orDefault(o.Lease, 15*time.Second)
	o.Renew = orDefault(o.Renew, 3*time.Second)
	o.CallTimeout = orDefault(o.CallTimeout, 8*time.Second)
	o.Backoff = o.Backoff.withDefaults()
	if o.Attempts == 0 {
		o.Attempts = 12
	}
	if o.Clock == nil {
		o.Clock = time.Now
		if now := o.Now; now != nil {
			o.Clock = func() time.Time { return time.UnixMilli(now()) }
		}
	}
	if o.Rand == nil {
		o.Rand = mathrand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	return o
}

func (o Options) validate() error {
	var errs []error
	if o.Redis == nil {
		errs = append(errs, errors.New("queue: Redis is missing"))
	}
	if !validBase(o.Base) {
		errs = append(errs, fmt.Errorf("queue: base %q has no hash tag at its end; make it with Base", o.Base))
	}
	if o.Renew < 0 || o.CallTimeout < 0 || o.Attempts < 0 {
		errs = append(errs, errors.New("queue: Renew, CallTimeout and Attempts must not be negative"))
	}
	if o.Lease < o.CallTimeout+margin+o.Renew {
		errs = append(errs, fmt.Errorf("queue: Lease %s is shorter than CallTimeout %s + Renew %s + %s: calls could not begin",
			o.Lease, o.CallTimeout, o.Renew, margin))
	}
	return errors.Join(errs...)
}

// NowArg is the argument with which every script of the project calls q_now: "" in production.
func (q *Queue) NowArg() string {
	if q.opt.Now == nil {
		return ""
	}
	return strconv.FormatInt(q.opt.Now(), 10)
}

// LeaseFor is how long a lease lasts without renewal, for scripts that take one.
func (q *Queue) LeaseFor() time.Duration { return q.opt.Lease }

// NewToken returns a random lease token.
func NewToken() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Push queues key and returns its new ticket. fresh says that this is a newer wish: attempts begin anew, and a parked
// key is taken up again. Scripts that commit a wish call q_push themselves.
func (q *Queue) Push(ctx context.Context, key string, lane Lane, fresh bool) (int64, error) {
	if !lane.Valid() {
		return 0, fmt.Errorf("queue: push %s: unknown lane %q", key, lane)
	}
	ticket, err := q.run(ctx, q.scripts.push, key, string(lane), flag(fresh)).Int64()
	if err != nil {
		return 0, fmt.Errorf("queue: push %s: %w", key, err)
	}
	return ticket, nil
}

// run runs a script of this package: KEYS[1] is the base and ARGV[1] is now.
func (q *Queue) run(ctx context.Context, s *redis.Script, args ...any) *redis.Cmd {
	return s.Run(ctx, q.opt.Redis, []string{q.keys.base}, append([]any{q.NowArg()}, args...)...)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// number reads an integer of a record; absent and malformed are 0.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
