package redisconn

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotAcknowledged means that a write was made, but no replica said in time that it has it: it is lost if the primary
// is, and may be kept if not.
var ErrNotAcknowledged = errors.New("redis: no replica has acknowledged the write")

type acknowledgedKey struct{}

// Acknowledged marks the scripts run with the context as writes that only count once a replica has them.
func Acknowledged(ctx context.Context) context.Context {
	return context.WithValue(ctx, acknowledgedKey{}, true)
}

// WaitForReplica has the client wait, after each script that is marked with Acknowledged, until one replica has it, at most
// for within. An acknowledgement covers all that the primary wrote before, by whomever.
func WaitForReplica(client redis.UniversalClient, within time.Duration) {
	switch c := client.(type) {
	case *redis.ClusterClient:
		c.OnNewNode(func(node *redis.Client) { node.AddHook(&waiting{node, within}) })
	case *redis.Client:
		c.AddHook(&waiting{c, within})
	}
}

// waiting sends WAIT behind a script, on the same connection.
type waiting struct {
	client *redis.Client
	within time.Duration
}

// DialHook implements redis.Hook.
func (w *waiting) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (w *waiting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (w *waiting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		marked, _ := ctx.Value(acknowledgedKey{}).(bool)
		if name := cmd.Name(); !marked || (name != "evalsha" && name != "eval") {
			return next(ctx, cmd)
		}
		pipe := w.client.Pipeline()
		if err := pipe.Process(ctx, cmd); err != nil {
			return err
		}
		replicas := pipe.Do(ctx, "wait", 1, w.within.Milliseconds())
		_, err := pipe.Exec(ctx)
		switch {
		case cmd.Err() != nil:
			return cmd.Err()
		case err != nil:
			return err
		}
		if n, err := replicas.Int64(); err != nil || n < 1 {
			return errors.Join(ErrNotAcknowledged, err)
		}
		return nil
	}
}
