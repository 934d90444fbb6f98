package cmsclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// What a write did and what the client says of it, for every way in which a call can go wrong.
func TestEmulator_Faults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   cmstest.Fault
		class   cmsclient.Class
		unknown bool
		calls   int // POST /site-invitations
		made    int
	}{
		{"dropped before", cmstest.Fault{Action: cmstest.DropBefore}, cmsclient.Look, true, 1, 0},
		{"dropped after", cmstest.Fault{Action: cmstest.DropAfter}, cmsclient.Look, true, 1, 1},
		{"web page", cmstest.Fault{Action: cmstest.HTML, Status: 200, Applied: true}, cmsclient.Look, true, 1, 1},
		{"web page 502", cmstest.Fault{Action: cmstest.HTML}, cmsclient.Look, true, 1, 0},
		{"limited once", cmstest.Fault{Action: cmstest.RateLimit, Times: 1}, cmsclient.None, false, 2, 1},
		{"limited", cmstest.Fault{Action: cmstest.RateLimit}, cmsclient.Retry, false, 2, 0},
		{"limited for long", cmstest.Fault{Action: cmstest.RateLimit, Reset: 30}, cmsclient.Retry, false, 1, 0},
		{"exception", cmstest.Fault{Action: cmstest.Status, Status: 500}, cmsclient.Look, true, 1, 0},
		{"unavailable", cmstest.Fault{Action: cmstest.Status, Status: 503}, cmsclient.Retry, false, 1, 0},
		{"transient", cmstest.Fault{Action: cmstest.Status, Status: 422, Code: "CONCURRENT_ROLE_UPDATE", Transient: true}, cmsclient.Retry, false, 1, 0},
		{"maintenance", cmstest.Fault{Action: cmstest.Status, Status: 503, Code: "MAINTENANCE_MODE"}, cmsclient.Stop, false, 1, 0},
		{"limit", cmstest.Fault{Action: cmstest.Status, Code: "PLAN_UPGRADE_REQUIRED", Status: 422, Details: json.RawMessage(`{"limit":"users"}`)}, cmsclient.Reject, false, 1, 0},
		{"job", cmstest.Fault{Action: cmstest.Job, Polls: 3}, cmsclient.None, false, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, cms := emulated(t, cmstest.Options{})
			role := roleID(t, c, "Editor")
			tt.fault.Method, tt.fault.Path = "POST", "/site-invitations"
			must(t, cms.Fault(tt.fault))
			err := invite(t.Context(), c, "newcomer@example.com", role)
			var e *cmsclient.Error
			if cmsclient.Classify(err) != tt.class || errors.As(err, &e) && (e.Unknown != tt.unknown || !e.Sent) {
				t.Errorf("class %v, want %v: %v", cmsclient.Classify(err), tt.class, err)
			}
			if got := cms.Calls().ByEndpoint["POST /site-invitations"]; got != tt.calls {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
			if got := len(cms.State().Invitations); got != tt.made {
				t.Errorf("%d invitations, want %d", got, tt.made)
			}
		})
	}
}

// The job of a write whose process died can be asked for by its id.
func TestEmulator_JobOfACallThatWasGivenUp(t *testing.T) {
	t.Parallel()
	c, cms := emulated(t, cmstest.Options{})
	role := roleID(t, c, "Editor")
	must(t, cms.Fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Action: cmstest.Job, Polls: 1}))
	ctx, cancel := context.WithCancel(t.Context())
	var job string
	err := invite(cmsclient.WithJobStarted(ctx, func(id string) { job = id; cancel() }), c, "newcomer@example.com", role)
	var e *cmsclient.Error
	if !errors.As(err, &e) || !e.Unknown || job == "" || e.JobID != job {
		t.Fatalf("job %q: %v", job, err)
	}
	done, err := c.JobResult(t.Context(), job)
	if done || err != nil {
		t.Fatalf("first poll: done %v, %v", done, err)
	}
	if done, err = c.JobResult(t.Context(), job); !done || err != nil {
		t.Fatalf("second poll: done %v, %v", done, err)
	}
}

// Over a socket a dropped answer is what it is in memory: unknown, and sent once.
func TestEmulator_DroppedOverASocket(t *testing.T) {
	t.Parallel()
	for _, action := range []cmstest.Action{cmstest.DropBefore, cmstest.DropAfter} {
		cms := cmstest.New(cmstest.Options{Token: token, SeedUsers: 2})
		srv := httptest.NewServer(cms.Handler())
		c, err := cmsclient.New(cmsclient.Options{Token: token, BaseURL: srv.URL})
		must(t, err)
		users, err := c.Users(t.Context())
		must(t, err)
		must(t, cms.Fault(cmstest.Fault{Method: "DELETE", Action: action}))
		err = c.DeleteUser(t.Context(), users[1].ID, nil)
		var e *cmsclient.Error
		if !errors.As(err, &e) || !e.Unknown || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", action, err)
		}
		if n := cms.Calls().ByEndpoint["DELETE /users/:id"]; n != 1 {
			t.Errorf("%s: the CMS saw %d calls", action, n)
		}
		c.CloseIdle()
		srv.Close()
	}
}

// The pacer's view of the emulator's own limiter.
func TestEmulator_RateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	cms := cmstest.New(cmstest.Options{Token: token, Rate: 2, Now: func() time.Time { return now }})
	gate := &gate{}
	c, err := cmsclient.New(cmsclient.Options{
		Token: token, Transport: cms.Transport(), Gate: gate,
		Sleep: func(ctx context.Context, d time.Duration) error { now = now.Add(d); return ctx.Err() },
	})
	must(t, err)
	for range 3 {
		_, err := c.Users(t.Context())
		must(t, err)
	}
	if len(gate.heard) != 4 || gate.waits != 4 {
		t.Fatalf("%d waits, heard %+v", gate.waits, gate.heard)
	}
	if f := gate.heard[2]; !f.Limited || f.Reset <= 0 || f.Limit != 2 || f.Remaining != 0 {
		t.Fatalf("limited: %+v", f)
	}
}

type gate struct {
	waits int
	heard []cmsclient.Feedback
}

func (g *gate) Wait(context.Context) error                     { g.waits++; return nil }
func (g *gate) Report(_ context.Context, f cmsclient.Feedback) { g.heard = append(g.heard, f) }
