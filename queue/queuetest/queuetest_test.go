package queuetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestEach_GivesEveryTestAProjectOfItsOwn(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		ctx := context.Background()
		if err := store.Client.Set(ctx, store.Base+":x", store.Name, 0).Err(); err != nil {
			t.Fatal(err)
		}
		for _, other := range queuetest.Stores(t) {
			if other.Base == store.Base {
				t.Fatalf("two stores share the base %s", store.Base)
			}
		}
		got, err := store.Client.Get(ctx, store.Base+":x").Result()
		if err != nil || got != store.Name {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}

func TestServer_KeepsItsDataOverKillWhenAOFIsOn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	if err := server.Client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := server.Client.Ping(ctx).Err(); err == nil {
		t.Fatal("a killed server answers")
	}
	server.Restart()
	if got, err := server.Client.Get(ctx, "k").Result(); err != nil || got != "v" {
		t.Fatalf("after the restart: %q, %v", got, err)
	}
}

func TestClock_MovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	clock := queuetest.NewClock(1000)
	if err := clock.Sleep(context.Background(), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	if got := clock.Now(); got != 3500 {
		t.Fatalf("now = %d, want 3500", got)
	}
	if clock.Set(10); clock.Now() != 10 || clock.Micros() != 10_000 {
		t.Fatalf("now = %d", clock.Now())
	}
}
