package queue

import (
	"fmt"
	"testing"
	"time"
)

// failedOver notes that the CMS failed over keys and returns whether the circuit is open after each.
func (f *fixture) failedOver(keys ...string) []bool {
	f.t.Helper()
	var out []bool
	for _, key := range keys {
		open, err := f.Failed(ctx, key, "the CMS gave no answer", "http_500")
		ok(f.t, err)
		out = append(out, open)
	}
	return out
}

func (f *fixture) refusedOver(code string, keys ...string) []bool {
	f.t.Helper()
	var out []bool
	for _, key := range keys {
		open, err := f.Refused(ctx, key, "the CMS refuses", code)
		ok(f.t, err)
		out = append(out, open)
	}
	return out
}

func TestFailuresOverSeveralKeysOpenTheCircuit(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		equal(f.t, "one key", f.failedOver("user/1", "user/1", "user/1", "user/1"), []bool{false, false, false, false})
		equal(f.t, "three keys", f.failedOver("user/2", "user/3"), []bool{false, true})
		equal(f.t, "reason", f.stats().Circuit, "the CMS gave no answer")
	})
}

func TestAnsweredWriteForgetsEarlierFailures(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.failedOver("user/1", "user/2")
		f.push("user/9", Normal)
		l := f.take()
		f.intend(l, "PUT", "0")
		f.eval(`if q_intent(p, ARGV[1], '', '0') then q_answered(p) end`, l.Key)
		equal(f.t, "after an answer", f.failedOver("user/3", "user/4"), []bool{false, false})
		f.clock.Advance(troubleWindow + time.Millisecond)
		equal(f.t, "after the window", f.failedOver("user/5", "user/6"), []bool{false, false})
	})
}

func TestFailedProbeKeepsTheCircuitOpenAtMostHalfAMinute(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Leavers)
		f.failedOver("user/1", "user/2", "user/3")
		for _, seconds := range []int{2, 4, 8, 16, 30, 30} {
			wait := time.Duration(seconds) * time.Second
			f.clock.Advance(wait - time.Millisecond)
			f.takeNothing()
			f.clock.Advance(time.Millisecond)
			l := f.take()
			equal(f.t, "probe", l.Probe, true)
			equal(f.t, "a single failure of the probe", f.failedOver("user/1"), []bool{true})
			f.finish(l, Verdict{Outcome: Wait, After: time.Millisecond}, ResultRetry)
		}
	})
}

// park parks keys with a code that nobody has listed.
func (f *fixture) park(code string, keys ...string) {
	f.t.Helper()
	for _, key := range keys {
		f.push(key, Normal)
		f.finish(f.take(), Verdict{Outcome: Park, Code: code}, ResultParked)
	}
}

func TestUnlistedRefusalOfFiveKeysOpensTheCircuitAndParksNobody(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		keys := []string{"user/1", "user/2", "user/3", "user/4"}
		for _, key := range keys {
			equal(f.t, key, f.refusedOver("news", key), []bool{false})
			f.park("news", key)
		}
		f.park("other", "user/other")
		equal(f.t, "the fifth", f.refusedOver("news", "user/5"), []bool{true})
		for _, key := range keys {
			f.wantState(key, Queued)
		}
		f.wantState("user/other", Parked)
		equal(f.t, "codes", f.stats().Codes, map[string]int64{"other": 1})
	})
}

func TestUnlistedRefusalsOutsideAMinuteOpenNothing(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		for n := range 20 {
			equal(f.t, "refused", f.refusedOver("news", fmt.Sprintf("user/%d", n)), []bool{false})
			f.clock.Advance(16 * time.Second)
		}
	})
}

// TestCodeThatTurnsOutToBeAboutItsKeysStopsNobodyElse: when the circuit closes over a key that is not refused, five bad
// keys must not open it again and again.
func TestCodeThatTurnsOutToBeAboutItsKeysStopsNobodyElse(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		keys := []string{"user/1", "user/2", "user/3", "user/4", "user/5"}
		f.refusedOver("news", keys...)
		equal(f.t, "open", f.stats().Circuit, "the CMS refuses")
		ok(f.t, f.Clear(ctx))
		equal(f.t, "closed", f.stats().Circuit, "")
		equal(f.t, "again", f.refusedOver("news", keys...), []bool{false, false, false, false, false})
	})
}

func TestHistory_KeepsTheLastTwentyAttemptsOfAKeyThatMetTrouble(t *testing.T) {
	t.Parallel()
	eachWith(t, Options{Attempts: 100}, func(f *fixture) {
		f.push("user/1", Normal)
		for n := range 25 {
			f.finish(f.take(), Verdict{Outcome: Retry, After: time.Second, Code: "http_500", Text: "the CMS failed", Call: "update_user"}, ResultRetry)
			f.clock.Advance(time.Second)
			_ = n
		}
		l := f.take()
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
		got, err := f.History(ctx, "user/1")
		ok(f.t, err)
		equal(f.t, "length", len(got), 20)
		equal(f.t, "newest", got[0], Attempt{At: ms(25 * time.Second), Ticket: l.Ticket, Result: ResultDone, Attempts: 25})
		equal(f.t, "one before", got[1], Attempt{
			At: ms(24 * time.Second), Ticket: l.Ticket, Result: ResultRetry, Attempts: 25, Code: "http_500", Call: "update_user", Text: "the CMS failed",
		})
		ttl, err := f.store.Client.PTTL(ctx, f.keys.history("user/1")).Result()
		ok(f.t, err)
		if ttl <= 6*24*time.Hour || ttl > 7*24*time.Hour {
			f.t.Errorf("the history expires in %s", ttl)
		}
	})
}

func TestHistory_KeysThatGoWellHaveNone(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		f.finish(f.take(), Verdict{Outcome: Done, Call: "invite"}, ResultDone)
		got, err := f.History(ctx, "user/1")
		ok(f.t, err)
		equal(f.t, "history", got, []Attempt{})
	})
}

func TestReplayCode_ReplaysTheKeysParkedWithItInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.park("seats", "user/1", "user/2", "user/3")
		f.park("address", "user/4")
		n, err := f.ReplayCode(ctx, "seats", 2)
		ok(f.t, err)
		equal(f.t, "replayed", n, 2)
		equal(f.t, "codes", f.stats().Codes, map[string]int64{"seats": 1, "address": 1})
		equal(f.t, "order", []string{f.take().Key, f.take().Key}, []string{"user/1", "user/2"})
		n, err = f.ReplayCode(ctx, "seats", -1)
		ok(f.t, err)
		equal(f.t, "the rest", n, 1)
	})
}
