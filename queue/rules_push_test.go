package queue

import (
	"testing"
	"time"
)

// A newer wish ends the back-off of its key, in the lane in which it waits as in a more urgent one.
func TestNewerWishEndsTheBackoff(t *testing.T) {
	t.Parallel()
	for _, lane := range []Lane{Normal, Interactive, Leavers} {
		t.Run(string(lane), func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Normal)
				f.finish(f.take(), Verdict{Outcome: Retry, After: 15 * time.Minute}, ResultRetry)
				f.takeNothing()
				f.push("user/1", lane)
				if e := f.show("user/1"); e.Due != ms(0) || e.Lane != lane || e.Attempts != 0 {
					f.t.Errorf("%+v", e)
				}
			})
		})
	}
}
