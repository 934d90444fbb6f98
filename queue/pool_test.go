package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestPool_KeepsOneWorkerForLeaversAndAtMostHalfForAProject(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		a, b, h := f, f.other(), newHandler(f.t)
		var all []string
		for i := range 6 {
			all = append(all, fmt.Sprintf("user/a%d", i), fmt.Sprintf("user/b%d", i))
		}
		release := h.hold(append(all, "user/leaver-a", "user/leaver-b")...)
		defer release()
		for _, key := range all {
			if key[5] == 'a' {
				a.push(key, Interactive)
			}
		}
		pool, stop := runPool(f.t, PoolOptions{Workers: 6, Sources: []Source{{Queue: a.Queue, Handle: h.handle}, {Queue: b.Queue, Handle: h.handle}}})
		equal(f.t, "half of the workers", h.next(3), []string{"user/a0", "user/a1", "user/a2"})
		h.none()
		for _, key := range all {
			if key[5] == 'b' {
				b.push(key, Interactive)
			}
		}
		pool.Wake()
		equal(f.t, "the rest but one", h.next(2), []string{"user/b0", "user/b1"})
		h.none()
		b.push("user/leaver-b", Leavers)
		pool.Wake()
		equal(f.t, "the one kept", h.next(1), []string{"user/leaver-b"})
		a.push("user/leaver-a", Leavers)
		h.none()
		release()
		rest := h.next(8)
		if !slices.Contains(rest, "user/leaver-a") {
			f.t.Fatalf("the second leaver is missing: %v", rest)
		}
		stop()
	})
}

func TestPool_LeavesNoWorkerIdleForASingleProject(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		h := newHandler(f.t)
		release := h.hold("user/0", "user/1", "user/2", "user/3", "user/leaver")
		for i := range 4 {
			f.push(fmt.Sprintf("user/%d", i), Normal)
		}
		_, stop := runPool(f.t, PoolOptions{Workers: 4, Sources: []Source{{Queue: f.Queue, Handle: h.handle}}})
		equal(f.t, "all but the leavers' worker", h.next(3), []string{"user/0", "user/1", "user/2"})
		h.none()
		f.push("user/leaver", Leavers)
		equal(f.t, "the leavers' worker", h.next(1), []string{"user/leaver"})
		release()
		h.next(1)
		stop()
	})
}

func TestPool_DueLeaverOvertakesNormalWorkBecauseSlotsAreAnonymous(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		asleep, wake := make(chan time.Duration), make(chan struct{})
		pacer, err := NewPacer(PacerOptions{
			Redis: f.store.Client, Base: f.store.Base, Limit: 1, Window: 10 * time.Second, Now: f.clock.Micros,
			Sleep: func(ctx context.Context, d time.Duration) error {
				if d <= 0 {
					return ctx.Err()
				}
				select {
				case asleep <- d:
				case <-ctx.Done():
					return ctx.Err()
				}
				select {
				case <-wake:
					return f.clock.Sleep(ctx, d)
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		})
		ok(f.t, err)
		_, _, _, err = pacer.Book(ctx, threeAhead) // somebody sends just now
		ok(f.t, err)
		for i := range 5 {
			f.push(fmt.Sprintf("user/%d", i), Normal)
		}
		h := newHandler(f.t)
		var order []string
		var mu sync.Mutex
		spend := func(ctx context.Context, l *Lease) Verdict {
			mu.Lock()
			order = append(order, l.Key)
			mu.Unlock()
			if err := pacer.Wait(ctx); err != nil {
				return Verdict{Outcome: Retry, Code: "pacer"}
			}
			return h.handle(ctx, l)
		}
		_, stop := runPool(f.t, PoolOptions{Workers: 8, Sources: []Source{{Queue: f.Queue, Pacer: pacer, Handle: spend}}})
		<-asleep // a slot is booked, five normal keys are due
		equal(f.t, "leased while waiting for the slot", f.stats().Leased, int64(0))
		f.push("user/leaver", Leavers)
		wake <- struct{}{}
		equal(f.t, "first", h.next(1), []string{"user/leaver"})
		<-asleep
		wake <- struct{}{}
		equal(f.t, "second", h.next(1), []string{"user/0"})
		stop()
		mu.Lock()
		defer mu.Unlock()
		equal(f.t, "order", order, []string{"user/leaver", "user/0"})
	})
}

func (f *fixture) stats() Stats {
	f.t.Helper()
	s, err := f.Stats(ctx)
	ok(f.t, err)
	return s
}

func TestPool_KeepsAnUnspentSlotForTheNextKey(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		pacer, err := NewPacer(PacerOptions{Redis: f.store.Client, Base: f.store.Base, Limit: 1, Window: time.Hour, Now: f.clock.Micros})
		ok(f.t, err)
		for i := range 20 {
			f.push(fmt.Sprintf("user/%d", i), Normal)
		}
		h := newHandler(f.t) // makes no call, so that one slot an hour is enough for all twenty
		_, stop := runPool(f.t, PoolOptions{Workers: 1, Sources: []Source{{Queue: f.Queue, Pacer: pacer, Handle: h.handle}}})
		h.next(20)
		stop()
	})
}

// Ten thousand members whose roles stay as they are must not go at the CMS's pace, however many workers there are.
func TestPool_KeysThatNeedNoCallGoOnOneSlotWithManyWorkers(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		pacer, err := NewPacer(PacerOptions{Redis: f.store.Client, Base: f.store.Base, Limit: 1, Window: time.Hour, Now: f.clock.Micros})
		ok(f.t, err)
		for i := range 50 {
			f.push(fmt.Sprintf("user/%d", i), Normal)
		}
		h := newHandler(f.t)
		_, stop := runPool(f.t, PoolOptions{Workers: 8, Sources: []Source{{Queue: f.Queue, Pacer: pacer, Handle: h.handle}}})
		h.next(50)
		stop()
	})
}

func TestPool_RunsOnRedissOwnTime(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		q, err := New(Options{Redis: store.Client, Base: store.Base})
		ok(t, err)
		pacer, err := NewPacer(PacerOptions{Redis: store.Client, Base: Base("t:", "cms:"+NewToken()), Limit: 1000, Window: time.Second})
		ok(t, err)
		h := newHandler(t)
		pool, stop := runPool(t, PoolOptions{Workers: 4, Sources: []Source{{Queue: q, Pacer: pacer, Handle: func(ctx context.Context, l *Lease) Verdict {
			if err := pacer.Wait(ctx); err != nil {
				return Verdict{Outcome: Retry}
			}
			return h.handle(ctx, l)
		}}}})
		for i := range 20 {
			ticket, err := q.Push(ctx, fmt.Sprintf("user/%d", i), Normal, true)
			ok(t, err)
			pool.Wake()
			e, err := q.Await(ctx, fmt.Sprintf("user/%d", i), ticket)
			ok(t, err)
			equal(t, "state", e.State, Idle)
		}
		stop()
	})
}

func TestPool_PanicIsARetry(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		done := make(chan struct{}, 1)
		_, stop := runPool(f.t, PoolOptions{Workers: 2, Sources: []Source{{Queue: f.Queue, Handle: func(context.Context, *Lease) Verdict {
			defer func() { done <- struct{}{} }()
			var m map[string]int
			m["x"] = 1 //nolint:staticcheck // the panic is the point
			return Verdict{Outcome: Done}
		}}}})
		<-done
		stop()
		e := f.show("user/1")
		equal(f.t, "entry", []any{e.State, e.Attempts, e.Code, e.Due}, []any{Queued, 1, "panic", ms(time.Second)})
	})
}

func TestPool_StopLetsRunningHandlersFinish(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		h := newHandler(f.t)
		release := h.hold("user/1")
		f.push("user/1", Normal)
		p, err := NewPool(PoolOptions{Workers: 2, Poll: time.Millisecond, Sources: []Source{{Queue: f.Queue, Handle: h.handle}}})
		ok(f.t, err)
		run, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); p.Run(run) }()
		h.next(1)
		cancel()
		f.push("user/2", Leavers)
		select {
		case <-done:
			f.t.Fatal("the pool ended before its handler")
		case <-time.After(20 * time.Millisecond):
		}
		release()
		<-done
		f.wantState("user/1", Idle)
		f.wantState("user/2", Queued) // nothing is taken after the stop
	})
}

func TestPool_GraceThatEndsReleasesTheKeyAndCostsItNoAttempt(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		h := newHandler(f.t)
		h.hold("user/1")
		f.push("user/1", Normal)
		_, stop := runPool(f.t, PoolOptions{Workers: 2, Grace: time.Millisecond, Sources: []Source{{Queue: f.Queue, Handle: h.handle}}})
		h.next(1)
		stop()
		e := f.show("user/1")
		equal(f.t, "entry", []any{e.State, e.Attempts, e.Due, e.Code}, []any{Queued, 0, start, ""})
	})
}

func TestPool_LeaseThatWasLostEndsTheHandlersContextAndQueuesALook(t *testing.T) {
	t.Parallel()
	eachWith(t, Options{Renew: time.Millisecond}, func(f *fixture) {
		h := newHandler(f.t)
		h.hold("user/1")
		f.push("user/1", Normal)
		_, stop := runPool(f.t, PoolOptions{Workers: 1, Sources: []Source{{Queue: f.Queue, Handle: h.handle}}})
		h.next(1)
		ok(f.t, f.store.Client.HSet(ctx, f.keys.record("user/1"), "token", "somebody").Err())
		eventually(f.t, "look", func() bool { return f.show("user/1").Look == ms(16*time.Second) })
		stop()
	})
}

func TestPool_HandlerMayEndItsLeaseItself(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		results := make(chan string, 1)
		_, stop := runPool(f.t, PoolOptions{Workers: 1, Sources: []Source{{Queue: f.Queue, Handle: func(ctx context.Context, l *Lease) Verdict {
			args := append([]any{f.NowArg(), l.Key, l.Token}, f.FinishArgs(l, Verdict{Outcome: Done})...)
			result, _ := f.eval(`local now = q_now(p, ARGV[1])
return q_finish(p, ARGV[2], ARGV[3], now, ARGV[4], ARGV[5], now + tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9], ARGV[10])`, args...).(string)
			f.Finished(l, result)
			results <- result
			return Verdict{Outcome: Ended}
		}}}})
		equal(f.t, "result", <-results, ResultDone)
		stop()
		f.wantState("user/1", Idle)
	})
}

func TestPool_RecoversWhenRedisComesBack(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	f := newFixture(t, queuetest.Store{Client: server.Client, Base: "t:{p}"}, Options{})
	h := newHandler(t)
	_, stop := runPool(t, PoolOptions{Workers: 2, Sources: []Source{{Queue: f.Queue, Handle: h.handle}}})
	f.push("user/1", Normal)
	h.next(1)
	server.Kill()
	server.Restart()
	eventually(t, "push", func() bool { _, err := f.Push(ctx, "user/2", Normal, true); return err == nil })
	h.next(1)
	stop()
}

func TestPool_LeavesNoGoroutineBehind(t *testing.T) { //nolint:paralleltest // counts goroutines
	before := goleak.IgnoreCurrent()
	f := newFixture(t, queuetest.Real(t), Options{})
	f.push("user/1", Normal)
	h := newHandler(t)
	_, stop := runPool(t, PoolOptions{Workers: 3, Sources: []Source{{Queue: f.Queue, Handle: h.handle}}})
	h.next(1)
	stop()
	ok(t, f.store.Client.Close())
	goleak.VerifyNone(t, before)
}

func TestNewPool_NamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := NewPool(PoolOptions{Workers: -1, Sources: []Source{{}}})
	for _, want := range []string{"Workers must not be negative", "source 0 has no Queue"} {
		if err == nil || !contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
