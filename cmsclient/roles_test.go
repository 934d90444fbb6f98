package cmsclient

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestRoleIsRead(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: roleJSON})
	got, err := f.Role(t.Context(), "34")
	if err != nil {
		t.Fatal(err)
	}
	want := Role{
		ID: "34", Name: "Editor", InheritsFrom: []string{"2"},
		Permissions: Permissions{
			"can_edit_schema": raw("false"), "environments_access": raw(`"primary_only"`),
			"positive_item_type_permissions": raw(`[{"action":"all","environment":"main"}]`),
			"negative_item_type_permissions": raw("[]"),
		},
		Final: Permissions{"can_edit_schema": raw("true")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !got.Can("can_edit_schema") || got.Can("can_manage_users") || got.Can("environments_access") {
		t.Error("permissions read wrongly")
	}
}

func TestPrivilegedRoles(t *testing.T) {
	t.Parallel()
	for _, flag := range privileges {
		for name, tt := range map[string]struct {
			role Role
			want bool
		}{
			"own":                 {Role{Permissions: Permissions{flag: raw("true")}}, true},
			"inherited":           {Role{Permissions: Permissions{flag: raw("false")}, Final: Permissions{flag: raw("true")}, InheritsFrom: []string{"1"}}, true},
			"not":                 {Role{Permissions: Permissions{flag: raw("false")}, Final: Permissions{flag: raw("false")}}, false},
			"null":                {Role{Permissions: Permissions{flag: raw("null")}}, false},
			"not told":            {Role{}, false},
			"other flag":          {Role{Permissions: Permissions{"can_edit_site": raw("true"), "can_manage_webhooks": raw("true")}}, false},
			"in an unknown form":  {Role{Permissions: Permissions{flag: raw(`"yes"`)}}, true},
			"inheritance unknown": {Role{Permissions: Permissions{flag: raw("false")}, InheritsFrom: []string{"1"}}, true},
			"inherits nothing":    {Role{Final: Permissions{flag: raw("false")}, InheritsFrom: []string{"1"}}, false},
		} {
			if got := tt.role.Privileged(); got != tt.want {
				t.Errorf("%s, %s: %v", flag, name, got)
			}
		}
	}
}

func TestTemplateMakesAnEqualRole(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: roleJSON})
	role, err := f.Role(t.Context(), "34")
	if err != nil {
		t.Fatal(err)
	}
	tmpl := role.Template("Writers")
	if _, err := f.CreateRole(t.Context(), tmpl); err != nil {
		t.Fatal(err)
	}
	const want = `{"data":{"type":"role","attributes":{"can_edit_schema":false,"environments_access":"primary_only","name":"Writers",` +
		`"negative_item_type_permissions":[],"positive_item_type_permissions":[{"action":"all","environment":"main"}]},` +
		`"relationships":{"inherits_permissions_from":{"data":[{"id":"2","type":"role"}]}}}}`
	if sent := f.cms.requests()[1]; sent.method != "POST" || sent.path != "/roles" || sent.body != want {
		t.Errorf("sent %s %s\n%s, want\n%s", sent.method, sent.path, sent.body, want)
	}
	tmpl.Permissions["can_edit_schema"] = raw("true")
	tmpl.InheritsFrom[0] = "3"
	if role.Permissions.Allows("can_edit_schema") || role.InheritsFrom[0] != "2" {
		t.Error("the template shares the role's values")
	}
}

func TestRoleCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name               string
		call               func(context.Context, *Client) error
		method, path, body string
	}{
		{
			"rename", func(ctx context.Context, c *Client) error {
				_, err := c.UpdateRole(ctx, "34", RoleAttributes{Name: "Writers"})
				return err
			},
			"PUT", "/roles/34", `{"data":{"type":"role","id":"34","attributes":{"name":"Writers"}}}`,
		},
		{
			"inherit nothing", func(ctx context.Context, c *Client) error {
				_, err := c.UpdateRole(ctx, "34", RoleAttributes{InheritsFrom: []string{}})
				return err
			},
			"PUT", "/roles/34", `{"data":{"type":"role","id":"34","relationships":{"inherits_permissions_from":{"data":[]}}}}`,
		},
		{
			"duplicate", func(ctx context.Context, c *Client) error {
				_, err := c.DuplicateRole(ctx, "35")
				return err
			},
			"POST", "/roles/35/duplicate", "",
		},
		{
			"delete", func(ctx context.Context, c *Client) error { return c.DeleteRole(ctx, "34") },
			"DELETE", "/roles/34", "",
		},
	} {
		f := scripted(t, reply{status: 200, body: roleJSON})
		if err := tt.call(t.Context(), f.Client); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if sent := f.cms.requests()[0]; sent.method != tt.method || sent.path != tt.path || sent.body != tt.body {
			t.Errorf("%s: sent %s %s\n%s", tt.name, sent.method, sent.path, sent.body)
		}
	}
}

func TestRolesAreListed(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: `{"data":[
		{"id":"1","type":"role","attributes":{"name":"Admin","can_manage_users":true}},
		{"id":"2","type":"role","attributes":{"name":"Editor","can_manage_users":false},"meta":{"final_permissions":{"can_manage_users":false}}}]}`})
	roles, err := f.Roles(t.Context())
	if err != nil || len(roles) != 2 || !roles[0].Privileged() || roles[1].Privileged() || roles[1].Name != "Editor" {
		t.Fatalf("%+v, %v", roles, err)
	}
}
