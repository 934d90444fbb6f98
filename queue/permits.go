package queue

import "sync"

// permits count a pool's workers. All but one work on anything, and at most perSource of them on one source; the last
// one takes leavers only, of any source.
type permits struct {
	mu        sync.Mutex
	general   int // free ones
	leavers   int
	used      []int // general ones in use, by source
	perSource int
	changed   chan struct{} // closed when a worker has become free
}

// permit is one worker's right to work.
type permit struct {
	source      int
	onlyLeavers bool
}

func newPermits(workers, sources int) *permits {
	p := &permits{general: workers, perSource: workers, used: make([]int, sources), changed: make(chan struct{})}
	if workers > 1 {
		p.general, p.leavers, p.perSource = workers-1, 1, workers-1
	}
	if sources > 1 {
		p.perSource = max(workers/2, 1)
	}
	return p
}

// free says what a source could get now, and returns a channel that is closed at the next change for the better.
func (p *permits) free(source int) (general, leavers bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.general > 0 && p.used[source] < p.perSource, p.leavers > 0, p.changed
}

// acquire takes a worker for a source, one that works on anything if there is one.
func (p *permits) acquire(source int) (permit, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.general > 0 && p.used[source] < p.perSource:
		p.general--
		p.used[source]++
		return permit{source: source}, true
	case p.leavers > 0:
		p.leavers--
		return permit{source: source, onlyLeavers: true}, true
	default:
		return permit{}, false
	}
}

func (p *permits) release(it permit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it.onlyLeavers {
		p.leavers++
	} else {
		p.general++
		p.used[it.source]--
	}
	close(p.changed)
	p.changed = make(chan struct{})
}
