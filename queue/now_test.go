package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestNowNeverGoesBack(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		f.take()
		f.clock.Set(start - 60_000) // a fail-over to a server that is a minute behind
		f.push("user/2", Normal)
		equal(f.t, "due", f.show("user/2").Due, start)
		equal(f.t, "next", f.take().Key, "user/2")
		equal(f.t, "end of the lease", f.show("user/2").Until, ms(15*time.Second))
		f.clock.Set(start + 1)
		f.push("user/3", Normal)
		equal(f.t, "due later", f.show("user/3").Due, start+1)
	})
}

func TestNowComesFromRedis(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		// A process whose own clock is wrong by a year: nothing of the queue's depends on it.
		q, err := New(Options{Redis: store.Client, Base: store.Base, Clock: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
		ok(t, err)
		equal(t, "argument", q.NowArg(), "")
		before, err := store.Client.Time(ctx).Result()
		ok(t, err)
		_, err = q.Push(ctx, "user/1", Normal, true)
		ok(t, err)
		in, found, err := q.NextDue(ctx, TakeOptions{})
		ok(t, err)
		equal(t, "due", []any{in, found}, []any{time.Duration(0), true})
		l, err := q.Take(ctx, TakeOptions{})
		ok(t, err)
		after, err := store.Client.Time(ctx).Result()
		ok(t, err)
		if l.Since < before.UnixMilli() || l.Taken > after.UnixMilli() {
			t.Fatalf("queued at %d, taken at %d, Redis says %d to %d", l.Since, l.Taken, before.UnixMilli(), after.UnixMilli())
		}
	})
}

func TestScriptsSurviveAForgetfulRedis(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		ok(f.t, f.store.Client.ScriptFlush(ctx).Err())
		l := f.take()
		ok(f.t, f.store.Client.ScriptFlush(ctx).Err())
		_, _, err := f.List(ctx, ListOptions{})
		ok(f.t, err)
		ok(f.t, f.store.Client.ScriptFlush(ctx).Err())
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
	})
}

func TestRedisAway_EveryCallSaysSo(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	client, err := Open(server.URL)
	ok(t, err)
	defer func() { _ = client.Close() }()
	q, err := New(Options{Redis: client, Base: Base("", "p")})
	ok(t, err)
	_, err = q.Push(ctx, "user/1", Normal, true)
	ok(t, err)
	server.Kill()
	l := &Lease{Key: "user/1"}
	for name, call := range map[string]func() error{
		"push":      func() error { _, err := q.Push(ctx, "user/1", Normal, true); return err },
		"take":      func() error { _, err := q.Take(ctx, TakeOptions{}); return err },
		"due":       func() error { _, _, err := q.NextDue(ctx, TakeOptions{}); return err },
		"renew":     func() error { return q.Renew(ctx, l) },
		"finish":    func() error { _, err := q.Finish(ctx, l, Verdict{}); return err },
		"release":   func() error { return q.Release(ctx, l) },
		"look":      func() error { return q.Look(ctx, "user/1", Normal) },
		"settled":   func() error { _, _, err := q.Settled(ctx, "user/1", 1); return err },
		"await":     func() error { _, err := q.Await(ctx, "user/1", 1); return err },
		"list":      func() error { _, _, err := q.List(ctx, ListOptions{}); return err },
		"show":      func() error { _, _, err := q.Show(ctx, "user/1"); return err },
		"stats":     func() error { _, err := q.Stats(ctx); return err },
		"replay":    func() error { _, err := q.Replay(ctx, "user/1"); return err },
		"replayAll": func() error { _, err := q.ReplayAll(ctx); return err },
		"drop":      func() error { _, err := q.Drop(ctx, "user/1"); return err },
		"pause":     func() error { return q.Pause(ctx) },
		"resume":    func() error { return q.Resume(ctx) },
		"paused":    func() error { _, err := q.Paused(ctx); return err },
		"trip":      func() error { return q.Trip(ctx, "x", "") },
		"clear":     func() error { return q.Clear(ctx) },
	} {
		if err := call(); err == nil || errors.Is(err, ErrLost) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Restart()
	eventually(t, "a call after Redis came back", func() bool {
		_, err := q.Push(ctx, "user/1", Normal, true)
		return err == nil
	})
}
