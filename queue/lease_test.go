package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

var ctx = context.Background()

func TestTakeReadsWhatGoesWithAKey(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.ReadWithTake(`local function q_with(p, key, rec, now)
  return string.sub(key, 1, 5) == 'user/' and {key, rec[1], q_num(now), redis.call('HGET', p .. ':k:' .. key, 'token')}
end
`)
		f.push("user/1", Interactive)
		f.push("group/1", Normal)
		l := f.take()
		equal(f.t, "of a user", texts(l.With()), []string{"user/1", "1", strconv.FormatInt(start, 10), l.Token})
		equal(f.t, "asked again", l.With() == nil, true)
		equal(f.t, "of a group", f.take().With() == nil, true)
	})
}

func TestLeaseThatRanOutCannotWrite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		write func(f *fixture, l *Lease) (held bool)
	}{
		{"finish done", func(f *fixture, l *Lease) bool { return finished(f, l, Verdict{Outcome: Done}) }},
		{"finish park", func(f *fixture, l *Lease) bool { return finished(f, l, Verdict{Outcome: Park}) }},
		{"release", func(f *fixture, l *Lease) bool {
			ok(f.t, f.Release(ctx, l))
			return f.show(l.Key).State != Leased
		}},
		{"renew", func(f *fixture, l *Lease) bool { return !errors.Is(f.Renew(ctx, l), ErrLost) }},
		{"q_fenced", func(f *fixture, l *Lease) bool {
			return f.eval(`return q_fenced(p, ARGV[2], ARGV[3], q_now(p, ARGV[1])) and 1 or 0`, f.NowArg(), l.Key, l.Token) == int64(1)
		}},
		{"q_finish", func(f *fixture, l *Lease) bool {
			return f.eval(`return q_finish(p, ARGV[2], ARGV[3], q_now(p, ARGV[1]), 1, 'done')`, f.NowArg(), l.Key, l.Token) != any(ResultLost)
		}},
		{"q_ident", func(f *fixture, l *Lease) bool { return f.ident(l, "mail:a@x") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Interactive)
				l := f.take()
				f.clock.Advance(15*time.Second - time.Millisecond)
				if !errors.Is(f.Guard(l)(), ErrLost) {
					f.t.Fatal("a call may begin in the last millisecond of a lease")
				}
				f.clock.Advance(time.Millisecond)
				if tt.write(f, l) {
					f.t.Fatal("written with a lease that ran out, not yet taken over")
				}
				other := f.replica().take()
				if tt.write(f, l) {
					f.t.Fatal("written with a lease that somebody else has taken over")
				}
				equal(f.t, "holder", f.show("user/1").State, Leased)
				if err := f.Renew(ctx, other); err != nil {
					f.t.Fatalf("the new holder is disturbed: %v", err)
				}
			})
		})
	}
}

// finished reports whether a verdict was taken.
func finished(f *fixture, l *Lease, v Verdict) bool {
	f.t.Helper()
	result, err := f.Finish(ctx, l, v)
	ok(f.t, err)
	return result != ResultLost
}

// ident asks for a CMS identity.
func (f *fixture) ident(l *Lease, name string) bool {
	f.t.Helper()
	return f.eval(`return q_ident(p, ARGV[2], ARGV[3], q_now(p, ARGV[1]), 15000, ARGV[4]) and 1 or 0`,
		f.NowArg(), l.Key, l.Token, name) == int64(1)
}

func TestReclaimedKeyMustLook(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		first := f.take()
		equal(f.t, "first lease", []any{first.Reclaimed, first.Look}, []any{false, int64(0)})
		f.clock.Advance(15 * time.Second)

		second := f.replica().take()
		look := ms(15*time.Second + 2*8*time.Second)
		equal(f.t, "second lease", []any{second.Reclaimed, second.Look}, []any{true, look})

		// It looks and finds the CMS in agreement; a late call of the first holder may still change that.
		f.finish(second, Verdict{Outcome: Done}, ResultRetry)
		equal(f.t, "due", f.show("user/1").Due, look)
		f.takeNothing()
		f.clock.Set(look)
		third := f.take()
		equal(f.t, "third lease", []any{third.Reclaimed, third.Look, third.Attempts}, []any{false, look, 0})
		f.finish(third, Verdict{Outcome: Done}, ResultDone)
		f.wantState("user/1", Idle)
	})
}

func TestHolderThatLostItsLeaseQueuesALook(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		slow := f.take()
		f.clock.Advance(15 * time.Second)
		fast := f.replica().take()
		f.finish(fast, Verdict{Outcome: Done}, ResultRetry)
		f.clock.Set(fast.Look)
		f.finish(f.take(), Verdict{Outcome: Done}, ResultDone)
		f.wantState("user/1", Idle)

		// The first holder wakes up, having sent its call just now. (user/2: the same, said by hand.)
		ok(f.t, f.Look(ctx, "user/2", Normal))
		f.finish(slow, Verdict{Outcome: Done}, ResultLost)
		for _, key := range []string{"user/1", "user/2"} {
			if e := f.show(key); e.State != Queued || e.Look != f.clock.Now()+16_000 {
				f.t.Fatalf("nobody looks at %s again: %+v", key, e)
			}
		}
	})
}

func TestLeaseIsReentrantForTheSameToken(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ticket := strconv.FormatInt(f.push("user/1", Interactive), 10)
		equal(f.t, "first", f.leaseFor("user/1", "tok"), ticket)
		f.clock.Advance(10 * time.Second)
		equal(f.t, "same token", f.leaseFor("user/1", "tok"), ticket)
		equal(f.t, "other token", f.leaseFor("user/1", "other"), "")
		equal(f.t, "end", f.show("user/1").Until, ms(25*time.Second))
		f.clock.Advance(15 * time.Second)
		equal(f.t, "same token, too late", f.leaseFor("user/1", "tok"), "")
	})
}

func TestLeaseOfARequestNeedsAQueuedKey(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		equal(f.t, "unknown key", f.leaseFor("user/0", "tok"), "")
		f.push("user/1", Interactive)
		f.finish(f.take(), Verdict{Outcome: Park, Code: "seats"}, ResultParked)
		equal(f.t, "parked key", f.leaseFor("user/1", "tok"), "")
		f.push("user/1", Interactive)
		if f.leaseFor("user/1", "tok") == "" {
			f.t.Fatal("a fresh write of a parked key gets no lease")
		}
		f.takeNothing()
	})
}

func TestAdoptedLeaseIsShorterThanItsScriptMayHaveTaken(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		began := f.opt.Clock()
		f.leaseFor("user/1", "tok")
		rec := []string{"7", "leavers", "2", "5", "{}", "c", "t"}
		l := f.Adopt("user/1", "tok", rec)
		equal(f.t, "remaining", l.Remaining(f.opt.Clock()), 12*time.Second)
		f.clock.Advance(time.Second)
		exact := f.AdoptSince(began, "user/1", "tok", rec)
		equal(f.t, "remaining since", exact.Remaining(f.opt.Clock()), 14*time.Second)
		equal(f.t, "record", []any{l.Ticket, l.Lane, l.Attempts, l.Look, l.Intent, l.Code, l.Text},
			[]any{int64(7), Leavers, 2, int64(5), "{}", "c", "t"})
		ok(f.t, f.Renew(ctx, l))
		equal(f.t, "remaining after renewal", l.Remaining(f.opt.Clock()), 15*time.Second)
	})
}

func TestNoCallBeginsThatCouldOutliveItsLease(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		guard := f.Guard(l)
		f.clock.Advance(5 * time.Second) // 10s left: the call's 8s and 2s for its answer
		ok(f.t, guard())
		f.clock.Advance(time.Millisecond)
		if !errors.Is(guard(), ErrLost) {
			f.t.Fatal("a call may begin with less than 10s of lease left")
		}
		ok(f.t, f.Renew(ctx, l))
		ok(f.t, guard())
	})
}

func TestKeepAlive_EndsTheContextWhenTheLeaseIsLost(t *testing.T) {
	t.Parallel()
	eachWith(t, Options{Renew: time.Millisecond}, func(f *fixture) {
		f.push("user/1", Interactive)
		kept, stop := f.KeepAlive(ctx, f.take())
		defer stop()
		for i := range 3 { // renewed: the key stays ours long after the first end of the lease
			f.clock.Advance(10 * time.Second)
			want := f.clock.Now() + 15_000
			eventually(f.t, fmt.Sprintf("renewal %d", i), func() bool { return f.show("user/1").Until == want })
		}
		_, err := f.store.Client.HSet(ctx, f.keys.record("user/1"), "token", "somebody").Result()
		ok(f.t, err)
		<-kept.Done()
		if !errors.Is(context.Cause(kept), ErrLost) {
			f.t.Fatalf("cause: %v", context.Cause(kept))
		}
	})
}

func TestKeepAlive_EndsTheContextWhenRedisIsAwayForTooLong(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	store := queuetest.Store{Client: server.Client, Base: "t:{p}"}
	f := newFixture(t, store, Options{Renew: time.Millisecond})
	f.push("user/1", Interactive)
	l := f.take()
	kept, stop := f.KeepAlive(ctx, l)
	defer stop()
	server.Kill()
	if kept.Err() != nil {
		t.Fatal("ended before the lease ran out")
	}
	f.clock.Advance(16 * time.Second)
	<-kept.Done()
	if !errors.Is(context.Cause(kept), ErrLost) {
		t.Fatalf("cause: %v", context.Cause(kept))
	}
}

func TestKeepAlive_StopsWithoutALoss(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		kept, stop := f.KeepAlive(ctx, l)
		stop()
		if !errors.Is(context.Cause(kept), context.Canceled) {
			f.t.Fatalf("cause: %v", context.Cause(kept))
		}
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
	})
}

func TestKeepAlive_RenewsALateAdoptionAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		f.leaseFor("user/1", "tok")
		l := f.Adopt("user/1", "tok", nil)
		_, stop := f.KeepAlive(ctx, l)
		defer stop()
		eventually(f.t, "renewal", func() bool { return l.Remaining(f.opt.Clock()) == 15*time.Second })
	})
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: did not happen", what)
		}
	}
}
