package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// Source is one project's queue and what is done with its keys.
type Source struct {
	Queue *Queue // required
	Pacer *Pacer // nil: no pacing
	// Handle makes one key agree. Its context carries a booked slot for the first call, ends when the lease is lost or
	// the pool's grace is over, and does not end when the pool is told to stop.
	Handle func(ctx context.Context, l *Lease) Verdict
	// Ready says whether keys may be taken now; it is asked at every look at the queue. Nil: always.
	Ready func() bool
}

// PoolOptions configure a Pool.
type PoolOptions struct {
	Workers int // handlers at a time over all sources; default 8
	Sources []Source
	Grace   time.Duration  // how long running handlers may go on after the stop; default 10s
	Poll    time.Duration  // longest time between two looks at an idle queue; default 200ms
	Rand    func() float64 // jitter of polling; default math/rand
	Logger  *slog.Logger   // default: discards
}

// Pool works off the queues of its sources. One worker is kept for leavers, and no source of several gets more than
// half of the others' number, so that neither a slow CMS nor a long queue holds up a leaver or another project.
type Pool struct {
	opt     PoolOptions
	permits *permits
	feeders []*feeder
	work    chan func()    // to the workers; nobody waits to send: there are as many workers as permits
	running sync.WaitGroup // workers
}

// NewPool checks opt and returns a Pool; Run starts it.
func NewPool(opt PoolOptions) (*Pool, error) {
	if opt.Workers == 0 {
		opt.Workers = 8
	}
	opt.Grace = orDefault(opt.Grace, 10*time.Second)
	opt.Poll = orDefault(opt.Poll, 200*time.Millisecond)
	if opt.Rand == nil {
		opt.Rand = mathrand.Float64
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	var errs []error
	if opt.Workers < 0 {
		errs = append(errs, errors.New("pool: Workers must not be negative"))
	}
	for i, s := range opt.Sources {
		if s.Queue == nil || s.Handle == nil {
			errs = append(errs, fmt.Errorf("pool: source %d has no Queue or no Handle", i))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p := &Pool{opt: opt, work: make(chan func(), opt.Workers), permits: newPermits(opt.Workers, len(opt.Sources))}
	for i, s := range opt.Sources {
		p.feeders = append(p.feeders, &feeder{Source: s, pool: p, index: i, wake: make(chan struct{}, 1)})
	}
	return p, nil
}

// Run works until ctx ends. Then nothing more is taken, running handlers have the grace to finish, after which their
// contexts end, and Run returns when all have returned.
func (p *Pool) Run(ctx context.Context) {
	handlers, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for range p.opt.Workers { // for good: a goroutine of its own for each key would spend its time on growing its stack
		p.running.Go(func() {
			for handle := range p.work {
				handle()
			}
		})
	}
	var feeding sync.WaitGroup
	for _, f := range p.feeders {
		feeding.Go(func() { f.run(ctx, handlers) })
	}
	feeding.Wait()
	close(p.work)
	<-ctx.Done()
	grace := time.AfterFunc(p.opt.Grace, cancel)
	defer grace.Stop()
	p.running.Wait()
}

// Wake has the pool look at its queues at once, after a push in this process.
func (p *Pool) Wake() {
	for _, f := range p.feeders {
		f.nudge()
	}
}

// finishWithin bounds the script that ends a lease. It must not hang on the handler's context, which may be over.
const finishWithin = 5 * time.Second

// carryOut handles one key under its lease and ends the lease.
func (p *Pool) carryOut(ctx context.Context, s Source, l *Lease) {
	kept, stop := s.Queue.KeepAlive(ctx, l)
	v := p.handle(kept, s, l)
	stop()
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	var result string
	var err error
	if stopped && v.Outcome.verdict() == "retry" { // the stop cut it short: that costs the key no attempt
		err = s.Queue.Release(ctx, l)
	} else {
		result, err = s.Queue.Finish(ctx, l, v)
	}
	switch {
	case err != nil: // the lease runs out, and whoever takes the key over looks first
		p.opt.Logger.ErrorContext(ctx, "outcome not recorded", "key", l.Key, "error", err)
	case result == ResultLost:
		p.opt.Logger.WarnContext(ctx, "lease lost before the end, key queued for a look", "key", l.Key)
	}
}

// handle turns a panic into a verdict: one bad key must not end the process, nor its own retries.
func (p *Pool) handle(ctx context.Context, s Source, l *Lease) (v Verdict) {
	defer func() {
		if r := recover(); r != nil {
			p.opt.Logger.ErrorContext(ctx, "panic while handling a key", "key", l.Key, "panic", r, "stack", string(debug.Stack()))
			v = Verdict{Outcome: Retry, Code: "panic", Text: "internal error, see the log"}
		}
	}()
	return s.Handle(ctx, l)
}
