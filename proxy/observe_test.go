package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/queue"
)

// value is what a gathered metric has; -1 when there is none with these labels.
func value(t *testing.T, g prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, fam := range families {
		if fam.GetName() != name {
			continue
		}
		for _, m := range fam.GetMetric() {
			if hasLabels(m, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return -1
}

func hasLabels(m *dto.Metric, labels []string) bool {
	have := map[string]string{}
	for _, l := range m.GetLabel() {
		have[l.GetName()] = l.GetValue()
	}
	for i := 0; i+1 < len(labels); i += 2 {
		if v, ok := have[labels[i]]; !ok || v != labels[i+1] {
			return false
		}
	}
	return true
}

func TestMetrics_CountRequestsByRouteTemplate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	f.send(http.MethodGet, "/scim/v2/Users/"+id, "")
	f.send(http.MethodGet, "/projects/site/scim/v2/Users/"+id, "")
	f.send(http.MethodGet, "/scim/v2/Users/none", "")
	f.send(http.MethodGet, "/scim/v2/Nonsense/"+id, "")
	f.send("FROBNICATE", "/scim/v2/Users", "")
	f.send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "wrong")
	for _, tt := range []struct {
		project, route, method, code string
		want                         float64
	}{
		{"site", "/scim/v2/Users", "POST", "201", 1},
		{"site", "/scim/v2/Users/:id", "GET", "200", 2},
		{"site", "/scim/v2/Users/:id", "GET", "404", 1},
		{"site", "other", "GET", "404", 1},
		{"site", "other", "other", "405", 1},
		{"", "/scim/v2/Users", "GET", "401", 1},
		{"site", "/scim/v2/Groups", "POST", "201", 0}, // there from the start
		{"site", "/scim/v2/Groups/:id", "PATCH", "503", 0},
	} {
		got := value(t, f.reg, "scimcms_http_requests_total", "project", tt.project, "route", tt.route, "method", tt.method, "code", tt.code)
		if got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
	if got := value(t, f.reg, "scimcms_http_request_duration_seconds", "project", "site", "route", "/scim/v2/Users/:id", "method", "GET"); got != 3 {
		t.Errorf("durations: %v", got)
	}
}

type fakeStats struct {
	stats  queue.Stats
	engine reconcile.Stats
	err    error
}

func (s fakeStats) queue() fakeQueueStats { return fakeQueueStats{s} }
func (s fakeStats) Stats(context.Context) (reconcile.Stats, error) {
	return s.engine, s.err
}

type fakeQueueStats struct{ s fakeStats }

func (s fakeQueueStats) Stats(context.Context) (queue.Stats, error) { return s.s.stats, s.s.err }

func TestMetrics_ReadDepthsWhenScraped(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m, err := proxy.NewMetrics(reg, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	s := fakeStats{
		stats:  queue.Stats{Depth: map[queue.Lane]int64{queue.Leavers: 2}, Leased: 3, Parked: 4, Held: 7, Codes: map[string]int64{"seats": 4}, OldestAge: 90 * time.Second, Paused: true, Circuit: "bad token", DryRun: 2},
		engine: reconcile.Stats{Users: 50, Groups: 6, ImportAge: time.Minute, ImportWait: 10 * time.Minute, Calls: 123},
	}
	m.Watch("site", proxy.Source{Quota: 900, Queue: s.queue(), Engine: s, Pacer: func(context.Context) (float64, error) { return 1.3, nil }, ETA: func(n int64) time.Duration { return time.Duration(n) * time.Minute }})
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"queue_depth", []string{"lane", "leavers"}, 2},
		{"queue_depth", []string{"lane", "background"}, 0},
		{"queue_leased", nil, 3},
		{"queue_parked", nil, 4},
		{"queue_parked_by_code", []string{"code", "seats"}, 4},
		{"queue_eta_seconds", nil, 120},
		{"queue_held", nil, 7},
		{"queue_oldest_age_seconds", nil, 90},
		{"queue_paused", nil, 1},
		{"circuit_open", nil, 1},
		{"dry_run", nil, 1},
		{"pacer_factor", nil, 1.3},
		{"import_age_seconds", nil, 60},
		{"import_interval_seconds", nil, 600},
		{"cms_calls_this_month", nil, 123},
		{"cms_monthly_quota", nil, 900},
		{"users", []string{"state", "listed"}, 50},
		{"groups", nil, 6},
	} {
		if got := value(t, reg, "scimcms_"+tt.name, append([]string{"project", "site"}, tt.labels...)...); got != tt.want {
			t.Errorf("%s %v: got %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	if got := value(t, reg, "scimcms_build_info", "version", "1.2.3"); got != 1 {
		t.Errorf("build_info: %v", got)
	}
}

func TestMetrics_FailedScrapeLeavesAGap(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m, err := proxy.NewMetrics(reg, "")
	if err != nil {
		t.Fatal(err)
	}
	s := fakeStats{err: errors.New("down")}
	m.Watch("site", proxy.Source{Queue: s.queue(), Engine: s, Pacer: func(context.Context) (float64, error) { return 0, errors.New("down") }})
	m.Watch("never imported", proxy.Source{Engine: fakeStats{engine: reconcile.Stats{ImportAge: -1}}})
	for _, name := range []string{"queue_depth", "queue_parked", "pacer_factor", "import_age_seconds"} {
		if got := value(t, reg, "scimcms_"+name); got != -1 {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got := value(t, reg, "scimcms_redis_errors_total", "op", "scrape"); got < 3 {
		t.Errorf("failures counted: %v", got)
	}
}

func TestObserver_CountsWhatThePartsReport(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	reg := prometheus.NewPedanticRegistry()
	m, err := proxy.NewMetrics(reg, "")
	if err != nil {
		t.Fatal(err)
	}
	o := m.ForProject("site")
	o.Call("POST", "/site-invitations", 201, time.Second)
	o.Call("GET", "/users", 0, time.Second)
	o.Synced("user", "parked")
	o.Agreed("group", time.Minute)
	o.Imported("ok")
	o.Reclaimed(2)
	o.Tripped("bad token")
	o.Taken(queue.Leavers, time.Second)
	o.Finished(queue.Leavers, "done")
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"cms_calls_total", []string{"endpoint", "/site-invitations", "method", "POST", "code", "201"}, 1},
		{"cms_calls_total", []string{"code", "0"}, 1},
		{"cms_call_duration_seconds", []string{"endpoint", "/users", "method", "GET"}, 1},
		{"sync_total", []string{"kind", "user", "outcome", "parked"}, 1},
		{"accepted_to_agreed_seconds", []string{"kind", "group"}, 1},
		{"import_total", []string{"outcome", "ok"}, 1},
		{"queue_reclaimed_total", nil, 2},
		{"circuit_trips_total", nil, 1},
	} {
		if got := value(t, reg, "scimcms_"+tt.name, append([]string{"project", "site"}, tt.labels...)...); got != tt.want {
			t.Errorf("%s %v: got %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	// Label sets are there before anything happens.
	for _, labels := range [][]string{{"sync_total", "outcome", "parked"}, {"import_total", "outcome", "refused"}, {"http_panics_total"}, {"accepted_to_agreed_seconds", "kind", "user"}} {
		if got := value(t, f.reg, "scimcms_"+labels[0], append([]string{"project", "site"}, labels[1:]...)...); got != 0 {
			t.Errorf("%v: got %v", labels, got)
		}
	}
}

func TestMetrics_AreRegisteredOnce(t *testing.T) {
	t.Parallel()
	reg := proxy.NewRegistry()
	if _, err := proxy.NewMetrics(reg, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := proxy.NewMetrics(reg, ""); err == nil {
		t.Error("registered twice")
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	w := newRecorder()
	proxy.MetricsHandler(reg).ServeHTTP(w, newGet("/metrics"))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "scimcms_build_info") || !strings.Contains(w.Body.String(), "go_goroutines") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Names, addresses, filter values, bodies and tokens have no place in the log.
func TestLog_HasNoPersonalData(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	gid := f.createGroup("Secret Group", id)
	f.send(http.MethodGet, "/scim/v2/Users?filter=userName+eq+%22ada@example.com%22", "")
	f.send(http.MethodGet, "/scim/v2/Users?filter=nonsense+eq+%22Lovelace%22", "")
	f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", "")) // a conflict
	f.send(http.MethodPost, "/scim/v2/Users", `{"userName":"Lovelace"}`)       // no address
	f.send(http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, `{"op":"replace","path":"nonsense","value":"Lovelace"}`))
	f.send(http.MethodPatch, "/scim/v2/Groups/"+gid, fmt.Sprintf(patchBody, `{"op":"add","path":"members","value":[{"value":"`+id+`","display":"ada@example.com"}]}`))
	f.send(http.MethodGet, "/scim/v2/Lovelace?x=ada@example.com", "")
	f.send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "Bearer Lovelace")
	logs := f.logs.String()
	for _, secret := range []string{"ada", "Ada", "Lovelace", "example.com\"", "Secret Group", token, "00u1"} {
		if strings.Contains(logs, secret) {
			t.Errorf("%q is logged: %s", secret, logs)
		}
	}
	if n := strings.Count(logs, "\n"); n != 10 {
		t.Errorf("%d lines for 10 requests", n)
	}
	for _, want := range []string{`"project":"site"`, `"route":"/scim/v2/Users/:id"`, `"status":400`, `"duration_ms":`, `"resource":"` + id + `"`, `"token":"okta"`, `"method":"PATCH"`} {
		if !strings.Contains(logs, want) {
			t.Errorf("the log lacks %s: %s", want, logs)
		}
	}
}

func TestParallelRequests(t *testing.T) {
	t.Parallel()
	f, _ := twoProjects(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			name := fmt.Sprintf("p%d@example.com", i)
			auth := []string{"Bearer " + token, "Bearer shop-token"}[i%2]
			w := f.send(http.MethodPost, "/scim/v2/Users", userBody(name, ""), "Authorization", auth)
			if w.Code != 201 || !strings.Contains(w.Body.String(), name) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w := f.send(http.MethodGet, "/scim/v2/Users?filter=userName+eq+%22"+name+"%22", "", "Authorization", auth); !strings.Contains(w.Body.String(), `"totalResults":1`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			f.send(http.MethodGet, "/scim/v2/Nonsense", "")
			f.send(http.MethodPut, "/scim/v2/Users/none", "{", "Authorization", auth)
			f.send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "")
		})
	}
	wg.Wait()
}

func TestServer_WithoutLoggerAndMetrics(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Logger, o.Metrics = nil, nil })
	f.create("ada@example.com")
	f.store.err = errPoison
	f.wantError(refusal{500, ""}, http.MethodGet, "/scim/v2/Users", "")
	f.store.panics = "x"
	f.wantError(refusal{500, ""}, http.MethodGet, "/scim/v2/Users", "")
}
