package queue

import (
	"fmt"
	"testing"
	"time"
)

func TestPush_OneLanePerKeyKeepsTheMoreUrgent(t *testing.T) {
	t.Parallel()
	for i, before := range Lanes() {
		for j, after := range Lanes() {
			t.Run(fmt.Sprintf("%s then %s", before, after), func(t *testing.T) {
				t.Parallel()
				each(t, func(f *fixture) {
					first := f.push("user/1", before)
					f.clock.Advance(time.Second)
					second := f.push("user/1", after)
					if second <= first {
						f.t.Fatalf("ticket %d after %d", second, first)
					}
					want := Lanes()[min(i, j)]
					e := f.show("user/1")
					equal(f.t, "entry", []any{e.Lane, e.Due, e.Ticket, e.Since}, []any{want, start, second, start})
					for _, lane := range Lanes() {
						equal(f.t, string(lane), f.stats().Depth[lane], map[bool]int64{true: 1}[lane == want])
					}
				})
			})
		}
	}
}

func TestPush_FreshWishIsDueNowWithNewAttempts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		fresh        bool
		wantAttempts int
		wantCode     string
	}{{"a newer wish", true, 0, ""}, {"a touch", false, 1, "timeout"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Background)
				f.finish(f.take(), Verdict{Outcome: Retry, After: 10 * time.Minute, Code: "timeout"}, ResultRetry)
				f.takeNothing()
				f.clock.Advance(time.Second)
				f.pushed("user/1", Normal, tt.fresh)
				e := f.show("user/1")
				equal(f.t, "entry", []any{e.Lane, e.Due, e.Attempts, e.Code}, []any{Normal, ms(time.Second), tt.wantAttempts, tt.wantCode})
				f.take()
			})
		})
	}
}

func TestFreshWriteUnparks(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		parked := f.push("user/1", Interactive)
		f.finish(f.take(), Verdict{Outcome: Park, Code: "seats", Text: "no seat is free"}, ResultParked)
		f.clock.Advance(time.Minute)

		equal(f.t, "ticket of a touch", f.touch("user/1", Leavers), parked)
		e := f.show("user/1")
		equal(f.t, "after a touch", []any{e.State, e.Lane, e.Code, e.Text}, []any{Parked, Interactive, "seats", "no seat is free"})
		f.takeNothing()

		ticket := f.push("user/1", Interactive)
		e = f.show("user/1")
		equal(f.t, "after a write", []any{e.State, e.Attempts, e.Code, e.Due, e.Since, e.Parked, e.Ticket},
			[]any{Queued, 0, "", ms(time.Minute), ms(time.Minute), int64(0), ticket})
		equal(f.t, "parked keys", f.stats().Parked, int64(0))
		f.finish(f.take(), Verdict{Outcome: Done}, ResultDone)
	})
}

func TestDirtyMarkKeepsTheMostUrgentLane(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		own    Lane
		pushes []Lane
		end    Verdict
		want   Lane
	}{
		{"least urgent last", Background, []Lane{Leavers, Normal}, Verdict{Outcome: Done}, Leavers},
		{"most urgent last", Background, []Lane{Normal, Interactive}, Verdict{Outcome: Done}, Interactive},
		{"less urgent than what is agreed", Leavers, []Lane{Background}, Verdict{Outcome: Done}, Background},
		{"less urgent than what failed", Leavers, []Lane{Background}, Verdict{Outcome: Retry}, Leavers},
		{"what failed is no leaver any more", Leavers, []Lane{Normal}, Verdict{Outcome: Retry, Lane: Interactive}, Interactive},
		{"parked meanwhile", Normal, []Lane{Interactive}, Verdict{Outcome: Park}, Interactive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", tt.own)
				l := f.take()
				for _, lane := range tt.pushes {
					f.push("user/1", lane)
				}
				f.takeNothing() // one holder at a time
				f.clock.Advance(time.Second)
				f.finish(l, tt.end, ResultAgain)
				e := f.show("user/1")
				equal(f.t, "entry", []any{e.Lane, e.Due, e.Attempts, e.Code}, []any{tt.want, ms(time.Second), 0, ""})
			})
		})
	}
}

func TestDirtyMarkOfALeaseThatRanOut(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Background)
		f.finish(f.take(), Verdict{Outcome: Retry}, ResultRetry)
		f.clock.Advance(time.Second)
		f.take()
		f.clock.Advance(15 * time.Second)
		ticket := f.push("user/1", Leavers) // the lease is over, and nobody has noticed yet
		l := f.take()
		equal(f.t, "lease", []any{l.Ticket, l.Lane, l.Attempts, l.Reclaimed}, []any{ticket, Leavers, 0, true})
	})
}

func TestNewerTicketIsNeverDroppedByAnOldAck(t *testing.T) {
	t.Parallel()
	for _, outcome := range []Outcome{Done, Retry, Wait, Park} {
		t.Run(outcome.verdict(), func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Normal)
				l := f.take()
				ticket := f.push("user/1", Normal)
				f.finish(l, Verdict{Outcome: outcome, Code: "old"}, ResultAgain)
				next := f.take()
				equal(f.t, "next lease", []any{next.Ticket, next.Attempts, next.Code}, []any{ticket, 0, ""})
				f.finish(next, Verdict{Outcome: Done}, ResultDone)
			})
		})
	}
}

func TestNewerTicketCountsEvenWithoutADirtyMark(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		old := f.push("user/1", Normal)
		f.push("user/1", Normal)
		l := f.take()
		l.Ticket = old // what a holder says that acted on a wish it had read before
		f.finish(l, Verdict{Outcome: Done}, ResultAgain)
	})
}

func TestTicketsRiseOverTheWholeProject(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		first := f.push("user/1", Normal)
		f.finish(f.take(), Verdict{Outcome: Done}, ResultDone)
		equal(f.t, "ticket of a key whose record was deleted", f.push("user/1", Normal), first+1)
		equal(f.t, "ticket of another key", f.push("group/1", Normal), first+2)
	})
}

func TestPush_RefusesAnUnknownLane(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		if _, err := f.Push(ctx, "user/1", "vip", true); err == nil {
			f.t.Fatal("an unknown lane is accepted")
		}
		f.wantState("user/1", Idle)
		f.eval(`return q_push(p, 'user/1', 'vip', q_now(p, ARGV[1]), '1')`, f.NowArg())
		equal(f.t, "lane of a script's slip", f.take().Lane, Normal) // never lost in a lane that nobody serves
	})
}
