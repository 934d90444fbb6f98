package admin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/admin"
)

func TestNew_RefusesIncompleteOptions(t *testing.T) {
	t.Parallel()
	q := parkedQueue()
	for name, projects := range map[string][]admin.Project{
		"no name":  {{Queue: q}},
		"no queue": {{Name: "site"}},
		"twice":    {{Name: "site", Queue: q}, {Name: "site", Queue: q}},
	} {
		if _, err := admin.New(admin.Options{Projects: projects}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestHealthz(t *testing.T) {
	t.Parallel()
	q := parkedQueue()
	q.err = errSecret // health asks nobody
	s, _ := newServer(t, q, nil)
	if w := send(s, http.MethodGet, "/healthz", ""); w.Code != 200 || parse(t, w)["status"] != "ok" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestReadyz_TellsReasonsInWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		ok   bool
		want int
	}{{"ready", true, 200}, {"not ready", false, 503}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := newServer(t, parkedQueue(), func(o *admin.Options) {
				o.Notes = []string{"The store is not durable."}
				o.Projects[0].Ready = func(context.Context) reconcile.Readiness {
					return reconcile.Readiness{OK: tt.ok, Reasons: []string{"The CMS token is refused."}, Notes: []string{"The record is new."}}
				}
			})
			w := send(s, http.MethodGet, "/readyz", "")
			if w.Code != tt.want || parse(t, w)["ready"] != tt.ok {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			for _, text := range []string{"The CMS token is refused.", "The record is new.", "The store is not durable."} {
				if !strings.Contains(w.Body.String(), text) {
					t.Errorf("%q is not told: %s", text, w.Body)
				}
			}
		})
	}
}

func TestMetrics_AreServedWhenGiven(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	if w := send(s, http.MethodGet, "/metrics", ""); w.Code != 404 {
		t.Errorf("without a handler: %d", w.Code)
	}
	s, _ = newServer(t, parkedQueue(), func(o *admin.Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) })
	})
	if w := send(s, http.MethodGet, "/metrics", ""); w.Code != 299 {
		t.Errorf("with a handler: %d", w.Code)
	}
}

var changes = []string{"/queue/replay", "/queue/drop", "/queue/pause", "/queue/resume", "/brake/release", "/brake/discard", "/explain"}

func TestChange_NeedsTheAdminToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, header string
		configured   bool
		want         int
	}{
		{"none configured", "Bearer " + token, false, 403},
		{"no header", "", true, 401},
		{"wrong token", "Bearer wrong", true, 401},
		{"no scheme", token, true, 401},
		{"other scheme", "Basic " + token, true, 401},
		{"scheme in capitals", "BEARER " + token, true, 0},
		{"right", "Bearer " + token, true, 0},
	} {
		for _, path := range changes {
			t.Run(tt.name+path, func(t *testing.T) {
				t.Parallel()
				q := parkedQueue()
				s, _ := newServer(t, q, func(o *admin.Options) {
					if !tt.configured {
						o.Token = nil
					}
				})
				w := send(s, http.MethodPost, "/api/projects/site"+path, `{}`, "Authorization", tt.header)
				switch {
				case tt.want == 0 && (w.Code == 401 || w.Code == 403):
					t.Errorf("refused: %d %s", w.Code, w.Body)
				case tt.want != 0 && w.Code != tt.want:
					t.Errorf("got %d, want %d", w.Code, tt.want)
				case tt.want != 0 && len(q.asked) > 0:
					t.Errorf("refused, but done: %v", q.asked)
				case tt.want == 401 && w.Header().Get("WWW-Authenticate") != "Bearer":
					t.Error("401 without WWW-Authenticate")
				case !tt.configured && !strings.Contains(w.Body.String(), "no admin token is configured"):
					t.Errorf("the reason is not told: %s", w.Body)
				}
			})
		}
	}
}

func TestChange_RefusesAForeignOrigin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		header []string
		want   int
	}{
		{"foreign origin", []string{"Origin", "https://evil.example"}, 403},
		{"null origin", []string{"Origin", "null"}, 403},
		{"same host, other port", []string{"Origin", "http://admin.example:81"}, 403},
		{"cross-site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"same-site", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"own origin", []string{"Origin", "http://admin.example"}, 200},
		{"own page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"typed", []string{"Sec-Fetch-Site", "none"}, 200},
		{"no browser", nil, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := parkedQueue()
			s, _ := newServer(t, q, nil)
			header := append([]string{"Authorization", "Bearer " + token}, tt.header...)
			w := send(s, http.MethodPost, "http://admin.example/api/projects/site/queue/pause", "", header...)
			if w.Code != tt.want || (len(q.asked) > 0) != (tt.want == 200) {
				t.Errorf("got %d %s, asked %v", w.Code, w.Body, q.asked)
			}
		})
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	for _, path := range []string{"/nothing", "/api", "/api/projects/other/queue", "/_emulator/reset"} {
		if w := send(s, http.MethodGet, path, ""); w.Code != 404 || parse(t, w)["error"] == nil {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := send(s, http.MethodGet, "/api/projects/site/queue/pause", ""); w.Code != 404 {
		t.Errorf("GET of a change: %d", w.Code) // it reads as a key that nobody knows
	}
	if w := send(s, http.MethodPost, "/api/projects/other/queue/pause", "", "Authorization", "Bearer "+token); w.Code != 404 {
		t.Errorf("change of an unknown project: %d", w.Code)
	}
}
