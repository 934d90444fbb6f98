package mapping_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping"
)

// attrs is a user as the rules see it.
type attrs map[string][]string

func (a attrs) Values(path string) []string { return a[path] }

var errFilter = errors.New("bad filter")

// compileEq understands `path eq "value"`, which is enough of a filter language for rules.
func compileEq(filter string) (mapping.Predicate, error) {
	path, value, ok := strings.Cut(filter, " eq ")
	if !ok {
		return nil, errFilter
	}
	value = strings.Trim(value, `"`)
	return func(a mapping.Attributes) bool { return slices.Contains(a.Values(path), value) }, nil
}

func mustRules(tb testing.TB, c mapping.Config) *mapping.Rules {
	tb.Helper()
	c.Compile = compileEq
	r, err := mapping.NewRules(c)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestNewRules_Defaults(t *testing.T) {
	t.Parallel()
	got := mustRules(t, mapping.Config{Default: "Viewer"}).Config()
	if got.Compile == nil {
		t.Error("the compiler is lost")
	}
	got.Compile = nil
	want := mapping.Config{
		Default: "Viewer", Privileged: mapping.ByRule, Adopt: mapping.Keep, Link: mapping.Any,
		OnDelete: mapping.Deactivate, OnEmailChange: mapping.Keep,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNewRules_TellsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := mapping.NewRules(mapping.Config{
		Create: true, Privileged: "yes", Adopt: "no", Link: "maybe", OnDelete: "shred", OnEmailChange: "shrug",
		ContentOwner: &mapping.Destination{Type: "organization"},
		Protected:    []string{"owner@example.com", "owner"},
		Compile:      compileEq,
		Rules: []mapping.Rule{
			{Group: "A", Role: "R"}, {Group: "A"}, {Role: "R"}, {Group: "A", When: `a eq "b"`, Role: "R"}, {When: "nonsense", Role: "R"},
		},
	})
	if !errors.Is(err, errFilter) {
		t.Errorf("the compiler's error is lost: %v", err)
	}
	for _, want := range []string{
		"roles.default: must be given", "roles.template: must be given", `roles.privileged: "yes" is not one of by_rule, allow`,
		`roles.adopt: "no" is not one of keep, default`, `roles.link: "maybe" is not one of any, by_rule`,
		`on_delete: "shred" is not one of deactivate, remove`, `on_email_change: "shrug" is not one of keep, reinvite`,
		"content_owner.id: must be given", `content_owner.type: "organization" is not one of`,
		`protected[1]: "owner" is not an e-mail address`, "roles.rules[1].role: must be given",
		"roles.rules[2]: give either group or when", "roles.rules[3]: give either group or when", "roles.rules[4].when: bad filter",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told", want)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 14 {
		t.Errorf("%d problems:\n%v", n, err)
	}
}

func TestNewRules_WithoutCompiler(t *testing.T) {
	t.Parallel()
	_, err := mapping.NewRules(mapping.Config{Default: "V", Rules: []mapping.Rule{{When: `a eq "b"`, Role: "R"}}})
	if err == nil || err.Error() != "roles.rules[0].when: no filter compiler" {
		t.Errorf("error: %v", err)
	}
}

func TestNewRules_KeepsItsOwnCopy(t *testing.T) {
	t.Parallel()
	c := mapping.Config{Default: "V", Rules: []mapping.Rule{{Group: "A", Role: "R"}}}
	r := mustRules(t, c)
	c.Rules[0].Role = "Admin"
	r.Config().Rules[0].Role = "Admin"
	if role, _ := r.GroupRole("a"); role != "R" {
		t.Errorf("role is %q", role)
	}
}

func TestGroupRole(t *testing.T) {
	t.Parallel()
	r := mustRules(t, mapping.Config{Default: "V", Rules: []mapping.Rule{
		{When: `title eq "X"`, Role: "First"}, {Group: "Editors *", Role: "Editor"}, {Group: "Editors DE", Role: "Other"}, {Group: "CMS Admins", Role: "Admin"},
	}})
	for _, tt := range []struct {
		name, role string
		ruled      bool
	}{
		{"Editors DE", "Editor", true}, {"editors ", "Editor", true}, {"cms ADMINS", "Admin", true}, {"Marketing", "", false}, {"", "", false},
	} {
		if role, ruled := r.GroupRole(tt.name); role != tt.role || ruled != tt.ruled {
			t.Errorf("GroupRole(%q) = %q, %t, want %q, %t", tt.name, role, ruled, tt.role, tt.ruled)
		}
	}
}

func TestProtected(t *testing.T) {
	t.Parallel()
	r := mustRules(t, mapping.Config{Default: "V", Protected: []string{" Owner@Example.com "}})
	for address, want := range map[string]bool{
		"owner@example.com": true, "OWNER@EXAMPLE.COM": true, "owner@example.com\t": true, "owner@example.org": false, "": false,
	} {
		if got := r.Protected(address); got != want {
			t.Errorf("Protected(%q) = %t", address, got)
		}
	}
}

func TestRoleNames(t *testing.T) {
	t.Parallel()
	c := mapping.Config{Default: "V", Template: "T", Rules: []mapping.Rule{{Group: "a", Role: "R"}, {Group: "b", Role: "V"}, {Group: "c", Role: "S"}}}
	if diff := cmp.Diff([]string{"V", "R", "S"}, mustRules(t, c).RoleNames()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c.Create = true
	if diff := cmp.Diff([]string{"V", "T", "R", "S"}, mustRules(t, c).RoleNames()); diff != "" {
		t.Errorf("with a template (-want +got)\n%s", diff)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	owner := &mapping.Destination{Type: "user", ID: "7"}
	got := mustRules(t, mapping.Config{Default: "V", OnDelete: mapping.Remove, OnEmailChange: mapping.Reinvite, ContentOwner: owner}).Policy("99")
	if diff := cmp.Diff(mapping.Policy{Remove: true, Reinvite: true, Destination: owner, Token: "99"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(mapping.Policy{}, mustRules(t, mapping.Config{Default: "V"}).Policy("")); diff != "" {
		t.Errorf("by default (-want +got)\n%s", diff)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := func() mapping.Config {
		return mapping.Config{Default: "V", Rules: []mapping.Rule{{Group: "a", Role: "R"}, {Group: "b", Role: "S"}}, Protected: []string{"a@x.org", "b@x.org"}}
	}
	want := mustRules(t, base()).Fingerprint()
	if len(want) != 64 {
		t.Errorf("fingerprint is %q", want)
	}
	for name, change := range map[string]func(*mapping.Config){
		"a default written out": func(c *mapping.Config) { c.Adopt = mapping.Keep },
		"protected in another order": func(c *mapping.Config) {
			c.Protected = []string{"B@x.org", "a@x.org"}
		},
	} {
		c := base()
		change(&c)
		if got := mustRules(t, c).Fingerprint(); got != want {
			t.Errorf("%s changes the fingerprint", name)
		}
	}
	for name, change := range map[string]func(*mapping.Config){
		"default":         func(c *mapping.Config) { c.Default = "W" },
		"adopt":           func(c *mapping.Config) { c.Adopt = mapping.Default },
		"order of rules":  func(c *mapping.Config) { slices.Reverse(c.Rules) },
		"a rule's role":   func(c *mapping.Config) { c.Rules[1].Role = "R" },
		"group or when":   func(c *mapping.Config) { c.Rules[1] = mapping.Rule{When: `b eq "c"`, Role: "S"} },
		"protected":       func(c *mapping.Config) { c.Protected = c.Protected[:1] },
		"content owner":   func(c *mapping.Config) { c.ContentOwner = &mapping.Destination{Type: "user", ID: "1"} },
		"on_email_change": func(c *mapping.Config) { c.OnEmailChange = mapping.Reinvite },
	} {
		c := base()
		change(&c)
		if got := mustRules(t, c).Fingerprint(); got == want {
			t.Errorf("%s does not change the fingerprint", name)
		}
	}
}

func TestRoleSet(t *testing.T) {
	t.Parallel()
	roles := []mapping.Role{{ID: "1", Name: "Editor"}, {ID: "2", Name: "viewer"}, {ID: "3", Name: "VIEWER"}, {ID: "4", Name: "Writers"}, {ID: "5", Name: "Chief"}}
	resolved := map[string]string{"Author": "4", "Gone": "77", "Editor": "1", "Old": "5"}
	s := mapping.NewRoleSet(roles, resolved)
	for _, tt := range []struct{ name, in, want string }{
		{"exact", "Editor", "1"},
		{"another case", "EDITOR", "1"},
		{"exact before another case", "viewer", "2"},
		{"ambiguous case is nobody", "Viewer", ""},
		{"renamed in the CMS", "Author", "4"},
		{"by its new name", "Writers", "4"},
		{"resolved role was deleted", "Gone", ""},
		{"unknown", "Nobody", ""},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := s.Named(tt.in); got.ID != tt.want || ok != (tt.want != "") {
				t.Errorf("Named(%q) = %+v, %t, want id %q", tt.in, got, ok, tt.want)
			}
		})
	}
	if _, ok := (mapping.RoleSet{}).Named("Editor"); ok {
		t.Error("the empty set has a role")
	}
}
