package scim_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

func TestParseGroup(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, stored string
		members            []string
		has                bool
	}{
		{"Okta's push", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"G","members":[{"value":"u1","display":"a@x"},{"value":"u2"}]}`,
			`{"displayName":"G"}`, []string{"u1", "u2"}, true},
		{"Okta's push without members", `{"displayName":"G","members":[]}`, `{"displayName":"G"}`, nil, true},
		{"members null", `{"displayName":"G","members":null}`, `{"displayName":"G"}`, nil, true},
		{"no members", `{"displayName":"G"}`, `{"displayName":"G"}`, nil, false},
		{"Okta's PUT with the id", `{"id":"g1","displayName":"G","members":[{"value":"u1"}],"meta":{"version":"1"}}`, `{"displayName":"G"}`, []string{"u1"}, true},
		{"Entra ID's members", `{"displayName":"G","externalId":"e1","members":[{"$ref":null,"value":"u1"}],
			"schemas":["http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"]}`, `{"externalId":"e1","displayName":"G"}`, []string{"u1"}, true},
		{"one member twice", `{"displayName":"G","members":["u1",{"value":"u1"},"u2"]}`, `{"displayName":"G"}`, []string{"u1", "u2"}, true},
		{"one member without a list", `{"displayName":"G","members":{"value":7}}`, `{"displayName":"G"}`, []string{"7"}, true},
		{"member by reference", `{"displayName":"G","members":[{"$ref":"https://x/scim/v2/Users/u1"}]}`, `{"displayName":"G"}`, []string{"u1"}, true},
		{"Okta's description", `{"displayName":"G","urn:okta:custom:group:1.0":{"description":"D"}}`,
			`{"displayName":"G","urn:okta:custom:group:1.0":{"description":"D"}}`, nil, false},
		{"names in any case, under the URN", `{"urn:ietf:params:scim:schemas:core:2.0:GROUP":{"DISPLAYNAME":"G","Members":["u1"]}}`, `{"displayName":"G"}`, []string{"u1"}, true},
		{"unknown attributes", `{"displayName":"G","description":"D","urn:scimcms:scim:schemas:sync:1.0":{"status":"x"}}`, `{"displayName":"G"}`, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, err := scim.ParseGroup([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := attributesOf(g.JSON()); got != tt.stored {
				t.Errorf("JSON\n got %s\nwant %s", got, tt.stored)
			}
			if !slices.Equal(g.Members, tt.members) || g.HasMembers != tt.has {
				t.Errorf("members %q, %v", g.Members, g.HasMembers)
			}
			back, err := scim.GroupFromJSON(g.JSON())
			if err != nil || !bytes.Equal(back.JSON(), g.JSON()) {
				t.Errorf("read back: %v", err)
			}
		})
	}
}

func TestParseGroupRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"members":[]}`:                                                      "400 invalidValue",
		`{"displayName":" "}`:                                                 "400 invalidValue",
		`{"displayName":{"x":{}}}`:                                            "400 invalidValue",
		`{"displayName":"G","members":[{"display":"x"}]}`:                     "400 invalidValue",
		`{"displayName":"G","members":[""]}`:                                  "400 invalidValue",
		`{"displayName":"G","members":[["u1"]]}`:                              "400 invalidValue",
		`{"displayName":"G","members":[{"value":{"a":1}}]}`:                   "400 invalidValue",
		`{"displayName":"G","members":["` + strings.Repeat("u", 1025) + `"]}`: "400 invalidValue",
		`{"displayName":"G","displayname":"H"}`:                               "400 invalidSyntax",
		`[]`:                                                                  "400 invalidSyntax",
	} {
		if _, err := scim.ParseGroup([]byte(body)); refusal(err) != want {
			t.Errorf("%.80s: got %v, want %s", body, err, want)
		}
	}
}

// change is a GroupChange in short: "=" replaces, "+" adds, "-" removes, each with its ids.
func change(c *scim.GroupChange) string {
	var b strings.Builder
	if c.Replace {
		b.WriteString("= ")
	}
	for _, id := range c.Add {
		b.WriteString("+" + id + " ")
	}
	for _, id := range c.Remove {
		b.WriteString("-" + id + " ")
	}
	if c.DisplayName != nil {
		b.WriteString("name:" + *c.DisplayName + " ")
	}
	if c.ExternalID != nil {
		b.WriteString("external:" + *c.ExternalID + " ")
	}
	if c.MembersOnly() {
		b.WriteString("only")
	}
	return strings.TrimSpace(b.String())
}

func TestGroupChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, operations, want string }{
		{"Okta's delta", `{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"remove","path":"members[value eq \"u2\"]"},
			{"op":"add","path":"members","value":[{"value":"u3","display":"c@x"},{"value":"u4"}]}`, "+u3 +u4 -u1 -u2 only"},
		{"Okta's full push", `{"op":"replace","path":"members","value":[{"value":"u1"},{"value":"u2"}]}`, "= +u1 +u2 only"},
		{"1: Okta's push of an empty group", `{"op":"replace","path":"members","value":[]}`, "= only"},
		{"members replaced by null", `{"op":"replace","path":"members","value":null}`, "= only"},
		{"path-less full push", `{"op":"replace","value":{"members":[{"value":"u1"}]}}`, "= +u1 only"},
		{"path-less add", `{"op":"add","value":{"members":[{"value":"u1"}]}}`, "+u1 only"},
		{"4: Okta's rename with the id", `{"op":"replace","value":{"id":"g1","displayName":"New"}}`, "name:New"},
		{"rename and members", `{"op":"replace","value":{"id":"g1","displayName":"New"}},{"op":"add","path":"members","value":[{"value":"u1"}]}`, "+u1 name:New"},
		{"2: members without type", `{"op":"add","path":"members","value":[{"value":"u1"}]}`, "+u1 only"},
		{"26: Entra ID's removal", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"},{"value":"u2"}]}`, "-u1 -u2 only"},
		{"26: removal of a single one", `{"op":"Remove","path":"members","value":{"value":"u1"}}`, "-u1 only"},
		{"26: removal of nobody", `{"op":"Remove","path":"members","value":[]}`, "only"},
		{"26: bare removal empties", `{"op":"remove","path":"members"}`, "= only"},
		{"27: externalId touches no member", `{"op":"replace","path":"externalId","value":"e2"}`, "external:e2"},
		{"externalId removed", `{"op":"remove","path":"externalId"}`, "external:"},
		{"externalId unassigned", `{"op":"replace","value":{"externalId":""}}`, "external:"},
		{"rename by path", `{"op":"Replace","path":"displayName","value":"New"}`, "name:New"},
		{"rename twice", `{"op":"replace","path":"displayName","value":"A"},{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:Group:displayName","value":"B"}`, "name:B"},
		{"36: repeated adds", `{"op":"add","path":"members","value":[{"value":"u1"}]},{"op":"add","path":"members","value":[{"value":"u1"}]}`, "+u1 only"},
		{"the last word: removed", `{"op":"add","path":"members","value":"u1"},{"op":"remove","path":"members[value eq \"u1\"]"}`, "-u1 only"},
		{"the last word: added", `{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":["u1"]}`, "+u1 only"},
		{"after a replacement", `{"op":"add","path":"members","value":["u0"]},{"op":"replace","path":"members","value":["u1","u2"]},
			{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"remove","path":"members[value eq \"u9\"]"},{"op":"add","path":"members","value":["u3"]}`, "= +u2 +u3 only"},
		{"after emptying", `{"op":"remove","path":"members"},{"op":"add","path":"members","value":["u3"]}`, "= +u3 only"},
		{"several by or", `{"op":"remove","path":"members[value eq \"u1\" or (value eq \"u2\" or value eq \"u3\")]"}`, "-u1 -u2 -u3 only"},
		{"names in any case", `{"op":"remove","path":"Members[VALUE EQ \"u1\"]"}`, "-u1 only"},
		{"URN and value as a number", `{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:Group:members[value eq 7]"}`, "-7 only"},
		{"one member for another", `{"op":"replace","path":"members[value eq \"u1\"]","value":{"value":"u2"}}`, "+u2 -u1 only"},
		{"a member for itself", `{"op":"replace","path":"members[value eq \"u1\"]","value":{"value":"u1","display":"x"}}`, "only"},
		{"a member's display", `{"op":"replace","path":"members[value eq \"u1\"]","value":{"display":"x"}}`, "only"},
		{"a member's display by path", `{"op":"replace","path":"members[value eq \"u1\"].display","value":"x"}`, "only"},
		{"add by filter", `{"op":"add","path":"members[value eq \"u1\"]","value":{"value":"u1"}}`, "+u1 only"},
		{"key with a filter", `{"op":"replace","value":{"members[value eq \"u1\"]":{"value":"u2"}}}`, "+u2 -u1 only"},
		{"members under the URN", `{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:Group":{"members":["u1"],"displayName":"N"}}}`, "= +u1 name:N"},
		{"the URN as the path", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:Group","value":{"members":["u1"],"displayName":"N"}}`, "= +u1 name:N"},
		{"unknown keys and schemas", `{"op":"replace","value":{"nope":1}},{"op":"add","path":"schemas","value":["x"]}`, "only"},
		{"extension", `{"op":"replace","value":{"urn:okta:custom:group:1.0":{"description":"D"}}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := scim.ParsePatch(patchBody(tt.operations))
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.GroupChange()
			if err != nil {
				t.Fatal(err)
			}
			if got := change(c); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGroupChangeRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, operation, want string }{
		{"other conditions on members", `{"op":"remove","path":"members[display eq \"x\"]"}`, "400 invalidFilter"},
		{"members by and", `{"op":"remove","path":"members[value eq \"a\" and type eq \"User\"]"}`, "400 invalidFilter"},
		{"members by not", `{"op":"remove","path":"members[not (value eq \"a\")]"}`, "400 invalidFilter"},
		{"members by pr", `{"op":"remove","path":"members[value pr]"}`, "400 invalidFilter"},
		{"members by an empty id", `{"op":"remove","path":"members[value eq \"\"]"}`, "400 invalidFilter"},
		{"unknown name in the filter", `{"op":"remove","path":"members[nope eq \"a\"]"}`, "400 invalidFilter"},
		{"two replaced by one", `{"op":"replace","path":"members[value eq \"a\" or value eq \"b\"]","value":{"value":"c"}}`, "400 invalidFilter"},
		{"replaced by text", `{"op":"replace","path":"members[value eq \"a\"]","value":"c"}`, "400 invalidValue"},
		{"replaced by nobody", `{"op":"replace","path":"members[value eq \"a\"]","value":{"value":""}}`, "400 invalidValue"},
		{"a member's value", `{"op":"replace","path":"members[value eq \"a\"].value","value":"c"}`, "400 mutability"},
		{"a member's unknown sub-attribute", `{"op":"replace","path":"members[value eq \"a\"].x","value":"c"}`, "400 invalidPath"},
		{"all members' value", `{"op":"replace","path":"members.value","value":"c"}`, "400 invalidPath"},
		{"member without value", `{"op":"add","path":"members","value":[{"display":"c"}]}`, "400 invalidValue"},
		{"member without value, no path", `{"op":"add","value":{"members":[{"display":"c"}]}}`, "400 invalidValue"},
		{"displayName removed", `{"op":"remove","path":"displayName"}`, "400 mutability"},
		{"displayName unassigned", `{"op":"replace","value":{"displayName":""}}`, "400 invalidValue"},
		{"displayName of another type", `{"op":"replace","path":"displayName","value":{"a":{}}}`, "400 invalidValue"},
		{"the whole group removed", `{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:Group"}`, "400 noTarget"},
		{"the whole group replaced by text", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:Group","value":"x"}`, "400 invalidValue"},
		{"read-only id", `{"op":"replace","path":"id","value":"x"}`, "400 mutability"},
		{"unknown attribute", `{"op":"replace","path":"nope","value":"x"}`, "400 invalidPath"},
		{"an attribute of users", `{"op":"replace","path":"userName","value":"x"}`, "400 invalidPath"},
		{"key with a malformed filter", `{"op":"replace","value":{"members[":"x"}}`, "400 invalidFilter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := scim.ParsePatch(patchBody(tt.operation))
			if err != nil {
				t.Fatal(err)
			}
			if c, err := p.GroupChange(); refusal(err) != tt.want || c != nil {
				t.Errorf("got %v, %v, want %s", c, err, tt.want)
			}
		})
	}
}

func TestGroupChangeApply(t *testing.T) {
	t.Parallel()
	const stored = `{"displayName":"G","externalId":"e","urn:okta:custom:group:1.0":{"description":"D","tags":["a"]}}`
	for _, tt := range []struct{ name, operations, want string }{
		{"nothing named", `{"op":"add","path":"members","value":["u1"]}`, ""},
		{"the same name", `{"op":"replace","value":{"id":"g","displayName":"G"}}`, ""},
		{"rename", `{"op":"replace","value":{"displayName":"H"}}`, `{"externalId":"e","displayName":"H","urn:okta:custom:group:1.0":{"description":"D","tags":["a"]}}`},
		{"externalId removed", `{"op":"remove","path":"externalId"}`, `{"displayName":"G","urn:okta:custom:group:1.0":{"description":"D","tags":["a"]}}`},
		{"description", `{"op":"replace","value":{"urn:okta:custom:group:1.0":{"description":"E"}}}`,
			`{"externalId":"e","displayName":"G","urn:okta:custom:group:1.0":{"description":"E","tags":["a"]}}`},
		{"description removed", `{"op":"remove","path":"urn:okta:custom:group:1.0:description"}`,
			`{"externalId":"e","displayName":"G","urn:okta:custom:group:1.0":{"tags":["a"]}}`},
		{"extension removed", `{"op":"remove","path":"urn:okta:custom:group:1.0"}`, `{"externalId":"e","displayName":"G"}`},
		{"entry of an extension replaced", `{"op":"replace","path":"urn:okta:custom:group:1.0:tags[value eq \"a\"]","value":"b"}`,
			`{"externalId":"e","displayName":"G","urn:okta:custom:group:1.0":{"description":"D","tags":["b"]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, err := scim.GroupFromJSON([]byte(stored))
			if err != nil {
				t.Fatal(err)
			}
			before := string(g.JSON())
			changed, err := groupChange(t, tt.operations).Apply(g)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if changed || string(g.JSON()) != before {
					t.Errorf("changed to %s", g.JSON())
				}
				return
			}
			if got := attributesOf(g.JSON()); got != tt.want || !changed {
				t.Errorf("got %s (%v)\nwant %s", got, changed, tt.want)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		g, err := scim.GroupFromJSON([]byte(stored))
		if err != nil {
			t.Fatal(err)
		}
		before := string(g.JSON())
		c := groupChange(t, `{"op":"replace","path":"displayName","value":"H"},{"op":"replace","path":"urn:okta:custom:group:1.0:tags[value eq \"z\"]","value":"b"}`)
		if changed, err := c.Apply(g); changed || refusal(err) != "400 noTarget" || string(g.JSON()) != before {
			t.Errorf("Apply = %v, %v; group %s", changed, err, g.JSON())
		}
	})
}

func groupChange(t testing.TB, operations string) *scim.GroupChange {
	t.Helper()
	p, err := scim.ParsePatch(patchBody(operations))
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.GroupChange()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Folding gives what applying the operations one by one to a real list of members gives, whoever is in the group before.
func TestGroupChangeEqualsStepByStep(t *testing.T) {
	t.Parallel()
	steps := []struct {
		operation string
		do        func(members map[string]bool)
	}{
		{`{"op":"add","path":"members","value":["a"]}`, func(m map[string]bool) { m["a"] = true }},
		{`{"op":"remove","path":"members[value eq \"a\"]"}`, func(m map[string]bool) { delete(m, "a") }},
		{`{"op":"add","path":"members","value":["b","c"]}`, func(m map[string]bool) { m["b"], m["c"] = true, true }},
		{`{"op":"remove","path":"members","value":["b"]}`, func(m map[string]bool) { delete(m, "b") }},
		{`{"op":"replace","path":"members","value":["c"]}`, func(m map[string]bool) { clear(m); m["c"] = true }},
		{`{"op":"remove","path":"members"}`, func(m map[string]bool) { clear(m) }},
	}
	n := len(steps)
	for sequence := range n * n * n * n {
		for before := range 8 {
			want := map[string]bool{}
			for i, id := range []string{"a", "b", "c"} {
				if before>>i&1 == 1 {
					want[id] = true
				}
			}
			got := map[string]bool{}
			for id := range want {
				got[id] = true
			}
			var operations []string
			for rest, i := sequence, 0; i < 4; rest, i = rest/n, i+1 {
				operations = append(operations, steps[rest%n].operation)
				steps[rest%n].do(want)
			}
			c := groupChange(t, strings.Join(operations, ","))
			if c.Replace {
				clear(got)
			}
			for _, id := range c.Remove {
				delete(got, id)
			}
			for _, id := range c.Add {
				got[id] = true
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%v from %b: got %v, want %v", operations, before, got, want)
			}
		}
	}
}
