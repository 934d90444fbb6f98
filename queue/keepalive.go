package queue

import (
	"context"
	"errors"
	"sync"
	"time"
)

// KeepAlive renews a lease in the background until stop is called. The context that it returns ends, with ErrLost as
// its cause, when the lease is gone or could not be renewed before it ran out.
func (q *Queue) KeepAlive(ctx context.Context, l *Lease) (kept context.Context, stop func()) {
	kept, cancel := context.WithCancelCause(ctx)
	k := &keeper{queue: q, lease: l, ctx: kept, cancel: cancel}
	first := q.opt.Renew
	if l.Remaining(q.opt.Clock()) < q.opt.Lease-q.opt.Renew/2 {
		first = 0 // adopted late: renewed at once, so that its first call may begin
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(first, k.renew)
	return kept, k.stop
}

// keeper renews one lease by a timer: most leases end before the first renewal, and need no goroutine.
type keeper struct {
	queue  *Queue
	lease  *Lease
	ctx    context.Context //nolint:containedctx // the timer's function has no other way to it
	cancel context.CancelCauseFunc

	mu    sync.Mutex // held while the lease is renewed
	timer *time.Timer
}

// stop returns when nothing is renewed any more.
func (k *keeper) stop() {
	k.cancel(context.Canceled)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer.Stop()
}

// renew renews the lease and sets the timer for the next time, or ends the context when the lease is gone.
func (k *keeper) renew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() != nil {
		return
	}
	began, q := time.Now(), k.queue
	err := q.Renew(k.ctx, k.lease)
	switch {
	case k.ctx.Err() != nil:
		return
	case errors.Is(err, ErrLost), k.lease.Remaining(q.opt.Clock()) <= 0:
		k.cancel(ErrLost)
		return
	case err != nil:
		q.opt.Logger.WarnContext(k.ctx, "lease not renewed", "key", k.lease.Key, "error", err)
	}
	k.timer.Reset(max(q.opt.Renew-time.Since(began), 0))
}
