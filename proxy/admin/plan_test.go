package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/admin"
)

// fakePlanner plans an invitation for each of n people.
type fakePlanner struct {
	n     int
	err   error
	asked chan struct{}
}

func (f *fakePlanner) Plan(_ context.Context, fn func(reconcile.PlanItem) error) (reconcile.PlanSummary, error) {
	select {
	case f.asked <- struct{}{}:
	default:
	}
	for range f.n {
		if fn == nil {
			break
		}
		if err := fn(reconcile.PlanItem{Key: "user/1", Name: "ada@example.org", Calls: []string{"invite ada@example.org"}, Kinds: []mapping.CallKind{mapping.CallInvitation}}); err != nil {
			return reconcile.PlanSummary{}, err
		}
	}
	return reconcile.PlanSummary{
		DryRun: true, RulesInForce: true, RolesKnown: true, People: 3, Keys: f.n, Calls: map[mapping.CallKind]int{mapping.CallInvitation: f.n},
		Brake:   []reconcile.PlanBrake{{BrakeCount: directory.BrakeCount{Takes: directory.TakesAccess, People: 1, Allowed: 2}, Planned: 4, Held: 3}},
		Waiting: map[string]int{"role_missing": 1},
	}, f.err
}

func planning(f *fakePlanner) func(*admin.Options) {
	return func(o *admin.Options) {
		o.Projects[0].Planner = f
		o.Projects[0].ETA = func(n int64) time.Duration { return time.Duration(n) * time.Minute }
	}
}

func TestPlan_NamesPeopleOnlyToWhoeverHasTheToken(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), planning(&fakePlanner{n: 2}))
	got := send(s, http.MethodGet, "/api/projects/site/plan", "")
	if numbers := parse(t, got); got.Code != 200 || numbers["total"] != 2.0 || numbers["eta_seconds"] != 120.0 || strings.Contains(got.Body.String(), "example.org") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := send(s, http.MethodPost, "/api/projects/site/plan", ""); got.Code != 401 || strings.Contains(got.Body.String(), "example.org") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	got = send(s, http.MethodPost, "/api/projects/site/plan", "", "Authorization", "Bearer "+token)
	lines := strings.Split(strings.TrimSpace(got.Body.String()), "\n")
	var first, last admin.PlanLine
	if len(lines) != 3 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[2]), &last) != nil {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if first.Item == nil || first.Item.Name != "ada@example.org" || last.Summary == nil || last.Summary.Total != 2 || last.Summary.Brake[0].Held != 3 {
		t.Errorf("%+v, %+v", first, last)
	}
}

func TestPlan_ThatBreaksOffSaysSo(t *testing.T) {
	t.Parallel()
	s, logs := newServer(t, parkedQueue(), planning(&fakePlanner{n: 1, err: errors.New("secret cause")}))
	got := send(s, http.MethodPost, "/api/projects/site/plan", "", "Authorization", "Bearer "+token)
	if !strings.HasSuffix(strings.TrimSpace(got.Body.String()), `{"error":"the store did not answer; the log has the cause"}`) {
		t.Errorf("%s", got.Body)
	}
	if !strings.Contains(logs.String(), "secret cause") {
		t.Errorf("log: %s", logs)
	}
	if got := send(s, http.MethodGet, "/api/projects/site/plan", ""); got.Code != 503 || strings.Contains(got.Body.String(), "secret") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestPlan_IsRefusedWhereNobodyPlans(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, parkedQueue(), nil)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if got := send(s, method, "/api/projects/site/plan", "", "Authorization", "Bearer "+token); got.Code != 404 {
			t.Errorf("%s: %d %s", method, got.Code, got.Body)
		}
	}
}

func TestPage_ShowsThePlanOfADryRunAndMakesItOnceForMany(t *testing.T) {
	t.Parallel()
	q := parkedQueue()
	f := &fakePlanner{n: 5, asked: make(chan struct{}, 10)}
	s, _ := newServer(t, q, planning(f))
	if page := send(s, http.MethodGet, "/", "").Body.String(); strings.Contains(page, "Dry run") || len(f.asked) != 0 {
		t.Error("a plan without a dry run")
	}
	q.stats.DryRun = 1
	for range 3 {
		page := send(s, http.MethodGet, "/", "").Body.String()
		for _, want := range []string{
			"Dry run: everything is accepted", "5 calls for 5 keys, of 3 people", "<th>invitation</th>", "4 people would lose their access", "the brake would hold 3", "role_missing: 1",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("%q is not shown", want)
			}
		}
	}
	if n := len(f.asked); n != 1 {
		t.Errorf("planned %d times", n)
	}
}
