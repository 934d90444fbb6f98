package queue

import (
	"context"
	"fmt"
	"slices"
)

// Approve lets held keys go on with what they are held for, now and before all other work. It returns how many were held.
func (q *Queue) Approve(ctx context.Context, keys ...string) (int, error) {
	total := 0
	for batch := range slices.Chunk(keys, replayBatch) {
		args := make([]any, len(batch))
		for i, key := range batch {
			args[i] = key
		}
		n, err := q.run(ctx, q.scripts.approve, args...).Int()
		if err != nil {
			return total, fmt.Errorf("queue: approve: %w", err)
		}
		total += n
	}
	return total, nil
}

// ApproveAll approves every key that is held now.
func (q *Queue) ApproveAll(ctx context.Context) (int, error) {
	keys, err := q.HeldKeys(ctx)
	if err != nil {
		return 0, err
	}
	return q.Approve(ctx, keys...)
}

// HeldKeys are the keys that are held now, the one that was held first first.
func (q *Queue) HeldKeys(ctx context.Context) ([]string, error) {
	keys, err := q.opt.Redis.ZRange(ctx, q.keys.held(), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("queue: held keys: %w", err)
	}
	return keys, nil
}
