package mapping_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/mapping"
)

// TestIDsNeverChange: identity providers remember these ids; a failure here is a break for every installation.
func TestIDsNeverChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		project, resource, key string
		count                  int
		want                   string
	}{
		{"site", mapping.ResourceUser, "ada@example.com", 0, "4bb14888-68a9-574e-8671-211872d4e791"},
		{"site", mapping.ResourceUser, "ADA@Example.com", 0, "4bb14888-68a9-574e-8671-211872d4e791"},
		{"site", mapping.ResourceUser, "ada@example.com", 1, "0ed32a18-b15e-5576-8914-52f12c3f85d6"},
		{"site", mapping.ResourceGroup, "ada@example.com", 0, "56f3b2b6-17ad-54e1-97d8-3352dd53c4e3"},
		{"other", mapping.ResourceUser, "ada@example.com", 0, "73eba5b8-745d-5dcb-ac36-513002d1d6a6"},
		{"site", mapping.ResourceGroup, "A\u0308rzte \u212a", 0, "28de0090-c528-517c-9270-8644ea2e36ef"},
		{"", "", "", 0, "6d802d56-5992-5fe2-a473-5ed407406b20"},
	} {
		if got := mapping.ID(tt.project, tt.resource, tt.key, tt.count); got != tt.want {
			t.Errorf("ID(%q, %q, %q, %d) = %s, want %s", tt.project, tt.resource, tt.key, tt.count, got, tt.want)
		}
	}
}

// TestIDPartsDoNotRunTogether: no part of a key can pass for a piece of its neighbor.
func TestIDPartsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	type parts struct {
		project, resource, key string
		count                  int
	}
	part := rapid.StringMatching(`[a1:]{0,4}`)
	draw := func(t *rapid.T, label string) parts {
		return parts{part.Draw(t, label), part.Draw(t, label), part.Draw(t, label), rapid.IntRange(0, 20).Draw(t, label)}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		same := mapping.ID(a.project, a.resource, a.key, a.count) == mapping.ID(b.project, b.resource, b.key, b.count)
		if same != (a == b) {
			t.Fatalf("%+v and %+v: same id %t", a, b, same)
		}
	})
}
