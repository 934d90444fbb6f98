//go:build dashboards

package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// patience is how long a panel may take to have data: some scrapes, and on a slow machine some more.
const patience = 90 * time.Second

// onlyInTrouble has a series for each reason why something is parked: none in a demo that goes well.
const onlyInTrouble = "scimcms_queue_parked_by_code"

// TestPrometheus runs the demo under load and a Prometheus that scrapes it with the deployed rules, and sends that
// Prometheus every query of the dashboard and every alert.
func TestPrometheus(t *testing.T) {
	demo := startDemo(t)
	api := startPrometheus(t, demo)
	go demo.converse(t.Context())

	t.Run("dashboard", func(t *testing.T) {
		for _, p := range loadDashboard(t).Panels {
			for _, q := range p.Targets {
				t.Run(p.Title+"/"+q.RefID, func(t *testing.T) {
					t.Parallel()
					if strings.Contains(q.Expr, onlyInTrouble) {
						if _, err := api.query(forTest(q.Expr)); err != nil {
							t.Error(err)
						}
						return
					}
					eventually(t, func() error { return api.hasData(forTest(q.Expr)) })
				})
			}
		}
	})
	t.Run("variables", func(t *testing.T) {
		for _, v := range loadDashboard(t).Templating.List {
			if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
				metric, _, _ := strings.Cut(inner, ",")
				eventually(t, func() error { return api.hasData(metric) })
			}
		}
	})
	// After the dashboard: by now every series is there.
	t.Run("metrics", func(t *testing.T) { checkExposed(t, demo, api) })
	t.Run("alerts", func(t *testing.T) { checkAlerts(t, api) })
}

func TestPrometheusRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"},
		{"check", "rules", "rules.yml"},
		{"test", "rules", "rules_test.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// forTest puts values in the place of Grafana's variables.
func forTest(expr string) string {
	return strings.ReplaceAll(strings.ReplaceAll(expr, "$__rate_interval", "10s"), "$project", ".*")
}

// checkExposed compares what the demo exposes with the documented metrics: name, type and labels.
func checkExposed(t *testing.T, d *demo, api prometheus) {
	t.Helper()
	known := documentedMetrics(t)
	eventually(t, func() error {
		types, err := d.metricTypes()
		if err != nil {
			return err
		}
		var errs []error
		for name, m := range known {
			if types[name] != m.kind && (name != onlyInTrouble || types[name] != "") {
				errs = append(errs, fmt.Errorf("%s is documented as a %s, and exposed as %q", name, m.kind, types[name]))
			}
		}
		for name := range types {
			if _, ok := known[name]; !ok {
				errs = append(errs, fmt.Errorf("%s is exposed but not documented", name))
			}
		}
		return errors.Join(append(errs, api.checkLabels(known))...)
	})
}

// checkAlerts asks for each expression, for the health of the rules, and that nothing fires on a healthy demo.
func checkAlerts(t *testing.T, api prometheus) {
	t.Helper()
	for _, r := range alerts(t) {
		if _, err := api.query(r.Expr); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
	}
	eventually(t, func() error {
		var answer struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError, State string }
			}
		}
		if err := api.get("/api/v1/rules", nil, &answer); err != nil {
			return err
		}
		n := 0
		for _, g := range answer.Groups {
			for _, r := range g.Rules {
				n++
				if r.Health != "ok" || r.State == "firing" {
					return fmt.Errorf("%s: health %q, state %q: %s", r.Name, r.Health, r.State, r.LastError)
				}
			}
		}
		if want := len(alerts(t)); n != want {
			return fmt.Errorf("prometheus has %d rules, want %d", n, want)
		}
		return nil
	})
}

// demo is a running "scimcms demo".
type demo struct {
	scim, admin, token string
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "scimcms")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../cmd/scimcms") // as make build does, to share its cache
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	d := &demo{scim: queuetest.FreeAddress(t), admin: queuetest.FreeAddress(t), token: "dashboard-test-token"}
	start(t, binary, "demo", "--listen", d.scim, "--admin-listen", d.admin, "--cms-listen", queuetest.FreeAddress(t), "--token", d.token)
	eventually(t, func() error {
		_, err := fetch("http://" + d.admin + "/readyz")
		return err
	})
	return d
}

// metricTypes reads the names and types of the demo's own metrics.
func (d *demo) metricTypes() (map[string]string, error) {
	body, err := fetch("http://" + d.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, "# TYPE scimcms_"); ok {
			name, kind, _ := strings.Cut(strings.TrimSpace(rest), " ")
			all["scimcms_"+name] = kind
		}
	}
	return all, nil
}

// converse sends what an identity provider sends, round after round, so that every counter moves.
func (d *demo) converse(ctx context.Context) {
	for round := 0; ; round++ {
		user := d.send(ctx, http.MethodPost, "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
			"userName":"person%d@example.com","name":{"givenName":"P","familyName":"%d"},"active":true,
			"emails":[{"value":"person%d@example.com","primary":true}]}`, round, round, round))
		group := d.send(ctx, http.MethodPost, "/Groups", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],
			"displayName":"Group %d","members":[{"value":"%s"}]}`, round, user))
		d.send(ctx, http.MethodGet, "/Users?startIndex=1&count=100", "")
		d.send(ctx, http.MethodGet, "/Groups/"+group, "")
		d.send(ctx, http.MethodGet, "/Users?filter="+url.QueryEscape(`nonsense eq "x"`), "")
		d.send(ctx, http.MethodPatch, "/Users/"+user, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
			"Operations":[{"op":"replace","value":{"active":false}}]}`)
		d.send(ctx, http.MethodDelete, "/Groups/"+group, "")
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// send makes one SCIM request and gives the id of the answer, if it has one.
func (d *demo) send(ctx context.Context, method, path, body string) string {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.scim+"/scim/v2"+path, strings.NewReader(body))
	if err != nil {
		return ""
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		ID string `json:"id"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.ID
}

// prometheus is the HTTP API of a running Prometheus.
type prometheus struct{ base string }

func startPrometheus(t *testing.T, d *demo) prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs("prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := read(t, "prometheus/prometheus.yml")
	for from, to := range map[string]string{"15s": "1s", "- rules.yml": "- " + rules, "proxy:9090": d.admin} {
		if !strings.Contains(config, from) {
			t.Fatalf("prometheus.yml has no %s", from)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := queuetest.FreeAddress(t)
	start(t, "prometheus", "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	api := prometheus{base: "http://" + address}
	eventually(t, func() error {
		_, err := fetch(api.base + "/-/ready")
		return err
	})
	return api
}

func (p prometheus) get(path string, params url.Values, into any) error {
	body, err := fetch(p.base + path + "?" + params.Encode())
	if err != nil {
		return err
	}
	var envelope struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		return err
	}
	if envelope.Status != "success" {
		return errors.New(envelope.Error)
	}
	return json.Unmarshal(envelope.Data, into)
}

// query gives the values of an instant query.
func (p prometheus) query(expr string) ([]float64, error) {
	var data struct {
		Result []struct {
			Value [2]any
		}
	}
	if err := p.get("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return nil, err
	}
	var values []float64
	for _, r := range data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// checkLabels compares the labels of every series with the documented ones.
func (p prometheus) checkLabels(known map[string]metric) error {
	var all []map[string]string
	if err := p.get("/api/v1/series", url.Values{"match[]": {`{__name__=~"scimcms_.+"}`}}, &all); err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no series yet")
	}
	var errs []error
	for _, labels := range all {
		name := labels["__name__"]
		m, ok := known[name]
		if !ok {
			m = known[name[:strings.LastIndex(name, "_")]]
		}
		var own []string
		for label := range labels {
			if !slices.Contains([]string{"__name__", "instance", "job", "le"}, label) {
				own = append(own, label)
			}
		}
		slices.Sort(own)
		if want := slices.Sorted(slices.Values(m.labels)); !slices.Equal(own, want) {
			errs = append(errs, fmt.Errorf("%s has the labels %s, documented are %s", name, own, want))
		}
	}
	return errors.Join(errs...)
}

// hasData fails until the query gives at least one number.
func (p prometheus) hasData(expr string) error {
	values, err := p.query(expr)
	if err != nil {
		return err
	}
	for _, v := range values {
		if !math.IsNaN(v) {
			return nil
		}
	}
	return fmt.Errorf("no data: %s", expr)
}

// start runs a program until the test ends and shows what it printed if the test fails.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...) // stopped by the cleanup, gracefully
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err := cmd.Wait()
		if t.Failed() {
			text := out.String()
			t.Logf("%s ended with %v; the end of what it printed:\n%s", name, err, text[max(0, len(text)-4000):])
		}
	})
}

func fetch(address string) (string, error) {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(address)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnprocessableEntity {
		err = fmt.Errorf("%s: %s", address, resp.Status)
	}
	return string(body), err
}

// eventually repeats f until it passes or patience ends.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}
