package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rulesPage is the page that names a test for every rule.
const rulesPage = "docs/rules.md"

// rule is a row of it.
type rule struct {
	nr, pkg string
	tests   []string
}

var (
	ruleRow = regexp.MustCompile("(?m)^\\| (\\d+[a-z]{1,2}) \\| .+ \\| `([a-z/]+)` \\| (`Test[^|]*`) \\| .+ \\|$")
	anyRow  = regexp.MustCompile(`(?m)^\| \d`)
	quoted  = regexp.MustCompile("`([^`]+)`")
)

func readRules(t *testing.T) []rule {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", rulesPage))
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for _, m := range ruleRow.FindAllStringSubmatch(string(page), -1) {
		r := rule{nr: m[1], pkg: m[2]}
		for _, name := range quoted.FindAllStringSubmatch(m[3], -1) {
			r.tests = append(r.tests, name[1])
		}
		rules = append(rules, r)
	}
	if n := len(anyRow.FindAllString(string(page), -1)); n != len(rules) || n < 100 {
		t.Fatalf("%s has %d rows, %d of them as they should be", rulesPage, n, len(rules))
	}
	return rules
}

// testsOf are the test functions and fuzz targets of a package.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pkg), "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("package %s has no tests: %v", pkg, err)
	}
	tests := map[string]bool{}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				tests[f.Name.Name] = true
			}
		}
	}
	return tests
}

func TestDocs_EveryRuleNamesATestThatExists(t *testing.T) {
	t.Parallel()
	known, seen := map[string]map[string]bool{}, map[string]bool{}
	for _, r := range readRules(t) {
		if seen[r.nr] {
			t.Errorf("%s stands twice", r.nr)
		}
		seen[r.nr] = true
		if known[r.pkg] == nil {
			known[r.pkg] = testsOf(t, r.pkg)
		}
		for _, name := range r.tests {
			if !known[r.pkg][name] {
				t.Errorf("%s: package %s has no %s", r.nr, r.pkg, name)
			}
		}
	}
}
