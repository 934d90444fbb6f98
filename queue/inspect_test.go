package queue

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// populate leaves one key in every state and lane.
func (f *fixture) populate() {
	f.t.Helper()
	f.push("user/parked", Normal)
	f.finish(f.take(), Verdict{Outcome: Park, Code: "seats", Text: "no seat is free"}, ResultParked)
	f.push("user/leased", Leavers)
	f.take()
	for _, lane := range Lanes() {
		f.push("user/"+string(lane), lane)
	}
	f.clock.Advance(9 * time.Second)
}

func TestList(t *testing.T) {
	t.Parallel()
	all := []string{"user/leased", "user/leavers", "user/interactive", "user/normal", "user/background", "user/parked"}
	for _, tt := range []struct {
		opt  ListOptions
		want []string
	}{
		{ListOptions{}, all},
		{ListOptions{Limit: 1}, all},
		{ListOptions{Limit: 2}, all},
		{ListOptions{Limit: 4}, all},
		{ListOptions{Limit: 6}, all},
		{ListOptions{State: Parked}, all[5:]},
		{ListOptions{Code: "seats"}, all[5:]},
		{ListOptions{Code: "other"}, nil},
		{ListOptions{State: Leased}, all[:1]},
		{ListOptions{State: Queued}, all[1:5]},
		{ListOptions{State: Queued, Lane: Normal}, all[3:4]},
		{ListOptions{Lane: Leavers}, all[1:2]},
		{ListOptions{State: Parked, Lane: Leavers}, nil},
	} {
		t.Run(fmt.Sprintf("%+v", tt.opt), func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.populate()
				opt := tt.opt // both stores page at the same time
				var got []string
				for pages := 0; ; pages++ {
					page, next, err := f.List(ctx, opt)
					ok(f.t, err)
					for _, e := range page {
						got = append(got, e.Key)
					}
					if opt.Cursor = next; next == "" {
						break
					}
					if pages > 10 {
						f.t.Fatal("pages without end")
					}
				}
				equal(f.t, "keys", got, tt.want)
			})
		})
	}
}

func TestList_RefusesAForeignCursor(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		for _, cursor := range []string{"x", "1", "9:0", "-1:0", "0:-1", "0:x"} {
			if _, _, err := f.List(ctx, ListOptions{Cursor: cursor}); err == nil {
				f.t.Errorf("cursor %q is accepted", cursor)
			}
		}
	})
}

func TestShow(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.populate()
		for key, want := range map[string]Entry{
			"user/parked": {State: Parked, Lane: Normal, Ticket: 1, Tried: 1, Since: start, Parked: start, Code: "seats", Text: "no seat is free"},
			"user/leased": {State: Leased, Lane: Leavers, Ticket: 2, Since: start, Until: ms(15 * time.Second)},
			"user/normal": {State: Queued, Lane: Normal, Ticket: 5, Since: start, Due: start},
		} {
			want.Key = key
			equal(f.t, key, f.show(key), want)
		}
		e, found, err := f.Show(ctx, "user/nobody")
		ok(f.t, err)
		equal(f.t, "unknown", []any{e, found}, []any{Entry{Key: "user/nobody", State: Idle}, false})
	})
}

func TestState_ForScripts(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.populate()
		for key, want := range map[string]string{
			"user/parked": "parked seats no seat is free", "user/leased": "leased  ", "user/normal": "queued  ", "user/nobody": "idle  ",
		} {
			got := f.eval(`local s, c, t = q_state(p, ARGV[1]) return s .. ' ' .. c .. ' ' .. t`, key)
			equal(f.t, key, got, any(want))
		}
	})
}

func TestStats(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		equal(f.t, "empty", f.stats(), Stats{Depth: map[Lane]int64{Leavers: 0, Interactive: 0, Normal: 0, Background: 0}, Codes: map[string]int64{}})
		f.populate()
		equal(f.t, "full", f.stats(), Stats{
			Depth:  map[Lane]int64{Leavers: 1, Interactive: 1, Normal: 1, Background: 1},
			Leased: 1, Parked: 1, Codes: map[string]int64{"seats": 1}, OldestAge: 9 * time.Second,
		})
	})
}

func TestOldestAgeCountsFromTheFirstQueueing(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		f.clock.Advance(time.Minute)
		f.push("user/1", Normal)
		f.finish(f.take(), Verdict{Outcome: Retry, After: time.Hour}, ResultRetry)
		equal(f.t, "while it fails", f.stats().OldestAge, time.Minute)
		f.clock.Advance(time.Hour)
		l := f.take()
		f.push("user/1", Normal)
		f.finish(l, Verdict{Outcome: Done}, ResultAgain)
		equal(f.t, "the older wish is agreed", f.stats().OldestAge, time.Duration(0))
		f.finish(f.take(), Verdict{Outcome: Park}, ResultParked)
		f.clock.Advance(time.Hour)
		equal(f.t, "parked keys do not count", f.stats().OldestAge, time.Duration(0))
	})
}

func TestReplay_RunsInTheOrderOfTheFirstQueueing(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		var leases []*Lease
		for _, key := range []string{"user/c", "user/b", "user/a"} {
			f.push(key, Normal)
			leases = append(leases, f.take())
			f.clock.Advance(time.Second)
		}
		for i := range leases {
			f.finish(leases[2-i], Verdict{Outcome: Park, Code: "seats"}, ResultParked)
			f.clock.Advance(time.Second)
		}
		f.clock.Advance(time.Hour)
		n, err := f.ReplayAll(ctx)
		ok(f.t, err)
		equal(f.t, "replayed", n, 3)
		equal(f.t, "last error stays visible", f.show("user/a").Code, "seats")
		var order []string
		for range leases {
			l := f.take()
			equal(f.t, "attempts", l.Attempts, 0)
			order = append(order, l.Key)
			f.finish(l, Verdict{Outcome: Done}, ResultDone)
		}
		equal(f.t, "order", order, []string{"user/c", "user/b", "user/a"})
	})
}

func TestReplay_BringsForwardWhatIsInBackoffAndLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.finish(f.failed("user/failing", Normal, 5), Verdict{Outcome: Retry, After: time.Hour}, ResultRetry)
		f.push("user/leased", Normal)
		held := f.take()
		f.clock.Advance(time.Second)
		n, err := f.Replay(ctx, "user/failing", "user/leased", "user/unknown")
		ok(f.t, err)
		equal(f.t, "replayed", n, 1)
		equal(f.t, "lease", f.take().Attempts, 0)
		ok(f.t, f.Renew(ctx, held))
	})
}

func TestReplayAll_TakesMoreThanOneBatch(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		const n = replayBatch + 20
		for i := range n {
			f.push(fmt.Sprintf("user/%d", i), Normal)
		}
		for range n {
			f.finish(f.take(), Verdict{Outcome: Park}, ResultParked)
		}
		got, err := f.ReplayAll(ctx)
		ok(f.t, err)
		equal(f.t, "replayed", got, n)
		equal(f.t, "depth", f.stats().Depth[Normal], int64(n))
	})
}

func TestDrop(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.populate()
		for _, tt := range []struct {
			key  string
			want bool
			err  error
		}{{"user/parked", true, nil}, {"user/normal", true, nil}, {"user/nobody", false, nil}, {"user/leased", false, ErrLeased}} {
			got, err := f.Drop(ctx, tt.key)
			if got != tt.want || !errors.Is(err, tt.err) {
				f.t.Errorf("drop %s: %v, %v", tt.key, got, err)
			}
		}
		f.wantNoKeyOf("user/parked")
		f.wantNoKeyOf("user/normal")
		f.wantState("user/leased", Leased)
	})
}

// wantNoKeyOf looks through every structure for traces of a key.
func (f *fixture) wantNoKeyOf(key string) {
	f.t.Helper()
	n, err := f.store.Client.Exists(ctx, f.keys.record(key)).Result()
	ok(f.t, err)
	equal(f.t, "record", n, int64(0))
	sets := []string{f.keys.leased(), f.keys.parked(), f.keys.since()}
	for _, lane := range Lanes() {
		sets = append(sets, f.keys.lane(lane))
	}
	for _, set := range sets {
		members, err := f.store.Client.ZRange(ctx, set, 0, -1).Result()
		ok(f.t, err)
		for _, m := range members {
			if m == key {
				f.t.Fatalf("%s is left in %s", key, set)
			}
		}
	}
	owners, err := f.store.Client.HVals(ctx, f.keys.idents()).Result()
	ok(f.t, err)
	equal(f.t, "identities", len(owners), 0)
}
