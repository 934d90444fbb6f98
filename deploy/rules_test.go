package deploy_test

import (
	"slices"
	"strings"
	"testing"
)

// rulesFile is prometheus/rules.yml.
type rulesFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	} `yaml:"groups"`
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var file rulesFile
	readYAML(t, "prometheus/rules.yml", &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no alert rule found")
	}
	return all
}

func TestRules_UseMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := documentedMetrics(t)
	for _, r := range alerts(t) {
		checkMetrics(t, known, r.Alert, r.Expr)
	}
}

func TestRules_EachAlertHasItsRunbookEntry(t *testing.T) {
	t.Parallel()
	runbook := read(t, "../docs/operations.md")
	for _, r := range alerts(t) {
		if !strings.Contains(runbook, "\n### "+r.Alert+"\n") {
			t.Errorf("docs/operations.md has no entry %s", r.Alert)
		}
		want := "https://github.com/scimcms/scimcms/blob/main/docs/operations.md#" + strings.ToLower(r.Alert)
		if got := r.Annotations["runbook_url"]; got != want {
			t.Errorf("%s: runbook_url is %q, want %q", r.Alert, got, want)
		}
	}
	for line := range strings.Lines(runbook) {
		name, entry := strings.CutPrefix(strings.TrimSpace(line), "### Scimcms")
		if entry && !slices.ContainsFunc(alerts(t), func(r rule) bool { return r.Alert == "Scimcms"+name }) {
			t.Errorf("the runbook has an entry for the alert Scimcms%s, which is not there", name)
		}
	}
}

func TestRules_SayWhatAnOperatorNeeds(t *testing.T) {
	t.Parallel()
	for _, r := range alerts(t) {
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity is %q", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.For == "" {
			t.Errorf("%s: needs for, summary and description", r.Alert)
		}
	}
}

func TestRules_EachAlertIsTested(t *testing.T) {
	t.Parallel()
	tests := read(t, "prometheus/rules_test.yml")
	for _, r := range alerts(t) {
		if !strings.Contains(tests, "- name: "+r.Alert+"\n") {
			t.Errorf("prometheus/rules_test.yml has no test of %s", r.Alert)
		}
	}
}
