package reconcile_test

import (
	"context"
	"testing"
	"time"

	"github.com/scimcms/scimcms/mapping/reconcile"
)

// heard counts what a meter passes on.
type heard int

func (h *heard) Call(string, string, int, time.Duration) { *h++ }

func TestCallsOfTheMonthAreCountedOverReplicas(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.clock.Set(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC).UnixMilli())
		calls := func(want int64) {
			t.Helper()
			s, err := r.engine.Stats(r.ctx)
			r.must(err)
			if s.Calls != want {
				t.Errorf("%d calls, want %d", s.Calls, want)
			}
		}
		var passed heard
		a, b := reconcile.NewMeter(r.dir, &passed), reconcile.NewMeter(r.dir, &passed)
		call := func(m *reconcile.Meter, n int) {
			for range n {
				m.Call("GET", "/users", 200, time.Millisecond)
			}
		}
		calls(0)
		call(a, 3)
		r.must(a.Flush(r.ctx))
		r.must(a.Flush(r.ctx))
		call(b, 4)
		r.must(b.Flush(r.ctx))
		calls(7)

		// What Redis does not take is counted later.
		away, cancel := context.WithCancel(r.ctx)
		cancel()
		call(a, 2)
		if a.Flush(away) == nil {
			t.Fatal("written without Redis")
		}
		calls(7)
		r.must(a.Flush(r.ctx))
		calls(9)

		r.clock.Advance(time.Hour)
		calls(0)
		call(b, 1)
		r.must(b.Flush(r.ctx))
		calls(1)
		if passed != 10 {
			t.Errorf("%d calls passed on", passed)
		}
		keys, err := r.store.Client.Keys(r.ctx, r.store.Base+":calls:*").Result()
		r.must(err)
		for _, key := range keys {
			if r.store.Client.PTTL(r.ctx, key).Val() <= 0 {
				t.Errorf("%s never expires", key)
			}
		}
		if len(keys) != 2 {
			t.Errorf("%v", keys)
		}
	})
}
