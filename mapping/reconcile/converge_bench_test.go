package reconcile_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// BenchmarkConverge measures how fast a pool of workers makes a CMS without a limit agree with changes that wait, each of
// them one call, on a real Redis and a CMS in this process: the engine's own cost of a change.
func BenchmarkConverge(b *testing.B) {
	clock := queuetest.NewClock(1_700_000_000_000)
	const people = 2_000
	s := editors()
	s.cms = cmstest.Options{SeedUsers: people}
	r := assemble(b, s, queuetest.Real(b), clock)
	r.must(r.engine.Bind(r.ctx))
	r.importAll()
	page, err := r.dir.ListUsers(r.ctx, directory.Window{Start: 1, Count: people})
	r.must(err)
	users := page.Items
	active := true
	var busy float64
	for b.Loop() {
		b.StopTimer()
		active = !active
		r.must(r.queue.Pause(r.ctx))
		r.change(b, users, active)
		r.must(r.queue.Resume(r.ctx))
		before := r.redisCPU(b)
		b.StartTimer()
		r.drain(b)
		busy += r.redisCPU(b) - before
	}
	b.ReportMetric(busy*1e6/float64(people*b.N), "redis-µs/change")
	b.ReportMetric(float64(people*b.N)/b.Elapsed().Seconds(), "changes/s")
}

// redisCPU is the processor time that Redis has used so far, in seconds.
func (r *rig) redisCPU(b *testing.B) float64 {
	b.Helper()
	info, err := r.store.Client.Info(r.ctx, "cpu").Result()
	r.must(err)
	var sum float64
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			v, err := strconv.ParseFloat(value, 64)
			r.must(err)
			sum += v
		}
	}
	return sum
}

// change wishes everybody active or not.
func (r *rig) change(b *testing.B, users []directory.User, active bool) {
	b.Helper()
	var wg sync.WaitGroup
	const writers = 8
	for w := range writers {
		wg.Go(func() {
			for n := w; n < len(users); n += writers {
				if _, err := r.engine.UpdateUser(r.ctx, users[n].ID, func(u directory.User) (directory.UserWish, error) {
					return person(u.UserName, func(w *directory.UserWish) { w.Active = active }), nil
				}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// drain runs a pool until nothing is queued.
func (r *rig) drain(b *testing.B) {
	b.Helper()
	ctx, stop := context.WithCancel(r.ctx)
	var left sync.WaitGroup
	left.Go(func() {
		defer stop()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			st, err := r.queue.Stats(ctx)
			if err != nil {
				b.Error(err)
				return
			}
			if st.Backlog() == 0 && st.Leased == 0 {
				return
			}
			if st.Parked > 0 {
				b.Error(fmt.Errorf("%d are parked", st.Parked))
				return
			}
		}
	})
	pool, err := queue.NewPool(queue.PoolOptions{Sources: []queue.Source{{Queue: r.queue, Handle: r.engine.Handle}}})
	r.must(err)
	pool.Run(ctx)
	left.Wait()
}
