package redisconn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
	"github.com/scimcms/scimcms/queue/redisconn"
)

var ctx = context.Background()

// lossyNet makes connections that count the scripts sent and, while lossy, break instead of delivering an answer to one.
type lossyNet struct {
	lossy   atomic.Bool
	scripts atomic.Int64
}

func (n *lossyNet) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &lossyConn{Conn: conn, net: n}, nil
}

type lossyConn struct {
	net.Conn
	net    *lossyNet
	script bool
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if c.script = bytes.Contains(b, []byte("\r\nevalsha\r\n")); c.script {
		c.net.scripts.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b) // it has run now
	if c.script && c.net.lossy.Load() {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}

func TestScriptWhoseAnswerIsLostIsNotRepeatedOnACluster(t *testing.T) {
	t.Parallel()
	store, wire := queuetest.ClusterStore(t), &lossyNet{}
	client, err := redisconn.OpenClusterVia(store.URL, wire.dial)
	must(t, err)
	defer func() { _ = client.Close() }()
	q, err := queue.New(queue.Options{Redis: client, Base: store.Base})
	must(t, err)
	first, err := q.Push(ctx, "user/1", queue.Normal, true)
	must(t, err)
	wire.scripts.Store(0)
	wire.lossy.Store(true)
	if _, err = q.Push(ctx, "user/1", queue.Normal, true); !errors.Is(err, io.EOF) {
		t.Fatalf("the outcome is unknown, but Push says %v", err)
	}
	if n := wire.scripts.Load(); n != 1 {
		t.Fatalf("sent %d times", n)
	}
	wire.lossy.Store(false)
	next, err := q.Push(ctx, "user/1", queue.Normal, true)
	must(t, err)
	if next != first+2 {
		t.Fatalf("ticket %d after %d", next, first)
	}
}

func TestPipelineWhoseAnswerIsLostIsNotRepeatedOnACluster(t *testing.T) {
	t.Parallel()
	store, wire := queuetest.ClusterStore(t), &lossyNet{}
	client, err := redisconn.OpenClusterVia(store.URL, wire.dial)
	must(t, err)
	defer func() { _ = client.Close() }()
	script := redis.NewScript("return redis.call('INCR', KEYS[1])")
	must(t, script.Run(ctx, client, []string{store.Base}).Err())
	wire.lossy.Store(true)
	pipe := client.Pipeline()
	script.EvalSha(ctx, pipe, []string{store.Base})
	if _, err := pipe.Exec(ctx); !errors.Is(err, io.EOF) {
		t.Fatalf("the outcome is unknown, but Exec says %v", err)
	}
	wire.lossy.Store(false)
	if n, err := client.Get(ctx, store.Base).Int(); err != nil || n != 2 {
		t.Fatalf("ran %d times, %v", n, err)
	}
}

func TestClusterPipelines(t *testing.T) {
	t.Parallel()
	store := queuetest.ClusterStore(t)
	for name, pipe := range map[string]redis.Pipeliner{"plain": store.Client.Pipeline(), "atomic": store.Client.TxPipeline()} {
		key := store.Base + ":" + name
		n, at, none := pipe.Incr(ctx, key), pipe.Time(ctx), pipe.Get(ctx, key+":none")
		if _, err := pipe.Exec(ctx); !errors.Is(err, redis.Nil) {
			t.Fatalf("%s: %v", name, err)
		}
		if n.Val() != 1 || at.Val().IsZero() || !errors.Is(none.Err(), redis.Nil) {
			t.Errorf("%s: %v %v %v", name, n, at, none)
		}
	}
	pipe := store.Client.Pipeline()
	pipe.Ping(ctx)
	if _, err := pipe.Exec(ctx); err == nil {
		t.Error("a pipeline without a key was sent to some node")
	}
}

// A slot that is being moved has its keys on two nodes: scripts would find half of a project.
func TestSlotThatIsBeingMovedIsLeftAloneAndFollowedAfterwards(t *testing.T) {
	t.Parallel()
	store := queuetest.ClusterStore(t)
	cluster, ok := store.Client.(*redis.ClusterClient)
	if !ok {
		t.Fatalf("%T", store.Client)
	}
	q, err := queue.New(queue.Options{Redis: store.Client, Base: store.Base})
	must(t, err)
	slot, err := cluster.ClusterKeySlot(ctx, store.Base).Result()
	must(t, err)
	from, err := cluster.MasterForKey(ctx, store.Base)
	must(t, err)
	fromID := nodeID(t, from)
	to := anotherMaster(t, cluster, from)
	toID := nodeID(t, to)
	must(t, to.Do(ctx, "cluster", "setslot", slot, "importing", fromID).Err())
	must(t, from.Do(ctx, "cluster", "setslot", slot, "migrating", toID).Err())

	if _, err := q.Push(ctx, "user/1", queue.Normal, true); !errors.Is(err, redisconn.ErrSlotMoving) {
		t.Fatalf("while the slot moves: %v", err)
	}
	for _, node := range []*redis.Client{from, to} {
		if keys, err := node.ClusterGetKeysInSlot(ctx, int(slot), 10).Result(); err != nil || len(keys) > 0 {
			t.Fatalf("something was written: %v %v", keys, err)
		}
	}
	for _, node := range []*redis.Client{to, from} {
		must(t, node.Do(ctx, "cluster", "setslot", slot, "node", toID).Err())
	}
	if _, err := q.Push(ctx, "user/1", queue.Normal, true); err != nil {
		t.Fatalf("after the move: %v", err)
	}
	if n, err := to.Exists(ctx, store.Base+":k:user/1").Result(); err != nil || n != 1 {
		t.Fatalf("not on the slot's new node: %d %v", n, err)
	}
}

func anotherMaster(t *testing.T, cluster *redis.ClusterClient, than *redis.Client) *redis.Client {
	t.Helper()
	masters := make(chan *redis.Client, 8)
	must(t, cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		if c.Options().Addr != than.Options().Addr {
			masters <- c
		}
		return nil
	}))
	return <-masters
}

func nodeID(t *testing.T, c *redis.Client) string {
	t.Helper()
	id, err := c.Do(ctx, "cluster", "myid").Text()
	must(t, err)
	return id
}

func TestScriptsAreLoadedAgainWhenANodeHasForgottenThem(t *testing.T) {
	t.Parallel()
	store := queuetest.ClusterStore(t)
	script := redis.NewScript(fmt.Sprintf("return redis.call('INCR', KEYS[1]) -- %s", store.Base))
	for i := range 2 {
		if i == 1 {
			cluster, _ := store.Client.(*redis.ClusterClient)
			must(t, cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return c.ScriptFlush(ctx).Err() }))
		}
		if n, err := script.Run(ctx, store.Client, []string{store.Base}).Int(); err != nil || n != i+1 {
			t.Fatalf("run %d: %d %v", i, n, err)
		}
	}
}

func TestClusterThatIsAwayIsToldWithoutItsPassword(t *testing.T) {
	t.Parallel()
	ports, err := queuetest.FreePorts(1)
	must(t, err)
	client, err := redisconn.Open(fmt.Sprintf("redis://user:secret@127.0.0.1:%d?cluster=true", ports[0]))
	must(t, err)
	defer func() { _ = client.Close() }()
	if err := client.Get(ctx, "k").Err(); err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatalf("%v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
