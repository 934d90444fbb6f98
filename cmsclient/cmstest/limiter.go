package cmstest

import (
	"sync"
	"time"
)

// limiter counts the calls of each bucket in a sliding window: a call passes while fewer than rate calls have passed
// within the last window. Refused calls are not counted. The figures and headers are certain; the sliding window is
// inferred, as the strictest of the usual ways to count.
type limiter struct {
	rate   int
	window time.Duration
	now    func() time.Time

	mu      sync.Mutex
	buckets map[string]*span
}

// span is the times of the calls that passed, oldest first, from head on.
type span struct {
	times []time.Time
	head  int
}

// quota is what the limiter says about one call.
type quota struct {
	limited   bool // the call is refused
	limit     int  // 0: there is no limiter
	remaining int
	reset     int // seconds until a call passes again; only when limited
}

func newLimiter(o Options) *limiter {
	return &limiter{rate: o.Rate, window: o.Window, now: o.Now, buckets: map[string]*span{}}
}

// take books one call in the bucket, or says how long to wait.
func (l *limiter) take(bucket string) quota {
	if l.rate == 0 {
		return quota{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[bucket]
	if b == nil {
		b = &span{}
		l.buckets[bucket] = b
	}
	now := l.now()
	b.expire(now.Add(-l.window))
	used := len(b.times) - b.head
	if used >= l.rate {
		wait := b.times[b.head].Add(l.window).Sub(now)
		return quota{limited: true, limit: l.rate, reset: wholeSeconds(wait)}
	}
	b.times = append(b.times, now)
	return quota{limit: l.rate, remaining: l.rate - used - 1}
}

// reset forgets every call.
func (l *limiter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.buckets)
}

// expire drops the calls at or before the given time, and moves the rest to the front now and then.
func (b *span) expire(until time.Time) {
	for b.head < len(b.times) && !b.times[b.head].After(until) {
		b.head++
	}
	if b.head > 64 && b.head*2 > len(b.times) {
		b.times = append(b.times[:0], b.times[b.head:]...)
		b.head = 0
	}
}

// wholeSeconds rounds up, and is at least 1: X-RateLimit-Reset is an integer above 0.
func wholeSeconds(d time.Duration) int {
	return max(1, int((d+time.Second-1)/time.Second))
}
