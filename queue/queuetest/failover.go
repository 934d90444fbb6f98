package queuetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// masterName is what the Sentinels call the primary.
const masterName = "main"

// Failover is a primary, a replica, and those who watch over them: three Sentinels, or the other masters of a Cluster. The
// primary takes writes only while a replica follows.
type Failover struct {
	Primary, Replica *Server // as they were at first
	URL              string
	Client           redis.UniversalClient // goes to whoever is the primary
	sentinels        []*redis.SentinelClient
	promoted         func(context.Context) bool
}

// durable are the settings of a primary that takes writes only while a replica follows, and of its replica. Both write a file: a
// primary that comes back empty has its replica become empty, too.
var durable = []string{
	"--appendonly", "yes", "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
}

// StartFailover starts a primary and a replica with Sentinels. They end with the test.
func StartFailover(tb testing.TB) *Failover {
	tb.Helper()
	ports, err := FreePorts(5)
	if err != nil {
		tb.Fatal(err)
	}
	server := func(port int, more ...string) *Server {
		return StartRedis(tb, append(append([]string{"--port", strconv.Itoa(port)}, durable...), more...)...)
	}
	f := &Failover{Primary: server(ports[0])}
	f.Replica = server(ports[1], "--replicaof", loopback+" "+strconv.Itoa(ports[0]))
	for i, port := range ports[2:] {
		f.sentinel(tb, port, ports[0])
		if i == 0 {
			f.URL = fmt.Sprintf("redis://%s:%d/0?master_name=%s", loopback, port, masterName)
		} else {
			f.URL += fmt.Sprintf("&addr=%s:%d", loopback, port)
		}
	}
	f.await(tb, ports[2:])
	f.promoted = f.sentinelsAgree
	f.Client = connect(tb, f.URL)
	return f
}

// sentinel starts one that takes a primary for dead that is silent for a second.
func (f *Failover) sentinel(tb testing.TB, port, primary int) {
	tb.Helper()
	conf := fmt.Sprintf("port %d\nsentinel monitor %s %s %d 2\nsentinel down-after-milliseconds %s 1000\nsentinel failover-timeout %s 6000\n",
		port, masterName, loopback, primary, masterName, masterName)
	file := filepath.Join(tb.TempDir(), "sentinel.conf") // a Sentinel writes into it
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		tb.Fatal(err)
	}
	StartRedis(tb, file, "--sentinel", "--port", strconv.Itoa(port))
}

// await waits until the replica follows and every Sentinel knows it and the others.
func (f *Failover) await(tb testing.TB, sentinels []int) {
	tb.Helper()
	eventually(tb, "the replica does not follow", func(ctx context.Context) bool {
		info, err := f.Primary.Client.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "state=online")
	})
	for _, port := range sentinels {
		client := redis.NewSentinelClient(&redis.Options{Addr: fmt.Sprintf("%s:%d", loopback, port)})
		tb.Cleanup(func() { _ = client.Close() })
		f.sentinels = append(f.sentinels, client)
		eventually(tb, "the Sentinels do not find each other", func(ctx context.Context) bool {
			m, err := client.Master(ctx, masterName).Result()
			return err == nil && m["num-slaves"] == "1" && m["num-other-sentinels"] == "2"
		})
	}
}

// Promoted says whether the replica has become the primary, for all who watch.
func (f *Failover) Promoted(ctx context.Context) bool { return f.promoted(ctx) }

func (f *Failover) sentinelsAgree(ctx context.Context) bool {
	port, err := f.Replica.Client.ConfigGet(ctx, "port").Result()
	for _, s := range f.sentinels {
		addr, serr := s.GetMasterAddrByName(ctx, masterName).Result()
		if err != nil || serr != nil || len(addr) != 2 || addr[1] != port["port"] {
			return false
		}
	}
	return true
}
