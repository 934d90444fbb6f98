package queue

import (
	"context"
	"sync/atomic"
	"time"
)

// Slot is the right to send one call at a booked time. It is anonymous: whoever has it when the time comes chooses
// what to send. The zero Slot is none.
type Slot struct{ b *booking }

type booking struct {
	pacer *Pacer
	at    time.Time // when to send
	spent atomic.Bool
	used  chan struct{} // closed when it is spent
}

// Spent reports whether the slot has been used, or is none.
func (s Slot) Spent() bool { return s.b == nil || s.b.spent.Load() }

// spend takes the slot; false when it is none or somebody has.
func (s Slot) spend() bool {
	if s.b == nil || !s.b.spent.CompareAndSwap(false, true) {
		return false
	}
	close(s.b.used)
	return true
}

type slotKey struct{}

// WithSlot gives the first call made with the context a slot that is booked already.
func WithSlot(ctx context.Context, s Slot) context.Context {
	if s.b == nil {
		return ctx
	}
	return context.WithValue(ctx, slotKey{}, s)
}

func slotOf(ctx context.Context) Slot {
	s, _ := ctx.Value(slotKey{}).(Slot)
	return s
}
