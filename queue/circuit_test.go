package queue

import (
	"testing"
	"time"
)

func TestPauseStopsWorkersAndRequests(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Leavers)
		held := f.take()
		f.push("user/2", Leavers)
		ok(f.t, f.Pause(ctx))
		paused, err := f.Paused(ctx)
		ok(f.t, err)
		equal(f.t, "paused", paused, true)
		equal(f.t, "stats", f.stats().Paused, true)
		f.takeNothing()
		equal(f.t, "lease for a request", f.leaseFor("user/2", "tok"), "")
		_, found, err := f.NextDue(ctx, TakeOptions{})
		ok(f.t, err)
		equal(f.t, "due", found, false)
		ok(f.t, f.Renew(ctx, held)) // what is leased goes on to its end
		f.finish(held, Verdict{Outcome: Done}, ResultDone)
		ok(f.t, f.Resume(ctx))
		equal(f.t, "after resume", f.take().Key, "user/2")
	})
}

func TestOpenCircuitStopsWorkersAndRequests(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Leavers)
		f.push("user/2", Interactive)
		ok(f.t, f.Trip(ctx, "the CMS refuses the token", "INVALID_AUTHORIZATION_HEADER"))
		equal(f.t, "stats", f.stats().Circuit, "the CMS refuses the token")
		f.takeNothing()
		equal(f.t, "lease for a request", f.leaseFor("user/2", "tok"), "")
		in, found, err := f.NextDue(ctx, TakeOptions{})
		ok(f.t, err)
		equal(f.t, "due", []any{in, found}, []any{5 * time.Second, true})

		f.clock.Advance(5 * time.Second)
		equal(f.t, "lease for a request when a probe is due", f.leaseFor("user/2", "tok"), "")
		probe := f.take()
		equal(f.t, "probe", []any{probe.Key, probe.Probe}, []any{"user/1", true})
		f.takeNothing() // one probe at a time
		ok(f.t, f.Clear(ctx))
		equal(f.t, "after the probe's success", f.take().Probe, false)
	})
}

func TestProbeThatFailsKeepsTheCircuitOpenForLonger(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Leavers)
		want := 5 * time.Second
		for range 9 {
			ok(f.t, f.Trip(ctx, "maintenance", ""))
			ok(f.t, f.Trip(ctx, "maintenance", "")) // a straggler: not counted
			f.clock.Advance(want - time.Millisecond)
			f.takeNothing()
			f.clock.Advance(time.Millisecond)
			l := f.take()
			f.finish(l, Verdict{Outcome: Wait, After: time.Millisecond}, ResultRetry)
			want = min(2*want, time.Minute)
		}
	})
}

func TestProbeThatIsNeverHeardOfIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Leavers)
		f.push("user/2", Leavers)
		ok(f.t, f.Trip(ctx, "down", ""))
		f.clock.Advance(5 * time.Second)
		equal(f.t, "first", f.take().Key, "user/1")
		f.clock.Advance(15 * time.Second)
		equal(f.t, "second", f.take().Probe, true)
	})
}

func TestRetriesUseNoAttemptsWhileTheCircuitIsOpen(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		l := f.failed("user/1", Normal, 11)
		ok(f.t, f.Trip(ctx, "down", ""))
		f.finish(l, Verdict{Outcome: Retry, Code: "503"}, ResultRetry)
		e := f.show("user/1")
		equal(f.t, "entry", []any{e.State, e.Attempts, e.Code}, []any{Queued, 11, "503"})
		ok(f.t, f.Clear(ctx))
		f.clock.Advance(time.Hour)
		f.finish(f.take(), Verdict{Outcome: Retry}, ResultParked)
	})
}
