package queue

import (
	"context"
	"fmt"
	"strings"
)

// Attempt is how one attempt of a key ended. Times are Unix ms.
type Attempt struct {
	At       int64
	Ticket   int64  // the wish that was acted on
	Result   string // retry, parked, again (a newer wish came meanwhile) or done
	Attempts int    // failed attempts of that wish, this one included
	Code     string // why it failed
	Call     string // the last call that it made; "" for none
	Text     string // why it failed, in words
}

// History returns the last attempts of a key that met trouble within the last 7 days, the newest first. A key that never
// did has none.
func (q *Queue) History(ctx context.Context, key string) ([]Attempt, error) {
	rows, err := q.opt.Redis.LRange(ctx, q.keys.history(key), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("queue: history of %s: %w", key, err)
	}
	out := make([]Attempt, 0, len(rows))
	for _, row := range rows {
		f := append(strings.SplitN(row, "\x1f", 7), make([]string, 7)...)
		out = append(out, Attempt{
			At: number(f[0]), Ticket: number(f[1]), Result: f[2], Attempts: int(number(f[3])), Code: f[4], Call: f[5], Text: f[6],
		})
	}
	return out, nil
}
