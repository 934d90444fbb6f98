package cmstest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestHandlerAndTransportAnswerAlike(t *testing.T) {
	t.Parallel()
	memory, wire := newCMS(t, cmstest.Options{SeedUsers: 2, Rate: 60}), newCMS(t, cmstest.Options{SeedUsers: 2, Rate: 60})
	wire.overTCP()
	for _, call := range []string{
		"GET /users", "GET /users/9", "GET /nowhere", "POST /roles/301/duplicate", "GET /_emulator/state", "GET /_emulator/nothing",
		"POST /site-invitations", "DELETE /users/1002", "GET /users/me?include=role",
	} {
		method, path, _ := strings.Cut(call, " ")
		a, b := memory.do(method, path, ""), wire.do(method, path, "")
		if a.Status != b.Status || a.Raw != b.Raw {
			t.Errorf("%s:\nin memory %d %s\nover TCP  %d %s", call, a.Status, a.Raw, b.Status, b.Raw)
		}
		b.Header.Del("Date")
		b.Header.Del("Content-Length")
		a.Header.Del("Content-Length")
		equal(t, call+": headers", a.Header, b.Header)
	}
}

func TestHandlerUnderAPrefix(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1})
	c.client = &http.Client{Transport: handlerTransport{http.StripPrefix("/cms", c.Handler())}}
	c.do("GET", "/cms/users/1001", "").is(200)
	c.do("GET", "/cms/_emulator/calls", "").is(200)
}

// handlerTransport serves requests by a handler, in memory.
type handlerTransport struct{ handler http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &responseWriter{header: http.Header{}}
	h.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(strings.NewReader(w.body.String())), Request: r}, nil
}

type responseWriter struct {
	header http.Header
	status int
	body   strings.Builder
}

func (w *responseWriter) Header() http.Header         { return w.header }
func (w *responseWriter) WriteHeader(status int)      { w.status = status }
func (w *responseWriter) Write(p []byte) (int, error) { return w.body.Write(p) }

func TestTransportRefusesWhatIsOverBeforeItBegan(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://cms.test/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Transport().RoundTrip(r); !errors.Is(err, context.Canceled) { //nolint:bodyclose // there is no response
		t.Fatalf("got %v", err)
	}
	equal(t, "calls", c.Calls().Total, 0)
}

// brokenBody fails while it is read.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("broken body") }

func TestBodyThatBreaksOffAppliesNothing(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://cms.test/roles", brokenBody{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Transport().RoundTrip(r); err == nil || !strings.Contains(err.Error(), "broken body") { //nolint:bodyclose // there is no response
		t.Fatalf("got %v", err)
	}
	equal(t, "calls", c.Calls().Total, 0)
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 10, Seats: 60})
	const callers = 8
	var wg sync.WaitGroup
	invited := make([]int, callers)
	for n := range callers {
		wg.Go(func() {
			for i := range 10 {
				// Every address is invited by two callers: one of them is refused.
				r := c.invite(fmt.Sprintf("p%d-%d@example.com", n/2, i), editorID)
				if r.Status == http.StatusCreated {
					invited[n]++
				}
				c.do("GET", "/users", "")
				c.do("GET", "/roles", "")
				c.do("GET", "/_emulator/state", "")
				c.do("PUT", "/users/1001", `{"data":{"type":"user","id":"1001","attributes":{"is_active":false}}}`)
				c.do("POST", "/_emulator/faults", `{"action":"job","path":"/roles","times":1}`)
				c.do("DELETE", "/_emulator/faults", "")
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range invited {
		total += n
	}
	equal(t, "invited", total, callers/2*10)
	state := c.State()
	equal(t, "invitations", len(state.Invitations), total)
	if !slices.IsSortedFunc(state.Invitations, func(a, b cmstest.Resource) int { return strings.Compare(a.ID, b.ID) }) {
		t.Fatal("invitations are not in the order of ids")
	}
	equal(t, "counted", c.Calls().Total, callers*10*4)
}

func TestResourceReadsItself(t *testing.T) {
	t.Parallel()
	state := newCMS(t, cmstest.Options{SeedUsers: 1}).State()
	equal(t, "user", []string{state.Users[0].Text("email"), state.Users[0].RoleID(), state.Users[0].Text("is_active")}, []string{"ada@example.com", adminID, ""})
	equal(t, "role of a role", state.Roles[0].RoleID(), "")
}
