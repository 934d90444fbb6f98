package cmsclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// request is one call as a resource file describes it.
type request struct {
	method   string
	endpoint string // template: /users/:id
	id       string // what :id stands for
	query    url.Values
	body     *outgoing // nil: no body
	// decode reads the answer of a 2xx; nil where the answer says nothing that the caller does not know.
	decode decoder
}

// decoder reads the document of a successful answer.
type decoder func(io.Reader) error

// call is one request under way: its repeats share it. It is used by one goroutine at a time.
type call struct {
	client           *Client
	method, endpoint string
	decode           decoder

	began      time.Time // first attempt
	sent       bool      // the last attempt may have reached the CMS
	repeats    int
	wait       time.Duration // before the next repeat
	lastStatus int
}

func (cl *call) write() bool { return cl.method != http.MethodGet }

func (cl *call) maxRepeats() int {
	if cl.write() {
		return writeRetries
	}
	return readRetries
}

// do sends r and reads its answer. Every error is an *Error.
func (c *Client) do(ctx context.Context, r request) error {
	cl := &call{client: c, method: r.method, endpoint: r.endpoint, decode: r.decode}
	req, err := c.newRequest(ctx, cl, r)
	if err != nil {
		return cl.fail(err, &Error{invalid: true})
	}
	resp, err := cl.retrier().Do(req)
	if err != nil {
		return cl.noAnswer(err)
	}
	defer resp.Body.Close() //nolint:errcheck // the answer was read, or has its own error
	a := answer{status: resp.StatusCode, header: resp.Header, body: resp.Body}
	if a.status == http.StatusAccepted && cl.write() {
		return cl.followJob(ctx, a)
	}
	return cl.read(a)
}

// answer is what the CMS said: at once, or later in the result of a job.
type answer struct {
	status int
	header http.Header
	body   io.Reader
}

// newRequest builds the request. Its errors are the caller's mistakes.
func (c *Client) newRequest(ctx context.Context, cl *call, r request) (*retryablehttp.Request, error) {
	path, err := fillPath(r.endpoint, r.id)
	if err != nil {
		return nil, err
	}
	target := c.base + path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var raw any // stays an untyped nil without a body: retryablehttp then sends none
	if r.body != nil {
		b, err := r.body.document()
		if err != nil {
			return nil, err
		}
		raw = b
	}
	req, err := retryablehttp.NewRequestWithContext(context.WithValue(ctx, callKey{}, cl), r.method, target, raw)
	if err != nil {
		return nil, errors.New("the call makes no valid URL")
	}
	req.Header = c.header()
	return req, nil
}

// retrier is the retry loop of one call. It has no logger: the library's lines name whole URLs.
func (cl *call) retrier() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: cl.client.http,
		RetryMax:   readRetries,
		CheckRetry: cl.checkRetry,
		// The wait is slept in PrepareRetry, where the context can end it and a test can see it.
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		PrepareRetry: cl.pause,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// read decodes the document of an answer, or tells why there is none.
func (cl *call) read(a answer) error {
	if a.status < 200 || a.status > 299 {
		return cl.refused(a)
	}
	if cl.decode == nil && a.status == http.StatusNoContent {
		return nil
	}
	if !isJSON(a.header) {
		return cl.unreadable(a, errNotJSON)
	}
	if cl.decode == nil {
		return nil // the status says it all
	}
	err := cl.decode(a.body)
	var stop *yieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &stop):
		return stop.cause
	default:
		return cl.unreadable(a, err)
	}
}

// unreadable is a success whose document cannot be used: for a write the outcome is unknown.
func (cl *call) unreadable(a answer, cause error) *Error {
	return cl.fail(cause, &Error{
		Status: a.status, RequestID: requestID(a.header), Sent: true, Unknown: cl.write(), foreign: !isJSON(a.header),
	})
}

// refused reads an answer that is not a success.
func (cl *call) refused(a answer) *Error {
	e := &Error{
		Status:    a.status,
		RequestID: requestID(a.header),
		Reset:     resetAfter(a.status, a.header),
		Sent:      true,
		foreign:   !isJSON(a.header),
	}
	if !e.foreign {
		e.Entries = decodeEntries(a.body)
	}
	e.Unknown = cl.write() && outcomeUnknown(e)
	return cl.fail(nil, e)
}

// noAnswer is an attempt that ended without an answer, or was never sent.
func (cl *call) noAnswer(err error) *Error {
	if held, ok := errors.AsType[*heldBackError](err); ok {
		return cl.fail(held.cause, &Error{Status: cl.lastStatus, held: true})
	}
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err // a url.Error prints the whole URL
	}
	return cl.fail(err, &Error{Sent: cl.sent, Unknown: cl.sent && cl.write()})
}

// fail completes e with what the call knows.
func (cl *call) fail(cause error, e *Error) *Error {
	e.Method, e.Endpoint, e.cause = cl.method, cl.endpoint, cause
	return e
}

// fillPath puts id into the template. Ids come from the CMS and from operators, never from a resource's text; what
// could change the path is refused all the same.
func fillPath(endpoint, id string) (string, error) {
	if !strings.Contains(endpoint, ":id") {
		return endpoint, nil
	}
	if !validID(id) {
		return "", errInvalidID
	}
	return strings.Replace(endpoint, ":id", url.PathEscape(id), 1), nil
}

const maxID = 255

func validID(id string) bool {
	if id == "" || len(id) > maxID || id == "." || id == ".." {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/\\?#%", r) })
}

// requestID is the CMS's id of the request, for its support.
func requestID(h http.Header) string {
	id := h.Get("X-Request-Id")
	if !validID(id) {
		return ""
	}
	return id
}

// isJSON tells whether an answer claims to be JSON. What does not comes from something in between.
func isJSON(h http.Header) bool {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t == mediaType || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}
