package cmsclient

import "errors"

// ErrReadOnly is why a write was not sent: the client only reads at present. errors.Is finds it in the call's error.
var ErrReadOnly = errors.New("cmsclient: only reads are sent")

// SetReadOnly says whether nothing but reads may be sent from now on. It is asked twice for every attempt, the second time
// right before sending, after all waiting: this is the one place that every request passes, so that no caller's mistake can
// send a write. What was sent before goes on to its answer.
func (c *Client) SetReadOnly(on bool) { c.readOnly.Store(on) }

// mayWrite refuses a write while the client only reads.
func (c *Client) mayWrite(cl *call) error {
	if cl.write() && c.readOnly.Load() {
		return ErrReadOnly
	}
	return nil
}
