package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// How long an open circuit keeps work back: the first time, and at most. A leaver waits no longer than that when the CMS
// is back.
const (
	tripFirst = 5 * time.Second
	tripMax   = time.Minute
)

// When trouble with single keys counts as the project's: how many of them within which time.
const (
	failedKeys    = 3
	refusedKeys   = 5
	troubleWindow = time.Minute
)

// failedFirst and failedMax are tripFirst and tripMax of a CMS that fails: it is asked more often, since nobody tells
// when it is back.
const (
	failedFirst = 2 * time.Second
	failedMax   = 30 * time.Second
)

// notAll is for how long a code opens the circuit no more that turned out to be about its keys alone.
const notAll = time.Hour

// CodeUnreachable is the code of a circuit that the CMS's failures have opened.
const CodeUnreachable = "unreachable"

// Trip opens the circuit of the project because of something that concerns all its keys (bad token, maintenance): nothing
// is taken for 5s, then one key as a probe; a probe that trips again doubles the time, up to a minute. Trips of others
// meanwhile change nothing. code is the machine-readable reason, reason the words for an operator.
func (q *Queue) Trip(ctx context.Context, reason, code string) error {
	ms, err := q.run(ctx, q.scripts.trip, clip(orStopped(reason)), code, millis(tripFirst), millis(tripMax)).Int64()
	if err != nil {
		return fmt.Errorf("queue: open the circuit: %w", err)
	}
	q.tripped(ctx, reason, code, ms)
	return nil
}

// Failed notes that the CMS gave no answer over key, or a 5xx. The third key within a minute without an answered write
// opens the circuit with CodeUnreachable, whatever the code of the failure, and so does a probe that fails. It reports
// whether the circuit is open.
func (q *Queue) Failed(ctx context.Context, key, reason, _ string) (bool, error) {
	return q.trouble(ctx, "failed", CodeUnreachable, key, reason)
}

// Refused notes that the CMS refused key for good with a code that is in no list. The fifth key within a minute opens the
// circuit, and what was parked for the code meanwhile is queued again. It reports whether the circuit is open.
func (q *Queue) Refused(ctx context.Context, key, reason, code string) (bool, error) {
	return q.trouble(ctx, "refused", code, key, reason)
}

func (q *Queue) trouble(ctx context.Context, kind, code, key, reason string) (bool, error) {
	many, first, most := refusedKeys, tripFirst, tripMax
	if kind == "failed" {
		many, first, most = failedKeys, failedFirst, failedMax
	}
	ms, err := q.run(ctx, q.scripts.trouble, kind, code, key, many, millis(troubleWindow), clip(orStopped(reason)),
		millis(first), millis(most)).Int64()
	if err != nil {
		return false, fmt.Errorf("queue: note trouble with %s: %w", key, err)
	}
	if ms > 0 {
		q.tripped(ctx, reason, code, ms)
	}
	return ms > 0, nil
}

func (q *Queue) tripped(ctx context.Context, reason, code string, ms int64) {
	q.opt.Observer.Tripped(orStopped(reason))
	q.opt.Logger.WarnContext(ctx, "circuit open", "reason", reason, "code", code, "for", time.Duration(ms)*time.Millisecond)
}

func orStopped(reason string) string {
	if reason == "" {
		return "stopped"
	}
	return reason
}

// Clear closes the circuit. The holder of a probe calls it when the CMS has answered it as it should.
func (q *Queue) Clear(ctx context.Context) error {
	code, err := q.run(ctx, q.scripts.clear, millis(notAll)).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil
	case err != nil:
		return fmt.Errorf("queue: close the circuit: %w", err)
	}
	q.opt.Logger.InfoContext(ctx, "circuit closed", "code", code)
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
