//go:build unix

package main_test

import (
	"syscall"
	"testing"
	"time"
)

// proveGracefulStop sends SIGTERM in the middle of pushes, with calls under way and a backlog. Whatever was accepted is
// answered, every lease is given back, and the next process goes on at once.
func proveGracefulStop(t *testing.T, s stage) {
	w := newWorld(t, s, "120/3s")
	rng, delays := s.rng(1), s.rng(2)
	w.cms.behave(func(*call) manner { return manner{delay: time.Duration(50+delays.IntN(150)) * time.Millisecond} })
	f := newFleet(w, 64, 384)
	f.strict = true
	p := w.serveBound()
	f.use(p)
	f.addGroups()
	at := 100 + rng.IntN(120)
	reached := f.after(at)
	stopped := f.run((*client).push)
	select {
	case <-reached:
	case <-stopped:
	}
	began := time.Now()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("serve does not end")
	}
	stopping := time.Since(began)
	<-stopped
	if p.exit != nil {
		t.Errorf("serve ended with %v", p.exit)
	}
	left, err := w.queue.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left.Leased != 0 {
		t.Errorf("%d leases were not given back", left.Leased)
	}
	waiting := int64(0)
	for _, n := range left.Depth {
		waiting += n
	}

	next := w.serve()
	f.use(next)
	<-f.run((*client).push)
	f.fail(t)
	took := w.settle(patience)
	if n := w.metric(next, `scimcms_queue_reclaimed_total{project="`+project+`"}`); n != 0 {
		t.Errorf("%v leases ran out after the stop", n)
	}
	people := f.verify(t)
	violations, writes, _ := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	verdict(t, "%d pushes of %d people answered, SIGTERM after %d: ended in %s with 0 leases held and %d keys queued; %d requests found nobody, "+
		"0 of them carried out; the next process took over with 0 leases run out; %d CMS writes; queue empty %s after the last push",
		f.pushes.Load(), people, at, stopping.Round(time.Millisecond), waiting, f.unanswered.Load(), writes, took.Round(100*time.Millisecond))
}
