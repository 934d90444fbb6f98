package queue

import (
	"fmt"
	"testing"
	"time"
)

// Several keys that are taken at once are those that would be taken one by one, in that order: leavers first, and every lane has
// its turn.
func TestTakeSome_ChoosesAsTakeDoes(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		var singly, together []string
		for _, taken := range []*[]string{&singly, &together} {
			f.eval(`redis.call('DEL', p .. ':q:turn')`)
			for i, lane := range []Lane{Leavers, Interactive, Normal, Background} {
				for n := range 5 * (i + 1) {
					f.push(fmt.Sprintf("user/%s%02d", lane, n), lane)
				}
			}
			for range 50 {
				n := 1
				if taken == &together {
					n = 4
				}
				leases, err := f.TakeSome(ctx, n, TakeOptions{})
				ok(f.t, err)
				for _, l := range leases {
					*taken = append(*taken, l.Key)
					f.finish(l, Verdict{Outcome: Done}, ResultDone) // with the token of its own
				}
			}
		}
		equal(f.t, "keys", len(singly), 50)
		equal(f.t, "order", together, singly)
	})
}

func TestTakeSome_TakesOneProbe(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		f.push("user/2", Interactive)
		ok(f.t, f.Trip(ctx, "the token was revoked", "invalid_token"))
		f.clock.Advance(5 * time.Second)
		leases, err := f.TakeSome(ctx, 4, TakeOptions{})
		ok(f.t, err)
		equal(f.t, "probes", len(leases), 1)
		equal(f.t, "is a probe", leases[0].Probe, true)
	})
}

func TestPermits_MoreForASourceThatHasOne(t *testing.T) {
	t.Parallel()
	p := newPermits(8, 2) // at most four for each of two sources
	first, _ := p.acquire(0)
	equal(t, "as many as are asked for", len(p.more(first, 3)), 3)
	first, _ = p.acquire(0)
	equal(t, "its share", len(p.more(first, 4)), 1)
	first, _ = p.acquire(1)
	equal(t, "not the one for leavers", len(p.more(first, 4)), 3)
	last, got := p.acquire(1)
	if !got || !last.onlyLeavers || len(p.more(last, 4)) != 1 {
		t.Errorf("the last one is for leavers alone: %+v", last)
	}
}
