package mapping_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/mapping"
)

// Roles of the tests: 1 Viewer, 2 Editor, 3 Admin (privileged), 4 and 5 owned by groups, 6 owned and grown privileged.
func testRoles() mapping.RoleSet {
	return mapping.NewRoleSet([]mapping.Role{
		{ID: "1", Name: "Viewer"},
		{ID: "2", Name: "Editor"},
		{ID: "3", Name: "Admin", Privileged: true},
		{ID: "4", Name: "Marketing"},
		{ID: "5", Name: "Sales"},
		{ID: "6", Name: "Power", Privileged: true},
	}, nil)
}

func testConfig() mapping.Config {
	return mapping.Config{
		Default: "Viewer", Create: true, Template: "Editor",
		Rules: []mapping.Rule{
			{Group: "CMS Admins", Role: "Admin"},
			{Group: "Editors *", Role: "Editor"},
			{When: `title eq "Contractor"`, Role: "Contributor"},
			{When: `title eq "Writer"`, Role: "Editor"},
		},
	}
}

var (
	marketing = mapping.GroupRef{ID: "m", Name: "Marketing", Seq: 2, RoleID: "4"}
	sales     = mapping.GroupRef{ID: "s", Name: "Sales", Seq: 1, RoleID: "5"}
	power     = mapping.GroupRef{ID: "p", Name: "Power", Seq: 0, RoleID: "6"}
	admins    = mapping.GroupRef{ID: "a", Name: "cms admins", Seq: 9}
	editors   = mapping.GroupRef{ID: "e", Name: "Editors DE", Seq: 3}
)

func with(g mapping.GroupRef, change func(*mapping.GroupRef)) mapping.GroupRef {
	change(&g)
	return g
}

type roleCase struct {
	name    string
	config  func(*mapping.Config)
	person  mapping.Person
	want    string // "ROLE", "keep ROLE", "wait", "failed CODE"
	because string // part of the sentence
}

func outcome(d mapping.RoleDecision) string {
	switch {
	case d.Failed != "":
		return strings.TrimSpace("failed " + d.Failed + " " + d.RoleID)
	case d.Wait:
		return strings.TrimSpace("wait " + d.RoleID)
	case d.Keep:
		return strings.TrimSpace("keep " + d.RoleID)
	}
	return d.RoleID
}

func runRoleCases(t *testing.T, cases []roleCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := testConfig()
			if tt.config != nil {
				tt.config(&c)
			}
			d := mustRules(t, c).RoleOf(tt.person, testRoles())
			if got := outcome(d); got != tt.want {
				t.Errorf("got %q, want %q (%s)", got, tt.want, d.Because)
			}
			if d.Because == "" || !strings.Contains(d.Because, tt.because) {
				t.Errorf("because %q, want a mention of %q", d.Because, tt.because)
			}
		})
	}
}

func TestRoleOf_Order(t *testing.T) {
	t.Parallel()
	writer := attrs{"title": {"Writer"}}
	runRoleCases(t, []roleCase{
		{name: "default", want: "1", because: `roles.default, "Viewer"`},
		{name: "group rule", person: mapping.Person{Groups: []mapping.GroupRef{editors}}, want: "2", because: `rule 2 (group "Editors *", by "Editors DE") gives role "Editor"`},
		{name: "first rule written wins", person: mapping.Person{Groups: []mapping.GroupRef{editors, admins}}, want: "3", because: "rule 1"},
		{name: "when rule", person: mapping.Person{Attributes: writer}, want: "2", because: `rule 4 (when title eq "Writer")`},
		{name: "rule before own group", person: mapping.Person{Attributes: writer, Groups: []mapping.GroupRef{sales}}, want: "2", because: "rule 4"},
		{name: "rule before the CMS role", person: mapping.Person{Attributes: writer, Adopted: true, Current: "3"}, want: "2", because: "rule 4"},
		{name: "oldest own group", person: mapping.Person{Groups: []mapping.GroupRef{marketing, sales}}, want: "5", because: `group "Sales", the oldest that has a role, gives its own role "Sales"`},
		{name: "same age: by id", person: mapping.Person{Groups: []mapping.GroupRef{with(sales, func(g *mapping.GroupRef) { g.Seq = 2 }), marketing}}, want: "4"},
		{name: "own group before the CMS role", person: mapping.Person{Groups: []mapping.GroupRef{sales}, Adopted: true, Current: "2"}, want: "5"},
		{name: "ruled group's leftover role does not count", person: mapping.Person{Groups: []mapping.GroupRef{with(editors, func(g *mapping.GroupRef) { g.RoleID = "4" })}}, want: "2"},
		{name: "group without a role", person: mapping.Person{Groups: []mapping.GroupRef{with(sales, func(g *mapping.GroupRef) { g.RoleID = "" })}}, want: "1", because: `"Sales" is passed over: it has no role`},
		{name: "when without attributes", person: mapping.Person{Attributes: nil}, want: "1"},
	})
}

func TestAdoptedPersonKeepsTheCMSRole(t *testing.T) {
	t.Parallel()
	adoptDefault := func(c *mapping.Config) { c.Adopt = mapping.Default }
	runRoleCases(t, []roleCase{
		{name: "keep", person: mapping.Person{Adopted: true, Current: "2"}, want: "keep 2", because: `keeps role "Editor"`},
		{name: "a privileged role is kept, not given anew", person: mapping.Person{Adopted: true, Current: "3"}, want: "keep", because: `"Admin"`},
		{name: "unless allowed", config: func(c *mapping.Config) { c.Privileged = mapping.Allow }, person: mapping.Person{Adopted: true, Current: "3"}, want: "keep 3"},
		{name: "a role nobody knows is kept", person: mapping.Person{Adopted: true, Current: "77"}, want: "keep", because: "77"},
		{name: "adopt: default", config: adoptDefault, person: mapping.Person{Adopted: true, Current: "2"}, want: "1"},
		{name: "invited by the proxy", person: mapping.Person{Current: "2"}, want: "1"},
		{name: "adopted without a role", person: mapping.Person{Adopted: true}, want: "1"},
		{name: "in a group that gives none", person: mapping.Person{Adopted: true, Current: "2", Groups: []mapping.GroupRef{with(sales, func(g *mapping.GroupRef) { g.State = mapping.RoleParked })}}, want: "keep 2", because: "passed over"},
	})
}

func TestMissingRoleNeverFallsThrough(t *testing.T) {
	t.Parallel()
	contractor := attrs{"title": {"Contractor"}}
	runRoleCases(t, []roleCase{
		{name: "rule", person: mapping.Person{Attributes: contractor, Groups: []mapping.GroupRef{sales}}, want: "failed role_missing", because: `"Contributor", but the CMS has no such role`},
		{name: "rule, adopted", person: mapping.Person{Attributes: contractor, Adopted: true, Current: "2"}, want: "failed role_missing"},
		{name: "own group", person: mapping.Person{Groups: []mapping.GroupRef{with(sales, func(g *mapping.GroupRef) { g.RoleID = "77" }), marketing}}, want: "failed role_missing"},
		{name: "default", config: func(c *mapping.Config) { c.Default = "Nobody" }, want: "failed role_missing"},
	})
}

func TestPrivilegedRoleOnlyByRule(t *testing.T) {
	t.Parallel()
	allow := func(c *mapping.Config) { c.Privileged = mapping.Allow }
	linked := with(power, func(g *mapping.GroupRef) { g.Imported, g.Linked = true, true })
	runRoleCases(t, []roleCase{
		{name: "rule", person: mapping.Person{Groups: []mapping.GroupRef{admins}}, want: "3"},
		{name: "own group", person: mapping.Person{Groups: []mapping.GroupRef{power, sales}}, want: "failed privileged_role", because: "only a rule gives such a role"},
		{name: "own group of somebody who has it", person: mapping.Person{Groups: []mapping.GroupRef{power}, Current: "6"}, want: "failed privileged_role"},
		{name: "linked group", person: mapping.Person{Groups: []mapping.GroupRef{linked}}, want: "failed privileged_role"},
		{name: "default", config: func(c *mapping.Config) { c.Default = "Admin" }, want: "failed privileged_role"},
		{name: "allow: own group", config: allow, person: mapping.Person{Groups: []mapping.GroupRef{power}}, want: "6"},
		{name: "allow: linked group", config: allow, person: mapping.Person{Groups: []mapping.GroupRef{linked}}, want: "6"},
		{name: "allow: default", config: func(c *mapping.Config) { c.Default = "Admin"; allow(c) }, want: "3"},
	})
}

func TestGroupWhoseRoleIsNotThere(t *testing.T) {
	t.Parallel()
	waiting := with(sales, func(g *mapping.GroupRef) { g.RoleID, g.State = "", mapping.RoleWaiting })
	parked := with(sales, func(g *mapping.GroupRef) { g.RoleID, g.State = "", mapping.RoleParked })
	runRoleCases(t, []roleCase{
		{name: "waiting", person: mapping.Person{Groups: []mapping.GroupRef{waiting}}, want: "wait", because: "still to be made"},
		{name: "waiting, though a younger group has one", person: mapping.Person{Groups: []mapping.GroupRef{waiting, marketing}}, want: "wait"},
		{name: "waiting, but an older group has one", person: mapping.Person{Groups: []mapping.GroupRef{waiting, with(marketing, func(g *mapping.GroupRef) { g.Seq = 0 })}}, want: "4"},
		{name: "waiting, but a rule matches", person: mapping.Person{Groups: []mapping.GroupRef{waiting, editors}}, want: "2"},
		{name: "parked: the next group, and says so", person: mapping.Person{Groups: []mapping.GroupRef{parked, marketing}}, want: "4", because: `"Sales" is passed over: its role could not be made`},
		{name: "parked: the default, and says so", person: mapping.Person{Groups: []mapping.GroupRef{parked}}, want: "1", because: `"Sales" is passed over`},
	})
}

func TestImportedGroups(t *testing.T) {
	t.Parallel()
	byRule := func(c *mapping.Config) { c.Link = mapping.ByRule }
	linked := with(sales, func(g *mapping.GroupRef) { g.Imported, g.Linked = true, true })
	listed := with(sales, func(g *mapping.GroupRef) { g.Imported = true })
	runRoleCases(t, []roleCase{
		{name: "linked, any", person: mapping.Person{Groups: []mapping.GroupRef{linked}}, want: "5"},
		{name: "linked, by_rule", config: byRule, person: mapping.Person{Groups: []mapping.GroupRef{linked}}, want: "1", because: "roles.link is by_rule"},
		{name: "linked, by_rule, with a rule", config: func(c *mapping.Config) { byRule(c); c.Rules = []mapping.Rule{{Group: "Sales", Role: "Sales"}} }, person: mapping.Person{Groups: []mapping.GroupRef{linked}}, want: "5"},
		{name: "own group, by_rule", config: byRule, person: mapping.Person{Groups: []mapping.GroupRef{sales}}, want: "5"},
		{name: "only listed", person: mapping.Person{Groups: []mapping.GroupRef{listed}}, want: "1", because: "not taken it over"},
	})
}

func TestRoleOf_Source(t *testing.T) {
	t.Parallel()
	r := mustRules(t, testConfig())
	for want, p := range map[mapping.Source]mapping.Person{
		mapping.FromDefault: {},
		mapping.FromRule:    {Groups: []mapping.GroupRef{editors}},
		mapping.FromGroup:   {Groups: []mapping.GroupRef{sales}},
		mapping.FromCMS:     {Adopted: true, Current: "2"},
	} {
		if got := r.RoleOf(p, testRoles()).Source; got != want {
			t.Errorf("source %d, want %d", got, want)
		}
	}
}

// TestRoleOf_Properties: whatever the person, the decision is one thing, independent of the order of groups, and a
// privileged role comes from a rule.
func TestRoleOf_Properties(t *testing.T) {
	t.Parallel()
	r := mustRules(t, testConfig())
	roles := testRoles()
	pool := []mapping.GroupRef{
		marketing, sales, power, admins, editors,
		{ID: "w", Name: "Waiting", Seq: 4, State: mapping.RoleWaiting},
		{ID: "k", Name: "Parked", Seq: -1, State: mapping.RoleParked},
		{ID: "i", Name: "Viewer", Seq: 5, RoleID: "1", Imported: true, Linked: true},
		{ID: "x", Name: "Lost", Seq: 6, RoleID: "77"},
	}
	rapid.Check(t, func(t *rapid.T) {
		p := mapping.Person{
			Attributes: attrs{"title": {rapid.SampledFrom([]string{"Writer", "Contractor", ""}).Draw(t, "title")}},
			Groups:     rapid.SliceOfNDistinct(rapid.SampledFrom(pool), 0, 4, func(g mapping.GroupRef) string { return g.ID }).Draw(t, "groups"),
			Adopted:    rapid.Bool().Draw(t, "adopted"),
			Current:    rapid.SampledFrom([]string{"", "1", "2", "3", "77"}).Draw(t, "current"),
		}
		d := r.RoleOf(p, roles)
		p.Groups = rapid.Permutation(p.Groups).Draw(t, "shuffled")
		if again := r.RoleOf(p, roles); again != d {
			t.Fatalf("order of groups matters:\n%+v\n%+v", d, again)
		}
		role, found := roles.ByID(d.RoleID)
		if (d.Wait || d.Failed != "") && d.RoleID != "" {
			t.Fatalf("a role in spite of it: %+v", d)
		}
		if !d.Wait && d.Failed == "" && !d.Keep && !found {
			t.Fatalf("no role: %+v", d)
		}
		if role.Privileged && d.Source != mapping.FromRule {
			t.Fatalf("power without a rule: %+v", d)
		}
	})
}
