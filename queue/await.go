package queue

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pollEvery is how often Await asks Redis about a ticket that another process may finish.
const pollEvery = 50 * time.Millisecond

// Settled reports whether an attempt has ended that covers ticket: the key is gone (agreed), parked, held, or was tried at
// this ticket or a newer one and waits to be tried again. The entry says with what error; it is empty when the key
// is gone.
func (q *Queue) Settled(ctx context.Context, key string, ticket int64) (bool, Entry, error) {
	f, err := q.opt.Redis.HMGet(ctx, q.keys.record(key), "ticket", "lane", "attempts", "tried", "token", "parked", "code", "text", "held").Result()
	if err != nil {
		return false, Entry{}, fmt.Errorf("queue: settled %s: %w", key, err)
	}
	if f[0] == nil {
		return true, Entry{Key: key, State: Idle}, nil
	}
	s := texts(f)
	e := Entry{
		Key: key, State: Queued, Ticket: number(s[0]), Lane: Lane(s[1]), Attempts: int(number(s[2])),
		Tried: number(s[3]), Parked: number(s[5]), Code: s[6], Text: s[7], Held: number(s[8]),
	}
	switch {
	case s[4] != "":
		e.State = Leased
	case s[5] != "":
		e.State = Parked
	case s[8] != "":
		e.State = Held
	}
	return e.State == Parked || e.State == Held || e.Tried >= ticket, e, nil
}

// Await returns when ticket is settled, or with the context's error. It wakes at once when this process ends a lease
// on key, and asks every 50ms for the sake of other processes.
func (q *Queue) Await(ctx context.Context, key string, ticket int64) (Entry, error) {
	woken, leave := q.waiters.join(key)
	defer leave()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		settled, e, err := q.Settled(ctx, key, ticket)
		if err != nil || settled {
			return e, err
		}
		select {
		case <-ctx.Done():
			return e, context.Cause(ctx)
		case <-woken:
		case <-poll.C:
		}
	}
}

// waiters are the callers of Await in this process, by key.
type waiters struct {
	mu    sync.Mutex
	byKey map[string]map[chan struct{}]struct{}
}

func (w *waiters) join(key string) (woken <-chan struct{}, leave func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byKey == nil {
		w.byKey = make(map[string]map[chan struct{}]struct{})
	}
	if w.byKey[key] == nil {
		w.byKey[key] = make(map[chan struct{}]struct{})
	}
	w.byKey[key][ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byKey[key], ch)
		if len(w.byKey[key]) == 0 {
			delete(w.byKey, key)
		}
	}
}

func (w *waiters) wake(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.byKey[key] {
		select {
		case ch <- struct{}{}:
		default: // already woken
		}
	}
}
