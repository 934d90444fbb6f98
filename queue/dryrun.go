package queue

import (
	"context"
	"fmt"
	"time"
)

// DryRun says for d that replica wants nothing changed outside: until then no process leases a key of the project that is not
// one of Options.Harmless, and scripts that ask q_dry let nothing be sent. It is to be repeated before d is over: who cannot
// repeat it does not stop the others for ever. Leases that are held go on.
func (q *Queue) DryRun(ctx context.Context, replica string, d time.Duration) error {
	return q.markDryRun(ctx, replica, max(d, time.Millisecond))
}

// EndDryRun takes replica's mark away. Marks of other replicas stay, and with them the dry run.
func (q *Queue) EndDryRun(ctx context.Context, replica string) error {
	return q.markDryRun(ctx, replica, 0)
}

func (q *Queue) markDryRun(ctx context.Context, replica string, d time.Duration) error {
	if err := q.run(ctx, q.scripts.dryRun, replica, millis(d)).Err(); err != nil {
		return fmt.Errorf("queue: mark the dry run: %w", err)
	}
	return nil
}

// harmless adds the keys that a dry run leaves to be taken to the arguments of a script.
func (q *Queue) harmless(args ...any) []any {
	for _, key := range q.opt.Harmless {
		args = append(args, key)
	}
	return args
}
