package cmsclient

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is gate and observer at once, and keeps the order of what it sees.
type recorder struct {
	mu       sync.Mutex
	events   []string
	feedback []Feedback
	waitErr  error
	failFrom int // the Wait, counted from 1, that fails first
	waits    int
}

func (r *recorder) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, s)
}

func (r *recorder) Wait(context.Context) error {
	r.add("wait")
	r.waits++
	if r.waitErr != nil && r.waits >= r.failFrom {
		return r.waitErr
	}
	return nil
}

func (r *recorder) Report(ctx context.Context, f Feedback) {
	if ctx.Err() != nil {
		r.add("report under a dead context")
	}
	r.add("report")
	r.feedback = append(r.feedback, f)
}

func (r *recorder) Call(method, endpoint string, status int, took time.Duration) {
	r.add(method + " " + endpoint)
}

func TestEveryAttemptPassesGateThenGuard(t *testing.T) {
	t.Parallel()
	for _, o := range ops() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			f := scriptedWith(t, Options{Gate: r, Observer: r}, reply{status: 429}, o.ok)
			ctx := WithGuard(t.Context(), func() error { r.add("guard"); return nil })
			if err := o.call(ctx, f.Client); err != nil {
				t.Fatal(err)
			}
			once := []string{"wait", "guard", o.method + " " + o.endpoint, "report"}
			if want := append(slices.Clone(once), once...); !slices.Equal(r.events, want) {
				t.Fatalf("got %q, want %q", r.events, want)
			}
		})
	}
}

func TestWhatGateOrGuardRefusesIsNotSent(t *testing.T) {
	t.Parallel()
	lost := errors.New("the lease is lost")
	for _, o := range ops() {
		r := &recorder{waitErr: lost, failFrom: 1}
		f := scriptedWith(t, Options{Gate: r, Observer: r}, o.ok)
		e := asError(t, o.call(t.Context(), f.Client))
		if e.Sent || e.Unknown || !errors.Is(e, lost) || len(f.cms.requests()) != 0 || len(r.events) != 1 {
			t.Errorf("%s, gate: %v, %q", o.name, e, r.events)
		}
		f = scripted(t, o.ok)
		e = asError(t, o.call(WithGuard(t.Context(), func() error { return lost }), f.Client))
		if e.Sent || e.Unknown || !errors.Is(e, lost) || len(f.cms.requests()) != 0 || Classify(e) != Retry {
			t.Errorf("%s, guard: %v", o.name, e)
		}
	}
}

// The guard may change its mind between the attempts of one call.
func TestGuardIsAskedAgainBeforeARepeat(t *testing.T) {
	t.Parallel()
	lost := errors.New("the lease is lost")
	asked := 0
	f := scripted(t, reply{status: 429})
	ctx := WithGuard(t.Context(), func() error {
		asked++
		if asked > 1 {
			return lost
		}
		return nil
	})
	e := asError(t, byMethod("POST").call(ctx, f.Client))
	if e.Sent || e.Unknown || !errors.Is(e, lost) || len(f.cms.requests()) != 1 {
		t.Fatalf("got %v after %d requests", e, len(f.cms.requests()))
	}
}

func TestGuardsAddUp(t *testing.T) {
	t.Parallel()
	var order []string
	guard := func(name string, err error) func() error {
		return func() error { order = append(order, name); return err }
	}
	outer := errors.New("outer")
	ctx := WithGuard(WithGuard(t.Context(), guard("a", nil)), guard("b", nil))
	f := scripted(t, reply{status: 200, body: `{"data":[]}`})
	if _, err := f.Users(ctx); err != nil || !slices.Equal(order, []string{"a", "b"}) {
		t.Fatalf("%v, order %q", err, order)
	}
	ctx = WithGuard(WithGuard(t.Context(), guard("a", outer)), guard("never", nil))
	if _, err := f.Users(ctx); !errors.Is(err, outer) || slices.Contains(order, "never") {
		t.Fatalf("%v, order %q", err, order)
	}
}

func TestCanceledBeforeSending(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := scripted(t, reply{status: 200, body: userJSON})
	e := asError(t, byMethod("PUT").call(ctx, f.Client))
	if e.Sent || e.Unknown || len(f.cms.requests()) != 0 || !errors.Is(e, context.Canceled) {
		t.Fatalf("got %v", e)
	}
}

func TestGateHearsTheRateHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reply reply
		want  Feedback
	}{
		{reply{status: 200, body: `{"data":[]}`, header: map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}},
			Feedback{Status: 200, Limit: 60, Remaining: 0}},
		{reply{status: 200, body: `{"data":[]}`}, Feedback{Status: 200, Remaining: -1}},
		{reply{status: 200, body: `{"data":[]}`, header: map[string]string{"X-RateLimit-Limit": "-1", "X-RateLimit-Remaining": "many"}},
			Feedback{Status: 200, Remaining: -1}},
		{reply{status: 429, header: map[string]string{"X-RateLimit-Reset": "7", "X-RateLimit-Limit": "30"}},
			Feedback{Status: 429, Limited: true, Reset: 7 * time.Second, Limit: 30, Remaining: -1}},
		{reply{status: 404}, Feedback{Status: 404, Remaining: -1}},
		{reply{err: errRefused}, Feedback{Remaining: -1}},
	} {
		r := &recorder{}
		f := scriptedWith(t, Options{Gate: r}, tt.reply)
		_, _ = f.Users(t.Context())
		if len(r.feedback) == 0 || r.feedback[0] != tt.want {
			t.Errorf("%+v: got %+v, want %+v", tt.reply, r.feedback, tt.want)
		}
	}
}

// The pacer must hear of a call that was canceled under way, by a context that still works.
func TestReportOutlivesACanceledCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{}
	c, err := New(Options{Token: testToken, Gate: r, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		cancel()
		return nil, req.Context().Err()
	})})
	if err != nil {
		t.Fatal(err)
	}
	e := asError(t, byMethod("PUT").call(ctx, c))
	if !e.Unknown || !errors.Is(e, context.Canceled) || !slices.Equal(r.events, []string{"wait", "report"}) {
		t.Fatalf("got %v, %q", e, r.events)
	}
}

// Nothing that is logged names a person, a secret or a query.
func TestLogLinesAreClean(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, r := range []reply{{status: 429}, {err: errRefused}, {status: 503}} {
		f := scriptedWith(t, Options{Logger: log}, r)
		for _, o := range ops() {
			_ = o.call(t.Context(), f.Client)
		}
		_ = f.DeleteUser(t.Context(), "id-of-ada", &Destination{Type: "user", ID: "id-of-bob"})
		_, _ = f.CreateInvitation(t.Context(), InvitationCreate{Email: "ada@example.com", RoleID: "id-of-role"})
	}
	if !strings.Contains(out.String(), "endpoint=/users/:id") {
		t.Fatalf("no line about repeats:\n%s", out.String())
	}
	for _, secret := range []string{testToken, "ada@", "destination_user", "id-of", "cms.test"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q in the log:\n%s", secret, out.String())
		}
	}
}
