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
// that is leased, held or unknown is none.
func (q *Queue) Replay(ctx context.Context, keys ...string) (int, error) {
	return q.replay(ctx, "", keys)
}

// ReplayAll replays every key that is parked now, the one that was first queued first.
func (q *Queue) ReplayAll(ctx context.Context) (int, error) { return q.ReplayCode(ctx, "", -1) }

// ReplayCode replays the keys that are parked now with code ("" for any), those parked first first and at most limit of them; negative
// is no limit.
func (q *Queue) ReplayCode(ctx context.Context, code string, limit int) (int, error) {
	keys, err := q.opt.Redis.ZRange(ctx, q.keys.parked(), 0, -1).Result()
	if err != nil {
		return 0, fmt.Errorf("queue: replay: %w", err)
	}
	if limit < 0 {
		return q.replay(ctx, code, keys)
	}
	total := 0
	for _, key := range keys {
		if total >= limit {
			break
		}
		n, err := q.replay(ctx, code, []string{key})
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func (q *Queue) replay(ctx context.Context, code string, keys []string) (int, error) {
	total := 0
	for len(keys) > 0 {
		n := min(len(keys), replayBatch)
		args := make([]any, 0, n+1)
		args = append(args, code)
		for _, key := range keys[:n] {
			args = append(args, key)
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
