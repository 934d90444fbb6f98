package queuetest

import (
	"context"
	"sync/atomic"
	"time"
)

// Clock is a clock that only moves when told to. It is safe for concurrent use.
type Clock struct {
	micros atomic.Int64
}

// NewClock returns a clock that shows the given Unix milliseconds.
func NewClock(ms int64) *Clock {
	c := &Clock{}
	c.Set(ms)
	return c
}

// Now is the time shown, in Unix milliseconds.
func (c *Clock) Now() int64 { return c.micros.Load() / 1000 }

// Micros is the time shown, in Unix microseconds.
func (c *Clock) Micros() int64 { return c.micros.Load() }

// Set moves the clock to the given Unix milliseconds, backwards too.
func (c *Clock) Set(ms int64) { c.micros.Store(ms * 1000) }

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// Sleep moves the clock by d instead of waiting. It fits wherever a sleep is injected.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		c.Advance(d)
	}
	return ctx.Err()
}
