package reconcile

import (
	"context"
	"sync"
)

// inFlight counts the syncs that requests began. Unlike with a sync.WaitGroup, one may begin while somebody waits: a
// request that outlives the server's patience must not end the process.
type inFlight struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when none is left; nil while nobody waits
}

// Go runs a sync.
func (f *inFlight) Go(sync func()) {
	f.mu.Lock()
	f.n++
	f.mu.Unlock()
	go func() {
		defer f.ended()
		sync()
	}()
}

func (f *inFlight) ended() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.n == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

// Wait returns when none is left, or with the context's error.
func (f *inFlight) Wait(ctx context.Context) error {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return nil
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
