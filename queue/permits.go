package queue

import "sync"

// permits count a pool's workers. All but one work on anything, and at most perSource of them on one source; the last
// one takes leavers only, of any source.
//
// Sources are served fairly: while a source waits for a worker, none gets one that has more at work already, and the
// last free worker is kept for a source that has none.
type permits struct {
	mu        sync.Mutex
	general   int // free ones
	leavers   int
	used      []int  // general ones in use, by source
	waiting   []bool // sources with something due that found no worker
	perSource int
	changed   chan struct{} // closed when a source may get a worker that it did not get before
}

// permit is one worker's right to work.
type permit struct {
	source      int
	onlyLeavers bool
}

func newPermits(workers, sources int) *permits {
	p := &permits{general: workers, perSource: workers, changed: make(chan struct{})}
	p.used, p.waiting = make([]int, sources), make([]bool, sources)
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
	return p.entitled(source), p.leavers > 0, p.changed
}

// entitled says whether a source may have a worker that works on anything. The caller has locked.
func (p *permits) entitled(source int) bool {
	if p.general == 0 || p.used[source] >= p.perSource {
		return false
	}
	for other, used := range p.used {
		switch {
		case used >= p.used[source]: // the source itself, too
		case p.waiting[other], used == 0 && p.general == 1:
			return false
		}
	}
	return true
}

// acquire takes a worker for a source, one that works on anything if there is one. A source that gets none waits.
func (p *permits) acquire(source int) (permit, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.entitled(source):
		p.general--
		p.used[source]++
		p.waiting[source] = false
		return permit{source: source}, true
	case p.leavers > 0:
		p.leavers--
		return permit{source: source, onlyLeavers: true}, true
	default:
		p.waiting[source] = true
		return permit{}, false
	}
}

// more takes further workers for a source that has just got one, as many as work on anything and it may have, and gives
// all of them, at most n. It does not make the source wait for more.
func (p *permits) more(first permit, n int) []permit {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []permit{first}
	for !first.onlyLeavers && len(all) < n && p.entitled(first.source) {
		p.general--
		p.used[first.source]++
		all = append(all, permit{source: first.source})
	}
	return all
}

// content says that a source has nothing due: others need not stand back for it.
func (p *permits) content(source int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[source] {
		p.waiting[source] = false
		p.announce()
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
	p.announce()
}

// announce wakes whoever waits for a change. The caller has locked.
func (p *permits) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}
