package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/queue"
)

func TestListProjects(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	got := parse(t, send(s, http.MethodGet, "/api/projects", ""))
	want := map[string]any{"projects": []any{map[string]any{
		"name": "site", "ready": true, "queue": map[string]any{
			"depth": map[string]any{"leavers": 2.0}, "leased": 1.0, "parked": 3.0, "parked_by_code": map[string]any{"INVALID_EMAIL": 3.0}, "held": 0.0, "oldest_age_seconds": 90.0, "paused": true, "circuit": "bad token",
		},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestListQueue_PassesOptionsOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query string
		want  queue.ListOptions
		fails string
	}{
		{"", queue.ListOptions{}, ""},
		{"?state=parked", queue.ListOptions{State: queue.Parked}, ""},
		{"?state=held", queue.ListOptions{State: queue.Held}, ""},
		{"?state=queued&lane=leavers&limit=7&cursor=1:20", queue.ListOptions{State: queue.Queued, Lane: queue.Leavers, Limit: 7, Cursor: "1:20"}, ""},
		{"?code=seats", queue.ListOptions{Code: "seats"}, ""},
		{"?code=seats&lane=leavers", queue.ListOptions{}, "code chooses"},
		{"?code=seats&state=queued", queue.ListOptions{}, "code chooses"},
		{"?state=lost", queue.ListOptions{}, "state is"},
		{"?lane=fast", queue.ListOptions{}, "lane is"},
		{"?limit=0", queue.ListOptions{}, "limit is"},
		{"?limit=x", queue.ListOptions{}, "limit is"},
		{"?cursor=x", queue.ListOptions{}, "cursor is"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			q := parkedQueue()
			s, _ := newServer(t, q, nil)
			w := send(s, http.MethodGet, "/api/projects/site/queue"+tt.query, "")
			if tt.fails != "" {
				if w.Code != 400 || !strings.Contains(w.Body.String(), tt.fails) {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
				return
			}
			if w.Code != 200 || q.listed != tt.want {
				t.Errorf("got %d, asked %+v", w.Code, q.listed)
			}
		})
	}
}

func TestListQueue_GivesEntriesAndCursor(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	w := send(s, http.MethodGet, "/api/projects/site/queue?limit=1", "")
	want := map[string]any{"cursor": "0:1", "entries": []any{map[string]any{
		"key": "user/7f", "state": "parked", "lane": "interactive", "ticket": 4.0, "attempts": 12.0, "code": "INVALID_EMAIL",
		"reason": "The CMS refuses <script>alert(1)</script>", "since": "2026-11-23T09:59:59Z", "parked": "2026-11-23T10:00:00Z", "intent_open": true,
	}}}
	if d := cmp.Diff(want, parse(t, w)); d != "" {
		t.Error(d)
	}
	if strings.Contains(w.Body.String(), "secret-intent") {
		t.Error("the intent is shown")
	}
}

func TestShowKey_TellsHowItsLastAttemptsEnded(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"user/7f", "user/agreed-since"} {
		q := parkedQueue()
		q.past = []queue.Attempt{{At: 1_700_000_000_000, Ticket: 4, Result: "parked", Attempts: 12, Code: "INVALID_EMAIL", Call: "invite", Text: "refused"}}
		s, _ := newServer(t, q, nil)
		got := parse(t, send(s, http.MethodGet, "/api/projects/site/queue/"+key, ""))
		want := []any{map[string]any{
			"at": "2023-11-14T22:13:20Z", "result": "parked", "attempts": 12.0, "code": "INVALID_EMAIL", "call": "invite", "reason": "refused",
		}}
		if d := cmp.Diff(any(want), got["history"]); d != "" {
			t.Errorf("%s: %s", key, d)
		}
	}
}

func TestETA_IsToldWhereThePaceIsKnown(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), func(o *admin.Options) {
		o.Projects[0].ETA = func(backlog int64) time.Duration { return time.Duration(backlog) * time.Minute }
	})
	if w := send(s, http.MethodGet, "/api/projects", ""); !strings.Contains(w.Body.String(), `"eta_seconds": 120`) {
		t.Error(w.Body)
	}
	if w := send(s, http.MethodGet, "/", ""); !strings.Contains(w.Body.String(), "2m0s") {
		t.Error(w.Body)
	}
}

func TestShowKey_TakesAKeyWithASlash(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	if w := send(s, http.MethodGet, "/api/projects/site/queue/user/7f", ""); w.Code != 200 || parse(t, w)["key"] != "user/7f" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := send(s, http.MethodGet, "/api/projects/site/queue/user/other", ""); w.Code != 404 {
		t.Errorf("unknown key: %d", w.Code)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, body string
		want             int
		asked            []string
	}{
		{"replay keys", "replay", `{"keys":["user/7f","group/9"]}`, 200, []string{"replay user/7f group/9"}},
		{"replay all", "replay", `{"all":true}`, 200, []string{`replay code "", -1`}},
		{"replay both", "replay", `{"all":true,"keys":["user/7f"]}`, 400, nil},
		{"replay nothing", "replay", `{}`, 400, nil},
		{"replay code", "replay", `{"code":"seats"}`, 200, []string{`replay code "seats", -1`}},
		{"replay code and all", "replay", `{"code":"seats","all":true}`, 400, nil},
		{"replay unknown member", "replay", `{"key":"user/7f"}`, 400, nil},
		{"replay no JSON", "replay", `all`, 400, nil},
		{"replay more than one object", "replay", `{"all":true}{}`, 400, nil},
		{"drop", "drop", `{"key":"user/7f"}`, 200, []string{"drop user/7f"}},
		{"drop nothing", "drop", `{}`, 400, nil},
		{"drop unknown", "drop", `{"key":"user/none"}`, 404, []string{"drop user/none"}},
		{"pause", "pause", ``, 200, []string{"pause"}},
		{"resume", "resume", ``, 200, []string{"resume"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := parkedQueue()
			s, logs := newServer(t, q, nil)
			w := send(s, http.MethodPost, "/api/projects/site/queue/"+tt.path, tt.body, "Authorization", "Bearer "+token)
			if w.Code != tt.want {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.want)
			}
			if d := cmp.Diff(tt.asked, q.asked); d != "" {
				t.Error(d)
			}
			if line := logs.String(); !strings.Contains(line, "action="+tt.path) || strings.Contains(line, token) {
				t.Errorf("log: %s", line)
			}
		})
	}
}

func TestDrop_OfAKeyAtWorkIsAConflict(t *testing.T) {
	t.Parallel()
	q := parkedQueue()
	q.dropErr = queue.ErrLeased
	s, _ := newServer(t, q, nil)
	if w := send(s, http.MethodPost, "/api/projects/site/queue/drop", `{"key":"user/7f"}`, "Authorization", "Bearer "+token); w.Code != 409 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestStoreFailure_KeepsItsCauseInTheLog(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api/projects/site/queue", "/api/projects/site/queue/user/7f", "/api/projects", "/"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			q := parkedQueue()
			q.err = errSecret
			s, logs := newServer(t, q, nil)
			w := send(s, http.MethodGet, path, "")
			if strings.Contains(w.Body.String(), "secret-cause") || !strings.Contains(w.Body.String(), "the store did not answer") {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if !strings.Contains(logs.String(), "secret-cause") {
				t.Errorf("the log lacks the cause: %s", logs)
			}
		})
	}
}

func TestPage_EscapesAndRestricts(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	w := send(s, http.MethodGet, "/", "")
	page := w.Body.String()
	if w.Code != 200 || strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;") {
		t.Errorf("got %d %s", w.Code, page)
	}
	for _, want := range []string{
		"site", "paused", "bad token", "user/7f", "/api/projects/site/queue/user/7f", "scimcms queue replay --project site", "1m30s", "and 2 more", "1.2.3",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("CSP: %q", csp)
	}
	if w := send(s, http.MethodGet, "/style.css", ""); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style: %d %s", w.Code, w.Header())
	}
}

func TestPage_SaysThatNothingCanBeChangedWithoutAToken(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), func(o *admin.Options) { o.Token, o.Projects = nil, nil })
	if page := send(s, http.MethodGet, "/", "").Body.String(); !strings.Contains(page, "No admin token is configured") || !strings.Contains(page, "No project") {
		t.Error(page)
	}
}
