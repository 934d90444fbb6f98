package reconcile

import "sync/atomic"

// creation is what a request that creates a record and the sync of it share while the request waits: a refusal takes the
// record back if its request is told so, and only then. Whichever comes first decides. A nil creation is none: nothing is
// taken back.
type creation struct{ state atomic.Int32 }

const (
	creationWaits   = iota // the request waits for the sync's outcome
	creationTold           // the request has answered, or has nobody to answer to: what it wished is kept
	creationRefused        // the sync takes the record back; the request waits until that is done
)

// refuse reports whether a refusal takes the record back.
func (c *creation) refuse() bool {
	return c != nil && (c.state.CompareAndSwap(creationWaits, creationRefused) || c.state.Load() == creationRefused)
}

// tell reports whether a request may answer before the sync has ended: from then on what it wished is kept.
func (c *creation) tell() bool {
	return c == nil || c.state.CompareAndSwap(creationWaits, creationTold) || c.state.Load() == creationTold
}

// refused says that the sync has begun to take the record back.
func (c *creation) refused() bool { return c != nil && c.state.Load() == creationRefused }
