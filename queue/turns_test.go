package queue

import (
	"fmt"
	"testing"
	"time"
)

// TestNoLaneStarvesWhileABusierOneNeverEmpties: interactive work without end leaves one take in eight to normal work and
// one in eight to background work.
func TestNoLaneStarvesWhileABusierOneNeverEmpties(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		for n := range 40 {
			f.push(fmt.Sprintf("user/i%d", n), Interactive)
			f.push(fmt.Sprintf("user/n%d", n), Normal)
			f.push(fmt.Sprintf("user/b%d", n), Background)
		}
		got := map[Lane]int{}
		for range 40 {
			got[f.take().Lane]++
		}
		equal(f.t, "takes", got, map[Lane]int{Interactive: 30, Normal: 5, Background: 5})
	})
}

func TestLeaversGoBeforeEveryTurn(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		for n := range 20 {
			f.push(fmt.Sprintf("user/b%d", n), Background)
			f.push(fmt.Sprintf("user/l%d", n), Leavers)
		}
		for range 20 {
			equal(f.t, "lane", f.take().Lane, Leavers)
		}
	})
}

// TestProbesAreNotAlwaysTheSameKey: a leaver over whom the CMS fails each time must not keep a project stopped whose other
// keys would go well.
func TestProbesAreNotAlwaysTheSameKey(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/poison", Leavers)
		f.push("user/good", Normal)
		var probes []string
		for range 4 {
			ok(f.t, f.Trip(ctx, "the CMS fails", CodeUnreachable))
			f.clock.Advance(time.Minute)
			l := f.take()
			probes = append(probes, l.Key)
			f.finish(l, Verdict{Outcome: Retry, After: time.Second}, ResultRetry)
		}
		equal(f.t, "probes", probes, []string{"user/poison", "user/good", "user/good", "user/poison"})
	})
}

// TestProbeThatProvesNothingLeavesTheNextToAnotherLane: a key that waits for another key is no proof that the CMS is back,
// and must not keep the other one from its turn.
func TestProbeThatProvesNothingLeavesTheNextToAnotherLane(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/leaver", Normal)
		f.push("user/waits", Leavers)
		ok(f.t, f.Trip(ctx, "the CMS fails", CodeUnreachable))
		var probes []string
		for range 3 {
			f.clock.Advance(time.Minute)
			l := f.take()
			probes = append(probes, l.Key)
			f.finish(l, Verdict{Outcome: Wait, After: time.Second, Code: "busy"}, ResultRetry)
		}
		equal(f.t, "probes", probes, []string{"user/waits", "user/leaver", "user/leaver"})
	})
}

func TestPermits_AreSharedFairly(t *testing.T) {
	t.Parallel()
	p := newPermits(8, 3)
	take := func(source int) bool {
		it, ok := p.acquire(source)
		if ok && it.onlyLeavers {
			t.Fatalf("source %d got the leavers' worker", source)
		}
		return ok
	}
	p.leavers = 0 // somebody has it
	for n := range 4 {
		if !take(0) {
			t.Fatalf("source 0 did not get worker %d of 4", n+1)
		}
	}
	if take(0) {
		t.Fatal("source 0 has more than half")
	}
	for n := range 2 {
		if !take(1) {
			t.Fatalf("source 1 did not get worker %d of 2", n+1)
		}
	}
	if take(1) {
		t.Fatal("source 1 got the last worker, which is kept for a source that has none")
	}
	if !take(2) {
		t.Fatal("source 2 did not get the last worker")
	}
	if take(2) || take(1) {
		t.Fatal("there is no worker left")
	}
	p.release(permit{source: 0})
	if take(0) || take(1) {
		t.Fatal("a source got a worker while one with fewer waits")
	}
	_, _, changed := p.free(0)
	p.content(2)
	<-changed
	if take(0) {
		t.Fatal("source 1 has fewer at work than source 0, and waits")
	}
	if !take(1) {
		t.Fatal("source 1 did not get the worker that source 2 needs no more")
	}
}
