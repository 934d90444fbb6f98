package mapping

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMatchGlob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"CMS Admins", "cms admins", true},
		{"CMS Admins", "CMS Admins 2", false},
		{"Editors *", "Editors DE", true},
		{"Editors *", "editors ", true},
		{"Editors *", "Editors", false},
		{"*", "", true},
		{"*editor*", "Chief Editors", true},
		{"?", "é", true},
		{"?", "e\u0301", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{"a*b*c", "a--b--b--c", true},
		{"a*b*c", "a--b--c--", false},
		{"ä*", "Ärger", false},
		{"Ä*", "A\u0308rger", true},
		{"[a]", "a", false},
		{"[a]", "[A]", true},
		{`\*`, "*", false},
		{"k", "\u212a", false},
	} {
		t.Run(tt.pattern+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			if got := matchGlob(tt.pattern, tt.name); got != tt.want {
				t.Errorf("matchGlob(%q, %q) = %t", tt.pattern, tt.name, got)
			}
		})
	}
}

// TestMatchGlob_AsRegexp compares with the standard library's matcher.
func TestMatchGlob_AsRegexp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("aAbB*?ä.")), 0, 8, -1).Draw(t, "pattern")
		name := rapid.StringOfN(rapid.SampledFrom([]rune("aAbBä.")), 0, 10, -1).Draw(t, "name")
		text := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(Fold(pattern)))
		want := regexp.MustCompile(`(?s)\A` + text + `\z`).MatchString(Fold(name))
		if got := matchGlob(pattern, name); got != want {
			t.Fatalf("matchGlob(%q, %q) = %t, the regular expression says %t", pattern, name, got, want)
		}
	})
}

// TestHostileGlobIsCheap: many stars do not blow up.
func TestHostileGlobIsCheap(t *testing.T) {
	t.Parallel()
	done := make(chan bool)
	go func() { done <- matchGlob(strings.Repeat("*a", 500)+"b", strings.Repeat("a", 5000)) }()
	select {
	case matched := <-done:
		if matched {
			t.Error("matches")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still matching")
	}
}
