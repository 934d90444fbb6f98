package reconcile

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/directory"
)

// meterEvery is how often a meter writes down what it has counted: what a process that is killed has not written is missing.
const meterEvery = time.Second

// Meter counts a project's calls to the CMS, of all replicas and over restarts, by the month: the CMS's plan has a quota of
// them. It observes the client of the CMS and passes on what it hears.
type Meter struct {
	dir   *directory.Directory
	next  cmsclient.Observer
	count atomic.Int64 // not written down yet
}

var _ cmsclient.Observer = (*Meter)(nil)

// NewMeter returns a meter that writes into a directory.
func NewMeter(dir *directory.Directory, next cmsclient.Observer) *Meter {
	return &Meter{dir: dir, next: next}
}

// Call implements cmsclient.Observer.
func (m *Meter) Call(method, endpoint string, status int, took time.Duration) {
	m.count.Add(1)
	m.next.Call(method, endpoint, status, took)
}

// Run writes down the count every second until ctx ends.
func (m *Meter) Run(ctx context.Context) {
	tick := time.NewTicker(meterEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = m.Flush(ctx) // the next one tries again; that Redis is away is told by those who need it
		}
	}
}

// Flush writes down what was counted since the last time. While Redis is away the count is kept.
func (m *Meter) Flush(ctx context.Context) error {
	n := m.count.Swap(0)
	if n == 0 {
		return nil
	}
	err := m.dir.AddCalls(ctx, n)
	if err != nil {
		m.count.Add(n)
	}
	return err
}
