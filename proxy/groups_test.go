package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy"
)

func TestCreateGroup(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 2)
	w := f.send(http.MethodPost, "/scim/v2/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Editors","externalId":"x","members":[{"value":"u2","display":"ignored"}]}`)
	want := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group", "urn:scimcms:scim:schemas:sync:1.0"},
		"id":      "g3", "displayName": "Editors", "externalId": "x",
		"members": []any{map[string]any{"value": "u2", "display": "p2@example.com", "type": "User"}},
		"meta": map[string]any{
			"resourceType": "Group", "created": "2026-11-23T12:00:00.000Z", "lastModified": "2026-11-23T12:00:00.000Z",
			"location": "https://scim.example.com/scim/v2/Groups/g3", "version": `W/"1.0"`,
		},
		"urn:scimcms:scim:schemas:sync:1.0": map[string]any{"status": "synced"},
	}
	if d := cmp.Diff(want, parse(t, w)); d != "" {
		t.Error(d)
	}
	if w.Code != 201 || w.Header().Get("Location") != "https://scim.example.com/scim/v2/Groups/g3" || w.Header().Get("Etag") != `W/"1.0"` {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	f.wantError(refusal{400, "invalidValue"}, http.MethodPost, "/scim/v2/Groups", `{"members":[]}`)
}

func TestReadGroup_ShowsItsRole(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.createGroup("Editors")
	f.store.groups[0].RoleID, f.store.groups[0].RoleName = "12", "Editor"
	got := f.want(200, http.MethodGet, "/scim/v2/Groups/"+id, "")
	if d := cmp.Diff(map[string]any{"status": "synced", "cmsType": "role", "cmsId": "12", "role": "Editor"}, got["urn:scimcms:scim:schemas:sync:1.0"]); d != "" {
		t.Error(d)
	}
	f.wantError(refusal{404, ""}, http.MethodGet, "/scim/v2/Groups/none", "")
}

func TestReplaceGroup(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 3)
	id := f.createGroup("Editors", "u1", "u2")
	got := f.want(200, http.MethodPut, "/scim/v2/Groups/"+id, `{"displayName":"Authors","members":[{"value":"u3"}]}`)
	if got["displayName"] != "Authors" || size(got, "members") != 1 {
		t.Errorf("got %v", got)
	}
	if got := f.want(200, http.MethodPut, "/scim/v2/Groups/"+id, `{"displayName":"Authors"}`); size(got, "members") != 0 {
		t.Errorf("a PUT without members keeps them: %v", got["members"])
	}
	f.wantError(refusal{404, ""}, http.MethodPut, "/scim/v2/Groups/none", `{"displayName":"Authors"}`)
}

// The wizard's apps put the whole group; the answer shows it whole.
func TestReplaceGroup_WithManyMembers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.createGroup("Everyone")
	var members []string
	for i := range 500 {
		members = append(members, `{"value":"`+f.create(fmt.Sprintf("p%d@example.com", i))+`"}`)
	}
	got := f.want(200, http.MethodPut, "/scim/v2/Groups/"+id, `{"displayName":"Everyone","members":[`+strings.Join(members, ",")+`]}`)
	if size(got, "members") != 500 {
		t.Errorf("%d members", size(got, "members"))
	}
}

func TestPatchGroup(t *testing.T) {
	t.Parallel()
	name := "New"
	for _, tt := range []struct {
		label, ops string
		name       *string
		members    directory.MemberChange
		doc        bool
	}{
		{
			"delta", `{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u2","display":"x"}]}`,
			nil, directory.MemberChange{Add: []string{"u2"}, Remove: []string{"u1"}}, false,
		},
		{"full push", `{"op":"replace","path":"members","value":[{"value":"u2"}]}`, nil, directory.MemberChange{Replace: true, Add: []string{"u2"}}, false},
		{"empty", `{"op":"replace","path":"members","value":[]}`, nil, directory.MemberChange{Replace: true}, false},
		{"path-less", `{"op":"replace","value":{"members":[{"value":"u2"}]}}`, nil, directory.MemberChange{Replace: true, Add: []string{"u2"}}, false},
		{"Okta's rename with the id", `{"op":"replace","value":{"id":"g3","displayName":"New"}}`, &name, directory.MemberChange{}, true},
	} {
		t.Run(tt.label, func(t *testing.T) {
			t.Parallel()
			f := peopleFixture(t, 2)
			id := f.createGroup("Editors", "u1")
			f.want(200, http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, tt.ops))
			got := f.store.lastEdit
			if d := cmp.Diff(tt.members, got.Members, emptyIsNil); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.name, got.Name); d != "" {
				t.Error(d)
			}
			if (got.Doc != nil) != tt.doc {
				t.Errorf("the document is to be edited: %t", got.Doc != nil)
			}
		})
	}
}

func TestPatchGroup_SameNameIsNoChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.createGroup("Editors")
	f.want(200, http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, `{"op":"replace","value":{"id":"`+id+`","displayName":"Editors"}}`))
	if doc := f.store.groups[0].Doc; doc != nil {
		t.Errorf("a document appeared: %s", doc)
	}
}

func TestPatchGroup_KeepsExtensions(t *testing.T) {
	t.Parallel()
	const urn = "urn:okta:custom:group:1.0"
	f := newFixture(t, nil)
	got := f.want(201, http.MethodPost, "/scim/v2/Groups", `{"displayName":"Editors","`+urn+`":{"description":"first"}}`)
	id := at(got, "id")
	if d := cmp.Diff(map[string]any{"description": "first"}, got[urn]); d != "" {
		t.Fatal(d)
	}
	got = f.want(200, http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, `{"op":"replace","value":{"displayName":"Authors"}}`))
	if got["displayName"] != "Authors" || got[urn] == nil {
		t.Errorf("a rename lost the extension: %v", got)
	}
	got = f.want(200, http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, `{"op":"replace","path":"`+urn+`:description","value":"second"}`))
	if got["displayName"] != "Authors" || at(got, urn, "description") != "second" {
		t.Errorf("got %v", got)
	}
	got = f.want(200, http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, `{"op":"remove","path":"`+urn+`:description"}`))
	if got[urn] != nil || f.store.groups[0].Doc != nil {
		t.Errorf("got %v, stored %s", got, f.store.groups[0].Doc)
	}
}

// Up to the limit a PATCH answers with the group, beyond it with nothing; with what attributes asks for, always.
func TestPatchGroup_AnswerDoesNotGrowWithTheGroup(t *testing.T) {
	t.Parallel()
	const add = `{"op":"add","path":"members","value":[{"value":"u1"}]}`
	for _, tt := range []struct {
		name, query string
		size        int
		want        int
		loaded      int
		members     bool
	}{
		{"small", "", 3, 200, 3, true},
		{"big", "", 4, 204, 3, false},
		{"big, named attributes", "?attributes=displayName", 4, 200, 0, false},
		{"big, members asked for", "?attributes=members", 4, 200, -1, true},
		{"big, members not wanted", "?excludedAttributes=members", 4, 200, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(o *proxy.Options) { o.Limits.PatchMembers = 3 })
			var members []string
			for i := range tt.size {
				members = append(members, f.create(fmt.Sprintf("p%d@example.com", i)))
			}
			id := f.createGroup("Editors", members...)
			f.store.loaded = nil
			w := f.send(http.MethodPatch, "/scim/v2/Groups/"+id+tt.query, fmt.Sprintf(patchBody, add))
			if w.Code != tt.want || (w.Code == 204) != (w.Body.Len() == 0) {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if shown := strings.Contains(w.Body.String(), `"members":[`); shown != tt.members {
				t.Errorf("members shown: %t", shown)
			}
			if len(f.store.loaded) != 1 || f.store.loaded[0] != tt.loaded {
				t.Errorf("members read: %v", f.store.loaded)
			}
			if w.Header().Get("Etag") == "" {
				t.Error("no ETag")
			}
		})
	}
}

func TestPatchGroup_PendingIsToldWithoutABody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.PatchMembers = 1 })
	id := f.createGroup("Editors", f.create("a@example.com"), f.create("b@example.com"))
	f.store.sync = directory.Pending
	w := f.send(http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, `{"op":"add","path":"members","value":[{"value":"u1"}]}`))
	if w.Code != 204 || w.Header().Get("X-Sync-Status") != "pending" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestPatchGroup_Refusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.createGroup("Editors")
	for ops, scimType := range map[string]string{
		`{"op":"replace","path":"meta.created","value":"x"}`: "mutability",
		`{"op":"remove","path":"displayName"}`:               "",
		`{"op":"add","path":"nonsense","value":"x"}`:         "invalidPath",
		`{"op":"add","path":"members","value":[{}]}`:         "invalidValue",
	} {
		w := f.send(http.MethodPatch, "/scim/v2/Groups/"+id, fmt.Sprintf(patchBody, ops))
		if scimType != "" {
			checkError(t, w, 400, scimType)
		} else if w.Code != 400 {
			t.Errorf("%s: %d %s", ops, w.Code, w.Body)
		}
	}
	f.wantError(refusal{404, ""}, http.MethodPatch, "/scim/v2/Groups/none", fmt.Sprintf(patchBody, `{"op":"replace","value":{"displayName":"x"}}`))
}

func TestDeleteGroup(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.createGroup("Editors")
	f.want(204, http.MethodDelete, "/scim/v2/Groups/"+id, "")
	f.wantError(refusal{404, ""}, http.MethodDelete, "/scim/v2/Groups/"+id, "")
}
