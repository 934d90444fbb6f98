//go:build unix

package main_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// proveFailover is proveTakeover with one replica and three Sentinels.
func proveFailover(t *testing.T, s stage) { proveTakeover(t, s, queuetest.StartFailover(t)) }

// proveClusterFailover is proveTakeover with a Cluster, of whose masters one has the project, and a replica.
func proveClusterFailover(t *testing.T, s stage) {
	proveTakeover(t, s, queuetest.StartClusterFailover(t, "{"+project+"}"))
}

// proveTakeover kills the primary in the middle of pushes, with redis.durability: replica. Every request is answered 503 with Retry-After until the replica has taken over and the
// former primary follows it; then everything goes on by itself, and nothing that was accepted is lost, although no server
// waits for its disk.
func proveTakeover(t *testing.T, s stage, redis *queuetest.Failover) {
	t.Helper()
	w := newWorldOn(t, s, redis.Primary, store{url: redis.URL, durability: "replica", client: redis.Client}, "none")
	rng, delays := s.rng(1), s.rng(2)
	w.cms.behave(func(*call) manner { return manner{delay: time.Duration(10+delays.IntN(60)) * time.Millisecond} })
	f := newFleet(w, 12, 360)
	f.refusedWith = http.StatusServiceUnavailable
	p := w.serveBound()
	f.use(p)
	f.addGroups()
	at := 80 + rng.IntN(150)
	reached := f.after(at)
	stopped := f.run(pushThroughOutage)
	select {
	case <-reached:
	case <-stopped:
	}
	pause(time.Duration(rng.IntN(20)) * time.Millisecond)
	killed := time.Now()
	redis.Primary.Kill()
	until(t, patience, func() string {
		if !redis.Promoted(t.Context()) {
			return "the replica does not take over"
		}
		if n := f.refused.Load(); n < 20 {
			return fmt.Sprintf("%d requests were answered 503 during the fail-over, want 20", n)
		}
		return ""
	})
	promoted, before := time.Since(killed), f.pushes.Load()
	redis.Primary.Restart()
	until(t, patience, func() string {
		if f.pushes.Load() == before {
			return "no push is answered after the fail-over"
		}
		return ""
	})
	recovered := time.Since(killed)
	<-stopped
	f.fail(t)
	took := w.settle(leaseTime + lateTime + patience)
	people := f.verify(t)
	violations, writes, _ := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	verdict(t, "%d pushes of %d people answered, the primary killed after %d; the replica took over after %s, the first push was answered after %s; "+
		"%d answers 503 with Retry-After, %d pushes of unknown outcome (%d kept as a whole, the rest absent); %d CMS writes; queue empty %s after "+
		"the last push: lost 0, twins 0", f.pushes.Load(), people, at, promoted.Round(time.Millisecond), recovered.Round(time.Millisecond),
		f.refused.Load(), f.unanswered.Load(), f.kept.Load(), writes, took.Round(100*time.Millisecond))
}
