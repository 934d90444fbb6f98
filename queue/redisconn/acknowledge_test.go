package redisconn_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/queuetest"
	"github.com/scimcms/scimcms/queue/redisconn"
)

// count is a script that writes.
var count = redis.NewScript("return redis.call('INCR', KEYS[1])")

// A replica mostly has a write before anybody can look. One that stands still does not say that it has it.
func TestAcknowledgedWriteIsOnAReplica(t *testing.T) {
	t.Parallel()
	f := queuetest.StartFailover(t)
	must(t, f.Primary.Client.ConfigSet(ctx, "min-replicas-to-write", "0").Err()) // the client alone is to refuse, however long this takes
	patient, hasty := open(t, f.URL), open(t, f.URL)
	redisconn.WaitForReplica(patient, 5*time.Second)
	redisconn.WaitForReplica(hasty, 10*time.Millisecond)
	must(t, count.Run(redisconn.Acknowledged(ctx), patient, []string{"k"}).Err())
	f.Replica.Freeze()
	err := count.Run(redisconn.Acknowledged(ctx), hasty, []string{"k"}).Err()
	f.Replica.Thaw()
	if !errors.Is(err, redisconn.ErrNotAcknowledged) {
		t.Fatalf("the replica stands still, but the client says %v", err)
	}
	must(t, count.Run(redisconn.Acknowledged(ctx), patient, []string{"k"}).Err())
	if n, err := f.Replica.Client.Get(ctx, "k").Int(); err != nil || n != 3 {
		t.Fatalf("the replica has %d, %v", n, err)
	}
}

func TestWriteThatNoReplicaHasIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	for name, url := range map[string]string{"one server": server.URL, "cluster": queuetest.ClusterStore(t).URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, key := open(t, url), rand.Text()
			redisconn.WaitForReplica(client, 20*time.Millisecond)
			if err := count.Run(redisconn.Acknowledged(ctx), client, []string{key}).Err(); !errors.Is(err, redisconn.ErrNotAcknowledged) {
				t.Fatalf("nobody has it, but the client says %v", err)
			}
			if n, err := count.Run(ctx, client, []string{key}).Int(); err != nil || n != 2 {
				t.Fatalf("without the mark: %d %v", n, err)
			}
		})
	}
}

func BenchmarkAcknowledged(b *testing.B) {
	f := queuetest.StartFailover(b)
	client := open(b, f.URL)
	redisconn.WaitForReplica(client, 5*time.Second)
	for name, ctx := range map[string]context.Context{"plain": ctx, "acknowledged": redisconn.Acknowledged(ctx)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := count.Run(ctx, client, []string{"k"}).Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func open(tb testing.TB, url string) redis.UniversalClient {
	tb.Helper()
	client, err := redisconn.Open(url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return client
}
