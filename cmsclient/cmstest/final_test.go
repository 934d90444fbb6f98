package cmstest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// TestFinalPermissions gives a role and its parents, and says what the role comes to.
func TestFinalPermissions(t *testing.T) {
	t.Parallel()
	trigger := func(plus, minus string) string {
		return `,"positive_build_trigger_permissions":[` + plus + `],"negative_build_trigger_permissions":[` + minus + `]`
	}
	item := func(plus, minus string) string {
		return `,"positive_item_type_permissions":[` + plus + `],"negative_item_type_permissions":[` + minus + `]`
	}
	const (
		any5, five = `{"build_trigger":null}`, `{"build_trigger":"5"}`
		six        = `{"build_trigger":"6"}`
		allItems   = `{"environment":"main","action":"all","on_creator":"anyone","localization_scope":"all"}`
		ownItems   = `{"environment":"main","action":"all","on_creator":"self","localization_scope":"all"}`
		sandbox    = `{"environment":"sandbox","action":"all","on_creator":"anyone","localization_scope":"all"}`
		remove     = `{"environment":"main","action":"delete","on_creator":"anyone"}`
		removeOne  = `{"environment":"main","action":"delete","on_creator":"anyone","item_type":"9"}`
		read       = `{"environment":"main","action":"read","on_creator":"self","item_type":"9"}`
	)
	for _, tt := range []struct {
		name    string
		own     string   // attributes after the name
		parents []string // the same for each parent
		list    string   // the attribute looked at
		want    string
	}{
		{"a flag of its own", `,"can_edit_site":true`, nil, "can_edit_site", `true`},
		{"a flag of a parent", ``, []string{``, `,"can_manage_users":true`}, "can_manage_users", `true`},
		{"a flag of nobody", `,"can_edit_site":true`, []string{``}, "can_manage_sso", `false`},
		{"access of its own", `,"environments_access":"sandbox_only"`, []string{`,"environments_access":"none"`}, "environments_access", `"sandbox_only"`},
		{"access of a parent", `,"environments_access":"none"`, []string{`,"environments_access":"sandbox_only"`}, "environments_access", `"sandbox_only"`},
		{"access united", `,"environments_access":"primary_only"`, []string{`,"environments_access":"sandbox_only"`}, "environments_access", `"all"`},
		{"access of everything", `,"environments_access":"primary_only"`, []string{`,"environments_access":"all"`}, "environments_access", `"all"`},
		{"positive entries united", trigger(five, ``), []string{trigger(six, ``), trigger(five, ``)}, "positive_build_trigger_permissions", `[` + five + `,` + six + `]`},
		{"negative takes the equal positive", trigger(five+`,`+six, five), nil, "positive_build_trigger_permissions", `[` + six + `]`},
		{"negative takes what a parent gives", trigger(``, five), []string{trigger(five+`,`+six, ``)}, "positive_build_trigger_permissions", `[` + six + `]`},
		{"negative of everything takes all", trigger(``, any5), []string{trigger(five+`,`+six, ``)}, "positive_build_trigger_permissions", `[]`},
		{"negative of one leaves the wider positive", trigger(any5, five), nil, "positive_build_trigger_permissions", `[` + any5 + `]`},
		{"negative stays listed", trigger(any5, five), nil, "negative_build_trigger_permissions", `[` + five + `]`},
		{"negative of a parent stays listed", ``, []string{trigger(any5, five)}, "negative_build_trigger_permissions", `[` + five + `]`},
		{"positive of its own gives back", trigger(five, ``), []string{trigger(any5, five)}, "negative_build_trigger_permissions", `[]`},
		{"narrow items are covered", item(ownItems+`,`+read, allItems), nil, "positive_item_type_permissions", `[]`},
		{"another environment is not", item(sandbox, allItems), nil, "positive_item_type_permissions", `[` + full(sandbox) + `]`},
		{"another creator is not", item(allItems, ownItems), nil, "positive_item_type_permissions", `[` + full(allItems) + `]`},
		{"one action of all is not all", item(allItems, remove), nil, "positive_item_type_permissions", `[` + full(allItems) + `]`},
		{"one model of an action", item(removeOne, remove), nil, "positive_item_type_permissions", `[]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{})
			links := ""
			for i, parent := range tt.parents {
				r := c.do("POST", "/roles", roleBody(fmt.Sprintf(`{"name":"parent %d","environments_access":"none"%s}`, i, parent), "")).is(201)
				if i > 0 {
					links += ","
				}
				links += `{"type":"role","id":"` + r.id() + `"}`
			}
			r := c.do("POST", "/roles", roleBody(`{"name":"own"`+tt.own+`}`, `,"relationships":{"inherits_permissions_from":{"data":[`+links+`]}}`)).is(201)
			equal(t, tt.list, r.get("data", "meta", "final_permissions", tt.list), json.RawMessage(tt.want))
		})
	}
}

// full is an item entry with every member, as the CMS shows it.
func full(entry string) string {
	const rest = `"item_type":null,"workflow":null,"on_stage":null,"to_stage":null,"locale":null,`
	return `{` + rest + entry[1:]
}

func TestFinalPermissionsGoThroughGenerations(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	parent := func(id string) string {
		return `,"relationships":{"inherits_permissions_from":{"data":[{"type":"role","id":"` + id + `"}]}}`
	}
	c.do("POST", "/roles", roleBody(`{"name":"child"}`, parent("302"))).is(201)
	grandchild := c.do("POST", "/roles", roleBody(`{"name":"grandchild","environments_access":"none"}`, parent("303"))).is(201)
	equal(t, "can_manage_users, declared", grandchild.get("data", "attributes", "can_manage_users"), false)
	equal(t, "can_manage_users, final", grandchild.get("data", "meta", "final_permissions", "can_manage_users"), true)
	c.do("PUT", "/roles/302", `{"data":{"type":"role","id":"302","attributes":{"can_manage_sso":false}}}`).is(200)
	equal(t, "a parent's change is seen at once", c.do("GET", "/roles/304", "").get("data", "meta", "final_permissions", "can_manage_sso"), false)
}
