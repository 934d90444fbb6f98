//go:build speed && unix

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// TestSpeed measures what the program promises about speed, with real processes and a real Redis, and prints it beside the
// aim. It judges nothing but that the work was done: figures are for people to read, on a machine that does nothing else.
func TestSpeed(t *testing.T) { //nolint:paralleltest // it wants the machine
	s := stage{bin: build(t), seed: seedOf(t)}
	for _, m := range []struct {
		name    string
		measure func(*testing.T, stage)
	}{
		{"converge", speedOfConverging},
		{"leavers", speedOfLeavers},
		{"okta", callsOfAPush},
	} {
		t.Run(m.name, func(t *testing.T) { m.measure(t, s) })
	}
}

const (
	people      = 10_000 // whom a measurement changes
	speedRate   = "60/3s"
	quotaPerSec = 20.0 // what it allows
)

// meter is the CMS with a count of what it was asked and when. Its limit counts calls when they come; their answers take
// the latency.
type meter struct {
	server  *cmstest.Server
	inner   http.Handler
	url     string
	latency time.Duration

	calls, limited atomic.Int64 // of the program; other users of the token are told by their User-Agent

	mu     sync.Mutex
	locked map[string]time.Time // when a collaborator was deactivated, by CMS id
	asked  map[string][]string  // invitations that were asked for, by address: when, and the answer's status
}

// stranger is the User-Agent of somebody else who uses the CMS token.
const stranger = "stranger"

// newSpeedWorld makes a world with a CMS that has so many collaborators.
func newSpeedWorld(t *testing.T, s stage, o cmstest.Options, latency time.Duration, rate string) (*world, *meter) {
	t.Helper()
	o.Token = cmsToken
	m := &meter{server: cmstest.New(o), latency: latency, locked: map[string]time.Time{}, asked: map[string][]string{}}
	for _, role := range []string{"Viewer", "Reviewer", "Contributor"} {
		addRole(t, m.server, role)
	}
	m.inner = m.server.Handler()
	h := httptest.NewServer(m)
	m.url = h.URL
	t.Cleanup(h.Close)
	redis := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "everysec")
	w := &world{t: t, stage: s, redis: redis, store: store{url: redis.URL, durability: "everysec", client: redis.Client}}
	w.equip(m.url, rate)
	return w, m
}

// ServeHTTP counts a call, has it carried out as it comes, and answers after the latency.
func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if m.latency == 0 {
		m.calls.Add(1)
		m.inner.ServeHTTP(w, r)
		return
	}
	out := httptest.NewRecorder()
	m.inner.ServeHTTP(out, r)
	m.note(r, out.Code, body)
	pause(m.latency)
	for k, v := range out.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(out.Code)
	_, _ = w.Write(out.Body.Bytes())
}

func (m *meter) note(r *http.Request, status int, body []byte) {
	if r.UserAgent() == stranger {
		return
	}
	m.calls.Add(1)
	if status == http.StatusTooManyRequests {
		m.limited.Add(1)
	}
	if r.Method == http.MethodPost && r.URL.Path == "/site-invitations" {
		m.ask(status, body)
	}
	id, user := strings.CutPrefix(r.URL.Path, "/users/")
	if r.Method == http.MethodPut && user && status == http.StatusOK && bytes.Contains(bytes.ReplaceAll(body, []byte(" "), nil), []byte(`"is_active":false`)) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.locked[id] = time.Now()
	}
}

func (m *meter) ask(status int, body []byte) {
	var sent struct {
		Data struct {
			Attributes struct{ Email string }
		}
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		panic(http.ErrAbortHandler)
	}
	who := sent.Data.Attributes.Email
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[who] = append(m.asked[who], time.Now().Format("15:04:05.000 ")+strconv.Itoa(status))
}

// lockedAt waits until a collaborator is deactivated and says when that was.
func (m *meter) lockedAt(t *testing.T, id string) time.Time {
	t.Helper()
	var at time.Time
	until(t, patience, func() string {
		m.mu.Lock()
		defer m.mu.Unlock()
		at = m.locked[id]
		if at.IsZero() {
			return "collaborator " + id + " is not deactivated"
		}
		return ""
	})
	return at
}

// borrow uses the CMS token as somebody else would, so many times a second, until the context ends.
func (m *meter) borrow(ctx context.Context, perSecond int) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		req := httptest.NewRequest(http.MethodGet, "/roles", http.NoBody)
		req.Header = http.Header{"Authorization": {"Bearer " + cmsToken}, "Accept": {"application/json"}, "X-Api-Version": {"3"}, "User-Agent": {stranger}}
		m.inner.ServeHTTP(httptest.NewRecorder(), req)
	}
}

// listed is somebody as a listing shows them.
type listed struct {
	ID     string `json:"id"`
	Emails []struct{ Value string }
	Sync   struct {
		CMSID string `json:"cmsId"`
	} `json:"urn:scimcms:scim:schemas:sync:1.0"`
}

// everybody lists all people, page by page, once the first picture of the CMS has been taken in.
func everybody(t *testing.T, o okta, want int) []listed {
	t.Helper()
	var out []listed
	until(t, patience, func() string {
		out = out[:0]
		for {
			var page struct {
				TotalResults int
				Resources    []listed
			}
			q := url.Values{"startIndex": {strconv.Itoa(len(out) + 1)}, "count": {"100"}}
			if err := o.want(t.Context(), http.StatusOK, request{method: http.MethodGet, path: "/Users?" + q.Encode()}, &page); err != nil {
				return err.Error()
			}
			out = append(out, page.Resources...)
			if page.TotalResults < want || len(page.Resources) == 0 {
				return fmt.Sprintf("%d people are listed, want %d", page.TotalResults, want)
			}
			if len(out) >= page.TotalResults {
				return ""
			}
		}
	})
	return out
}

// inParallel does something for each of n by so many clients, and stops at the first error.
func inParallel(t *testing.T, clients, n int, do func(ctx context.Context, i int) error) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	began := time.Now()
	var next atomic.Int64
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return time.Since(began)
}

// oktaOf sends requests to the processes in turn.
func oktaOf(w *world, processes ...*process) okta {
	var turn atomic.Int64
	return okta{client: w.client, base: func() string { return processes[turn.Add(1)%int64(len(processes))].scim }}
}

// backlog has the given people change their role while nothing is worked off, so that all of them wait.
func backlog(t *testing.T, w *world, o okta, of []listed) {
	t.Helper()
	if err := w.queue.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := inParallel(t, 16, len(of), func(ctx context.Context, i int) error {
		return o.want(ctx, http.StatusOK, request{http.MethodPatch, "/Users/" + of[i].ID, patch(op("replace", nil, map[string]any{"title": "Contractor " + strconv.Itoa(i)}))}, nil)
	})
	t.Logf("%d changes accepted at %.0f a second", len(of), float64(len(of))/took.Seconds())
	if err := w.queue.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// share is the part of so many durations that lie below the value that it gives.
func share(sorted []time.Duration, part float64) time.Duration {
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)].Round(time.Millisecond)
}

func spread(all []time.Duration) string {
	slices.Sort(all)
	return fmt.Sprintf("p50 %s, p99 %s, longest %s", share(all, 0.5), share(all, 0.99), share(all, 1))
}

// askedAgain are the invitations that were asked for more than once.
func (m *meter) askedAgain() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for what, answers := range m.asked {
		if len(answers) > 1 {
			fmt.Fprintf(&b, "\n  %s: %s", what, strings.Join(answers, ", "))
		}
	}
	return b.String()
}

// endpoints are the CMS's calls by endpoint, writes only.
func (m *meter) endpoints() string {
	calls := m.server.Calls()
	writes := map[string]int{}
	for name, n := range calls.ByEndpoint {
		if !strings.HasPrefix(name, http.MethodGet) {
			writes[name] = n
		}
	}
	b, err := json.Marshal(writes)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
