package cmsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// readsRepeatedOn are the statuses on which a GET is repeated within one call; for every other status below 600 the
// answer stands. Of writes it is 429 alone.
var readsRepeatedOn = func() map[int]bool {
	all := map[int]bool{408: true, 425: true, 429: true}
	for s := 500; s <= 599; s++ {
		all[s] = s != 501 && s != 505
	}
	return all
}()

func TestRetryableEveryStatusAndMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		for status := 100; status <= 599; status++ {
			for _, json := range []bool{true, false} {
				want := status == 429
				if method == http.MethodGet {
					want = readsRepeatedOn[status] || !json && status >= 200 && status <= 299
				}
				got := retryable(outcome{method: method, status: status, json: json})
				if got != want {
					t.Errorf("%s answered %d (json %v): repeat %v, want %v", method, status, json, got, want)
				}
			}
		}
		for _, refuse := range []bool{true, false} {
			want := refuse || method == http.MethodGet
			if got := retryable(outcome{method: method, refuse: refuse}); got != want {
				t.Errorf("%s without answer (refused %v): repeat %v, want %v", method, refuse, got, want)
			}
		}
	}
}

// The same through the whole client: how often is a request really sent?
func TestEveryStatusIsSentAsOftenAsThePolicySays(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		o := byMethod(method)
		for status := 200; status <= 599; status++ {
			if status == http.StatusAccepted && method != http.MethodGet {
				continue // a job
			}
			f := scripted(t, reply{status: status, body: o.ok.body})
			err := o.call(t.Context(), f.Client)
			want := 1
			switch {
			case method == http.MethodGet && readsRepeatedOn[status]:
				want = 3
			case status == http.StatusTooManyRequests:
				want = 2
			}
			if got := len(f.cms.requests()); got != want {
				t.Errorf("%s answered %d: sent %d times, want %d", method, status, got, want)
			}
			if ok := status <= 299; ok != (err == nil) {
				t.Errorf("%s answered %d: error %v", method, status, err)
			}
		}
	}
}

func TestRepeatsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		err   error
		sent  map[string]int // by method; default 1
		reads int
	}{
		{"refused", errRefused, map[string]int{"POST": 2, "PUT": 2, "DELETE": 2}, 3},
		{"dropped", io.ErrUnexpectedEOF, nil, 3},
		{"some error", errors.New("broken"), nil, 3},
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				t.Parallel()
				f := scripted(t, reply{err: tt.err})
				if err := byMethod(method).call(t.Context(), f.Client); err == nil {
					t.Fatal("no error")
				}
				want := 1
				if n := tt.sent[method]; n > 0 {
					want = n
				}
				if method == http.MethodGet {
					want = tt.reads
				}
				if got := len(f.cms.requests()); got != want {
					t.Fatalf("sent %d times, want %d", got, want)
				}
			})
		}
	}
}

func TestARepeatThatSucceedsIsASuccess(t *testing.T) {
	t.Parallel()
	for _, o := range ops() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, reply{status: 429, header: map[string]string{"X-RateLimit-Reset": "2"}}, o.ok)
			if err := o.call(t.Context(), f.Client); err != nil {
				t.Fatal(err)
			}
			sent := f.cms.requests()
			if len(sent) != 2 || sent[0].body != sent[1].body {
				t.Fatalf("sent %+v", sent)
			}
			if w := f.clock.waits(); len(w) != 1 || w[0] != 2050*time.Millisecond {
				t.Fatalf("waited %v: want the reset and its spread", w)
			}
		})
	}
}

func TestAResetBeyondTheBudgetIsTheCallers(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"6": 6 * time.Second, "86400": time.Minute, "1e300": time.Minute, "9223372036854775807": time.Minute,
	} {
		f := scripted(t, reply{status: 429, header: map[string]string{"X-RateLimit-Reset": header}})
		e := asError(t, byMethod("POST").call(t.Context(), f.Client))
		if e.Reset != want || len(f.cms.requests()) != 1 || len(f.clock.waits()) != 0 {
			t.Errorf("reset %s: error with %v after %d requests", header, e.Reset, len(f.cms.requests()))
		}
		if Classify(e) != Retry || e.Unknown {
			t.Errorf("reset %s: class %v", header, Classify(e))
		}
	}
}

func TestNoRepeatThatTheContextDoesNotLiveToSee(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 429, header: map[string]string{"X-RateLimit-Reset": "3"}})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	defer cancel()
	deadline, _ := ctx.Deadline()
	f.clock.now = deadline.Add(-2 * time.Second)
	e := asError(t, byMethod("GET").call(ctx, f.Client))
	if e.Status != 429 || e.Reset != 3*time.Second || len(f.cms.requests()) != 1 {
		t.Fatalf("got %v after %d requests", e, len(f.cms.requests()))
	}
}

func TestACanceledWaitIsNotSent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := scripted(t, reply{status: 429})
	f.sleep = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
	e := asError(t, byMethod("PUT").call(ctx, f.Client))
	if e.Sent || e.Unknown || !errors.Is(e, context.Canceled) || Classify(e) != Retry {
		t.Fatalf("got %v (%v)", e, Classify(e))
	}
}

func TestAnAnswerThatOutlivesItsContextStands(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := scripted(t, reply{status: 429, body: apiError("RATE_LIMIT_EXCEEDED", "", false)})
	f.observer = observerFunc(cancel)
	e := asError(t, byMethod("PUT").call(ctx, f.Client))
	if e.Status != 429 || e.Code() != "RATE_LIMIT_EXCEEDED" || e.Unknown || len(f.cms.requests()) != 1 {
		t.Fatalf("got %v", e)
	}
}

// However a call ends between two attempts, the refused one was not applied: nothing is unknown.
func TestCanceledBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	for range 50 { // the retry loop chooses at random between the context's end and going on
		ctx, cancel := context.WithCancel(t.Context())
		f := scripted(t, reply{status: 429})
		f.now = func() time.Time {
			if len(f.cms.requests()) > 0 && len(f.clock.waits()) == 0 {
				f.clock.slept = append(f.clock.slept, 0) // the observer's reading
			} else if len(f.cms.requests()) > 0 {
				cancel()
			}
			return f.clock.Now()
		}
		e := asError(t, byMethod("PUT").call(ctx, f.Client))
		if e.Sent || e.Unknown || !errors.Is(e, context.Canceled) || len(f.cms.requests()) != 1 {
			t.Fatalf("got %v", e)
		}
		cancel()
	}
}

func TestRepeatsEndWithTheBudget(t *testing.T) {
	t.Parallel()
	// Each attempt takes 4s until it fails: the second still starts in time, a third would not.
	f := scripted(t, reply{status: 503})
	f.observer = observerFunc(func() { f.clock.now = f.clock.now.Add(4 * time.Second) })
	if err := byMethod("GET").call(t.Context(), f.Client); err == nil || len(f.cms.requests()) != 2 {
		t.Fatalf("sent %d times: %v", len(f.cms.requests()), err)
	}
}

type observerFunc func()

func (f observerFunc) Call(string, string, int, time.Duration) { f() }

func TestBackoff(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tt := range []struct {
		n, status int
		reset     time.Duration
		rnd       float64
		want      time.Duration
	}{
		{1, 503, 0, 0, 75 * ms},
		{1, 503, 0, 0.5, 150 * ms},
		{2, 503, 0, 0.5, 300 * ms},
		{3, 0, 0, 0.5, 600 * ms},
		{4, 0, 0, 0.5, 1000 * ms},
		{400, 0, 0, 0.5, 1000 * ms},
		{1, 429, 0, 0, 1000 * ms},
		{2, 429, 0, 0.5, 2050 * ms},
		{1, 429, 3 * time.Second, 0, 3000 * ms},
		{1, 503, 3 * time.Second, 0.5, 3050 * ms},
	} {
		if got := backoff(tt.n, tt.status, tt.reset, tt.rnd); got != tt.want {
			t.Errorf("backoff(%d, %d, %v, %v) = %v, want %v", tt.n, tt.status, tt.reset, tt.rnd, got, tt.want)
		}
	}
}

func TestResetAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status       int
		reset, after string
		want         time.Duration
	}{
		{429, "3", "", 3 * time.Second},
		{429, " 2.5 ", "9", 2500 * time.Millisecond},
		{429, "", "4", 4 * time.Second},
		{429, "soon", "4", 4 * time.Second},
		{503, "", "4", 4 * time.Second},
		{200, "", "4", 0},
		{429, "0", "", 0},
		{429, "-5", "", 0},
		{429, "NaN", "", 0},
		{429, "+Inf", "", time.Minute},
		{429, "61", "", time.Minute},
		{429, "", "Fri, 31 Dec 1999 23:59:59 GMT", 0},
	} {
		h := http.Header{"X-Ratelimit-Reset": {tt.reset}, "Retry-After": {tt.after}}
		if got := resetAfter(tt.status, h); got != tt.want {
			t.Errorf("%d, reset %q, after %q: %v, want %v", tt.status, tt.reset, tt.after, got, tt.want)
		}
	}
}

func ExampleError_Reason() {
	err := error(&Error{Status: 422, Entries: []Entry{{Code: "PLAN_UPGRADE_REQUIRED", Details: []byte(`{"limit":"users"}`)}}})
	if e, ok := errors.AsType[*Error](err); ok {
		fmt.Println(Classify(err), e.Limit(), "-", e.Reason())
	}
	// Output: reject users - The CMS plan has no free seat for another collaborator.
}
