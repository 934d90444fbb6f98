package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// conformancePage is the page that says of every MUST and SHOULD what is done, and names the test.
const conformancePage = "docs/scim-conformance.md"

var (
	conformanceRow = regexp.MustCompile("(?m)^\\| ([0-9][0-9.]*(?:-[0-9.]+)*-\\d+) \\| (MUST|SHALL|SHOULD)( NOT)? \\| [^|]+ \\| [^|]+ \\| `([a-z/]+)` \\| (`(?:Test|Fuzz)[^|]*`) \\|$")
	conformanceAny = regexp.MustCompile(`(?m)^\| \d`)
)

// conformanceSections are those that put something on a server.
var conformanceSections = []string{
	"3.1-", "3.2-", "3.3-", "3.3.1-", "3.4.1-", "3.4.2-", "3.4.2.1-", "3.4.2.2-", "3.4.2.3-", "3.4.2.4-", "3.4.2.5-", "3.4.3-", "3.5-", "3.5.1-",
	"3.5.2-", "3.5.2.1-", "3.5.2.2-", "3.5.2.3-", "3.6-", "3.7-", "3.7.1-", "3.7.2-", "3.7.3-", "3.7.4-", "3.8-", "3.9-", "3.10-", "3.11-", "3.12-",
	"3.13-", "3.14-", "4-", "9865-2-", "9865-2.1-", "9865-2.2-", "9865-2.3-", "9865-2.5-", "9865-3-", "9865-4-", "9865-5.2-", "9865-5.4-",
}

func TestDocs_EveryRowOfConformanceNamesATestThatExists(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(conformancePage)))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	rows := conformanceRow.FindAllStringSubmatch(page, -1)
	if n := len(conformanceAny.FindAllString(page, -1)); n != len(rows) || n < 100 {
		t.Errorf("%d rows, %d of them as they should be", n, len(rows))
	}
	known, seen := map[string]map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		nr, pkg := row[1], row[4]
		if seen[nr] {
			t.Errorf("%s stands twice", nr)
		}
		seen[nr] = true
		if known[pkg] == nil {
			known[pkg] = testsOf(t, pkg)
		}
		for _, name := range quoted.FindAllStringSubmatch(row[5], -1) {
			if !known[pkg][name[1]] {
				t.Errorf("%s: package %s has no %s", nr, pkg, name[1])
			}
		}
	}
	for _, section := range conformanceSections {
		if !strings.Contains(page, "\n| "+section) {
			t.Errorf("section %s has no row", section)
		}
	}
	for _, word := range []string{"planned", "not yet", "TODO", "to be done"} {
		if strings.Contains(page, word) {
			t.Errorf("%q is no behaviour", word)
		}
	}
}
