package cmsclient

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	readRetries  = 2 // quick repeats of a GET within one call
	writeRetries = 1 // of a write, and only where it was certainly not applied

	// retryBudget is how far from a call's first attempt a repeat may still start. Longer waits are the caller's:
	// they come back as an Error with its Reset.
	retryBudget = 5 * time.Second
	// maxReset caps what the CMS may ask for, so that one bad header cannot stop a project for a day.
	maxReset = time.Minute

	firstWait = 150 * time.Millisecond
	maxWait   = time.Second
	resetSlop = 100 * time.Millisecond // spread over which callers come back after a reset
)

// outcome is all the retry policy knows of one attempt.
type outcome struct {
	method string
	status int  // 0: no answer
	json   bool // the answer's media type is JSON
	refuse bool // no answer, as no connection came about
}

// retryable tells whether an attempt with this outcome may be repeated within the call. Writes are repeated only
// when they were certainly not applied; reads also when the CMS stumbled.
func retryable(o outcome) bool {
	if o.status == http.StatusTooManyRequests {
		return true
	}
	if o.method != http.MethodGet {
		return o.status == 0 && o.refuse
	}
	switch {
	case o.status == 0, o.status == http.StatusRequestTimeout, o.status == http.StatusTooEarly:
		return true
	case o.status == http.StatusNotImplemented, o.status == http.StatusHTTPVersionNotSupported:
		return false
	case o.status >= 500:
		return true
	default:
		return o.status >= 200 && o.status <= 299 && !o.json
	}
}

// backoff is how long to wait before repeat n (the first is 1): the CMS's own reset where it gave one, 1s·n after a
// 429 that names none, else 150ms, 300ms … at most 1s. Every wait is spread by rnd so that callers that failed
// together do not return together.
func backoff(n, status int, reset time.Duration, rnd float64) time.Duration {
	switch {
	case reset > 0:
		return reset + time.Duration(rnd*float64(resetSlop))
	case status == http.StatusTooManyRequests:
		return time.Duration(n)*time.Second + time.Duration(rnd*float64(resetSlop))
	default:
		d := maxWait
		if n < 4 {
			d = min(maxWait, firstWait<<(n-1))
		}
		return time.Duration((0.5 + rnd) * float64(d))
	}
}

// checkRetry is the call's retryablehttp.CheckRetry. It never returns an error, which would hide the answer.
func (cl *call) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if _, held := errors.AsType[*heldBackError](err); held || cl.repeats >= cl.maxRepeats() {
		return false, nil
	}
	o := outcome{method: cl.method, refuse: !cl.sent}
	var reset time.Duration
	if resp != nil {
		o.status, o.json = resp.StatusCode, isJSON(resp.Header)
		reset = resetAfter(resp.StatusCode, resp.Header)
	}
	if !retryable(o) {
		return false, nil
	}
	wait := backoff(cl.repeats+1, o.status, reset, cl.client.rand())
	if !cl.inTime(ctx, wait) {
		return false, nil
	}
	cl.repeats++
	cl.wait, cl.lastStatus = wait, o.status
	cl.sent = false // what is repeated was not applied: until it is sent again nothing is under way
	return true, nil
}

// inTime tells whether a repeat after wait still starts within the budget and before the context ends.
func (cl *call) inTime(ctx context.Context, wait time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	now := cl.client.now()
	if now.Add(wait).Sub(cl.began) > retryBudget {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || now.Add(wait).Before(deadline)
}

// pause is the call's retryablehttp.PrepareRetry: it waits what checkRetry decided.
func (cl *call) pause(req *http.Request) error {
	ctx := req.Context()
	cl.client.log.LogAttrs(ctx, slog.LevelDebug, "cms call repeated",
		slog.String("method", cl.method), slog.String("endpoint", cl.endpoint),
		slog.Int("status", cl.lastStatus), slog.Int("repeat", cl.repeats), slog.Duration("wait", cl.wait))
	if err := cl.client.sleep(ctx, cl.wait); err != nil {
		return &heldBackError{cause: err}
	}
	return nil
}

// resetAfter reads how long the CMS asks to hold off: X-RateLimit-Reset (a number of seconds, sent only when
// limited), else Retry-After of a 429 or 503. 0 means it did not say.
func resetAfter(status int, h http.Header) time.Duration {
	if d := seconds(h.Get("X-RateLimit-Reset")); d > 0 {
		return d
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return seconds(h.Get("Retry-After"))
	}
	return 0
}

// seconds reads a positive number of seconds, at most maxReset; anything else is 0.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(f) || f <= 0 {
		return 0
	}
	return time.Duration(math.Min(f, maxReset.Seconds()) * float64(time.Second))
}

// count reads a number that is not negative, or gives fallback.
func count(s string, fallback int) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return fallback
	}
	return n
}
