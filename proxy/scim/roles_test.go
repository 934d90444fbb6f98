package scim_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/proxy/scim"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	r, err := scim.ParseUser([]byte(`{"userName":"u","roles":["5",{"value":"6","display":"Six","type":"t","primary":true,"x":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []scim.RoleEntry{{Value: "5"}, {Value: "6", Display: "Six", Type: "t", Primary: true}}
	if d := cmp.Diff(want, r.Roles()); d != "" {
		t.Error(d)
	}
	r.SetRoles(want)
	if d := cmp.Diff(want, r.Roles()); d != "" {
		t.Error(d)
	}
	if text := string(r.JSON()); !strings.Contains(text, `"roles":[{"value":"5"},{"value":"6","display":"Six","type":"t","primary":true}]`) {
		t.Error(text)
	}
	r.SetRoles(nil)
	if strings.Contains(string(r.JSON()), "roles") {
		t.Error("roles are left")
	}
}

// A role may be removed by its name although the id is kept.
func TestPatchWithRoles(t *testing.T) {
	t.Parallel()
	role := func(s string) string {
		if strings.EqualFold(s, "Editor") {
			return "5"
		}
		return s
	}
	for ops, want := range map[string]string{
		`{"op":"remove","path":"roles[value eq \"5\"]"}`:                                              "6",
		`{"op":"remove","path":"roles[value eq \"editor\"]"}`:                                         "6",
		`{"op":"remove","path":"roles[not (value ne \"Editor\")]"}`:                                   "6",
		`{"op":"remove","path":"roles[type eq \"t\" or value eq \"Editor\"]"}`:                        "",
		`{"op":"remove","path":"roles[display eq \"Six\"]"}`:                                          "5",
		`{"op":"remove","path":"roles","value":[{"value":"Editor"}]}`:                                 "6",
		`{"op":"Remove","path":"roles","value":["6"]}`:                                                "5",
		`{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User:roles"}`:                   "",
		`{"op":"replace","path":"roles[value eq \"Editor\"].value","value":"7"}`:                      "7,6",
		`{"op":"replace","value":{"roles[value eq \"Editor\"].value":"7"}}`:                           "7,6",
		`{"op":"remove","path":"roles[value co \"Editor\"]"}`:                                         "5,6",
		`{"op":"remove","path":"emails[value eq \"Editor\"]"}`:                                        "5,6",
		`{"op":"remove","path":"roles[value eq \"EDITOR\"]"},{"op":"add","path":"roles","value":"8"}`: "6,8",
	} {
		r, err := scim.ParseUser([]byte(`{"userName":"u","emails":["Editor"],"roles":[{"value":"5","display":"Editor"},{"value":"6","display":"Six","type":"t"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		p, err := scim.ParsePatch([]byte(`{"Operations":[` + ops + `]}`))
		if err != nil {
			t.Fatalf("%s: %v", ops, err)
		}
		if _, err := p.WithRoles(role).ApplyUser(r); err != nil {
			t.Fatalf("%s: %v", ops, err)
		}
		var values []string
		for _, e := range r.Roles() {
			values = append(values, e.Value)
		}
		if got := strings.Join(values, ","); got != want {
			t.Errorf("%s: %s, want %s", ops, got, want)
		}
	}
}

func TestRenderRole(t *testing.T) {
	t.Parallel()
	in := scim.RenderInput{Type: scim.RoleType, Stored: scim.RoleJSON("Chief \"Editor\"", "Careful."), ID: "5", Location: "/Roles/5"}
	render := func(attributes, excluded string) string {
		in.Projection = scim.ParseProjection(scim.RoleType, attributes, excluded)
		b, err := scim.Render(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	head := `{"id":"5","schemas":["urn:okta:scim:schemas:core:1.0:Role"]`
	name, description, meta := `,"displayName":"Chief \"Editor\""`, `,"description":"Careful."`, `,"meta":{"resourceType":"Role","location":"/Roles/5"}}`
	for _, tt := range [][3]string{
		{"", "", head + name + description + meta},
		{"displayName", "", head + name + "}"},
		{"", "displayName", head + description + meta},
		{"", "urn:okta:scim:schemas:core:1.0:Role:description,meta", head + name + "}"},
	} {
		if got := render(tt[0], tt[1]); got != tt[2] {
			t.Errorf("attributes %q excluded %q: %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
	if got := string(scim.RoleJSON("x", "")); strings.Contains(got, "description") {
		t.Error(got)
	}
}
