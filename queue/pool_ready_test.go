package queue

import (
	"sync/atomic"
	"testing"
)

func TestPool_TakesNothingUntilASourceIsReady(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		h := newHandler(f.t)
		var ready atomic.Bool
		f.push("user/1", Leavers)
		p, stop := runPool(f.t, PoolOptions{Workers: 2, Sources: []Source{{Queue: f.Queue, Handle: h.handle, Ready: ready.Load}}})
		h.none()
		f.wantState("user/1", Queued)
		ready.Store(true)
		p.Wake()
		h.next(1)
		stop()
	})
}
