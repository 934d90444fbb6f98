package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]+)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// TestDocs_LinksLeadSomewhere follows every relative link of the documents, and its anchor.
func TestDocs_LinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	documents := []string{"../README.md", "../CHANGELOG.md"}
	for _, pattern := range []string{"../docs/*.md", "../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	followed := 0
	for _, document := range documents {
		for _, l := range link.FindAllStringSubmatch(read(t, document), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			followed++
			target := document
			if l[1] != "" {
				target = filepath.Join(filepath.Dir(document), l[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if l[2] != "" && !hasAnchor(read(t, target), l[2]) {
				t.Errorf("%s: %s has no heading %s", document, target, l[2])
			}
		}
	}
	if followed == 0 {
		t.Error("no link found")
	}
}

func hasAnchor(document, anchor string) bool {
	for _, h := range heading.FindAllStringSubmatch(document, -1) {
		slug := strings.ReplaceAll(strings.ToLower(regexp.MustCompile(`[^\w\s-]`).ReplaceAllString(h[1], "")), " ", "-")
		if "#"+slug == anchor {
			return true
		}
	}
	return false
}

// TestDocs_OktaGuideCoversEveryFeature holds the guide to the features that Okta's catalog knows.
func TestDocs_OktaGuideCoversEveryFeature(t *testing.T) {
	t.Parallel()
	guide := read(t, "../docs/okta.md")
	for _, feature := range []string{
		"Push New Users", "Push Profile Updates", "Push User Deactivation", "Reactivate Users", "Import New Users",
		"Push Groups", "Pull Groups", "Delete Groups", "Test API Credentials",
	} {
		if !strings.Contains(guide, "**"+feature+"**") {
			t.Errorf("docs/okta.md does not explain %s", feature)
		}
	}
}

var ownCode = regexp.MustCompile(`(?:[cC]ode[A-Z]\w* += |Code: |Code, v\.Text = |park\(ctx, )"([a-z]+_[a-z_]+)"`)

// TestDocs_RunbookKnowsEveryReason looks for the reasons in the packages that give them.
func TestDocs_RunbookKnowsEveryReason(t *testing.T) {
	t.Parallel()
	runbook, found := read(t, "../docs/operations.md"), 0
	for _, pattern := range []string{"../mapping/*.go", "../mapping/reconcile/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, code := range ownCode.FindAllStringSubmatch(read(t, file), -1) {
				found++
				if !strings.Contains(runbook, "`"+code[1]+"`") {
					t.Errorf("docs/operations.md does not explain the reason %s of %s", code[1], file)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d reasons found in the code", found)
	}
}
