package queue

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFinish_WhatBecomesOfAKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		lane     Lane
		attempts int // failed ones before
		verdict  Verdict
		result   string
		want     Entry // of the fields State, Lane, Attempts, Due, Code
	}{
		{"done", Normal, 0, Verdict{Outcome: Done}, ResultDone, Entry{State: Idle}},
		{"retry", Normal, 0, Verdict{Outcome: Retry, Code: "x"}, ResultRetry, Entry{State: Queued, Lane: Normal, Attempts: 1, Due: ms(time.Second), Code: "x"}},
		{"retry, third time", Normal, 2, Verdict{Outcome: Retry}, ResultRetry, Entry{State: Queued, Lane: Normal, Attempts: 3, Due: ms(4 * time.Second)}},
		{"retry at a time", Normal, 5, Verdict{Outcome: Retry, After: time.Minute}, ResultRetry, Entry{State: Queued, Lane: Normal, Attempts: 6, Due: ms(time.Minute)}},
		{"retry for the last time", Normal, 11, Verdict{Outcome: Retry, Code: "x"}, ResultParked, Entry{State: Parked, Lane: Normal, Attempts: 12, Code: "x"}},
		{"retry without end", Normal, 50, Verdict{Outcome: Retry, NeverPark: true}, ResultRetry, Entry{State: Queued, Lane: Normal, Attempts: 51, Due: ms(time.Minute)}},
		{"no verdict", Normal, 0, Verdict{}, ResultRetry, Entry{State: Queued, Lane: Normal, Attempts: 1, Due: ms(time.Second)}},
		{"wait", Normal, 11, Verdict{Outcome: Wait, Code: "role"}, ResultRetry, Entry{State: Queued, Lane: Normal, Attempts: 11, Due: ms(time.Second), Code: "role"}},
		{"wait for long", Normal, 0, Verdict{Outcome: Wait, After: time.Hour}, ResultRetry, Entry{State: Queued, Lane: Normal, Due: ms(time.Hour)}},
		{"park", Normal, 0, Verdict{Outcome: Park, Code: "seats"}, ResultParked, Entry{State: Parked, Lane: Normal, Code: "seats"}},
		{"lane recomputed", Normal, 0, Verdict{Outcome: Wait, Lane: Leavers}, ResultRetry, Entry{State: Queued, Lane: Leavers, Due: ms(time.Second)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				l := f.failed("user/1", tt.lane, tt.attempts)
				f.finish(l, tt.verdict, tt.result)
				e := f.show("user/1")
				equal(f.t, "entry", Entry{State: e.State, Lane: e.Lane, Attempts: e.Attempts, Due: e.Due, Code: e.Code}, tt.want)
				equal(f.t, "leased", f.stats().Leased, int64(0))
			})
		})
	}
}

// failed leases a key that has failed n times before.
func (f *fixture) failed(key string, lane Lane, n int) *Lease {
	f.t.Helper()
	f.push(key, lane)
	ok(f.t, f.store.Client.HSet(ctx, f.keys.record(key), "attempts", n).Err())
	return f.take()
}

func TestLeaversAreNeverParkedForARetryableErrorAndWaitAtMostAMinute(t *testing.T) {
	t.Parallel()
	for _, outcome := range []Outcome{Retry, Wait} {
		t.Run(outcome.verdict(), func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Leavers)
				for range 40 {
					before := f.clock.Now()
					f.finish(f.take(), Verdict{Outcome: outcome, After: time.Hour, Code: "503"}, ResultRetry)
					e := f.show("user/1")
					if e.State != Queued || e.Lane != Leavers || e.Due-before > 60_000 {
						f.t.Fatalf("%+v", e)
					}
					f.clock.Set(e.Due)
				}
				f.finish(f.take(), Verdict{Outcome: Retry, Lane: Interactive, Code: "503"}, map[bool]string{true: ResultParked, false: ResultRetry}[outcome == Retry])
			})
		})
	}
}

func TestLeaversAreParkedWhenTheCMSRefusesForGood(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Leavers)
		f.finish(f.take(), Verdict{Outcome: Park, Code: "CANNOT_DESTROY_CURRENT_USER"}, ResultParked)
	})
}

func TestRelease_GivesTheKeyBackUnused(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		l := f.failed("user/1", Normal, 3)
		f.clock.Advance(time.Second)
		ok(f.t, f.Release(ctx, l))
		e := f.show("user/1")
		equal(f.t, "entry", []any{e.State, e.Lane, e.Attempts, e.Due, e.Tried, e.Look}, []any{Queued, Normal, 3, ms(time.Second), int64(0), int64(0)})

		l = f.take()
		f.push("user/1", Leavers)
		ok(f.t, f.Release(ctx, l))
		next := f.take()
		equal(f.t, "released with a newer wish", []any{next.Lane, next.Attempts}, []any{Leavers, 0})
		ok(f.t, f.Release(ctx, l)) // the second release of a lease does nothing
		ok(f.t, f.Renew(ctx, next))
	})
}

func TestFinish_SecondTimeDoesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		l := f.take()
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
		f.finish(l, Verdict{Outcome: Park}, ResultDone)
		f.wantState("user/1", Idle)
	})
}

func TestFinish_DropForgetsTheKey(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		l := f.take()
		f.push("user/1", Normal)
		if !f.ident(l, "mail:a@x") {
			f.t.Fatal("identity refused")
		}
		got := f.eval(`return q_finish(p, ARGV[2], ARGV[3], q_now(p, ARGV[1]), 1, 'drop')`, f.NowArg(), l.Key, l.Token)
		equal(f.t, "result", got, any(ResultDone))
		f.wantState("user/1", Idle)
		f.wantNoKeyOf("user/1")
	})
}

func TestFinish_ReasonIsClippedToValidText(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		f.finish(f.take(), Verdict{Outcome: Park, Text: strings.Repeat("ä", 1000)}, ResultParked)
		if text := f.show("user/1").Text; len(text) > maxText || len(text) < maxText-3 || !utf8.ValidString(text) {
			f.t.Fatalf("%d bytes: %q", len(text), text)
		}
	})
}

func TestBackoff_Delay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		rnd  float64
		want time.Duration
	}{
		{0, 0.5, time.Second},
		{1, 0.5, time.Second},
		{1, 0, 500 * time.Millisecond},
		{2, 0.5, 2 * time.Second},
		{3, 0.5, 4 * time.Second},
		{3, 0.999, 5996 * time.Millisecond},
		{10, 0.5, 512 * time.Second},
		{11, 0.5, 15 * time.Minute},
		{5000, 0.999, 15 * time.Minute},
	} {
		if got := (Backoff{}).Delay(tt.n, func() float64 { return tt.rnd }); got != tt.want {
			t.Errorf("Delay(%d, %v) = %s, want %s", tt.n, tt.rnd, got, tt.want)
		}
	}
	if got := (Backoff{Base: time.Minute, Max: time.Hour}).Delay(4, func() float64 { return 0.5 }); got != 8*time.Minute {
		t.Errorf("own base: %s", got)
	}
}
