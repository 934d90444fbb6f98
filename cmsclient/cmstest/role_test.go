package cmstest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// flags are the booleans of a role, as the official client knows them.
const flags = "can_edit_favicon can_edit_site can_edit_schema can_manage_menu can_edit_environment can_promote_environments " +
	"can_manage_users can_manage_shared_filters can_manage_upload_collections can_manage_build_triggers " +
	"can_manage_search_indexes can_manage_webhooks can_manage_environments can_manage_sso can_access_audit_log " +
	"can_manage_workflows can_manage_access_tokens can_perform_site_search can_access_build_events_log " +
	"can_access_search_index_events_log"

// wholeRole is every attribute of a role but its name.
func wholeRole(on func(flag string) bool, access string) map[string]any {
	item := map[string]any{
		"environment": "main", "action": "all", "item_type": nil, "workflow": nil, "on_stage": nil, "to_stage": nil,
		"on_creator": "anyone", "localization_scope": "all", "locale": nil,
	}
	upload := map[string]any{
		"environment": "main", "action": "all", "upload_collection": nil, "move_to_upload_collection": nil,
		"on_creator": "anyone", "localization_scope": "all", "locale": nil,
	}
	out := map[string]any{
		"environments_access":            access,
		"positive_item_type_permissions": []any{item}, "negative_item_type_permissions": []any{},
		"positive_upload_permissions": []any{upload}, "negative_upload_permissions": []any{},
		"positive_build_trigger_permissions": []any{map[string]any{"build_trigger": nil}}, "negative_build_trigger_permissions": []any{},
		"positive_search_index_permissions": []any{}, "negative_search_index_permissions": []any{},
	}
	for flag := range strings.FieldsSeq(flags) {
		out[flag] = on(flag)
	}
	return out
}

func TestNewProjectHasTwoRoles(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	list, _ := c.do("GET", "/roles", "").is(200).Body["data"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d roles, want 2", len(list))
	}
	few := func(flag string) bool { return flag == "can_edit_favicon" || flag == "can_access_build_events_log" }
	all := func(string) bool { return true }
	for i, want := range []struct {
		id, name string
		whole    map[string]any
	}{
		{editorID, "Editor", wholeRole(few, "primary_only")},
		{adminID, "Admin", wholeRole(all, "all")},
	} {
		equal(t, want.name+"'s final permissions", path(list[i], "meta", "final_permissions"), want.whole)
		want.whole["name"] = want.name
		equal(t, want.name, list[i], map[string]any{
			"id": want.id, "type": "role", "attributes": want.whole,
			"relationships": map[string]any{"inherits_permissions_from": map[string]any{"data": []any{}}},
			"meta":          path(list[i], "meta"),
		})
		equal(t, "one role is as in the list", c.do("GET", "/roles/"+want.id, "").is(200).get("data"), list[i])
	}
}

func TestRoleCreate(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	r := c.do("POST", "/roles", roleBody(`{"name":"Writer"}`, "")).is(201)
	equal(t, "id", r.id(), "303")
	attributes, _ := r.get("data", "attributes").(map[string]any)
	if len(attributes) != 30 {
		t.Fatalf("%d attributes, want 30", len(attributes))
	}
	for flag := range strings.FieldsSeq(flags) {
		if attributes[flag] != false {
			t.Errorf("%s is %v, want false", flag, attributes[flag])
		}
	}
	equal(t, "access", attributes["environments_access"], "primary_only")
	equal(t, "items", attributes["positive_item_type_permissions"], []any{})

	// A role made of all that was read of another one, its meta included: what a template does.
	editor := c.do("GET", "/roles/"+editorID, "").is(200)
	copied, _ := editor.get("data", "attributes").(map[string]any)
	copied["name"] = "Reviewer"
	body := asJSON(map[string]any{"data": map[string]any{"type": "role", "attributes": copied, "meta": editor.get("data", "meta")}})
	reviewer := c.do("POST", "/roles", body).is(201)
	equal(t, "attributes", reviewer.get("data", "attributes"), copied)
	equal(t, "final permissions", reviewer.get("data", "meta"), editor.get("data", "meta"))
}

func TestRoleUpdateIsPartial(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	put := func(attributes string) *result {
		return c.do("PUT", "/roles/301", `{"data":{"type":"role","id":"301","attributes":`+attributes+`}}`)
	}
	before, _ := c.do("GET", "/roles/301", "").get("data", "attributes").(map[string]any)
	before["can_edit_site"] = true
	equal(t, "one flag", put(`{"can_edit_site":true}`).is(200).get("data", "attributes"), before)
	before["name"] = "Chief editor"
	equal(t, "name", put(`{"name":"Chief editor"}`).is(200).get("data", "attributes"), before)
	equal(t, "the same name again", put(`{"name":"Chief editor"}`).is(200).get("data", "attributes"), before)
	before["positive_build_trigger_permissions"] = []any{map[string]any{"build_trigger": "5"}}
	equal(t, "a list replaces the list", put(`{"positive_build_trigger_permissions":[{"build_trigger":"5"}],"negative_build_trigger_permissions":[]}`).is(200).get("data", "attributes"), before)
	before["environments_access"] = "none"
	equal(t, "access", put(`{"environments_access":"none"}`).is(200).get("data", "attributes"), before)
	equal(t, "nothing", c.do("PUT", "/roles/301", `{"data":{"type":"role","id":"301"}}`).is(200).get("data", "attributes"), before)
	c.do("POST", "/roles", roleBody(`{"name":"Editor"}`, "")).is(201)
	equal(t, "kept", c.do("GET", "/roles/301", "").get("data", "attributes"), before)
}

func TestRoleWritesRefused(t *testing.T) {
	t.Parallel()
	const entry = `"environment":"main","action":"all","on_creator":"anyone","localization_scope":"all"`
	items := func(e string) string {
		return roleBody(`{"name":"X","positive_item_type_permissions":[{`+e+`}],"negative_item_type_permissions":[]}`, "")
	}
	uploads := func(e string) string {
		return roleBody(`{"name":"X","positive_upload_permissions":[],"negative_upload_permissions":[{`+e+`}]}`, "")
	}
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
		says       string // in the details
	}{
		{"no name", roleBody(`{}`, ""), 422, "INVALID_FORMAT", "name is missing"},
		{"empty name", roleBody(`{"name":""}`, ""), 422, "INVALID_FIELD", "VALIDATION_REQUIRED"},
		{"name taken", roleBody(`{"name":"Editor"}`, ""), 422, "INVALID_FIELD", `{"code":"VALIDATION_UNIQUENESS","field":"name"}`},
		{"unknown flag", roleBody(`{"name":"X","can_fly":true}`, ""), 422, "INVALID_FORMAT", "can_fly is not a permitted key"},
		{"flag as text", roleBody(`{"name":"X","can_edit_site":"yes"}`, ""), 422, "INVALID_FORMAT", "must be a boolean"},
		{"null flag", roleBody(`{"name":"X","can_edit_site":null}`, ""), 422, "INVALID_FORMAT", "must be a boolean"},
		{"unknown access", roleBody(`{"name":"X","environments_access":"some"}`, ""), 422, "INVALID_FORMAT", "must be one of"},
		{"name as number", roleBody(`{"name":7}`, ""), 422, "INVALID_FORMAT", "must be a string"},
		{"no attributes", `{"data":{"type":"role"}}`, 422, "INVALID_FORMAT", "attributes is missing"},
		{"positive without negative", roleBody(`{"name":"X","positive_upload_permissions":[]}`, ""), 422, "INVALID_FORMAT", "or neither"},
		{"negative without positive", roleBody(`{"name":"X","negative_search_index_permissions":[]}`, ""), 422, "INVALID_FORMAT", "or neither"},
		{"a list that is none", roleBody(`{"name":"X","positive_upload_permissions":{},"negative_upload_permissions":[]}`, ""), 422, "INVALID_FORMAT", "must be an array"},
		{"entry that is none", items(``), 422, "INVALID_FORMAT", "environment is missing"},
		{"unknown action", items(`"environment":"main","action":"fly"`), 422, "INVALID_FORMAT", "must be one of"},
		{"missing creator", items(`"environment":"main","action":"read"`), 422, "INVALID_FORMAT", "on_creator is missing"},
		{"member of another action", items(`"environment":"main","action":"duplicate","on_creator":"anyone"`), 422, "INVALID_FORMAT", "must be absent or null"},
		{"unknown member", items(entry + `,"model":"5"`), 422, "INVALID_FORMAT", "model is not a permitted key"},
		{"scope of all", items(strings.Replace(entry, `scope":"all"`, `scope":"localized"`, 1)), 422, "INVALID_FORMAT", "must be all for action all"},
		{"upload action of items", uploads(`"environment":"main","action":"publish","on_creator":"anyone"`), 422, "INVALID_FORMAT", "must be one of"},
		{"upload destination elsewhere", uploads(`"environment":"main","action":"read","on_creator":"anyone","move_to_upload_collection":"4"`), 422, "INVALID_FORMAT", "must be absent or null"},
		{"trigger as number", roleBody(`{"name":"X","positive_build_trigger_permissions":[{"build_trigger":5}],"negative_build_trigger_permissions":[]}`, ""), 422, "INVALID_FORMAT", "must be a string"},
		{"workflow", items(entry + `,"workflow":"5"`), 422, "PLAN_UPGRADE_REQUIRED", `{"limit":"workflows"}`},
		{"stage", items(entry + `,"on_stage":"draft"`), 422, "PLAN_UPGRADE_REQUIRED", `{"limit":"workflows"}`},
		{"move to stage", items(`"environment":"main","action":"move_to_stage","on_creator":"anyone"`), 422, "PLAN_UPGRADE_REQUIRED", `{"limit":"workflows"}`},
		{"localized", items(`"environment":"main","action":"update","on_creator":"anyone","localization_scope":"localized","locale":"en"`), 422, "PLAN_UPGRADE_REQUIRED", `{"limit":"localization_scope"}`},
		{"unknown parent", roleBody(`{"name":"X"}`, `,"relationships":{"inherits_permissions_from":{"data":[{"type":"role","id":"9"}]}}`), 404, "NOT_FOUND", "RecordNotFound"},
		{"null parents", roleBody(`{"name":"X"}`, `,"relationships":{"inherits_permissions_from":{"data":null}}`), 422, "INVALID_FORMAT", "must be an array"},
		{"parent of wrong type", roleBody(`{"name":"X"}`, `,"relationships":{"inherits_permissions_from":{"data":[{"type":"user","id":"301"}]}}`), 422, "INVALID_FORMAT", "must be one of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{})
			if got := c.do("POST", "/roles", tt.body).refused(tt.status, tt.code); !strings.Contains(got, tt.says) {
				t.Fatalf("details %s, want %s in it", got, tt.says)
			}
			equal(t, "roles", c.do("GET", "/roles", "").ids(), "301 302")
		})
	}
}

func TestRoleEntriesOfEveryAction(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	for family, entries := range map[string][]string{
		"item_type": {
			`"action":"all","on_creator":"self","localization_scope":"all","item_type":"5"`,
			`"action":"read","on_creator":"role"`, `"action":"create","localization_scope":"all","on_creator":null`,
			`"action":"update","on_creator":"anyone","localization_scope":"all","locale":null`,
			`"action":"publish","on_creator":"anyone","localization_scope":"all"`, `"action":"duplicate"`,
			`"action":"delete","on_creator":"anyone"`, `"action":"edit_creator","on_creator":"anyone"`, `"action":"take_over","on_creator":"self"`,
		},
		"upload": {
			`"action":"all","on_creator":"anyone","localization_scope":"all"`, `"action":"read","on_creator":"anyone"`, `"action":"create"`,
			`"action":"update","on_creator":"anyone","localization_scope":"all"`, `"action":"delete","on_creator":"self"`,
			`"action":"edit_creator","on_creator":"anyone"`, `"action":"replace_asset","on_creator":"anyone"`,
			`"action":"move","on_creator":"anyone","move_to_upload_collection":"4"`,
		},
	} {
		for i, entry := range entries {
			body := fmt.Sprintf(`{"name":"%s %d","positive_%s_permissions":[],"negative_%s_permissions":[{"environment":"main",%s}]}`, family, i, family, family, entry)
			c.do("POST", "/roles", roleBody(body, "")).is(201)
		}
	}
}

func TestRoleDeleteIsRefusedWhileInUse(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.do("POST", "/roles", roleBody(`{"name":"Writer"}`, "")).is(201)
	refused := func(by string) {
		t.Helper()
		c.do("DELETE", "/roles/303", "").refused(422, "DELETE_RESTRICTION")
		t.Log("in use by", by)
	}
	c.invite("a@example.com", "303").is(201)
	refused("an invitation")
	u, err := c.Accept("22001")
	if err != nil {
		t.Fatal(err)
	}
	refused("a collaborator")
	c.do("PUT", "/users/"+u.ID, `{"data":{"type":"user","id":"`+u.ID+`","relationships":{"role":{"data":{"type":"role","id":"301"}}}}}`).is(200)
	c.do("POST", "/roles", roleBody(`{"name":"Child"}`, `,"relationships":{"inherits_permissions_from":{"data":[{"type":"role","id":"303"}]}}`)).is(201)
	refused("a role that inherits")
	c.do("PUT", "/roles/304", `{"data":{"type":"role","id":"304","relationships":{"inherits_permissions_from":{"data":[]}}}}`).is(200)
	if err := c.SetTokenRole("302"); err != nil {
		t.Fatal(err)
	}
	c.do("DELETE", "/roles/302", "").refused(422, "DELETE_RESTRICTION")
	gone := c.do("DELETE", "/roles/303", "").is(200)
	equal(t, "the deleted role is the answer", gone.get("data", "attributes", "name"), "Writer")
	c.do("GET", "/roles/303", "").refused(404, "NOT_FOUND")
	c.do("DELETE", "/roles/303", "").refused(404, "NOT_FOUND")
	c.do("PUT", "/roles/303", `{"data":{"type":"role","id":"303"}}`).refused(404, "NOT_FOUND")
	c.do("POST", "/roles/303/duplicate", "").refused(404, "NOT_FOUND")
	c.do("POST", "/roles", roleBody(`{"name":"Writer"}`, "")).is(201)
}

func TestRoleDuplicate(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.do("POST", "/roles", roleBody(`{"name":"Child","can_edit_site":true}`, `,"relationships":{"inherits_permissions_from":{"data":[{"type":"role","id":"301"}]}}`)).is(201)
	first := c.do("POST", "/roles/303/duplicate", "").is(201)
	original, _ := c.do("GET", "/roles/303", "").get("data").(map[string]any)
	equal(t, "name", first.get("data", "attributes", "name"), "Child (copy)")
	equal(t, "parents", first.get("data", "relationships"), original["relationships"])
	equal(t, "final permissions", first.get("data", "meta"), original["meta"])
	equal(t, "the second name", c.do("POST", "/roles/303/duplicate", "").is(201).get("data", "attributes", "name"), "Child (copy 2)")
	c.do("PUT", "/roles/304", `{"data":{"type":"role","id":"304","attributes":{"can_edit_site":false}}}`).is(200)
	equal(t, "the original is its own", c.do("GET", "/roles/303", "").get("data", "attributes", "can_edit_site"), true)
}

func TestRoleLimit(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Roles: 3})
	c.do("POST", "/roles", roleBody(`{"name":"A"}`, "")).is(201)
	equal(t, "details", c.do("POST", "/roles", roleBody(`{"name":"B"}`, "")).refused(422, "PLAN_UPGRADE_REQUIRED"), `{"limit":"roles"}`)
	c.do("POST", "/roles/301/duplicate", "").refused(422, "PLAN_UPGRADE_REQUIRED")
	equal(t, "limit", c.do("GET", "/subscription-limits/roles", "").get("data", "attributes"), map[string]any{"code": "roles", "usage": 3, "limit": 3})
	c.SetRoleLimit(0)
	c.do("POST", "/roles", roleBody(`{"name":"B"}`, "")).is(201)
}

func TestRolesInheritInNoCircle(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	from := func(id, parent string) *result {
		return c.do("PUT", "/roles/"+id, `{"data":{"type":"role","id":"`+id+`","relationships":{"inherits_permissions_from":{"data":[{"type":"role","id":"`+parent+`"}]}}}}`)
	}
	from("301", "302").is(200)
	for _, pair := range [][2]string{{"302", "301"}, {"301", "301"}} {
		equal(t, "details", from(pair[0], pair[1]).refused(422, "INVALID_FIELD"), `{"code":"VALIDATION_INVALID","field":"inherits_permissions_from"}`)
	}
}
