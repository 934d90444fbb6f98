package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var fuzzFilters = []string{
	`userName eq "a@x.example"`, `emails[type eq "work"].value eq "x"`, `not (title pr) and (active eq true or id eq null)`,
	`emails[type eq "work" and (value co "@x" or primary eq "True")]`, `meta.lastModified gt "2026-01-01T00:00:00Z"`,
	`urn:acme:1.0:User:level ge -1.5e3`, `URN:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager.displayName sw "\u00e9"`,
	`((((title pr))))`, `userName eq jdoe`, `a and or ) [ " \`, `members[value eq "x"]`, "title eq \"\xff\"", "title pr\x00",
}

var fuzzUser = map[string]any{
	"userName": "a@x.example", "active": true, "title": "é", "id": "1", "meta": map[string]any{"lastModified": "2026-02-01T00:00:00Z"},
	"emails":            []any{map[string]any{"value": "x", "type": "work", "primary": true}, map[string]any{"value": "y@x"}},
	EnterpriseURN:       map[string]any{"manager": map[string]any{"value": "m", "displayName": "É"}},
	"urn:acme:1.0:User": map[string]any{"level": json.Number("7"), "tags": []any{"a", json.Number("1"), map[string]any{"value": "b"}}},
}

// A filter never panics; what it prints parses to a filter that prints and matches the same; a condition for an index holds.
func FuzzFilter(f *testing.F) {
	for _, text := range fuzzFilters {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range []Type{UserType, GroupType} {
			parsed, err := ParseFilter(typ, text)
			if err != nil {
				mustBeRefusal(t, err)
				continue
			}
			printed := parsed.String()
			if len(printed) > maxFilter {
				continue // escapes can take more room than what they stand for
			}
			again, err := ParseFilter(typ, printed)
			if err != nil {
				t.Fatalf("%q printed as %q: %v", text, printed, err)
			}
			match := parsed.Match(fuzzUser)
			if typ == UserType {
				checkPartialView(t, parsed)
			}
			if again.String() != printed || again.Match(fuzzUser) != match {
				t.Fatalf("%q printed as %q, then as %q", text, printed, again)
			}
			e, ok := parsed.Equality()
			if ok && e.Attr == "userName" && match && !sameText(e.Value, "a@x.example") {
				t.Fatalf("%q matches without its condition %+v", text, e)
			}
		}
	})
}

// What a filter looks at is all that it needs to know of a resource.
func checkPartialView(t *testing.T, f *Filter) {
	t.Helper()
	stored := make(map[string]any, len(fuzzUser))
	for name, v := range fuzzUser {
		if name != "id" && name != "meta" {
			stored[name] = v
		}
	}
	in := RenderInput{Type: UserType, ID: "1", Stored: (&Resource{Attributes: stored}).JSON(), LastModified: time.Unix(1_770_000_000, 0),
		Groups: []GroupRef{{ID: "g", Display: "G"}}, Sync: &SyncStatus{Status: "synced"}}
	whole, err := View(in)
	if err != nil {
		t.Fatal(err)
	}
	part, err := PartialView(in, ListQuery{Filter: f}.Needs())
	if err != nil || f.Match(part) != f.Match(whole) {
		t.Fatalf("%s: %v with all that it needs, %v with everything (%v)", f, f.Match(part), f.Match(whole), err)
	}
}

// A path never panics; what it prints selects the same.
func FuzzPath(f *testing.F) {
	for _, text := range []string{
		"userName", "name.givenName", `emails[type eq "work"].value`, `emails[type eq "work" or not (value pr)]`, "urn:acme:1.0:User:level",
		EnterpriseURN, strings.ToUpper(EnterpriseURN) + ":manager.value", `urn:acme:1.0:User:tags[value eq "a"].value`, `addresses[type eq "x"`, "x..y", "urn:okta:custom:group:1.0", ":", "[", "members.value",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := selectionOf(text)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		if len(first.String()) > maxFilter {
			return
		}
		again, err := selectionOf(first.String())
		if err != nil || again.String() != first.String() {
			t.Fatalf("%q printed as %q, then as %q (%v)", text, first, again, err)
		}
	})
}

func selectionOf(text string) (selection, error) {
	p, err := parsePath(text)
	if err != nil {
		return selection{}, err
	}
	return p.resolve(&applier{table: userTable, attrs: map[string]any{}}, "x")
}

// Applying a patch is deterministic; what is refused changes nothing; what results is stored and read back as it is.
func FuzzPatch(f *testing.F) {
	for _, operations := range []string{
		`{"op":"replace","value":{"active":false}}`, `{"op":"Add","path":"emails[type eq \"work\"].value","value":"n@x"}`,
		`{"op":"replace","value":{"id":"g","displayName":"N","name.givenName":"A","members":[{"value":"u"}]}}`,
		`{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u3","display":"c"}]}`,
		`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]}`, `{"op":"replace","path":"emails","value":[]}`,
		`{"op":"add","path":"urn:acme:1.0:User:tags","value":["a",{"b":[1]}]},{"op":"remove","path":"urn:acme:1.0:User:tags[value eq 1]"}`,
		`{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"7"}`,
		`{"op":"add","value":{"urn:x:y":{"é":"\u00e9","n":1e400}}},{"op":"remove","path":"userName"}`,
		`{"op":"add","path":"emails","value":[{"value":"x","primary":"True"},{"value":"X"}]},{"op":"replace","path":"emails.type","value":"z"}`,
	} {
		f.Add([]byte(`{"Operations":[` + operations + `]}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := ParsePatch(body)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		applyTwice(t, p)
		c, err := p.GroupChange()
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		checkGroupChange(t, c)
	})
}

func applyTwice(t *testing.T, p *Patch) {
	t.Helper()
	stored := (&Resource{Attributes: fuzzUser}).JSON()
	start, err := FromJSON(stored)
	if err != nil {
		t.Fatal(err)
	}
	before := string(start.JSON())
	r, twin := start.Clone(), start.Clone()
	changed, err := p.ApplyUser(r)
	if changedToo, errToo := p.ApplyUser(twin); changed != changedToo || (err == nil) != (errToo == nil) || !r.Equal(twin) {
		t.Fatalf("two results: %s (%v)\nand %s (%v)", r.JSON(), err, twin.JSON(), errToo)
	}
	if string(start.JSON()) != before {
		t.Fatalf("the original changed to %s", start.JSON())
	}
	if err != nil {
		mustBeRefusal(t, err)
	}
	after := r.JSON()
	if changed == (string(after) == before) {
		t.Fatalf("changed = %v: %s\nwas %s", changed, after, before)
	}
	back, err := FromJSON(after)
	if err != nil || !back.Equal(r) {
		t.Fatalf("not read back (%v): %s\nas %s", err, after, back.JSON())
	}
	if !json.Valid(after) || !utf8.Valid(after) || strings.TrimSpace(r.UserName()) == "" {
		t.Fatalf("broken: %q", after)
	}
}

func checkGroupChange(t *testing.T, c *GroupChange) {
	t.Helper()
	seen := map[string]bool{}
	for _, id := range slices.Concat(c.Add, c.Remove) {
		if id == "" || seen[id] {
			t.Fatalf("id %q is empty or named twice: %+v", id, c)
		}
		seen[id] = true
	}
	if c.Replace && len(c.Remove) > 0 || c.DisplayName != nil && strings.TrimSpace(*c.DisplayName) == "" {
		t.Fatalf("got %+v", c)
	}
	g := &Group{DisplayName: "G", Extra: map[string]any{"urn:acme:1.0:User": fuzzUser["urn:acme:1.0:User"]}}
	before := string(g.JSON())
	changed, err := c.Apply(g)
	if err != nil {
		mustBeRefusal(t, err)
	}
	after := g.JSON()
	if changed == (string(after) == before) || !json.Valid(after) {
		t.Fatalf("changed = %v (%v): %s\nwas %s", changed, err, after, before)
	}
	if c.MembersOnly() && changed {
		t.Fatalf("more than members changed: %s", after)
	}
}

// The reader accepts only what encoding/json accepts, and reads it alike; a user that is read is stored as valid JSON.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"userName":"u","a":[1,-0.5e+7,true,null,"\ud83d\ude00\n"],"urn:x:y":{"b":{"c":[]}}}`, `{"a":1,"A":2}`, `{"a":"\u0000"}`, `{`, `{"a":01}`, "\ufeff{}", "{} x",
		`{"userName":"u","emails":[{"value":"é","primary":"True"}],"active":"False","name":{"givenName":7}}`, `{"displayName":"G","members":[{"value":"u"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := parseObject(body)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		text := strings.TrimPrefix(string(body), byteOrderMark)
		if got, want := standard(t, asJSON(o)), standard(t, []byte(text)); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
		if r, err := ParseUser(body); err != nil {
			mustBeRefusal(t, err)
		} else {
			checkStored(t, r)
		}
		if g, err := ParseGroup(body); err != nil {
			mustBeRefusal(t, err)
		} else if !json.Valid(g.JSON()) {
			t.Fatalf("group stored as %q", g.JSON())
		}
	})
}

func checkStored(t *testing.T, r *Resource) {
	t.Helper()
	stored := r.JSON()
	back, err := FromJSON(stored)
	if err != nil || !back.Equal(r) || !bytes.Equal(back.JSON(), stored) {
		t.Fatalf("not read back (%v): %s\nas %s", err, stored, back.JSON())
	}
	in := RenderInput{Type: UserType, ID: "1", Stored: stored, Sync: &SyncStatus{Status: "synced"}, Groups: []GroupRef{{ID: "g"}}}
	direct, err := Render(nil, in)
	if err != nil || !json.Valid(direct) || !utf8.Valid(direct) {
		t.Fatalf("rendered as %q (%v)", direct, err)
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(r.Attributes)), func(s string) bool { return strings.Contains(s, ",") }) {
		return // cannot be named in a list
	}
	in.Projection = ParseProjection(UserType, strings.Join(slices.Sorted(maps.Keys(r.Attributes)), ",")+","+SyncURN+",groups,meta", "")
	if parsed, err := Render(nil, in); err != nil || standard(t, parsed) != standard(t, direct) {
		t.Fatalf("rendered as %s\nand, projected to all, as %s (%v)", direct, parsed, err)
	}
}

// mustBeRefusal checks that an error is one that a client can be shown.
func mustBeRefusal(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status != 400 && e.Status != 413 || e.ScimType == "" || e.Detail == "" || !json.Valid(e.Body()) || !utf8.Valid(e.Body()) {
		t.Fatalf("not a refusal: %#v", err)
	}
}
