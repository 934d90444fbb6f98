package queue

import (
	"math"
	"time"
)

// Backoff says how long a key waits after a failed attempt. The zero value means the defaults.
type Backoff struct {
	Base time.Duration // wait before the first repetition; default 1s
	Max  time.Duration // longest wait; default 15min
}

// leaverMax bounds the wait of a leaver: somebody who must go is tried at least once a minute.
const leaverMax = 60 * time.Second

// Delay is how long to wait before attempt n (1 is the first repetition): 1s, 2s, 4s … at most Max, spread over
// [0.5, 1.5) by rnd (in [0, 1)) so that keys that failed together do not return together.
func (b Backoff) Delay(n int, rnd func() float64) time.Duration {
	b = b.withDefaults()
	d := float64(b.Base) * math.Pow(2, float64(max(n, 1)-1)) * (0.5 + rnd())
	return time.Duration(math.Min(d, float64(b.Max)))
}

func (b Backoff) withDefaults() Backoff {
	if b.Base <= 0 {
		b.Base = time.Second
	}
	if b.Max <= 0 {
		b.Max = 15 * time.Minute
	}
	return b
}
