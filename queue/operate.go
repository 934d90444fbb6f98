package queue

import (
	"context"
	"errors"
	"fmt"
)

// ErrLeased says that a key is being worked on right now.
var ErrLeased = errors.New("queue: key is leased")

// replayBatch is how many keys one replay script takes.
const replayBatch = 500

// Replay makes keys due now with attempts 0, parked ones and those in back-off. It returns how many there were; a key
// that is leased or unknown is none.
func (q *Queue) Replay(ctx context.Context, keys ...string) (int, error) {
	total := 0
	for len(keys) > 0 {
		n := min(len(keys), replayBatch)
		args := make([]any, n)
		for i, key := range keys[:n] {
			args[i] = key
		}
		replayed, err := q.run(ctx, q.scripts.replay, args...).Int()
		if err != nil {
			return total, fmt.Errorf("queue: replay: %w", err)
		}
		total += replayed
		keys = keys[n:]
	}
	return total, nil
}

// ReplayAll replays every key that is parked now, the one that was first queued first.
func (q *Queue) ReplayAll(ctx context.Context) (int, error) {
	keys, err := q.opt.Redis.ZRange(ctx, q.keys.parked(), 0, -1).Result()
	if err != nil {
		return 0, fmt.Errorf("queue: replay: %w", err)
	}
	return q.Replay(ctx, keys...)
}

// Drop forgets a key: an operator's discard. It returns false when there was nothing to drop, and ErrLeased when
// somebody works on the key right now.
func (q *Queue) Drop(ctx context.Context, key string) (bool, error) {
	result, err := q.scripts.drop.Run(ctx, q.opt.Redis, []string{q.keys.base}, key).Text()
	if err != nil {
		return false, fmt.Errorf("queue: drop %s: %w", key, err)
	}
	if result == string(Leased) {
		return false, fmt.Errorf("drop %s: %w", key, ErrLeased)
	}
	q.waiters.wake(key)
	return result == ResultDone, nil
}
