package redisconn

import (
	"context"
	"net"
	"net/url"

	"github.com/redis/go-redis/v9"
)

// OpenClusterVia is Open for a Cluster whose connections a test makes.
func OpenClusterVia(rawURL string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (*redis.ClusterClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	opt, err := clusterOptions(*u)
	if err != nil {
		return nil, err
	}
	opt.Dialer = dial
	return newCluster(opt), nil
}
