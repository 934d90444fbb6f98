package queue

import (
	"context"
	"fmt"
	"time"
)

// How long an open circuit keeps work back: the first time, and at most.
const (
	tripFirst = 5 * time.Second
	tripMax   = 5 * time.Minute
)

// Trip opens the circuit of the project because of something that concerns all its keys (bad token, CMS away): nothing
// is taken for 5s, then one key as a probe; a probe that trips again doubles the time, up to 5min. Trips of others
// meanwhile change nothing. code is the machine-readable reason, reason the words for an operator.
func (q *Queue) Trip(ctx context.Context, reason, code string) error {
	if reason == "" {
		reason = "stopped"
	}
	ms, err := q.run(ctx, q.scripts.trip, clip(reason), code, millis(tripFirst), millis(tripMax)).Int64()
	if err != nil {
		return fmt.Errorf("queue: open the circuit: %w", err)
	}
	q.opt.Observer.Tripped(reason)
	q.opt.Logger.WarnContext(ctx, "circuit open", "reason", reason, "code", code, "for", time.Duration(ms)*time.Millisecond)
	return nil
}

// Clear closes the circuit. The holder of a probe calls it when the CMS has answered it as it should.
func (q *Queue) Clear(ctx context.Context) error {
	n, err := q.opt.Redis.Del(ctx, q.keys.circuit()).Result()
	if err != nil {
		return fmt.Errorf("queue: close the circuit: %w", err)
	}
	if n > 0 {
		q.opt.Logger.InfoContext(ctx, "circuit closed")
	}
	return nil
}

// Pause stops workers and requests from leasing keys of the project, until Resume. What is leased goes on to its end.
func (q *Queue) Pause(ctx context.Context) error {
	if err := q.opt.Redis.Set(ctx, q.keys.paused(), "1", 0).Err(); err != nil {
		return fmt.Errorf("queue: pause: %w", err)
	}
	return nil
}

// Resume ends Pause.
func (q *Queue) Resume(ctx context.Context) error {
	if err := q.opt.Redis.Del(ctx, q.keys.paused()).Err(); err != nil {
		return fmt.Errorf("queue: resume: %w", err)
	}
	return nil
}

// Paused reports whether the project is paused.
func (q *Queue) Paused(ctx context.Context) (bool, error) {
	n, err := q.opt.Redis.Exists(ctx, q.keys.paused()).Result()
	if err != nil {
		return false, fmt.Errorf("queue: paused: %w", err)
	}
	return n > 0, nil
}
