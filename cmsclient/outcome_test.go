package cmsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A write says precisely whether it may have been applied. A read never has an unknown outcome.
func TestOutcomeOfAWriteIsPrecise(t *testing.T) {
	t.Parallel()
	html := map[string]string{"Content-Type": "text/html"}
	for _, tt := range []struct {
		name          string
		reply         reply
		sent, unknown bool
		class         Class
	}{
		{"refused connection", reply{err: errRefused}, false, false, Retry},
		{"refused, wrapped", reply{err: fmt.Errorf("proxy: %w", syscall.ECONNREFUSED)}, false, false, Retry},
		{"no such host", reply{err: &net.DNSError{Err: "no such host", Name: "cms.test"}}, false, false, Retry},
		{"dropped before the answer", reply{err: io.EOF}, true, true, Look},
		{"dropped in the answer", reply{err: io.ErrUnexpectedEOF}, true, true, Look},
		{"reset while reading", reply{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}, true, true, Look},
		{"reset while writing", reply{err: &net.OpError{Op: "write", Err: syscall.EPIPE}}, true, true, Look},
		{"HTML 200", reply{status: 200, header: html, body: "<html>"}, true, true, Look},
		{"HTML 502", reply{status: 502, header: html, body: "<html>"}, true, true, Look},
		{"HTML 500", reply{status: 500, header: html}, true, true, Look},
		{"JSON 500 without a code", reply{status: 500, body: `{"data":[]}`}, true, true, Look},
		{"JSON 500 that is none", reply{status: 500, body: `{"da`}, true, true, Look},
		{"JSON 503 with an unlisted code", reply{status: 503, body: apiError("NEW_TROUBLE", "", false)}, true, true, Look},
		{"exception", reply{status: 500, body: apiError("EXCEPTION", "", false)}, true, true, Look},
		{"transient exception", reply{status: 500, body: apiError("EXCEPTION", "", true)}, true, false, Retry},
		{"transient unlisted 500", reply{status: 500, body: apiError("NEW_TROUBLE", "", true)}, true, false, Retry},
		{"service unavailable", reply{status: 503, body: apiError("SERVICE_UNAVAILABLE", "", false)}, true, false, Retry},
		{"maintenance", reply{status: 503, body: apiError("MAINTENANCE_MODE", "", true)}, true, false, Stop},
		{"transient 422", reply{status: 422, body: apiError("CONCURRENT_ROLE_UPDATE", "", true)}, true, false, Retry},
		{"rejected", reply{status: 422, body: apiError("INVALID_FORMAT", "", false)}, true, false, Reject},
		{"rate limit", reply{status: 429, body: apiError("RATE_LIMIT_EXCEEDED", "", false)}, true, false, Retry},
		{"HTML 429", reply{status: 429, header: html}, true, false, Retry},
		{"HTML 404", reply{status: 404, header: html}, true, false, Stop},
		{"HTML 403", reply{status: 403, header: html}, true, false, Retry},
		{"no final answer", reply{status: 101}, true, true, Look},
		{"redirect", reply{status: 302, header: map[string]string{"Location": "https://elsewhere.test/"}}, true, false, Stop},
	} {
		for _, o := range writes() {
			t.Run(tt.name+"/"+o.name, func(t *testing.T) {
				t.Parallel()
				f := scripted(t, tt.reply)
				e := asError(t, o.call(t.Context(), f.Client))
				if e.Sent != tt.sent || e.Unknown != tt.unknown || Classify(e) != tt.class {
					t.Fatalf("sent %v unknown %v class %v, want %v %v %v: %v",
						e.Sent, e.Unknown, Classify(e), tt.sent, tt.unknown, tt.class, e)
				}
				if e.Method != o.method || e.Endpoint != o.endpoint {
					t.Fatalf("names %s %s", e.Method, e.Endpoint)
				}
			})
		}
		t.Run(tt.name+"/read", func(t *testing.T) {
			t.Parallel()
			f := scripted(t, tt.reply)
			if e := asError(t, byMethod("GET").call(t.Context(), f.Client)); e.Unknown || Classify(e) == Look {
				t.Fatalf("a read with an unknown outcome: %v", e)
			}
		})
	}
}

// A success whose document cannot be used leaves a write that needs the entity unknown.
func TestUnreadableSuccessIsUnknown(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": "", "cut": `{"data":{"id":"7"`, "no data": `{}`, "null": `{"data":null}`,
		"other type": `{"data":{"id":"7","type":"upload"}}`, "other id": `{"data":{"id":"8","type":"user"}}`,
		"no id": `{"data":{"type":"user"}}`, "wrong type": `{"data":{"id":7,"type":"user"}}`, "two": userJSON + userJSON,
	} {
		f := scripted(t, reply{status: 200, body: body})
		_, err := f.UpdateUser(t.Context(), "7", UserUpdate{RoleID: new("34")})
		if e := asError(t, err); !e.Unknown || !e.Sent || e.Status != 200 || Classify(e) != Look {
			t.Errorf("%s: %v", name, e)
		}
		f = scripted(t, reply{status: 200, body: body})
		_, err = f.User(t.Context(), "7")
		if e := asError(t, err); e.Unknown || Classify(e) != Retry {
			t.Errorf("%s, read: %v", name, e)
		}
	}
}

func TestADeleteNeedsNoDocument(t *testing.T) {
	t.Parallel()
	for _, r := range []reply{
		{status: 200, body: userJSON}, {status: 200, body: ""}, {status: 200, body: `{"da`},
		{status: 204, header: map[string]string{"Content-Type": ""}},
	} {
		f := scripted(t, r)
		if err := f.DeleteUser(t.Context(), "7", nil); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	f := scripted(t, reply{status: 200, header: map[string]string{"Content-Type": "text/html"}})
	if e := asError(t, f.DeleteUser(t.Context(), "7", nil)); !e.Unknown {
		t.Errorf("HTML: %v", e)
	}
}

func TestDeleteAnswered404IsGone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{apiError("NOT_FOUND", "", false), `{"data":[]}`, ``} {
		f := scripted(t, reply{status: 404, body: body})
		for _, err := range []error{f.DeleteUser(t.Context(), "7", nil), f.DeleteInvitation(t.Context(), "7"), f.DeleteRole(t.Context(), "7")} {
			if Classify(err) != Gone {
				t.Errorf("%q: %v", body, err)
			}
		}
	}
	f := scripted(t, reply{status: 404, body: apiError("INVALID_ENDPOINT", "", false)})
	if err := f.DeleteUser(t.Context(), "7", nil); Classify(err) != Stop {
		t.Errorf("a wrong address passes for a person who is gone: %v", err)
	}
}

func TestAttemptTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Token: testToken, Transport: &script{replies: []reply{{wait: true}}}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		e := asError(t, byMethod("POST").call(t.Context(), c))
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("took %v, want 8s", took)
		}
		if !e.Sent || !e.Unknown || !errors.Is(e, context.DeadlineExceeded) || e.Reason() == "" {
			t.Errorf("got %v", e)
		}
	})
}

// The timeout covers the body: an answer that stalls ends the attempt.
func TestBodyThatStallsTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stalls := roundTrip(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(stall(func() error { <-req.Context().Done(); return req.Context().Err() })), Request: req,
			}, nil
		})
		c, err := New(Options{Token: testToken, Transport: stalls})
		if err != nil {
			t.Fatal(err)
		}
		e := asError(t, byMethod("PUT").call(t.Context(), c))
		if !e.Unknown || e.Status != 200 || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("got %v", e)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// stall is a body that gives nothing until its request ends.
type stall func() error

func (s stall) Read([]byte) (int, error) { return 0, s() }

// What a program gets that injects nothing: real waits, which the context can end.
func TestWaitsOfItsOwn(t *testing.T) {
	t.Parallel()
	limited := reply{status: 429, header: map[string]string{"X-RateLimit-Reset": "3"}}
	synctest.Test(t, func(t *testing.T) {
		cms := &script{replies: []reply{limited, {status: 200, body: userJSON}}}
		c, err := New(Options{Token: testToken, Transport: cms})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := byMethod("PUT").call(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("took %v, want the reset and its spread", took)
		}
		cms.replies = []reply{limited}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		if e := asError(t, byMethod("PUT").call(ctx, c)); e.Sent || !errors.Is(e, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), e)
		}
	})
}

// A call that is over leaves nothing running: its timeout ends with its answer.
func TestNothingOutlivesACall(t *testing.T) {
	t.Parallel()
	for _, o := range ops() {
		cms := &script{replies: []reply{o.ok}}
		var ended <-chan struct{}
		c, err := New(Options{Token: testToken, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			ended = req.Context().Done()
			return cms.RoundTrip(req)
		})})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.call(t.Context(), c); err != nil {
			t.Errorf("%s: %v", o.name, err)
		}
		select {
		case <-ended:
		default:
			t.Errorf("%s: the attempt's context still lives", o.name)
		}
	}
}

func TestCallersDeadlineIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Token: testToken, Transport: &script{replies: []reply{{wait: true}}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if e := asError(t, byMethod("DELETE").call(ctx, c)); !e.Unknown || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), e)
		}
	})
}
