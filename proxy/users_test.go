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

func TestCreateUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	w := f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", `,"active":true`))
	got := parse(t, w)
	want := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:scimcms:scim:schemas:sync:1.0"},
		"id":      "u1", "externalId": "00u1", "userName": "ada@example.com",
		"name":        map[string]any{"familyName": "Lovelace", "givenName": "Ada"},
		"displayName": "Ada Lovelace", "locale": "en-US", "active": true,
		"emails": []any{map[string]any{"primary": true, "value": "ada@example.com", "type": "work"}},
		"groups": []any{},
		"meta": map[string]any{
			"resourceType": "User", "created": "2026-11-23T12:00:00.000Z", "lastModified": "2026-11-23T12:00:01.000Z",
			"location": "https://scim.example.com/scim/v2/Users/u1", "version": `W/"1"`,
		},
		"urn:scimcms:scim:schemas:sync:1.0": map[string]any{"status": "synced"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	header := map[string]string{
		"Location": "https://scim.example.com/scim/v2/Users/u1", "Etag": `W/"1"`, "Content-Length": fmt.Sprint(w.Body.Len()),
		"X-Sync-Status": "", "Cache-Control": "no-store",
	}
	for name, want := range header {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if w.Code != http.StatusCreated {
		t.Errorf("status %d", w.Code)
	}
	wish := f.store.lastWish
	if wish.Address != "ada@example.com" || !wish.Active || wish.DisplayName != "Ada Lovelace" || wish.ExternalID != "00u1" || len(wish.Emails) != 1 {
		t.Errorf("wish: %+v", wish)
	}
}

func TestCreateUser_PasswordGoesNowhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	w := f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", ""))
	for where, text := range map[string]string{"answer": w.Body.String(), "store": string(f.store.lastWish.Doc), "log": f.logs.String()} {
		if strings.Contains(text, "1mz050nq") || strings.Contains(text, "password") {
			t.Errorf("the password is in the %s: %s", where, text)
		}
	}
}

func TestCreateUser_Active(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]bool{``: true, `,"active":true`: true, `,"active":false`: false, `,"active":"False"`: false} {
		f := newFixture(t, nil)
		if got := f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", sent)); got["active"] != want {
			t.Errorf("%q: answered %v", sent, got["active"])
		}
		if f.store.lastWish.Active != want {
			t.Errorf("%q: wished %v", sent, f.store.lastWish.Active)
		}
	}
}

func TestCreateUser_Twice(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	e := f.wantError(refusal{http.StatusConflict, "uniqueness"}, http.MethodPost, "/scim/v2/Users", userBody("ADA@example.com", ""))
	if !strings.Contains(at(e, "detail"), id) {
		t.Errorf("the detail does not name the id: %v", e["detail"])
	}
}

func TestUserWithoutAddress(t *testing.T) {
	t.Parallel()
	body := `{"userName":"jdoe","active":%s}`
	for _, tt := range []struct {
		policy proxy.EmailPolicy
		active string
		want   int
	}{{"", "true", 400}, {proxy.RefuseWithoutEmail, "true", 400}, {proxy.RefuseWithoutEmail, "false", 400}, {proxy.AcceptWithoutEmail, "true", 201}} {
		f := newFixture(t, func(o *proxy.Options) { o.Projects[0].WithoutEmail = tt.policy })
		w := f.send(http.MethodPost, "/scim/v2/Users", fmt.Sprintf(body, tt.active))
		if w.Code != tt.want {
			t.Errorf("%q: got %d %s", tt.policy, w.Code, w.Body)
		}
		if tt.want == 400 {
			e := checkError(t, w, 400, "invalidValue")
			if !strings.Contains(at(e, "detail"), "emails") || !strings.Contains(at(e, "detail"), "jdoe") {
				t.Errorf("the detail does not say what to map: %v", e["detail"])
			}
		} else if f.store.lastWish.Address != "" {
			t.Errorf("address %q", f.store.lastWish.Address)
		}
	}
}

// A missing address never keeps anybody from leaving.
func TestUserWithoutAddress_CanBeDeactivated(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.store.users = []directory.User{{ID: "u1", State: directory.Live, Doc: []byte(`{"userName":"jdoe","active":true}`), UserName: "jdoe", Active: true, Gen: 1}}
	got := f.want(200, http.MethodPatch, "/scim/v2/Users/u1", fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":false}}`))
	if got["active"] != false {
		t.Errorf("still active: %v", got)
	}
	f.wantError(refusal{400, "invalidValue"}, http.MethodPatch, "/scim/v2/Users/u1", fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":true}}`))
}

func TestReadUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	got := f.want(200, http.MethodGet, "/scim/v2/Users/"+id, "")
	if got["id"] != id || got["userName"] != "ada@example.com" {
		t.Errorf("got %v", got)
	}
	if got := f.want(200, http.MethodGet, "/scim/v2/Users/"+id+"?attributes=userName", ""); len(got) != 3 || got["userName"] != "ada@example.com" {
		t.Errorf("attributes=userName: %v", got)
	}
	if got := f.want(200, http.MethodGet, "/scim/v2/Users/"+id+"?excludedAttributes=emails,groups", ""); got["emails"] != nil || got["groups"] != nil || got["name"] == nil {
		t.Errorf("excludedAttributes: %v", got)
	}
	for _, id := range []string{"00919288221112222", "u2", strings.Repeat("x", 200), "%00", "a%2Fb"} {
		f.wantError(refusal{404, ""}, http.MethodGet, "/scim/v2/Users/"+id, "")
	}
}

func TestReadUser_ShowsGroupsLinkAndFailure(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	u := &f.store.users[0]
	u.Groups = []directory.GroupRef{{ID: "g1", Name: "Editors"}}
	u.Link = directory.Link{Kind: directory.Invitation, ID: "77", RoleID: "5"}
	u.Sync = directory.Sync{State: directory.Failed, Code: "invalid_email", Text: "The CMS refuses the address.", LastSynced: fakeTime}
	got := f.want(200, http.MethodGet, "/scim/v2/Users/"+id, "")
	want := map[string]any{"status": "failed", "cmsType": "invitation", "cmsId": "77", "role": "5", "lastSynced": "2026-11-23T12:00:00.000Z", "lastError": "The CMS refuses the address."}
	if d := cmp.Diff(want, got["urn:scimcms:scim:schemas:sync:1.0"]); d != "" {
		t.Error(d)
	}
	groups := []any{map[string]any{"value": "g1", "display": "Editors", "$ref": "https://scim.example.com/scim/v2/Groups/g1", "type": "direct"}}
	if d := cmp.Diff(groups, got["groups"]); d != "" {
		t.Error(d)
	}
}

func TestRejectedUser_IsShownInactiveAndAnyWriteIsAFreshAttempt(t *testing.T) {
	t.Parallel()
	for name, write := range map[string][2]string{
		"PUT without active": {http.MethodPut, userBody("ada@example.com", "")},
		"PUT":                {http.MethodPut, userBody("ada@example.com", `,"active":true`)},
		"PATCH":              {http.MethodPatch, fmt.Sprintf(patchBody, `{"op":"replace","value":{"title":"Countess"}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			id := f.create("ada@example.com")
			f.store.users[0].State, f.store.users[0].Active = directory.Rejected, false
			if got := f.want(200, http.MethodGet, "/scim/v2/Users/"+id, ""); got["active"] != false {
				t.Errorf("shown active: %v", got["active"])
			}
			if got := f.want(200, write[0], "/scim/v2/Users/"+id, write[1]); got["active"] != true {
				t.Errorf("the write is no fresh attempt: %v", got["active"])
			}
		})
	}
}

func TestReplaceUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	body := strings.Replace(userBody("ada@example.com", `,"active":true`), `"locale":"en-US",`, "", 1)
	got := f.want(200, http.MethodPut, "/scim/v2/Users/"+id, strings.Replace(body, "Lovelace", "King", 1))
	if got["locale"] != nil || at(got, "name", "familyName") != "King" || got["id"] != id {
		t.Errorf("got %v", got)
	}
	f.wantError(refusal{404, ""}, http.MethodPut, "/scim/v2/Users/none", userBody("ada@example.com", ""))
	f.wantError(refusal{400, "invalidValue"}, http.MethodPut, "/scim/v2/Users/"+id, `{"active":true}`)
}

func TestReplaceUser_WithoutActiveKeepsIt(t *testing.T) {
	t.Parallel()
	for _, active := range []bool{true, false} {
		f := newFixture(t, nil)
		id := f.create("ada@example.com")
		f.want(200, http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, fmt.Sprintf(`{"op":"replace","value":{"active":%t}}`, active)))
		if got := f.want(200, http.MethodPut, "/scim/v2/Users/"+id, userBody("ada@example.com", "")); got["active"] != active {
			t.Errorf("was %t, is %v", active, got["active"])
		}
	}
}

// An identity provider reads (active), another of its jobs deactivates, then the first one writes back what it has read.
func TestReplaceUser_StaleVersionDoesNotReactivate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, version string
		want          bool
	}{
		{"read before the deactivation", `"W/\"1\""`, false},
		{"read before, without the weak mark", `"\"1\""`, false},
		{"read after the deactivation", `"W/\"2\""`, true},
		{"read later still", `"W/\"9\""`, true},
		{"no version", `null`, true},
		{"a version that is not ours", `"abc"`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			id := f.create("ada@example.com")                                                                                        // version 1
			f.want(200, http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":false}}`)) // version 2
			got := f.want(200, http.MethodPut, "/scim/v2/Users/"+id, userBody("ada@example.com", `,"active":true,"meta":{"version":`+tt.version+`}`))
			if got["active"] != tt.want || f.store.lastWish.Active != tt.want {
				t.Errorf("active is %v, wished %v, want %v", got["active"], f.store.lastWish.Active, tt.want)
			}
			if noted := strings.Contains(f.logs.String(), "stale activation ignored"); noted == tt.want {
				t.Errorf("noted in the log: %t", noted)
			}
		})
	}
}

func TestPatchUser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, ops string
		attr      string
		want      any
	}{
		{"path-less", `{"op":"replace","value":{"active":false}}`, "active", false},
		{"Entra", `{"op":"Replace","path":"active","value":"False"}`, "active", false},
		{"attribute", `{"op":"add","path":"title","value":"Countess"}`, "title", "Countess"},
		{"password is dropped", `{"op":"replace","value":{"password":"x"}}`, "password", nil},
		{"nothing new", `{"op":"replace","value":{"userName":"ada@example.com"}}`, "userName", "ada@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			id := f.create("ada@example.com")
			if got := f.want(200, http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, tt.ops)); got[tt.attr] != tt.want {
				t.Errorf("%s is %v", tt.attr, got[tt.attr])
			}
		})
	}
}

func TestPatchUser_UnchangedGivesTheSameDocument(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	before := string(f.store.lastWish.Doc)
	f.want(200, http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":true}}`))
	if after := string(f.store.lastWish.Doc); after != before {
		t.Errorf("an unchanged push is a change:\n%s\n%s", before, after)
	}
	f.want(200, http.MethodPut, "/scim/v2/Users/"+id, userBody("ada@example.com", `,"active":true`))
	if after := string(f.store.lastWish.Doc); after != before {
		t.Errorf("an unchanged PUT is a change:\n%s\n%s", before, after)
	}
}

func TestPatchUser_IsAppliedToTheNewestRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	f.store.edited = func(cur *directory.User) { // somebody else was faster
		cur.Doc = []byte(strings.Replace(string(cur.Doc), "Ada Lovelace", "Ada King", 1))
	}
	got := f.want(200, http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, `{"op":"replace","value":{"title":"Countess"}}`))
	if got["displayName"] != "Ada King" || got["title"] != "Countess" {
		t.Errorf("got %v", got)
	}
}

func TestPatchUser_Refusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	before := string(f.store.users[0].Doc)
	for _, tt := range []struct{ scimType, ops string }{
		{"mutability", `{"op":"replace","path":"id","value":"x"}`},
		{"invalidPath", `{"op":"replace","path":"nonsense","value":"x"}`},
		{"noTarget", `{"op":"remove"}`},
		{"invalidValue", `{"op":"remove","path":"active"}`},
		{"invalidSyntax", `{"op":"frobnicate","path":"title","value":"x"}`},
		{"invalidPath", `{"op":"add","path":"title","value":"x"},{"op":"add","path":"nonsense","value":"x"}`},
	} {
		f.wantError(refusal{400, tt.scimType}, http.MethodPatch, "/scim/v2/Users/"+id, fmt.Sprintf(patchBody, tt.ops))
	}
	if string(f.store.users[0].Doc) != before {
		t.Error("a refused PATCH changed the user")
	}
	f.wantError(refusal{404, ""}, http.MethodPatch, "/scim/v2/Users/none", fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":false}}`))
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	f.want(204, http.MethodDelete, "/scim/v2/Users/"+id, "")
	f.wantError(refusal{404, ""}, http.MethodDelete, "/scim/v2/Users/"+id, "")
	f.wantError(refusal{404, ""}, http.MethodGet, "/scim/v2/Users/"+id, "")
}

func TestSyncStatusHeader(t *testing.T) {
	t.Parallel()
	for state, want := range map[directory.SyncState]string{directory.Synced: "", directory.Failed: "", directory.Pending: "pending", directory.Held: "held"} {
		f := newFixture(t, nil)
		f.store.sync = state
		w := f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", ""))
		if got := w.Header().Get("X-Sync-Status"); got != want || w.Code != 201 {
			t.Errorf("%s: %d, header %q", state, w.Code, got)
		}
		if w := f.send(http.MethodGet, "/scim/v2/Users/u1", ""); w.Header().Get("X-Sync-Status") != "" {
			t.Errorf("%s: header on a read", state)
		}
		if !strings.Contains(f.logs.String(), `"sync":"`+string(state)+`"`) {
			t.Errorf("%s is not logged: %s", state, f.logs)
		}
	}
}
