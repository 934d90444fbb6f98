// Package deploy_test checks the files of this folder with the means of a developer's machine: what they name exists, what
// they query is exposed, and what they start is what the repository builds.
package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// metric is one row of the table of metrics in docs/operations.md.
type metric struct {
	kind   string
	labels []string
}

var metricRow = regexp.MustCompile("(?m)^\\| `(scimcms_[a-z_]+)` \\| (counter|gauge|histogram) \\| ([a-z, ]+) \\|")

// documentedMetrics reads the table of metrics, the one list that dashboard, alerts and proxy have to agree with.
func documentedMetrics(t *testing.T) map[string]metric {
	t.Helper()
	all := map[string]metric{}
	for _, row := range metricRow.FindAllStringSubmatch(read(t, "../docs/operations.md"), -1) {
		all[row[1]] = metric{kind: row[2], labels: strings.Split(row[3], ", ")}
	}
	if len(all) == 0 {
		t.Fatal("docs/operations.md has no table of metrics")
	}
	return all
}

var metricName = regexp.MustCompile(`\bscimcms_[a-z_]+`)

// checkMetrics reports the metrics of a query that are not documented. A histogram has its three series.
func checkMetrics(t *testing.T, known map[string]metric, where, query string) {
	t.Helper()
	for _, name := range metricName.FindAllString(query, -1) {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if trimmed, ok := strings.CutSuffix(name, suffix); ok && known[trimmed].kind == "histogram" {
				base = trimmed
			}
		}
		if m, ok := known[base]; !ok || (m.kind == "histogram" && base == name) {
			t.Errorf("%s: there is no series %s", where, name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// readYAML decodes a file strictly: a key that into does not know fails the test.
func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.UnmarshalWithOptions([]byte(read(t, name)), into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
