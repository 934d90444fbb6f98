package queuetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	loopback = "127.0.0.1"
	// slots is how many a Redis Cluster has, nodes how many masters the tests give them to.
	slots = 16384
	nodes = 3
)

// ClusterStore returns a fresh project on the shared Cluster: three masters, started once per test binary.
func ClusterStore(tb testing.TB) Store {
	tb.Helper()
	return cluster(tb)
}

// sharedCluster starts the Cluster of this test binary at first use. Its guards end it with the binary.
var sharedCluster = sync.OnceValues(startCluster)

func cluster(tb testing.TB) Store {
	tb.Helper()
	started, err := sharedCluster()
	if err != nil {
		tb.Fatalf("%v", err)
	}
	url := clusterURL(started)
	return Store{Name: Cluster, URL: url, Client: connect(tb, url), Base: randomBase()}
}

// startCluster starts the nodes, gives each its share of the slots and waits until all agree. Whoever loses
// the processes ends them: the guards' leashes go with them.
func startCluster() ([]*process, error) {
	var started []*process
	for range nodes {
		p, err := startNode()
		if err != nil {
			return nil, err
		}
		started = append(started, p)
	}
	for i, p := range started { // an epoch is given to a node that knows no other
		if err := p.owns(i*slots/nodes, (i+1)*slots/nodes-1, i+1); err != nil {
			return nil, fmt.Errorf("make a cluster: %w", err)
		}
	}
	for _, p := range started {
		if err := p.meets(started); err != nil {
			return nil, fmt.Errorf("make a cluster: %w", err)
		}
	}
	for _, p := range started {
		if err := p.agrees(30 * time.Second); err != nil {
			return nil, err
		}
	}
	return started, nil
}

func clusterURL(started []*process) string {
	var url strings.Builder
	url.WriteString("redis://" + started[0].address() + "?cluster=true")
	for _, p := range started[1:] {
		url.WriteString("&addr=" + p.address())
	}
	return url.String()
}

// startNode starts a server that listens on two free ports, the second for the nodes among each other. Another process
// may take a port in between: then it tries others.
func startNode() (*process, error) {
	var failed error
	for range 5 {
		ports, err := FreePorts(2)
		if err != nil {
			return nil, err
		}
		p, err := startProcess([]string{
			"--port", strconv.Itoa(ports[0]), "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(ports[1]),
			"--cluster-node-timeout", "15000",
		})
		if err == nil {
			p.port, p.bus = ports[0], ports[1]
			return p, nil
		}
		failed = err
	}
	return nil, failed
}

func (p *process) address() string { return net.JoinHostPort(loopback, strconv.Itoa(p.port)) }

// owns gives the node its share of the slots, and an epoch of its own.
func (p *process) owns(first, last, epoch int) error {
	ctx, client := context.Background(), p.client()
	defer func() { _ = client.Close() }()
	return errors.Join(client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", epoch).Err(), client.ClusterAddSlotsRange(ctx, first, last).Err())
}

// meets tells the node where the others are.
func (p *process) meets(all []*process) error {
	ctx, client := context.Background(), p.client()
	defer func() { _ = client.Close() }()
	var err error
	for _, other := range all {
		if other != p {
			err = errors.Join(err, client.Do(ctx, "CLUSTER", "MEET", loopback, other.port, other.bus).Err())
		}
	}
	return err
}

// agrees waits until the node knows an owner for every slot and all the nodes.
func (p *process) agrees(within time.Duration) error {
	client := p.client()
	defer func() { _ = client.Close() }()
	var info string
	if poll(within, func(ctx context.Context) bool {
		info, _ = client.ClusterInfo(ctx).Result()
		return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", nodes))
	}) {
		return nil
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "redis.log"))
	return fmt.Errorf("the cluster does not come up:\n%s\n%s", info, log)
}

// client talks to this node only.
func (p *process) client() *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: p.socket(), MaxRetries: -1, DialerRetries: 1, DisableIdentity: true})
}
