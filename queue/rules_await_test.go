package queue

import "testing"

// Whoever waits for a key in the process that ends its lease is told at once, and need not ask Redis again.
func TestEndOfALeaseWakesWhoWaitsForItsKey(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		woken, leave := f.waiters.join("user/1")
		defer leave()
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
		select {
		case <-woken:
		default:
			f.t.Error("nobody was told")
		}
	})
}
