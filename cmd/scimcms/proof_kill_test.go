//go:build unix

package main_test

import (
	"slices"
	"testing"
	"time"
)

const pushes = 500

func proveKillWithFastCMS(t *testing.T, s stage) {
	w := newWorld(t, s, "none")
	proveKill(w, w.serve)
}

func proveKillWithSlowCMS(t *testing.T, s stage) {
	w := newWorld(t, s, "900/3s")
	rng := s.rng(2)
	w.cms.behave(func(*call) manner { return manner{delay: time.Duration(30+rng.IntN(120)) * time.Millisecond} })
	proveKill(w, w.serveBound)
}

// proveKill kills serve three times in the middle of pushes, at moments drawn from the seed. What was answered is kept,
// what was not answered is there as a whole or not at all, and the CMS has everybody once.
func proveKill(w *world, serve func() *process) {
	t := w.t
	t.Helper()
	f := newFleet(w, 16, pushes)
	p := serve()
	f.use(p)
	f.addGroups()
	rng := w.stage.rng(1)
	moments := []int{20 + rng.IntN(140), 180 + rng.IntN(140), 340 + rng.IntN(140)}
	slices.Sort(moments)
	for _, at := range moments {
		reached := f.after(at)
		stopped := f.run((*client).push)
		select {
		case <-reached:
		case <-stopped:
		}
		pause(time.Duration(rng.IntN(20)) * time.Millisecond)
		p.kill()
		w.cms.cut()
		<-stopped
		p = serve()
		f.use(p)
	}
	<-f.run((*client).push)
	f.fail(t)
	took := w.settle(leaseTime + lateTime + patience)
	people := f.verify(t)
	violations, writes, unanswered := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	verdict(t, "%d pushes of %d people answered, serve killed after %v; %d pushes had no answer (%d of them kept as a whole, the rest absent); "+
		"%d CMS writes, %d in flight at a kill; queue empty %s later: lost 0, twins 0, leavers left 0",
		f.pushes.Load(), people, moments, f.unanswered.Load(), f.kept.Load(), writes, unanswered, took.Round(100*time.Millisecond))
}
