package queuetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// StartClusterFailover starts a Cluster of three masters, one of which has a replica and the slot of the given hash tag: the
// Primary, which takes writes only while its replica follows. The nodes end with the test.
func StartClusterFailover(tb testing.TB, tag string) *Failover {
	tb.Helper()
	ports, err := FreePorts(2 * (nodes + 1))
	if err != nil {
		tb.Fatal(err)
	}
	node := func(i int) *Server {
		s := StartRedis(tb, append([]string{
			"--port", strconv.Itoa(ports[2*i]), "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(ports[2*i+1]),
			"--cluster-node-timeout", "2000",
		}, durable...)...)
		s.proc.port, s.proc.bus = ports[2*i], ports[2*i+1]
		return s
	}
	f := &Failover{Primary: node(0), Replica: node(1)}
	others := []*Server{node(2), node(3)}
	for _, s := range others { // only the primary has a replica
		if err := s.Client.ConfigSet(tb.Context(), "min-replicas-to-write", "0").Err(); err != nil {
			tb.Fatal(err)
		}
	}
	f.join(tb, tag, others)
	f.URL = clusterURL([]*process{others[0].proc, others[1].proc, f.Primary.proc, f.Replica.proc})
	f.Client = connect(tb, f.URL)
	f.promoted = func(ctx context.Context) bool {
		role, errRole := f.Replica.Client.Info(ctx, "replication").Result()
		state, errState := others[0].Client.ClusterInfo(ctx).Result()
		return errors.Join(errRole, errState) == nil && strings.Contains(role, "role:master") && strings.Contains(state, "cluster_state:ok")
	}
	return f
}

// share gives every node its slots: the primary has the tag's.
func (f *Failover) share(tb testing.TB, tag string, masters []*Server) {
	tb.Helper()
	slot, err := f.Primary.Client.ClusterKeySlot(tb.Context(), tag).Result()
	if err != nil {
		tb.Fatal(err)
	}
	for i := range nodes {
		owner := f.Primary
		if first, last := i*slots/nodes, (i+1)*slots/nodes-1; int(slot) < first || int(slot) > last {
			owner, masters = masters[0], masters[1:]
		}
		if err := owner.proc.owns(i*slots/nodes, (i+1)*slots/nodes-1, i+1); err != nil {
			tb.Fatal(err)
		}
	}
}

// join makes one Cluster of the nodes.
func (f *Failover) join(tb testing.TB, tag string, others []*Server) {
	tb.Helper()
	ctx := tb.Context()
	f.share(tb, tag, others)
	all := []*process{f.Primary.proc, f.Replica.proc, others[0].proc, others[1].proc}
	for _, p := range all {
		if err := p.meets(all); err != nil {
			tb.Fatal(err)
		}
	}
	known := fmt.Sprintf("cluster_known_nodes:%d", len(all))
	for _, s := range append([]*Server{f.Primary, f.Replica}, others...) {
		eventually(tb, "the nodes do not find each other", func(ctx context.Context) bool {
			info, err := s.Client.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, known)
		})
	}
	id, err := f.Primary.Client.Do(ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		tb.Fatal(err)
	}
	eventually(tb, "the replica does not follow", func(ctx context.Context) bool {
		_ = f.Replica.Client.Do(ctx, "CLUSTER", "REPLICATE", id).Err() // until it knows the primary
		info, err := f.Primary.Client.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "state=online")
	})
}
