package cmsclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
)

// attempts sends one attempt: it waits at the gate, asks the guard, sends within the timeout, reports. It finds its
// call in the request's context.
type attempts struct {
	client *Client
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	cl, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("cmsclient: a request without its call")
	}
	cl.sent = false
	if err := a.admit(ctx, cl); err != nil {
		closeBody(req.Body)
		return nil, &heldBackError{cause: err}
	}
	began := a.client.now()
	if cl.began.IsZero() {
		cl.began = began
	}
	resp, err := a.send(ctx, cl, req)
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	a.client.observer.Call(cl.method, cl.endpoint, status, a.client.now().Sub(began))
	a.client.gate.Report(context.WithoutCancel(ctx), feedback(resp))
	return resp, err
}

// admit waits for the gate and then asks whether the request may be sent, which must be the last thing before sending. What
// may not be sent in any case does not wait for its turn.
func (a *attempts) admit(ctx context.Context, cl *call) error {
	if err := a.client.mayWrite(cl); err != nil {
		return err
	}
	if err := a.client.gate.Wait(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkGuard(ctx); err != nil {
		return err
	}
	return a.client.mayWrite(cl)
}

// send passes the request on. The timeout ends with the answer's body.
func (a *attempts) send(ctx context.Context, cl *call, req *http.Request) (*http.Response, error) {
	var conn connTrace
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(ctx, conn.hooks()), a.client.timeout)
	out := req.WithContext(ctx)
	if cl.write() {
		// Without GetBody no transport can send the body a second time.
		out.GetBody = nil
	}
	cl.sent = true
	resp, err := a.next.RoundTrip(out)
	if err != nil {
		cancel()
		cl.sent = !conn.neverOpen(err)
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, cancel: cancel}
	return resp, nil
}

// heldBackError is why a request was not sent: the gate, the guard or the context said no.
type heldBackError struct{ cause error }

func (h *heldBackError) Error() string { return h.cause.Error() }
func (h *heldBackError) Unwrap() error { return h.cause }

// connTrace knows whether a request ever had a connection to be written to.
type connTrace struct{ asked, got atomic.Bool }

func (t *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	}
}

// neverOpen tells whether a failed request certainly never left. A transport that does not report its connections
// (one in memory) is believed only where the error itself says that no connection came about.
func (t *connTrace) neverOpen(err error) bool {
	if t.got.Load() {
		return false
	}
	if t.asked.Load() {
		return true
	}
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED)
}

// body ends the attempt's timeout when it is closed. It reads a short rest first, so that the connection can be
// used again.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

const restLimit = 64 << 10

func (b *body) Close() error {
	defer b.cancel()
	// What cannot be read is not needed: the connection is given up.
	_, _ = io.CopyN(io.Discard, b.ReadCloser, restLimit)
	return b.ReadCloser.Close()
}

func closeBody(b io.Closer) {
	if b != nil {
		_ = b.Close() // an in-memory request body
	}
}

// feedback reads the rate headers; resp is nil when no answer came.
func feedback(resp *http.Response) Feedback {
	if resp == nil {
		return Feedback{Remaining: -1}
	}
	return Feedback{
		Status:    resp.StatusCode,
		Limited:   resp.StatusCode == http.StatusTooManyRequests,
		Reset:     resetAfter(resp.StatusCode, resp.Header),
		Limit:     count(resp.Header.Get("X-RateLimit-Limit"), 0),
		Remaining: count(resp.Header.Get("X-RateLimit-Remaining"), -1),
	}
}
