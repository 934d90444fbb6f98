package queue

import (
	"context"
	"sync"
	"time"
)

// feeder brings one source's due keys to the pool's workers, one after the other: is something due, is a worker free,
// book a slot, sleep until it, and only then choose the key. So a key that becomes due while the feeder sleeps and is
// more urgent goes first, and no key is held by a lease while it waits for its turn.
type feeder struct {
	Source
	pool  *Pool
	index int
	wake  chan struct{}

	failing bool // the last step met an error
	busy    bool // the last step took a key, and taking costs no slot

	mu   sync.Mutex
	kept Slot // booked for a key that made no call
}

// pause says what a feeder waits for before its next step.
type pause struct {
	atMost  time.Duration   // 0: nothing, go on
	changed <-chan struct{} // a worker has become free
}

// upTo shortens a pause to d, if that is a time.
func (w pause) upTo(d time.Duration) pause {
	if d > 0 {
		w.atMost = min(w.atMost, d)
	}
	return w
}

func (f *feeder) run(ctx, handlers context.Context) {
	for ctx.Err() == nil {
		wait, err := f.step(ctx, handlers)
		f.note(ctx, err)
		if wait.atMost > 0 {
			f.rest(ctx, wait)
		}
	}
}

// atOnce is how many keys are taken with one script, if there are workers for them and calls need no slots.
const atOnce = 4

// step starts work on one key, or on some where calls need no slots.
func (f *feeder) step(ctx, handlers context.Context) (pause, error) {
	general, leavers, changed := f.pool.permits.free(f.index)
	idle := pause{atMost: f.poll(), changed: changed}
	if !f.ready() {
		f.pool.permits.content(f.index)
		return idle, nil
	}
	if !f.busy || !general { // without a pace, who took a key just now takes the next one without asking whether there is one
		in, found, err := f.Queue.NextDue(ctx, TakeOptions{OnlyLeavers: leavers && !general})
		if err != nil || !found || in > 0 {
			f.pool.permits.content(f.index)
			return idle.upTo(in), err
		}
	}
	workers := f.workers()
	if len(workers) == 0 {
		return idle, nil
	}
	started, wait, err := f.start(ctx, handlers, workers)
	f.busy = started > 0 && f.Pacer == nil
	for _, idle := range workers[started:] {
		f.pool.permits.release(idle)
	}
	if err != nil {
		return idle, err
	}
	return wait, nil
}

// workers are those that the source gets now: one, or some where calls need no slots.
func (f *feeder) workers() []permit {
	worker, ok := f.pool.permits.acquire(f.index)
	switch {
	case !ok:
		return nil
	case f.Pacer != nil:
		return []permit{worker}
	}
	return f.pool.permits.more(worker, atOnce)
}

// ready asks whether the source may work at all.
func (f *feeder) ready() bool { return f.Ready == nil || f.Ready() }

// start books a slot, waits for it and gives the most urgent key to the worker; to several workers the first few, without a
// slot. It says how many workers have begun.
func (f *feeder) start(ctx, handlers context.Context, workers []permit) (started int, wait pause, err error) {
	slot, ahead, ok, err := f.slot(ctx)
	if err != nil {
		return 0, pause{}, err
	}
	if !ok {
		return 0, pause{atMost: min(f.Pacer.retryIn(ahead), f.poll())}, nil
	}
	if slot.b != nil {
		good, err := f.Pacer.arrive(ctx, slot)
		if err != nil || !good {
			return 0, pause{}, ctx.Err()
		}
	}
	leases, err := f.Queue.TakeSome(ctx, len(workers), TakeOptions{OnlyLeavers: workers[0].onlyLeavers})
	if err != nil || len(leases) == 0 {
		f.keep(slot)
		return 0, pause{}, err
	}
	ended := make(chan struct{}, len(leases))
	for i, l := range leases {
		f.pool.work <- func() {
			defer f.pool.permits.release(workers[i])
			defer func() { ended <- struct{}{} }()
			f.pool.carryOut(WithSlot(handlers, slot), f.Source, l)
			f.keep(slot)
		}
	}
	f.awaitUse(ctx, slot, ended)
	return len(leases), pause{}, nil
}

// awaitUse waits until the slot is spent or its key needed no call, at most for one spacing: a row of keys that cost the
// CMS nothing then goes on one slot, and not at the CMS's pace.
func (f *feeder) awaitUse(ctx context.Context, slot Slot, ended <-chan struct{}) {
	if slot.b == nil {
		return
	}
	t := time.NewTimer(f.Pacer.gap())
	defer t.Stop()
	select {
	case <-slot.b.used:
	case <-ended:
	case <-t.C:
	case <-ctx.Done():
	}
}

// slot returns the slot that a key has left unspent, if it is still good, or books one.
func (f *feeder) slot(ctx context.Context) (s Slot, ahead time.Duration, ok bool, err error) {
	f.mu.Lock()
	s, f.kept = f.kept, Slot{}
	f.mu.Unlock()
	if !s.Spent() && f.Pacer.good(s) {
		return s, 0, true, nil
	}
	return f.Pacer.Book(ctx, threeAhead)
}

func (f *feeder) keep(s Slot) {
	if s.Spent() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = s
}

// note logs the first of a row of errors and the end of the row: Redis away is one line, not five a second.
func (f *feeder) note(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil || (err != nil) == f.failing:
		return
	case err != nil:
		f.pool.opt.Logger.ErrorContext(ctx, "queue not reachable", "base", f.Queue.keys.base, "error", err)
	default:
		f.pool.opt.Logger.InfoContext(ctx, "queue reachable again", "base", f.Queue.keys.base)
	}
	f.failing = err != nil
}

// poll is the time between two looks at an idle queue, spread so that replicas do not look together.
func (f *feeder) poll() time.Duration {
	return time.Duration(float64(f.pool.opt.Poll) * (0.5 + f.pool.opt.Rand()/2))
}

func (f *feeder) rest(ctx context.Context, wait pause) {
	t := time.NewTimer(wait.atMost)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-f.wake:
	case <-wait.changed:
	}
}

func (f *feeder) nudge() {
	select {
	case f.wake <- struct{}{}:
	default: // it will look anyway
	}
}
