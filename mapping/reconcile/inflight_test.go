package reconcile

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// Syncs may begin while somebody waits for the end of all.
func TestInFlight_OneMayBeginWhileSomebodyWaits(t *testing.T) {
	t.Parallel()
	var f inFlight
	if err := f.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	f.Go(func() { <-hold })
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := f.Wait(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("waited for a sync under way: %v", err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				f.Go(func() {})
				if err := f.Wait(gone); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	close(hold)
	if err := f.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := f.Wait(gone); err != nil {
		t.Errorf("something is left: %v", err)
	}
}
