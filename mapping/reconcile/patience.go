package reconcile

import (
	"context"
	"sync/atomic"
	"time"
)

type sharedKey struct{}

// ShareWait returns a context for several writes that are one request: together they wait for their syncs no longer than
// one alone would. What is committed after that is left to the workers.
func ShareWait(ctx context.Context) context.Context {
	return context.WithValue(ctx, sharedKey{}, new(atomic.Int64))
}

// patience is how long a write may still wait for its sync.
func (e *Engine) patience(ctx context.Context) time.Duration {
	if spent, ok := ctx.Value(sharedKey{}).(*atomic.Int64); ok {
		return e.set().Wait - time.Duration(spent.Load())
	}
	return e.set().Wait
}

// spend notes that a write has waited.
func spend(ctx context.Context, waited time.Duration) {
	if spent, ok := ctx.Value(sharedKey{}).(*atomic.Int64); ok {
		spent.Add(int64(waited))
	}
}
