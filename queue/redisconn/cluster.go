package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// newCluster makes a Cluster client whose loop of redirections repeats only what a node has refused to run. The loop
// sends a command again after errors that it knows; so each node's client hides its network errors from the loop, and a
// hook around the loop shows them again.
func newCluster(opt *redis.ClusterOptions) *redis.ClusterClient {
	client := redis.NewClusterClient(opt)
	client.OnNewNode(func(node *redis.Client) { node.AddHook(hideUnknown{}) })
	client.AddHook(&aroundCluster{client})
	return client
}

// unknownError is an outcome that must not be repeated. It does not unwrap, so that nobody recognises it.
type unknownError struct{ cause error }

// Error implements error.
func (e *unknownError) Error() string { return "outcome unknown: " + e.cause.Error() }

// ErrSlotMoving means that the project's slot is being moved to another node: nothing was done.
var ErrSlotMoving = errors.New("redis: the slot is being moved to another node")

// hideUnknown hides from the Cluster's loop what it must not repeat.
type hideUnknown struct{}

// DialHook implements redis.Hook.
func (hideUnknown) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (hideUnknown) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return hide(next(ctx, cmd)) }
}

// ProcessPipelineHook implements redis.Hook. Pipelines do not pass through the loop.
func (hideUnknown) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func hide(err error) error {
	var refusal redis.Error
	switch {
	case err == nil:
		return nil
	case redis.HasErrorPrefix(err, "ASK "):
		return &unknownError{fmt.Errorf("%w: %w", ErrSlotMoving, err)}
	case errors.As(err, &refusal): // Redis has answered: nothing was done, or it says what
		return err
	}
	return &unknownError{err}
}

// aroundCluster shows the errors that hideUnknown hid, and sends a pipeline as a whole to the node that has its keys:
// the client's own way of sending one repeats it after network errors.
type aroundCluster struct{ client *redis.ClusterClient }

// DialHook implements redis.Hook.
func (a *aroundCluster) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (a *aroundCluster) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := a.send(ctx, cmd, next)
		if hidden, ok := errors.AsType[*unknownError](err); ok {
			a.client.ReloadState(ctx) // the node may be gone: the next command asks for its successor
			err = hidden.cause
		}
		return err
	}
}

// send gives SCAN and KEYS to the node that has the hash tag of their pattern, and everything else to the loop.
func (a *aroundCluster) send(ctx context.Context, cmd redis.Cmder, loop redis.ProcessHook) error {
	if name := cmd.Name(); name != "scan" && name != "keys" {
		return loop(ctx, cmd)
	}
	for _, arg := range cmd.Args() {
		if pattern, ok := arg.(string); ok && strings.Contains(pattern, "{") {
			node, err := a.client.MasterForKey(ctx, pattern)
			if err != nil {
				return err
			}
			return node.Process(ctx, cmd)
		}
	}
	return errors.New("redis: a pattern without a hash tag has no node")
}

// ProcessPipelineHook implements redis.Hook. All keys of a pipeline are of one slot.
func (a *aroundCluster) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := a.pipeline(ctx, cmds); err != nil {
			a.client.ReloadState(ctx)
			for _, cmd := range cmds {
				if cmd.Err() == nil {
					cmd.SetErr(err)
				}
			}
			return err
		}
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

// pipeline reports what kept the commands from being sent or answered as a whole.
func (a *aroundCluster) pipeline(ctx context.Context, cmds []redis.Cmder) error {
	atomic := len(cmds) > 2 && cmds[0].Name() == "multi"
	if atomic { // the node's client wraps them itself
		cmds = cmds[1 : len(cmds)-1]
	}
	key, ok := firstKey(cmds)
	if !ok {
		return errors.New("redis: a pipeline without a key has no node")
	}
	node, err := a.client.MasterForKey(ctx, key)
	if err != nil {
		return err
	}
	pipe := node.Pipeline()
	if atomic {
		pipe = node.TxPipeline()
	}
	for _, cmd := range cmds {
		if err := pipe.Process(ctx, cmd); err != nil {
			return err
		}
	}
	_, err = pipe.Exec(ctx)
	if refusal := redis.Error(nil); errors.As(err, &refusal) && !redis.HasErrorPrefix(err, "MOVED") {
		return nil // of one command, which has it
	}
	return err
}

// firstKey is the first key that a command of the pipeline names, if its key is its first argument.
func firstKey(cmds []redis.Cmder) (string, bool) {
	for _, cmd := range cmds {
		args, at := cmd.Args(), 1
		switch cmd.Name() {
		case "eval", "evalsha":
			at = 3
		case "time", "ping":
			continue
		}
		if at < len(args) {
			if key, ok := args[at].(string); ok {
				return key, true
			}
		}
	}
	return "", false
}
