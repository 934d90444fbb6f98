package queue

import "time"

// Observer is told what happens, for metrics. Its methods must not block.
type Observer interface {
	// Taken: a key was leased, waited after it was first queued.
	Taken(lane Lane, waited time.Duration)
	// Finished: a lease ended with result ("done", "again", "retry", "parked", "released", "lost").
	Finished(lane Lane, result string)
	// Reclaimed: n leases ran out and were taken back.
	Reclaimed(n int)
	// Tripped: the circuit was opened, or stays open, for reason.
	Tripped(reason string)
}

type noObserver struct{}

func (noObserver) Taken(Lane, time.Duration) {}
func (noObserver) Finished(Lane, string)     {}
func (noObserver) Reclaimed(int)             {}
func (noObserver) Tripped(string)            {}
