package queue

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestSettled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(f *fixture, l *Lease) // what happens to the lease of the first ticket
		want [2]bool                    // whether tickets 1 and 2 are settled
	}{
		{"still leased", func(*fixture, *Lease) {}, [2]bool{false, false}},
		{"agreed", func(f *fixture, l *Lease) { f.finish(l, Verdict{Outcome: Done}, ResultDone) }, [2]bool{true, true}},
		{"failed once", func(f *fixture, l *Lease) { f.finish(l, Verdict{Outcome: Retry}, ResultRetry) }, [2]bool{true, false}},
		{"waits", func(f *fixture, l *Lease) { f.finish(l, Verdict{Outcome: Wait}, ResultRetry) }, [2]bool{true, false}},
		{"parked", func(f *fixture, l *Lease) { f.finish(l, Verdict{Outcome: Park}, ResultParked) }, [2]bool{true, true}},
		{"released", func(f *fixture, l *Lease) { ok(f.t, f.Release(ctx, l)) }, [2]bool{false, false}},
		{"a newer wish came", func(f *fixture, l *Lease) {
			f.push(l.Key, Normal)
			f.finish(l, Verdict{Outcome: Done}, ResultAgain)
		}, [2]bool{true, false}},
		{"a newer wish came after failures", func(f *fixture, l *Lease) {
			f.finish(l, Verdict{Outcome: Retry, Code: "503"}, ResultRetry)
			f.push(l.Key, Normal)
		}, [2]bool{true, false}},
		{"lost", func(f *fixture, _ *Lease) { f.clock.Advance(time.Minute) }, [2]bool{false, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				first := f.push("user/1", Normal)
				tt.end(f, f.take())
				var got [2]bool
				for i := range got {
					settled, _, err := f.Settled(ctx, "user/1", first+int64(i))
					ok(f.t, err)
					got[i] = settled
				}
				equal(f.t, "settled", got, tt.want)
			})
		})
	}
}

func TestAwait_WakesWhenThisProcessFinishes(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ticket := f.push("user/1", Normal)
		l := f.take()
		got := make(chan Entry, 1)
		go func() {
			e, err := f.Await(ctx, "user/1", ticket)
			if err != nil {
				e.Text = err.Error()
			}
			got <- e
		}()
		f.finish(l, Verdict{Outcome: Park, Code: "seats", Text: "no seat is free"}, ResultParked)
		e := <-got
		equal(f.t, "entry", []any{e.State, e.Code, e.Text, e.Ticket, e.Lane}, []any{Parked, "seats", "no seat is free", ticket, Normal})
	})
}

func TestAwait_NoticesWhatAnotherProcessFinishes(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ticket := f.push("user/1", Normal)
		l := f.take()
		got := make(chan error, 1)
		go func() {
			_, err := f.replica().Await(ctx, "user/1", ticket)
			got <- err
		}()
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
		ok(f.t, <-got)
	})
}

func TestAwait_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ticket := f.push("user/1", Normal)
		cause := errors.New("the request's time is over")
		waiting, cancel := context.WithCancelCause(ctx)
		cancel(cause)
		if _, err := f.Await(waiting, "user/1", ticket); err == nil {
			f.t.Fatal("no error")
		}
		equal(f.t, "waiters left behind", len(f.waiters.byKey), 0)
	})
}

func TestWaiters_WakeEveryoneOfTheKeyOnly(t *testing.T) {
	t.Parallel()
	var w waiters
	a, leaveA := w.join("user/1")
	b, leaveB := w.join("user/1")
	c, leaveC := w.join("user/2")
	w.wake("user/1")
	w.wake("user/1") // nobody has looked yet: no second wake is stored
	<-a
	<-b
	select {
	case <-a:
		t.Fatal("woken twice")
	case <-c:
		t.Fatal("woken for another key")
	default:
	}
	leaveA()
	leaveB()
	leaveC()
	equal(t, "left", len(w.byKey), 0)
}
