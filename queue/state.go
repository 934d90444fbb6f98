package queue

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// StateRead is a key's state on its way, in a pipeline: it is there when the pipeline has run. The zero value is Idle.
type StateRead struct{ cmd *redis.SliceCmd }

// ReadState adds the question where a key stands to a pipeline, for those who read many records at once. It is q_state of the
// fragment, with the ticket.
func (q *Queue) ReadState(ctx context.Context, p redis.Pipeliner, key string) StateRead {
	return StateRead{p.HMGet(ctx, q.keys.record(key), "ticket", "token", "parked", "code", "text")}
}

// State is the answer: where the key stands, its last error, and the ticket of the newest wish.
func (r StateRead) State() (state State, code, text string, ticket int64) {
	if r.cmd == nil {
		return Idle, "", "", 0
	}
	values := r.cmd.Val()
	get := func(i int) string {
		if i < len(values) {
			s, _ := values[i].(string)
			return s
		}
		return ""
	}
	ticket, err := strconv.ParseInt(get(0), 10, 64)
	switch {
	case get(0) == "" || err != nil:
		return Idle, "", "", 0
	case get(1) != "":
		state = Leased
	case get(2) != "":
		state = Parked
	default:
		state = Queued
	}
	return state, get(3), get(4), ticket
}
