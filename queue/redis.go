package queue

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/redisconn"
)

// Open returns a client for the Redis at a URL: one server, Sentinels or a Cluster (package redisconn). It never repeats a
// command whose outcome is unknown, and connects at first use.
func Open(rawURL string) (redis.UniversalClient, error) { return redisconn.Open(rawURL) }

// Node is one primary of a Redis, and what it says about itself.
type Node = redisconn.Node

// Nodes asks every primary about itself, and for the values of settings.
func Nodes(ctx context.Context, client redis.UniversalClient, settings ...string) ([]Node, error) {
	return redisconn.Nodes(ctx, client, settings...)
}

// ackWithin is how long a commit waits for a replica. It is less than a client waits for its answer.
const ackWithin = time.Second

// WaitForReplica has the client wait, after each commit that is marked with Acknowledged, until a replica has it.
func WaitForReplica(client redis.UniversalClient) { redisconn.WaitForReplica(client, ackWithin) }

// Acknowledged marks a commit: it must not be lost with the primary, where the client was told to wait for a replica.
func Acknowledged(ctx context.Context) context.Context { return redisconn.Acknowledged(ctx) }

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}
