package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// GateKey is the project's gate: "backup TOKEN" while no script may write, "restore TOKEN" while none may read either. A
// backup's expires by itself, a restore's stays until a restore has ended.
func GateKey(base string) string { return keys{base: base}.gate() }

// DryRunKey has the replicas that want a dry run at present: it is theirs, and no part of the record.
func DryRunKey(base string) string { return keys{base: base}.dryRun() }

// LookKey holds the ms since when every key that is newly queued must have the CMS read, because the record may be older
// than the CMS; absent when a picture of the CMS has been imported since.
func LookKey(base string) string { return keys{base: base}.looks() }

// Restoring says whether a restore of the project is under way or was broken off.
func (q *Queue) Restoring(ctx context.Context) (bool, error) {
	gate, err := q.opt.Redis.Get(ctx, q.keys.gate()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("queue: gate: %w", err)
	}
	return strings.HasPrefix(gate, "restore"), nil
}
