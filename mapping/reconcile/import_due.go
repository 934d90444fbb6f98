package reconcile

import (
	"context"
	"sync"
	"time"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// idleImport is the longest wait between two pictures of a CMS in which nothing changes, unless import.interval is longer: each
// costs three calls of a monthly quota.
const idleImport = 30 * time.Minute

// importWait is how long after the last picture the next one is due: import.interval when something has changed in the CMS or
// was written, and else as long as nothing did before the last picture, up to half an hour.
func (s *live) importWait(st directory.ImportState) time.Duration {
	if st.Written {
		return s.ImportEvery
	}
	return max(s.ImportEvery, min(st.Last.Sub(st.Changed), idleImport))
}

// ImportIfDue queues an import if it is time for a picture, whichever replica took the last one.
func (e *Engine) ImportIfDue(ctx context.Context) {
	st, err := e.dir.ImportState(ctx)
	if err == nil && e.o.Now().Sub(st.Last) >= e.set().importWait(st) {
		e.queueImport(ctx)
	}
}

// Run binds the project, and keeps the picture of the CMS fresh until ctx ends: an import at once, then one whenever it is due
// unless another replica was first.
func (e *Engine) Run(ctx context.Context) {
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { e.keepDryRun(ctx) })
	e.bindUntilDone(ctx)
	others.Go(func() { e.keepRules(ctx) })
	tick := time.NewTicker(max(e.set().ImportEvery/10, time.Second))
	defer tick.Stop()
	e.queueImport(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e.ProbeSeats(ctx)
		e.ImportIfDue(ctx)
	}
}

func (e *Engine) queueImport(ctx context.Context) {
	if _, err := e.queue.Push(ctx, importKey, queue.Interactive, false); err != nil && ctx.Err() == nil {
		e.log.WarnContext(ctx, "import not queued", "project", e.o.Project, "error", err)
	}
	e.o.Wake()
}
