package cmsclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const testToken = "s3cret-token"

// reply is one scripted answer of the fake CMS: an error of the transport, or a status with body.
type reply struct {
	status int
	header map[string]string
	body   string
	err    error
	wait   bool // no answer until the context ends
}

// errRefused is what a dial to a closed port gives.
var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// seen is one request as the fake CMS got it.
type seen struct {
	method, path, query, body string
	header                    http.Header
}

// script is an in-memory CMS that plays its replies in order and repeats the last one.
type script struct {
	mu      sync.Mutex
	replies []reply
	seen    []seen
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	s.mu.Lock()
	n := min(len(s.seen), len(s.replies)-1)
	s.seen = append(s.seen, seen{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, string(body), req.Header.Clone()})
	r := s.replies[n]
	s.mu.Unlock()
	if r.wait {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if r.err != nil {
		return nil, r.err
	}
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	for k, v := range r.header {
		h.Set(k, v)
	}
	return &http.Response{
		StatusCode: r.status, Status: strconv.Itoa(r.status), Header: h,
		Body: io.NopCloser(strings.NewReader(r.body)), Request: req, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func (s *script) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// clock is a clock that only moves when somebody sleeps on it.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return nil
}

func (c *clock) waits() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// fixture is a client on a scripted CMS.
type fixture struct {
	*Client
	cms   *script
	clock *clock
}

func scripted(tb testing.TB, replies ...reply) *fixture {
	tb.Helper()
	return scriptedWith(tb, Options{}, replies...)
}

func scriptedWith(tb testing.TB, o Options, replies ...reply) *fixture {
	tb.Helper()
	f := &fixture{cms: &script{replies: replies}, clock: &clock{now: time.Unix(1e9, 0)}}
	o.Token, o.BaseURL = testToken, "https://cms.test"
	o.Transport, o.Now, o.Sleep = f.cms, f.clock.Now, f.clock.Sleep
	if o.Rand == nil {
		o.Rand = func() float64 { return 0.5 }
	}
	c, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	f.Client = c
	return f
}

// apiError is an error body of the CMS with one entry.
func apiError(code, details string, transient bool) string {
	if details == "" {
		details = "{}"
	}
	tail := ""
	if transient {
		tail = `,"transient":true`
	}
	return `{"data":[{"id":"ce9dcb","type":"api_error","attributes":{"code":"` + code + `","details":` + details +
		`,"doc_url":"https://x"` + tail + `}}]}`
}

const (
	userJSON = `{"data":{"id":"7","type":"user","attributes":{"email":"ada@example.com","is_2fa_active":true,` +
		`"full_name":"Ada L","is_active":true},"relationships":{"role":{"data":{"id":"34","type":"role"}}},` +
		`"meta":{"last_access":"2026-01-02T03:04:05Z"}}}`
	invitationJSON = `{"data":{"id":"9","type":"site_invitation","attributes":{"email":"ada@example.com","expired":false,` +
		`"invitation_link":"https://dashboard.example/join-site?token=JOINTOKEN"},` +
		`"relationships":{"role":{"data":{"id":"34","type":"role"}}}}}`
	roleJSON = `{"data":{"id":"34","type":"role","attributes":{"name":"Editor","can_edit_schema":false,` +
		`"environments_access":"primary_only","positive_item_type_permissions":[{"action":"all","environment":"main"}],` +
		`"negative_item_type_permissions":[]},"relationships":{"inherits_permissions_from":{"data":[{"id":"2","type":"role"}]}},` +
		`"meta":{"final_permissions":{"can_edit_schema":true}}}}`
)

// ops are one call of each method, by what it does to the wire.
type op struct {
	name, method, endpoint string
	ok                     reply
	call                   func(context.Context, *Client) error
}

func ops() []op {
	active := false
	drop := func(_ any, err error) error { return err }
	return []op{
		{"users", "GET", "/users", reply{status: 200, body: `{"data":[]}`}, func(ctx context.Context, c *Client) error { return drop(c.Users(ctx)) }},
		{"user", "GET", "/users/:id", reply{status: 200, body: userJSON}, func(ctx context.Context, c *Client) error { return drop(c.User(ctx, "7")) }},
		{"update user", "PUT", "/users/:id", reply{status: 200, body: userJSON}, func(ctx context.Context, c *Client) error {
			return drop(c.UpdateUser(ctx, "7", UserUpdate{Active: &active}))
		}},
		{"delete user", "DELETE", "/users/:id", reply{status: 200, body: userJSON}, func(ctx context.Context, c *Client) error { return c.DeleteUser(ctx, "7", nil) }},
		{"invitations", "GET", "/site-invitations", reply{status: 200, body: `{"data":[]}`}, func(ctx context.Context, c *Client) error { return drop(c.Invitations(ctx)) }},
		{"invitation", "GET", "/site-invitations/:id", reply{status: 200, body: invitationJSON}, func(ctx context.Context, c *Client) error { return drop(c.Invitation(ctx, "9")) }},
		{"create invitation", "POST", "/site-invitations", reply{status: 201, body: invitationJSON}, func(ctx context.Context, c *Client) error {
			return drop(c.CreateInvitation(ctx, InvitationCreate{Email: "ada@example.com", RoleID: "34"}))
		}},
		{"update invitation", "PUT", "/site-invitations/:id", reply{status: 200, body: invitationJSON}, func(ctx context.Context, c *Client) error {
			return drop(c.UpdateInvitation(ctx, "9", InvitationUpdate{RoleID: "34"}))
		}},
		{"delete invitation", "DELETE", "/site-invitations/:id", reply{status: 200, body: invitationJSON}, func(ctx context.Context, c *Client) error { return c.DeleteInvitation(ctx, "9") }},
		{"resend invitation", "POST", "/site-invitations/:id/resend", reply{status: 200, body: invitationJSON}, func(ctx context.Context, c *Client) error { return drop(c.ResendInvitation(ctx, "9")) }},
		{"roles", "GET", "/roles", reply{status: 200, body: `{"data":[]}`}, func(ctx context.Context, c *Client) error { return drop(c.Roles(ctx)) }},
		{"role", "GET", "/roles/:id", reply{status: 200, body: roleJSON}, func(ctx context.Context, c *Client) error { return drop(c.Role(ctx, "34")) }},
		{"create role", "POST", "/roles", reply{status: 201, body: roleJSON}, func(ctx context.Context, c *Client) error {
			return drop(c.CreateRole(ctx, RoleAttributes{Name: "Editor"}))
		}},
		{"update role", "PUT", "/roles/:id", reply{status: 200, body: roleJSON}, func(ctx context.Context, c *Client) error {
			return drop(c.UpdateRole(ctx, "34", RoleAttributes{Name: "Editor"}))
		}},
		{"duplicate role", "POST", "/roles/:id/duplicate", reply{status: 201, body: roleJSON}, func(ctx context.Context, c *Client) error { return drop(c.DuplicateRole(ctx, "34")) }},
		{"delete role", "DELETE", "/roles/:id", reply{status: 200, body: roleJSON}, func(ctx context.Context, c *Client) error { return c.DeleteRole(ctx, "34") }},
		{"me", "GET", "/users/me", reply{status: 200, body: `{"data":{"id":"1","type":"access_token"}}`}, func(ctx context.Context, c *Client) error { return drop(c.Me(ctx)) }},
		{"site", "GET", "/site", reply{status: 200, body: `{"data":{"id":"1","type":"site","attributes":{"name":"x"}}}`}, func(ctx context.Context, c *Client) error { return drop(c.Site(ctx)) }},
		{"subscription limits", "GET", "/subscription-limits", reply{status: 200, body: `{"data":[]}`}, func(ctx context.Context, c *Client) error { return drop(c.SubscriptionLimits(ctx)) }},
		{"job result", "GET", "/job-results/:id", reply{status: 200, body: jobJSON(200, userJSON)}, func(ctx context.Context, c *Client) error { return drop(c.JobResult(ctx, "abc")) }},
	}
}

// writes are the calls that change something.
func writes() []op {
	var out []op
	for _, o := range ops() {
		if o.method != http.MethodGet {
			out = append(out, o)
		}
	}
	return out
}

// byMethod is one call for each HTTP method.
func byMethod(method string) op {
	for _, o := range ops() {
		if o.method == method && o.endpoint != "/job-results/:id" {
			return o
		}
	}
	return op{}
}

func jobJSON(status int, payload string) string {
	b, _ := json.Marshal(status)
	return `{"data":{"id":"abc","type":"job_result","attributes":{"status":` + string(b) + `,"statusText":"x","payload":` + payload + `}}}`
}

// asError is the *Error of a call, which every failed call must have.
func asError(tb testing.TB, err error) *Error {
	tb.Helper()
	var e *Error
	if !errors.As(err, &e) {
		tb.Fatalf("got %v (%T): want an *Error", err, err)
	}
	return e
}
