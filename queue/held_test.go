package queue

import (
	"context"
	"testing"
	"time"
)

// held takes a key and has it held.
func (f *fixture) held(key string) {
	f.t.Helper()
	f.push(key, Interactive)
	f.finish(f.take(), Verdict{Outcome: Hold, Code: "brake", Text: "too many"}, ResultHeld)
}

func TestHeldKeyWaitsForApprovalAndUsesNoAttempts(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ctx := context.Background()
		f.held("user/1")
		f.clock.Advance(24 * time.Hour)
		f.takeNothing()
		if e := f.show("user/1"); e.State != Held || e.Held != start || e.Attempts != 0 || e.Code != "brake" {
			f.t.Errorf("held: %+v", e)
		}
		if n, err := f.Replay(ctx, "user/1"); n != 0 || err != nil {
			f.t.Errorf("a replay took it up: %d, %v", n, err)
		}
		if s, err := f.Stats(ctx); err != nil || s.Held != 1 || s.Parked != 0 || s.OldestAge != 0 {
			f.t.Errorf("stats: %+v, %v", s, err)
		}
		entries, _, err := f.List(ctx, ListOptions{State: Held})
		if err != nil || len(entries) != 1 || entries[0].Key != "user/1" {
			f.t.Errorf("listed: %+v, %v", entries, err)
		}
		if settled, e, err := f.Settled(ctx, "user/1", entries[0].Ticket); !settled || e.State != Held || err != nil {
			f.t.Errorf("settled: %v, %+v, %v", settled, e, err)
		}
		if n, err := f.Approve(ctx, "user/1", "user/2"); n != 1 || err != nil {
			f.t.Errorf("approved %d, %v", n, err)
		}
		l := f.take()
		if l.Key != "user/1" || l.Lane != Leavers || l.Attempts != 0 {
			f.t.Errorf("taken: %+v", l)
		}
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
	})
}

func TestHeldKeyIsTakenUpByANewerWishNotByATouch(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.held("user/1")
		ticket := f.show("user/1").Ticket
		if got := f.touch("user/1", Background); got != ticket || f.show("user/1").State != Held {
			f.t.Errorf("a touch: ticket %d, was %d", got, ticket)
		}
		f.push("user/1", Interactive)
		if e := f.show("user/1"); e.State != Queued || e.Held != 0 || e.Code != "" {
			f.t.Errorf("a newer wish: %+v", e)
		}
		if n, err := f.ApproveAll(context.Background()); n != 0 || err != nil {
			f.t.Errorf("%d are left in the set of held keys, %v", n, err)
		}
	})
}

func TestHeldKeyCanBeDropped(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.held("user/1")
		if dropped, err := f.Drop(context.Background(), "user/1"); !dropped || err != nil {
			f.t.Errorf("%v, %v", dropped, err)
		}
		if keys, err := f.HeldKeys(context.Background()); len(keys) != 0 || err != nil {
			f.t.Errorf("%v, %v", keys, err)
		}
	})
}
