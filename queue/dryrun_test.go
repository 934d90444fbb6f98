package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestDryRun_OnlyHarmlessKeysAreLeased(t *testing.T) {
	t.Parallel()
	eachWith(t, Options{Harmless: []string{"import/all"}}, func(f *fixture) {
		ctx := context.Background()
		f.push("user/1", Leavers)
		f.push("import/all", Background)
		ok(f.t, f.DryRun(ctx, "a", time.Minute))
		if in, found, err := f.NextDue(ctx, TakeOptions{}); in != 0 || !found || err != nil {
			f.t.Errorf("an import is due: %v, %v, %v", in, found, err)
		}
		l := f.take()
		if l.Key != "import/all" {
			f.t.Fatalf("taken: %+v", l)
		}
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
		f.takeNothing()
		if _, found, err := f.NextDue(ctx, TakeOptions{}); found || err != nil {
			f.t.Errorf("nothing that may be taken is due: %v, %v", found, err)
		}
		if f.leases("user/2") {
			f.t.Error("a request got a lease")
		}
		f.clock.Advance(30 * time.Second)
		if e := f.show("user/1"); e.State != Queued || e.Attempts != 0 || e.Code != "" {
			f.t.Errorf("it only waits: %+v", e)
		}
		if s, err := f.Stats(ctx); err != nil || s.DryRun != 1 || s.Parked != 0 {
			f.t.Errorf("stats: %+v, %v", s, err)
		}
		ok(f.t, f.EndDryRun(ctx, "a"))
		if l := f.take(); l.Key != "user/1" {
			f.t.Errorf("the leaver comes first afterwards: %+v", l)
		}
	})
}

// leases queues key as a commit does and says whether a request gets its lease.
func (f *fixture) leases(key string) bool {
	f.t.Helper()
	body := "local p = KEYS[1]\nlocal now = q_now(p, ARGV[1])\nq_push(p, ARGV[2], 'interactive', now, '1')\nreturn q_lease(p, ARGV[2], 'token', now, '15000') and 1 or 0"
	n, err := f.run(context.Background(), Script(body), key).Int()
	ok(f.t, err)
	return n == 1
}

func TestDryRun_LastsWhileOneReplicaWantsIt(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ctx := context.Background()
		f.push("user/1", Interactive)
		ok(f.t, f.DryRun(ctx, "a", 30*time.Second))
		ok(f.t, f.replica().DryRun(ctx, "b", 30*time.Second))
		ok(f.t, f.EndDryRun(ctx, "a"))
		f.replica().takeNothing()
		f.clock.Advance(20 * time.Second)
		ok(f.t, f.DryRun(ctx, "b", 30*time.Second))
		f.clock.Advance(20 * time.Second)
		f.takeNothing()
		if s, err := f.Stats(ctx); err != nil || s.DryRun != 1 {
			f.t.Errorf("stats: %+v, %v", s, err)
		}
		f.clock.Advance(10 * time.Second) // b died: nobody repeats its mark
		if s, err := f.Stats(ctx); err != nil || s.DryRun != 0 {
			f.t.Errorf("stats: %+v, %v", s, err)
		}
		f.take()
	})
}

func TestDryRun_MarkIsRepeatedDuringABackup(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		ctx := context.Background()
		ok(f.t, f.DryRun(ctx, "a", 30*time.Second))
		ok(f.t, f.opt.Redis.Set(ctx, f.keys.gate(), "backup x", 0).Err())
		before, err := f.opt.Redis.Get(ctx, f.keys.now()).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			f.t.Fatal(err)
		}
		f.clock.Advance(25 * time.Second)
		ok(f.t, f.DryRun(ctx, "a", 30*time.Second))
		if after, _ := f.opt.Redis.Get(ctx, f.keys.now()).Result(); after != before {
			f.t.Errorf("the record was written: now %q, was %q", after, before)
		}
		ok(f.t, f.opt.Redis.Del(ctx, f.keys.gate()).Err())
		f.clock.Advance(25 * time.Second)
		if s, err := f.Stats(ctx); err != nil || s.DryRun != 1 {
			f.t.Errorf("stats: %+v, %v", s, err)
		}
	})
}
