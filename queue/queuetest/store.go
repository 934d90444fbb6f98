package queuetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Names of the stores, as Each shows them in the names of subtests.
const (
	Embedded = "embedded"
	Redis    = "redis"
)

// Store is one Redis-like server and a project in it that no other test uses.
type Store struct {
	Name   string // Embedded or Redis
	URL    string // for code that opens its own client
	Client redis.UniversalClient
	Base   string // prefix{project}: every key of the test starts with it
}

// Stores returns a fresh embedded store and a fresh project on the shared redis-server.
func Stores(tb testing.TB) []Store {
	tb.Helper()
	return []Store{embedded(tb), shared(tb)}
}

// Each runs fn as one parallel subtest per store.
func Each(t *testing.T, fn func(t *testing.T, store Store)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB) Store{Embedded: embedded, Redis: shared} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, open(t))
		})
	}
}

// Real returns a fresh project on the shared redis-server, for benchmarks and what miniredis does not have.
func Real(tb testing.TB) Store {
	tb.Helper()
	return shared(tb)
}

func embedded(tb testing.TB) Store {
	tb.Helper()
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		tb.Fatalf("start the embedded store: %v", err)
	}
	tb.Cleanup(server.Close)
	return Store{
		Name:   Embedded,
		URL:    "redis://" + server.Addr() + "/0",
		Client: connect(tb, "tcp", server.Addr()),
		Base:   randomBase(),
	}
}

// sharedServer starts the redis-server of this test binary at first use. Its guard ends it with the binary.
var sharedServer = sync.OnceValues(func() (*process, error) { return startProcess(nil) })

func shared(tb testing.TB) Store {
	tb.Helper()
	p, err := sharedServer()
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return Store{Name: Redis, URL: p.url(), Client: connect(tb, "unix", p.socket()), Base: randomBase()}
}

// patience is what a command may take on a machine that has other things to do: that is no outage.
const patience = 30 * time.Second

// connect opens a client that never repeats a command by itself, as production does.
func connect(tb testing.TB, network, addr string) redis.UniversalClient {
	tb.Helper()
	client := redis.NewClient(&redis.Options{
		Network:                  network,
		Addr:                     addr,
		MaxRetries:               -1,
		DialTimeout:              patience,
		ReadTimeout:              patience,
		WriteTimeout:             patience,
		DisableIdentity:          true,
		ContextTimeoutEnabled:    true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	tb.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(context.Background()).Err(); err != nil {
		tb.Fatalf("reach the store at %s: %v", addr, err)
	}
	return client
}

func randomBase() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return "t:{" + hex.EncodeToString(b) + "}"
}
