package mapping_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

func entitled(ids ...string) []mapping.Entitlement {
	var all []mapping.Entitlement
	for _, id := range ids {
		all = append(all, mapping.Entitlement{ID: id})
	}
	return all
}

func TestEntitlementRanksAboveRulesAndGroups(t *testing.T) {
	t.Parallel()
	order := func(c *mapping.Config) { c.EntitlementsOrder = []string{"Sales", "editor"} }
	writer := attrs{"title": {"Writer"}}
	runRoleCases(t, []roleCase{
		{name: "before a rule", person: mapping.Person{Attributes: writer, Entitlements: entitled("4")}, want: "4", because: `the identity provider assigns role "Marketing"`},
		{name: "before a group", person: mapping.Person{Groups: []mapping.GroupRef{sales}, Entitlements: entitled("4")}, want: "4"},
		{name: "before the CMS role", person: mapping.Person{Adopted: true, Current: "2", Entitlements: entitled("4")}, want: "4"},
		{name: "several: in the CMS's order", person: mapping.Person{Entitlements: entitled("5", "4", "2")}, want: "2", because: "the first of 3"},
		{name: "several: in the configured order", config: order, person: mapping.Person{Entitlements: entitled("2", "4", "5")}, want: "5"},
		{name: "listed before unlisted, in any case", config: order, person: mapping.Person{Entitlements: entitled("1", "2")}, want: "2"},
		{name: "none left: the rule", person: mapping.Person{Attributes: writer}, want: "2", because: "rule 4"},
	})
}

func TestEntitlementToARoleThatIsGoneMakesNobodyFallThrough(t *testing.T) {
	t.Parallel()
	gone := mapping.Entitlement{ID: "77", Name: "Reviewer"}
	runRoleCases(t, []roleCase{
		{name: "alone", person: mapping.Person{Attributes: attrs{"title": {"Writer"}}, Entitlements: []mapping.Entitlement{gone}},
			want: "failed role_missing", because: `assigns role "Reviewer", but the CMS has no such role: the present role stays`},
		{name: "ranked by the name that it had", config: func(c *mapping.Config) { c.EntitlementsOrder = []string{"Reviewer"} },
			person: mapping.Person{Entitlements: []mapping.Entitlement{{ID: "2"}, gone}}, want: "failed role_missing"},
		{name: "behind another one", person: mapping.Person{Entitlements: []mapping.Entitlement{gone, {ID: "2"}}}, want: "2"},
	})
}

func TestPrivilegedEntitlementNeedsARuleOfThePerson(t *testing.T) {
	t.Parallel()
	runRoleCases(t, []roleCase{
		{name: "no rule matches", person: mapping.Person{Entitlements: entitled("3")}, want: "failed privileged_role", because: "only a rule gives such a role: the present role stays"},
		{name: "a rule gives another role", person: mapping.Person{Groups: []mapping.GroupRef{editors}, Entitlements: entitled("3")}, want: "failed privileged_role"},
		{name: "a rule gives it", person: mapping.Person{Groups: []mapping.GroupRef{admins}, Entitlements: entitled("3")}, want: "3", because: "which is privileged; rule 1 allows it"},
		{name: "a later rule gives it", config: func(c *mapping.Config) { c.Rules[0], c.Rules[1] = c.Rules[1], c.Rules[0] },
			person: mapping.Person{Groups: []mapping.GroupRef{editors, admins}, Entitlements: entitled("3")}, want: "3", because: "rule 2 allows it"},
		{name: "privileged: allow", config: func(c *mapping.Config) { c.Privileged = mapping.Allow }, person: mapping.Person{Entitlements: entitled("3")}, want: "3"},
	})
}

func TestCatalog_OffersWhatSomebodyMayBeGiven(t *testing.T) {
	t.Parallel()
	names := func(c mapping.Catalog) string {
		var all []string
		for _, r := range c.Offered() {
			all = append(all, r.Name)
		}
		return strings.Join(all, ",")
	}
	config := testConfig()
	if got := names(mustRules(t, config).Catalog(testRoles())); got != "Viewer,Editor,Admin,Marketing,Sales" {
		t.Errorf("by_rule, Admin named by a rule: %s", got)
	}
	config.Rules = config.Rules[1:]
	if got := names(mustRules(t, config).Catalog(testRoles())); got != "Viewer,Editor,Marketing,Sales" {
		t.Errorf("by_rule: %s", got)
	}
	config.Privileged = mapping.Allow
	if got := names(mustRules(t, config).Catalog(testRoles())); got != "Viewer,Editor,Admin,Marketing,Sales,Power" {
		t.Errorf("allow: %s", got)
	}
	order := mapping.NewRoleSet([]mapping.Role{{ID: "10", Name: "b"}, {ID: "9", Name: "a"}, {ID: "x", Name: "c"}, {ID: "0100", Name: "d"}}, nil)
	if got := names(mustRules(t, config).Catalog(order)); got != "a,b,d,c" {
		t.Errorf("in the order of ids: %s", got)
	}
}

func TestCatalog_Find(t *testing.T) {
	t.Parallel()
	roles := mapping.NewRoleSet([]mapping.Role{
		{ID: "1", Name: "Admin", Privileged: true}, {ID: "2", Name: "Editor"}, {ID: "3", Name: "2"}, {ID: "4", Name: "Twin"}, {ID: "5", Name: "TWIN"},
	}, map[string]string{"Old": "2"})
	c := mustRules(t, mapping.Config{Default: "Editor"}).Catalog(roles)
	for value, want := range map[string]string{
		"2": "2", "Editor": "2", "eDITOR": "2", "Twin": "4", "TWIN": "5", "twin": "", "Old": "", "": "", "9": "",
	} {
		role, offered, found := c.Find(value)
		if role.ID != want || found != (want != "") || offered != found {
			t.Errorf("%q: %+v %v %v, want %q", value, role, offered, found, want)
		}
	}
	if role, offered, found := c.Find("admin"); role.ID != "1" || offered || !found {
		t.Errorf("Admin: %+v %v %v", role, offered, found)
	}
}

func TestEntitlementsOrder_Problems(t *testing.T) {
	t.Parallel()
	_, err := mapping.NewRules(mapping.Config{Default: "Viewer", EntitlementsOrder: []string{"Editor", " ", "Editor"}})
	if err == nil || !strings.Contains(err.Error(), "roles.entitlements_order[1]: must be given") ||
		!strings.Contains(err.Error(), `roles.entitlements_order[2]: "Editor" is in the list already`) {
		t.Errorf("got %v", err)
	}
	rules := mustRules(t, mapping.Config{Default: "Viewer", EntitlementsOrder: []string{"Editor"}})
	if names := rules.RoleNames(); len(names) != 2 || names[1] != "Editor" {
		t.Errorf("names: %v", names)
	}
	if rules.Fingerprint() == mustRules(t, mapping.Config{Default: "Viewer"}).Fingerprint() {
		t.Error("the order is not in the fingerprint")
	}
}

func TestExplain_NamesTheEntitlement(t *testing.T) {
	t.Parallel()
	d := mustRules(t, testConfig()).RoleOf(mapping.Person{Entitlements: entitled("2"), Groups: []mapping.GroupRef{sales}}, testRoles())
	c := mapping.Case{Wish: mapping.Wish{Address: ada, Role: d}}
	text := strings.Join(mapping.Explain(c, mapping.Make(c), testRoles()), "\n")
	if d.Source != mapping.FromEntitlement || !d.Source.Decides() || !strings.Contains(text, `role:     entitlement: the identity provider assigns role "Editor"`) {
		t.Errorf("source %d:\n%s", d.Source, text)
	}
}

// What the brake counts: the next assigned role takes nothing from whom the present one is assigned, too.
func TestEntitlementTakesARoleOnlyWhenItIsNotAssignedAnyMore(t *testing.T) {
	t.Parallel()
	rules := mustRules(t, testConfig())
	for _, tt := range []struct {
		person mapping.Person
		takes  bool
	}{
		{mapping.Person{Current: "5", Entitlements: entitled("5", "4")}, false},
		{mapping.Person{Current: "5", Entitlements: entitled("4")}, true},
		{mapping.Person{Current: "5"}, true},
		{mapping.Person{Current: "1", Entitlements: entitled("4")}, false},
	} {
		if d := rules.RoleOf(tt.person, testRoles()); d.Takes != tt.takes {
			t.Errorf("%+v: takes %v (%s)", tt.person, d.Takes, d.Because)
		}
	}
}
