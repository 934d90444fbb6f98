package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// handler is a Handle whose keys wait until the test lets them go.
type handler struct {
	t       *testing.T
	verdict Verdict
	started chan string

	mu   sync.Mutex
	gate map[string]chan struct{}
}

func newHandler(t *testing.T) *handler {
	t.Helper()
	return &handler{t: t, verdict: Verdict{Outcome: Done}, started: make(chan string, 100), gate: map[string]chan struct{}{}}
}

// hold makes handling of keys wait for the returned func.
func (h *handler) hold(keys ...string) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gate := make(chan struct{})
	for _, key := range keys {
		h.gate[key] = gate
	}
	return sync.OnceFunc(func() { close(gate) })
}

func (h *handler) handle(ctx context.Context, l *Lease) Verdict {
	h.mu.Lock()
	gate := h.gate[l.Key]
	h.mu.Unlock()
	h.started <- l.Key
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return Verdict{Outcome: Retry, Code: "stopped"}
		}
	}
	return h.verdict
}

// next waits for n keys to be started and returns them sorted.
func (h *handler) next(n int) []string {
	h.t.Helper()
	var keys []string
	for range n {
		select {
		case key := <-h.started:
			keys = append(keys, key)
		case <-time.After(20 * time.Second):
			h.t.Fatalf("only %v started", keys)
		}
	}
	slices.Sort(keys)
	return keys
}

func (h *handler) none() {
	h.t.Helper()
	select {
	case key := <-h.started:
		h.t.Fatalf("%s started", key)
	case <-time.After(50 * time.Millisecond): // many polls of the pool
	}
}

// runPool starts a pool and returns what stops it and waits for its end.
func runPool(t *testing.T, opt PoolOptions) (p *Pool, stop func()) {
	t.Helper()
	if opt.Poll == 0 {
		opt.Poll = 5 * time.Millisecond
	}
	p, err := NewPool(opt)
	ok(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return p, stop
}

// other is a second project on the same store.
func (f *fixture) other() *fixture {
	f.t.Helper()
	store := f.store
	store.Base = "t:" + store.Base[2:len(store.Base)-1] + "-other}"
	return newFixture(f.t, store, Options{})
}
