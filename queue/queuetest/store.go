package queuetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/redisconn"
)

// Names of the stores, as Each shows them in the names of subtests.
const (
	Embedded = "embedded"
	Redis    = "redis"
	Cluster  = "cluster"
)

// Store is one Redis-like server and a project in it that no other test uses.
type Store struct {
	Name   string // Embedded, Redis or Cluster
	URL    string // for code that opens its own client
	Client redis.UniversalClient
	Base   string // prefix{project}: every key of the test starts with it
}

// openers makes the stores of Stores and Each, in their order.
var openers = []struct {
	name string
	open func(testing.TB) Store
}{{Embedded, embedded}, {Redis, shared}, {Cluster, cluster}}

// clusterVariable is the environment variable that has all tests run on the Cluster, when it is "cluster".
const clusterVariable = "SCIMCMS_TEST_REDIS"

// OnCluster says whether all tests are to use the Cluster: instead of the other two where a test has one at a time.
func OnCluster() bool { return os.Getenv(clusterVariable) == Cluster }

// stores is how many of the openers every test uses.
func stores() int {
	if OnCluster() {
		return len(openers)
	}
	return len(openers) - 1
}

// Stores returns a fresh embedded store and a fresh project on the shared redis-server, and one on the shared Cluster when
// SCIMCMS_TEST_REDIS says so.
func Stores(tb testing.TB) []Store {
	tb.Helper()
	return opened(tb, stores())
}

// All is Stores with the Cluster in any case.
func All(tb testing.TB) []Store {
	tb.Helper()
	return opened(tb, len(openers))
}

func opened(tb testing.TB, n int) []Store {
	tb.Helper()
	var all []Store
	for _, o := range openers[:n] {
		all = append(all, o.open(tb))
	}
	return all
}

// Each runs fn as one parallel subtest per store: embedded and real, or the Cluster alone when SCIMCMS_TEST_REDIS says so.
func Each(t *testing.T, fn func(t *testing.T, store Store)) {
	t.Helper()
	if OnCluster() {
		each(t, len(openers)-1, len(openers), fn)
		return
	}
	each(t, 0, len(openers)-1, fn)
}

// Everywhere is Each with the Cluster in any case, for the few tests that show most.
func Everywhere(t *testing.T, fn func(t *testing.T, store Store)) {
	t.Helper()
	if OnCluster() {
		Each(t, fn)
		return
	}
	each(t, 0, len(openers), fn)
}

// EachServer is Each without the Cluster in any case, for tests that stand between the client and its one server.
func EachServer(t *testing.T, fn func(t *testing.T, store Store)) {
	t.Helper()
	each(t, 0, len(openers)-1, fn)
}

func each(t *testing.T, from, to int, fn func(t *testing.T, store Store)) {
	t.Helper()
	for _, o := range openers[from:to] {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			fn(t, o.open(t))
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
	url := "redis://" + server.Addr() + "/0"
	return Store{Name: Embedded, URL: url, Client: connect(tb, url), Base: randomBase()}
}

// sharedServer starts the redis-server of this test binary at first use. Its guard ends it with the binary.
var sharedServer = sync.OnceValues(func() (*process, error) { return startProcess(nil) })

func shared(tb testing.TB) Store {
	tb.Helper()
	p, err := sharedServer()
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return Store{Name: Redis, URL: p.url(), Client: connect(tb, p.url()), Base: randomBase()}
}

// Keys lists every key of the store, of all projects and on all nodes.
func (s Store) Keys(ctx context.Context) ([]string, error) {
	cluster, ok := s.Client.(*redis.ClusterClient)
	if !ok {
		return keysOf(ctx, s.Client)
	}
	var mu sync.Mutex
	var all []string
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		keys, err := keysOf(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, keys...)
		return err
	})
	return all, err
}

func keysOf(ctx context.Context, client redis.Cmdable) (keys []string, err error) {
	it := client.Scan(ctx, 0, "*", 5000).Iterator()
	for it.Next(ctx) {
		keys = append(keys, it.Val())
	}
	return keys, it.Err()
}

// Patient adds to the URL of a Redis how long a command may take on a machine that has other things to do: that is no outage.
func Patient(url string) string {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + "dial_timeout=30s&read_timeout=30s&write_timeout=30s&pool_timeout=30s"
}

// connect opens the client of production, with more patience.
func connect(tb testing.TB, url string) redis.UniversalClient {
	tb.Helper()
	client, err := redisconn.Open(Patient(url))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(context.Background()).Err(); err != nil {
		tb.Fatalf("reach the store at %s: %v", url, err)
	}
	return client
}

func randomBase() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return "t:{" + hex.EncodeToString(b) + "}"
}
