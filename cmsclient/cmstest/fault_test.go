package cmstest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func (c *cms) fault(f cmstest.Fault) {
	c.t.Helper()
	if err := c.Fault(f); err != nil {
		c.t.Fatal(err)
	}
}

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  cmstest.Fault
		status int
		code   string
		says   string
	}{
		{"default", cmstest.Fault{}, 500, "EXCEPTION", `"details":{}`},
		{"maintenance", cmstest.Fault{Status: 503, Code: "PLATFORM_SCHEDULED_MAINTENANCE"}, 503, "PLATFORM_SCHEDULED_MAINTENANCE", ""},
		{"usual code of 503", cmstest.Fault{Status: 503}, 503, "SERVICE_UNAVAILABLE", ""},
		{"usual code of 401", cmstest.Fault{Status: 401}, 401, "INVALID_AUTHORIZATION_HEADER", ""},
		{"usual code of 502", cmstest.Fault{Status: 502}, 502, "EXCEPTION", ""},
		{"usual code of 418", cmstest.Fault{Status: 418}, 418, "INVALID_REQUEST", ""},
		{"transient", cmstest.Fault{Status: 422, Code: "CONCURRENT_ROLE_UPDATE", Transient: true}, 422, "CONCURRENT_ROLE_UPDATE", `"transient":true`},
		{"details", cmstest.Fault{Status: 422, Code: "INVALID_ATTRIBUTES", Details: []byte(`{"extraneous_attributes":["locales"]}`)}, 422, "INVALID_ATTRIBUTES", `{"extraneous_attributes":["locales"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{})
			tt.fault.Action, tt.fault.Times = cmstest.Status, 1
			c.fault(tt.fault)
			r := c.invite("a@example.com", editorID)
			r.refused(tt.status, tt.code)
			if !strings.Contains(r.Raw, tt.says) {
				t.Fatalf("got %s, want %s in it", r.Raw, tt.says)
			}
			c.invite("a@example.com", editorID).is(201) // nothing was applied, and the fault is used up
		})
	}
}

func TestFaultAppliedBeforeItAnswers(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.fault(cmstest.Fault{Action: cmstest.Status, Status: 500, Applied: true, Times: 1})
	c.invite("a@example.com", editorID).refused(500, "EXCEPTION")
	c.fault(cmstest.Fault{Action: cmstest.HTML, Applied: true, Times: 1})
	c.invite("b@example.com", editorID).is(502)
	equal(t, "invitations", c.do("GET", "/site-invitations", "").ids(), "22001 22002")
}

func TestFaultRateLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reset int
		want  string
	}{{0, "1"}, {7, "7"}, {-1, ""}} {
		c := newCMS(t, cmstest.Options{})
		c.fault(cmstest.Fault{Action: cmstest.RateLimit, Reset: tt.reset, Times: 1})
		r := c.do("GET", "/users", "")
		r.refused(429, "RATE_LIMIT_EXCEEDED")
		equal(t, "reset", r.Header.Get("X-Ratelimit-Reset"), tt.want)
		equal(t, "remaining", r.Header.Get("X-Ratelimit-Remaining"), "0")
		equal(t, "limit", r.Header.Get("X-Ratelimit-Limit"), "60")
		c.do("GET", "/users", "").is(200)
		equal(t, "limited calls", c.Calls().RateLimited, 1)
	}
}

func TestFaultStatus429CountsAsLimited(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.fault(cmstest.Fault{Action: cmstest.Status, Status: 429, Times: 1})
	r := c.do("GET", "/users", "")
	r.refused(429, "RATE_LIMIT_EXCEEDED")
	equal(t, "no reset", r.Header.Get("X-Ratelimit-Reset"), "")
	equal(t, "limited calls", c.Calls().RateLimited, 1)
}

func TestFaultDropBeforeAppliesNothing(t *testing.T) {
	t.Parallel()
	testDrop(t, cmstest.DropBefore, "")
}

func TestFaultDropAfterApplies(t *testing.T) {
	t.Parallel()
	testDrop(t, cmstest.DropAfter, "22001")
}

// testDrop drops an invitation in memory and over TCP: no answer in either, and the same state afterwards.
func testDrop(t *testing.T, action cmstest.Action, want string) {
	for _, wire := range []bool{false, true} {
		c := newCMS(t, cmstest.Options{})
		if wire {
			c.overTCP()
		}
		c.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Action: action, Times: 1})
		_, err := c.try("POST", "/site-invitations", inviteBody("a@example.com", editorID))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("over TCP %v: got %v, want an error like EOF", wire, err)
		}
		equal(t, "invitations", c.do("GET", "/site-invitations", "").ids(), want)
		equal(t, "counted", c.Calls().ByEndpoint["POST /site-invitations"], 1)
	}
}

// overTCP makes the caller use a real server.
func (c *cms) overTCP() {
	server := httptest.NewServer(c.Handler())
	c.t.Cleanup(server.Close)
	transport := &http.Transport{}
	c.t.Cleanup(transport.CloseIdleConnections)
	c.client = &http.Client{Transport: redirect{server.Listener.Addr().String(), transport}}
}

// redirect sends every request to one address.
type redirect struct {
	host string
	next http.RoundTripper
}

func (r redirect) RoundTrip(request *http.Request) (*http.Response, error) {
	out := request.Clone(request.Context())
	out.URL.Host, out.Host = r.host, r.host
	return r.next.RoundTrip(out)
}

func TestFaultHTML(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Rate: 60})
	c.fault(cmstest.Fault{Action: cmstest.HTML, Times: 1})
	c.fault(cmstest.Fault{Action: cmstest.HTML, Status: 200, Times: 1})
	for _, status := range []int{502, 200} {
		r := c.invite("a@example.com", editorID).is(status)
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || !strings.HasPrefix(r.Raw, "<!DOCTYPE html>") {
			t.Fatalf("no web page: %s %s", r.Header.Get("Content-Type"), r.Raw)
		}
		if r.Header.Get("X-Ratelimit-Limit") != "" {
			t.Fatal("a gateway knows no rate limit")
		}
	}
	equal(t, "nothing applied", c.State().Invitations, []any{})
}

func TestFaultJob(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ polls, missing int }{"once by default": {0, 1}, "at once": {-1, 0}, "three times": {3, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{})
			c.fault(cmstest.Fault{Action: cmstest.Job, Polls: tt.polls, Times: 2})
			c.do("GET", "/users", "").is(200) // reads are never jobs
			r := c.invite("a@example.com", editorID).is(202)
			equal(t, "type", r.get("data", "type"), "job")
			if len(r.id()) != 24 || strings.Trim(r.id(), "0123456789abcdef") != "" {
				t.Fatalf("job id %q is not 24 hex digits", r.id())
			}
			equal(t, "cache", []string{r.Header.Get("Cache-Control"), r.Header.Get("Etag")}, []string{"no-cache", ""})
			for range tt.missing {
				c.do("GET", "/job-results/"+r.id(), "").refused(404, "NOT_FOUND")
			}
			for range 2 { // a result can be read again
				done := c.do("GET", "/job-results/"+r.id(), "").is(200)
				equal(t, "type", done.get("data", "type"), "job_result")
				equal(t, "status", done.get("data", "attributes", "status"), 201)
				equal(t, "statusText", done.get("data", "attributes", "statusText"), "Created")
				equal(t, "payload", done.get("data", "attributes", "payload", "data", "attributes", "email"), "a@example.com")
			}

			second := c.invite("a@example.com", editorID).is(202)
			for range tt.missing {
				c.do("GET", "/job-results/"+second.id(), "").is(404)
			}
			failed := c.do("GET", "/job-results/"+second.id(), "").is(200)
			equal(t, "status of a refused call", failed.get("data", "attributes", "status"), 422)
			if !strings.Contains(failed.Raw, "VALIDATION_UNIQUENESS") {
				t.Fatalf("no error in the payload: %s", failed.Raw)
			}
			c.invite("b@example.com", editorID).is(201)
		})
	}
	c := newCMS(t, cmstest.Options{})
	c.do("GET", "/job-results/0123456789abcdef01234567", "").refused(404, "NOT_FOUND")
}

func TestOldJobResultsAreForgotten(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.fault(cmstest.Fault{Action: cmstest.Job, Polls: -1})
	first := c.invite("a@example.com", editorID).is(202).id()
	c.do("GET", "/job-results/"+first, "").is(200)
	for range 1000 {
		c.invite("a@example.com", editorID).is(202)
	}
	c.do("GET", "/job-results/"+first, "").refused(404, "NOT_FOUND")
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCMS(t, cmstest.Options{})
		c.fault(cmstest.Fault{Action: cmstest.Delay, MS: 1500, Times: 1})
		start := time.Now()
		c.invite("a@example.com", editorID).is(201)
		equal(t, "waited", time.Since(start), 1500*time.Millisecond)
	})
}

func TestFaultDelayIsOverWhenTheCallerLeaves(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCMS(t, cmstest.Options{})
			c.client.Timeout = time.Second
			c.fault(cmstest.Fault{Action: cmstest.Delay, MS: 5000, Late: late, Times: 1})
			start := time.Now()
			if _, err := c.try("POST", "/site-invitations", inviteBody("a@example.com", editorID)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v, want the deadline", err)
			}
			equal(t, "waited", time.Since(start), time.Second)
			equal(t, "nothing yet", len(c.State().Invitations), 0)
			<-time.After(10 * time.Second) // of the bubble: no time passes
			synctest.Wait()
			want := 0
			if late {
				want = 1
			}
			equal(t, "afterwards", len(c.State().Invitations), want)
		})
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	c := newCMS(t, cmstest.Options{Latency: 300 * time.Millisecond, Sleep: func(ctx context.Context, d time.Duration) error {
		slept = append(slept, d)
		return ctx.Err()
	}})
	c.invite("a@example.com", editorID).is(201)
	c.do("GET", "/_emulator/state", "").is(200)
	equal(t, "slept", slept, []time.Duration{300 * time.Millisecond})
}

func TestCallerThatLeavesDuringLatencyTakesTheCallBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCMS(t, cmstest.Options{Latency: time.Minute})
		c.client.Timeout = time.Second
		if _, err := c.try("POST", "/site-invitations", inviteBody("a@example.com", editorID)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the deadline", err)
		}
		synctest.Wait()
		equal(t, "invitations", len(c.State().Invitations), 0)
	})
}

func TestFaultMatching(t *testing.T) {
	t.Parallel()
	const hit = 503
	for _, tt := range []struct {
		name, method, path string
		call               string
		hits               bool
	}{
		{"any", "", "", "GET /users", true},
		{"any by stars", "*", "*", "GET /users", true},
		{"any reaches unknown paths", "*", "*", "GET /nowhere", true},
		{"method", "GET", "", "GET /users", true},
		{"method in lower case", "get", "", "GET /users", true},
		{"other method", "PUT", "", "GET /users", false},
		{"template", "GET", "/users/:id", "GET /users/1001", true},
		{"concrete path", "GET", "/users/1001", "GET /users/1001", true},
		{"other concrete path", "GET", "/users/1002", "GET /users/1001", false},
		{"template of another endpoint", "GET", "/users/:id", "GET /users", false},
		{"collection", "GET", "/users", "GET /users/1001", false},
		{"me is no user id", "GET", "/users/:id", "GET /users/me", false},
		{"action template", "POST", "/site-invitations/:id/resend", "POST /site-invitations/9/resend", true},
		{"action on its collection", "POST", "/site-invitations", "POST /site-invitations/9/resend", false},
		{"query does not matter", "DELETE", "/users/:id", "DELETE /users/9?destination_user_type=user", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{SeedUsers: 1})
			c.fault(cmstest.Fault{Method: tt.method, Path: tt.path, Action: cmstest.Status, Status: hit})
			method, path, _ := strings.Cut(tt.call, " ")
			if got := c.do(method, path, "").Status == hit; got != tt.hits {
				t.Fatalf("hit %v, want %v", got, tt.hits)
			}
		})
	}
}

func TestFaultsAreUsedUpInOrder(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.fault(cmstest.Fault{Path: "/users", Action: cmstest.Status, Status: 500, Times: 2})
	c.fault(cmstest.Fault{Path: "/users", Action: cmstest.Status, Status: 503, Times: 1})
	c.fault(cmstest.Fault{Path: "/roles", Action: cmstest.Status, Status: 501})
	for _, status := range []int{500, 500, 503, 200} {
		c.do("GET", "/users", "").is(status)
	}
	for range 10 {
		c.do("GET", "/roles", "").is(501)
	}
	equal(t, "faults left", c.Faults(), []any{map[string]any{"path": "/roles", "action": "status", "status": 501}})
	c.ClearFaults()
	c.do("GET", "/roles", "").is(200)
	equal(t, "no faults left", c.Faults(), []any{})
}

func TestLimitedCallsUseNoFaultUp(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := newCMS(t, cmstest.Options{Rate: 1, Now: now.Now})
	c.do("GET", "/users", "").is(200)
	c.fault(cmstest.Fault{Action: cmstest.Status, Status: 500, Times: 1})
	c.do("GET", "/users", "").is(429)
	now.Advance(3 * time.Second)
	c.do("GET", "/users", "").is(500)
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault cmstest.Fault
		says  string
	}{
		{cmstest.Fault{}, `action: "" is not one of status, rate_limit, drop_before, drop_after, delay, html, job`},
		{cmstest.Fault{Action: "explode"}, `action: "explode" is not one of`},
		{cmstest.Fault{Action: cmstest.Status, Status: 200}, "status: must be between 400 and 599"},
		{cmstest.Fault{Action: cmstest.HTML, Status: 100}, "status: must be between 200 and 599"},
		{cmstest.Fault{Action: cmstest.Delay}, "ms: must be above 0"},
		{cmstest.Fault{Action: cmstest.DropAfter, Times: -1}, "times: must not be negative"},
		{cmstest.Fault{Action: cmstest.DropAfter, Method: "PATCH"}, `method: "PATCH" is not one of`},
		{cmstest.Fault{Action: cmstest.Job, Method: "GET"}, "befalls writes only"},
		{cmstest.Fault{Action: cmstest.Job, Path: "users"}, `path: "users" must begin with /`},
		{cmstest.Fault{Action: cmstest.Job, Path: "/people"}, `path: the CMS has no endpoint "/people"`},
		{cmstest.Fault{Action: cmstest.Job, Method: "POST", Path: "/users"}, "method: the CMS has no endpoint POST /users"},
		{cmstest.Fault{Action: cmstest.Status, Details: []byte("{")}, "details: is not JSON"},
	} {
		if err := newCMS(t, cmstest.Options{}).Fault(tt.fault); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: got %v, want %s", tt.fault, err, tt.says)
		}
	}
}
