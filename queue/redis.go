package queue

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/redisconn"
)

// Open returns a client for the Redis at a URL: one server, Sentinels or a Cluster (package redisconn). It never repeats a
// command whose outcome is unknown, and connects at first use.
func Open(rawURL string) (redis.UniversalClient, error) { return redisconn.Open(rawURL) }

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}
