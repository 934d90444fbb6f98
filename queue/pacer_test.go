package queue

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// pacers returns replicas of one pacer on a clock that the test moves.
func pacers(t *testing.T, store queuetest.Store, limit int, window time.Duration) (a, b *Pacer, clock *queuetest.Clock) {
	t.Helper()
	clock = queuetest.NewClock(start)
	opt := PacerOptions{
		Redis: store.Client, Base: store.Base, Limit: limit, Window: window, Now: clock.Micros, Sleep: clock.Sleep,
	}
	a, err := NewPacer(opt)
	ok(t, err)
	b, err = NewPacer(opt)
	ok(t, err)
	return a, b, clock
}

// sender is one worker of the simulation: it books, sleeps, sends late, and books again.
type sender struct {
	pacer *Pacer
	at    int64 // µs of its next event
	sends bool  // the event is a send, else a booking
}

type schedule []*sender

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].at < s[j].at }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)        { *s = append(*s, x.(*sender)) } //nolint:errcheck // heap.Push is only given senders
func (s *schedule) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}

// simulate has workers of both replicas send n calls, each as late as is allowed at random, and returns when.
func simulate(t *testing.T, replicas [2]*Pacer, clock *queuetest.Clock, n int) []int64 {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2)) // the same numbers every time
	var events schedule
	for i := range 8 {
		heap.Push(&events, &sender{pacer: replicas[i%2], at: clock.Micros()})
	}
	var sent []int64
	for len(sent) < n {
		w := events[0]
		clock.Advance(time.Duration(w.at-clock.Micros()) * time.Microsecond)
		if w.sends {
			sent = append(sent, w.at)
			w.sends = false
			heap.Fix(&events, 0)
			continue
		}
		slot, ahead, booked, err := w.pacer.Book(context.Background(), threeAhead)
		ok(t, err)
		if w.sends = booked; booked {
			w.at = slot.b.at.UnixMicro() + rnd.Int64N(w.pacer.lateness().Microseconds()+1)
		} else {
			w.at += w.pacer.retryIn(ahead).Microseconds()
		}
		heap.Fix(&events, 0)
	}
	slices.Sort(sent)
	return sent
}

func TestPacer_NeverExceedsTheWindowWithTwoReplicas(t *testing.T) {
	t.Parallel()
	for _, rate := range []struct {
		limit  int
		window time.Duration
	}{{60, 3 * time.Second}, {30, 3 * time.Second}, {10, time.Second}, {3, time.Second}, {1, time.Second}, {500, time.Second}} {
		t.Run(fmt.Sprintf("%d per %s", rate.limit, rate.window), func(t *testing.T) {
			t.Parallel()
			queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
				a, b, clock := pacers(t, store, rate.limit, rate.window)
				n := min(rate.limit*6, 1200)
				sent := simulate(t, [2]*Pacer{a, b}, clock, n)
				for i := range len(sent) - rate.limit {
					if span := sent[i+rate.limit] - sent[i]; span <= rate.window.Microseconds() {
						t.Fatalf("calls %d to %d, one more than the limit, lie within %dµs", i, i+rate.limit, span)
					}
				}
				quota := float64(sent[len(sent)-1]-sent[0]) / float64(rate.window.Microseconds()) * float64(rate.limit)
				if used := float64(n-1) / quota; used < 0.95 {
					t.Fatalf("only %.1f %% of the quota is used", used*100)
				}
			})
		})
	}
}

func TestPacer_RefusalHoldsEveryoneUntilTheReset(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, b, clock := pacers(t, store, 60, 3*time.Second)
		booked, _, _, err := a.Book(ctx, threeAhead)
		ok(t, err)
		ok(t, a.Report(ctx, Feedback{Limited: true, Reset: 2 * time.Second}))
		if a.good(booked) {
			t.Fatal("a slot booked before the refusal is still good in the process that met it")
		}
		for name, p := range map[string]*Pacer{"the one refused": a, "the other": b} {
			_, ahead, booked, err := p.Book(ctx, threeAhead)
			ok(t, err)
			if booked || ahead != 2*time.Second {
				t.Fatalf("%s books %v, in %s", name, booked, ahead)
			}
			next, err := p.NextIn(ctx)
			ok(t, err)
			equal(t, name, next, 2*time.Second)
		}
		before := clock.Micros()
		ok(t, b.Wait(ctx))
		if waited := clock.Micros() - before; waited < 2_000_000 || waited > 2_300_000 {
			t.Fatalf("the other replica waits %dµs", waited)
		}
		ok(t, a.Wait(ctx))
	})
}

func TestPacer_SlowsDownOnceForCallsRefusedTogether(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, b, clock := pacers(t, store, 60, 3*time.Second)
		for range 8 {
			ok(t, a.Report(ctx, Feedback{Limited: true, Reset: time.Second}))
			ok(t, b.Report(ctx, Feedback{Limited: true, Reset: time.Second}))
		}
		equal(t, "factor", a.factor, 1.3)
		clock.Advance(2 * time.Second)
		ok(t, a.Report(ctx, Feedback{Limited: true}))
		equal(t, "factor of the next time", a.factor, 1.69)
		_, _, _, err := b.Book(ctx, threeAhead)
		ok(t, err)
		equal(t, "spacing", b.spacing, 87114*time.Microsecond) // 3s/60/0.97*1.69
		for range 400 {
			ok(t, b.Report(ctx, Feedback{Limit: 60}))
		}
		equal(t, "factor after 400 successes", b.Factor(), 1.0)
	})
}

func TestPacer_LearnsALowerLimitButNeverExceedsItsOwn(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, b, _ := pacers(t, store, 60, 3*time.Second)
		for _, tt := range []struct {
			told int
			want time.Duration
		}{{30, 103093 * time.Microsecond}, {120, 51547 * time.Microsecond}, {0, 51547 * time.Microsecond}} {
			ok(t, a.Report(ctx, Feedback{Limit: tt.told}))
			_, _, _, err := b.Book(ctx, time.Hour)
			ok(t, err)
			equal(t, fmt.Sprintf("spacing after %d", tt.told), b.spacing, tt.want)
		}
	})
}

func TestPacer_SuccessesAtFullPaceAskNothingOfRedis(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, _, _ := pacers(t, store, 60, 3*time.Second)
		ok(t, a.Report(ctx, Feedback{Limit: 60}))
		ok(t, store.Client.Close())
		ok(t, a.Report(ctx, Feedback{Limit: 60}))
	})
}

func TestPacer_WaitSpendsTheSlotOfItsContextOnce(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, _, clock := pacers(t, store, 60, 3*time.Second)
		ok(t, a.Wait(ctx)) // the next free slot is one spacing away
		slot, ahead, _, err := a.Book(ctx, threeAhead)
		ok(t, err)
		with := WithSlot(ctx, slot)
		began := clock.Micros()
		ok(t, a.Wait(with))
		equal(t, "first call", clock.Micros()-began, ahead.Microseconds())
		if !slot.Spent() {
			t.Fatal("the slot is not spent")
		}
		ok(t, a.Wait(with))
		equal(t, "second call", clock.Micros()-began, 2*ahead.Microseconds())
	})
}

func TestPacer_SlotThatIsTooLateIsBookedAgain(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, _, clock := pacers(t, store, 60, 3*time.Second)
		slot, _, _, err := a.Book(ctx, threeAhead)
		ok(t, err)
		clock.Advance(61 * time.Millisecond)
		ok(t, a.Wait(WithSlot(ctx, slot)))
		if slot.Spent() {
			t.Fatal("a call was sent with a slot that had passed")
		}
	})
}

func TestPacer_WaitFailsAtOnceWhenTheContextEndsBeforeTheSlot(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		p, err := NewPacer(PacerOptions{Redis: store.Client, Base: store.Base, Limit: 1, Window: time.Hour})
		ok(t, err)
		ok(t, p.Wait(ctx))
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := p.Wait(short); !errors.Is(err, context.DeadlineExceeded) || short.Err() != nil {
			t.Fatalf("got %v", err)
		}
		ended, end := context.WithCancel(ctx)
		end()
		if err := p.Wait(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestPacer_NilDoesNotPace(t *testing.T) {
	t.Parallel()
	p, err := NewPacer(PacerOptions{})
	if err != nil || p != nil {
		t.Fatalf("limit 0: %v, %v", p, err)
	}
	slot, ahead, booked, err := p.Book(ctx, 0)
	next, errNext := p.NextIn(ctx)
	if err := errors.Join(err, errNext, p.Wait(ctx), p.Report(ctx, Feedback{Limited: true})); err != nil {
		t.Fatal(err)
	}
	if !booked || p.Factor() != 1 || ahead != 0 || next != 0 || !slot.Spent() || WithSlot(ctx, slot) != ctx {
		t.Fatal("a nil pacer paces")
	}
}

func TestNewPacer_NamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := NewPacer(PacerOptions{Base: "cms", Limit: -1})
	for _, want := range []string{"Redis is missing", "hash tag", "no rate"} {
		if err == nil || !contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestPacer_NowNeverGoesBack(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, _, clock := pacers(t, store, 60, 3*time.Second)
		ok(t, a.Wait(ctx))
		clock.Set(start - 60_000) // a fail-over to a server whose clock is a minute behind
		_, ahead, booked, err := a.Book(ctx, threeAhead)
		ok(t, err)
		if !booked || ahead > 52*time.Millisecond {
			t.Fatalf("the next slot is %s away", ahead)
		}
	})
}

// TestPacer_WithoutRedisEveryProcessTakesItsShare: a sync under way goes on at limit ÷ replicas, without a burst.
func TestPacer_WithoutRedisEveryProcessTakesItsShare(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		a, b, clock := pacers(t, store, 60, 3*time.Second)
		for range 3 {
			ok(t, b.Wait(ctx))
			ok(t, a.Wait(ctx))
		}
		a.opt.Redis = unreachable(t)
		before := clock.Micros()
		for range 20 {
			ok(t, a.Wait(ctx))
		}
		took, want := time.Duration(clock.Micros()-before)*time.Microsecond, 20*2*a.gap()
		if took < want-time.Millisecond || took > want+time.Millisecond {
			t.Errorf("20 calls of one of two processes took %s, want %s", took, want)
		}
	})
}

// unreachable is a client of a Redis that does not answer.
func unreachable(t *testing.T) redis.UniversalClient {
	t.Helper()
	c := redis.NewClient(&redis.Options{MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
