package deploy_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// dashboard is what the tests look at of grafana/dashboards/scimcms.json.
type dashboard struct {
	UID           string  `json:"uid"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID         int    `json:"id"`
	Type       string `json:"type"`
	Title      string `json:"title"`
	Datasource struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos struct{ H, W, X, Y int } `json:"gridPos"`
	Targets []struct {
		RefID string `json:"refId"`
		Expr  string `json:"expr"`
	} `json:"targets"`
}

func loadDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboards/scimcms.json")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("the dashboard has no panel")
	}
	return d
}

func TestDashboard_UsesMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := documentedMetrics(t)
	d := loadDashboard(t)
	used := map[string]bool{}
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			checkMetrics(t, known, p.Title, q.Expr)
			for name := range known {
				used[name] = used[name] || strings.Contains(q.Expr, name)
			}
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("the dashboard shows nothing of %s", name)
		}
	}
	for _, v := range d.Templating.List {
		checkMetrics(t, known, "variable "+v.Name, v.Definition)
	}
}

// Gauges of the queue are the same in every replica: a sum over replicas would count them twice.
func TestDashboard_SumsNoSharedGauge(t *testing.T) {
	t.Parallel()
	known := documentedMetrics(t)
	for _, p := range loadDashboard(t).Panels {
		for _, q := range p.Targets {
			for name, m := range known {
				if m.kind == "gauge" && strings.Contains(q.Expr, "sum("+name) {
					t.Errorf("%q sums %s over the replicas", p.Title, name)
				}
			}
		}
	}
}

func TestDashboard_IsWellFormed(t *testing.T) {
	t.Parallel()
	d := loadDashboard(t)
	if d.UID != "scimcms" || d.SchemaVersion == 0 {
		t.Errorf("uid %q, schema version %d", d.UID, d.SchemaVersion)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("the panel id %d is there twice", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && p.Datasource.UID != "${datasource}" {
			t.Errorf("the panel %q does not use the chosen data source", p.Title)
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("the panel %q is outside the grid", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken {
					t.Fatalf("the panels %q and %q overlap", other, p.Title)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
}
