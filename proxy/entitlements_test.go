package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

const (
	editorRole = `{"value":"9","display":"Editor"}`
	viewerRole = `{"value":"10","display":"Viewer"}`
)

// storedRoles are the roles in the document of the only user.
func (f *fixture) storedRoles() string {
	doc := string(f.store.users[0].Doc)
	_, rest, found := strings.Cut(doc, `"roles":`)
	if !found {
		return ""
	}
	return rest[:strings.Index(rest, "]")+1]
}

func TestRolesOfAUser_AreKeptByIDHoweverTheyAreSent(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`[{"value":"9"}]`: "[" + editorRole + "]",
		`[{"value":"eDITOR","display":"whatever"}]`: "[" + editorRole + "]",
		`"Editor"`: "[" + editorRole + "]",
		`[{"value":"Editor","type":"Role","primary":true}]`:                          `[{"value":"9","display":"Editor","type":"Role","primary":true}]`,
		`[{"value":"10"},{"value":"Editor"},{"value":"9"}]`:                          "[" + viewerRole + "," + editorRole + "]",
		`[{"value":"{\"id\":\"18d1\",\"value\":\"Editor\",\"displayName\":\"E\"}"}]`: "[" + editorRole + "]", // Entra ID
		`[{"value":"{\"id\":\"18d1\",\"value\":null,\"displayName\":\"Viewer\"}"}]`:  "[" + viewerRole + "]",
		`[]`:   "",
		`null`: "",
		`""`:   "",
	} {
		f := newFixture(t, nil)
		f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", `,"roles":`+sent))
		if got := f.storedRoles(); got != want {
			t.Errorf("POST %s: %s, want %s", sent, got, want)
		}
		id := f.store.users[0].ID
		f.want(http.StatusOK, http.MethodPut, "/scim/v2/Users/"+id, userBody("ada@example.com", ""))
		if got := f.storedRoles(); got != "" {
			t.Errorf("PUT without roles: %s", got)
		}
		f.want(http.StatusOK, http.MethodPut, "/scim/v2/Users/"+id, userBody("ada@example.com", `,"roles":`+sent))
		if got := f.storedRoles(); got != want {
			t.Errorf("PUT %s: %s, want %s", sent, got, want)
		}
	}
}

func TestRolesOfAUser_Patch(t *testing.T) {
	t.Parallel()
	for ops, want := range map[string]string{
		`{"op":"add","path":"roles","value":[{"value":"Viewer"}]}`:                             "[" + editorRole + "," + viewerRole + "]",
		`{"op":"add","path":"roles","value":{"value":"EDITOR"}}`:                               "[" + editorRole + "]",
		`{"op":"add","value":{"roles":[{"value":"10"}]}}`:                                      "[" + editorRole + "," + viewerRole + "]",
		`{"op":"replace","path":"roles","value":[{"value":"10","display":"Viewer"}]}`:          "[" + viewerRole + "]",
		`{"op":"replace","value":{"roles":[{"value":"viewer"}]}}`:                              "[" + viewerRole + "]",
		`{"op":"Replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User:roles":["10"]}}`: "[" + viewerRole + "]",
		`{"op":"replace","path":"roles","value":[]}`:                                           "",
		`{"op":"replace","path":"roles[value eq \"Editor\"].value","value":"Viewer"}`:          "[" + viewerRole + "]",
		`{"op":"replace","path":"roles[value eq \"9\"]","value":{"value":"Viewer"}}`:           "[" + viewerRole + "]",
		`{"op":"add","path":"roles[primary eq \"True\"].value","value":"Viewer"}`:              `[` + editorRole + `,{"value":"10","display":"Viewer","primary":true}]`,
		`{"op":"replace","path":"roles.value","value":"Viewer"}`:                               "[" + viewerRole + "]",
		`{"op":"remove","path":"roles"}`:                                                       "",
		`{"op":"remove","path":"roles[value eq \"9\"]"}`:                                       "",
		`{"op":"remove","path":"roles[value eq \"editor\"]"}`:                                  "",
		`{"op":"remove","path":"roles[display eq \"editor\"]"}`:                                "",
		`{"op":"remove","path":"roles[value eq \"9\"].value"}`:                                 "",
		`{"op":"remove","path":"roles.value"}`:                                                 "",
		`{"op":"Remove","path":"roles","value":[{"value":"Editor"}]}`:                          "",
		`{"op":"Remove","path":"roles","value":[{"value":"10"}]}`:                              "[" + editorRole + "]",
		`{"op":"replace","value":{"displayName":"Ada"}}`:                                       "[" + editorRole + "]",
		`{"op":"replace","value":{"active":false}}`:                                            "[" + editorRole + "]",
	} {
		f := newFixture(t, nil)
		f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", `,"roles":[{"value":"9"}]`))
		f.want(http.StatusOK, http.MethodPatch, "/scim/v2/Users/"+f.store.users[0].ID, fmt.Sprintf(patchBody, ops))
		if got := f.storedRoles(); got != want {
			t.Errorf("%s: %s, want %s", ops, got, want)
		}
	}
}

func TestUnknownRole_IsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	refuse := func(status int, scimType, method, path, body string, names ...string) {
		t.Helper()
		before := fmt.Sprint(f.store.users)
		detail := at(f.wantError(refusal{status, scimType}, method, path, body), "detail")
		for _, name := range names {
			if !strings.Contains(detail, name) {
				t.Errorf("%s %s: the detail does not name %s: %s", method, body, name, detail)
			}
		}
		if fmt.Sprint(f.store.users) != before {
			t.Errorf("%s %s changed the user", method, body)
		}
	}
	unknown, none, privileged := `,"roles":[{"value":"9"},{"value":"Chief"}]`, `,"roles":[{"display":"Editor"}]`, `,"roles":[{"value":"ADMIN"}]`
	refuse(400, "invalidValue", http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", unknown), `"Chief"`, "Editor, Viewer")
	refuse(400, "invalidValue", http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", none), "no value")
	refuse(403, "", http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", privileged), `"Admin"`)
	path := "/scim/v2/Users/" + f.create("ada@example.com")
	refuse(400, "invalidValue", http.MethodPut, path, userBody("ada@example.com", unknown), `"Chief"`)
	refuse(403, "", http.MethodPut, path, userBody("ada@example.com", privileged), `"Admin"`)
	refuse(400, "invalidValue", http.MethodPatch, path, fmt.Sprintf(patchBody,
		`{"op":"replace","value":{"title":"T"}},{"op":"add","path":"roles","value":[{"value":"Chief"}]}`), `"Chief"`)
	f.store.err = reconcile.ErrNoRoles
	refuse(503, "", http.MethodPost, "/scim/v2/Users", userBody("bob@example.com", unknown), "not known yet")
}

// Whoever is to leave leaves, whatever else the request says.
func TestLeaverIsNotKeptByARole(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", `,"roles":["9"]`))
	path := "/scim/v2/Users/" + f.store.users[0].ID
	got := f.want(http.StatusOK, http.MethodPut, path, userBody("ada@example.com", `,"active":false,"roles":["9","Chief",{"display":"x"}]`))
	if got["active"] != false || f.storedRoles() != "["+editorRole+"]" {
		t.Errorf("active %v, roles %s", got["active"], f.storedRoles())
	}
}

// A role that is held may be gone from the CMS, be renamed there, or have become powerful: Okta echoes it all the same.
func TestHeldRoleStandsWhateverBecameOfIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create("ada@example.com")
	f.store.users[0].Doc = []byte(strings.TrimSuffix(string(f.store.users[0].Doc), "}") +
		`,"roles":[{"value":"77","display":"Gone"},{"value":"1","display":"Weak"},{"value":"9","display":"Former"}]}`)
	path := "/scim/v2/Users/" + f.store.users[0].ID
	want := `[{"value":"77","display":"Gone"},{"value":"1","display":"Admin"},` + editorRole + `]`
	if body := f.send(http.MethodGet, path, "").Body.String(); !strings.Contains(body, `"roles":`+want) {
		t.Errorf("shown: %s", body)
	}
	list := f.send(http.MethodGet, "/scim/v2/Users?filter=roles.display+eq+%22Admin%22", "").Body.String()
	if !strings.Contains(list, `"totalResults":1`) {
		t.Errorf("not found by the name that it has now: %s", list)
	}
	f.want(http.StatusOK, http.MethodPut, path, userBody("ada@example.com", `,"roles":`+want))
	if got := f.storedRoles(); got != want {
		t.Errorf("PUT: %s", got)
	}
	f.want(http.StatusOK, http.MethodPatch, path, fmt.Sprintf(patchBody, `{"op":"remove","path":"roles[display eq \"gone\"]"}`))
	if got := f.storedRoles(); strings.Contains(got, "77") || !strings.Contains(got, `"1"`) {
		t.Errorf("PATCH: %s", got)
	}
}

// A PATCH that meets another write is applied anew, to the roles that the record has then.
func TestRolesOfAUser_PatchIsRepeatedOnTheNewestRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", `,"roles":["9"]`))
	f.store.edited = func(cur *directory.User) {
		cur.Doc = []byte(strings.ReplaceAll(string(cur.Doc), editorRole, editorRole+","+viewerRole))
	}
	f.want(http.StatusOK, http.MethodPatch, "/scim/v2/Users/"+f.store.users[0].ID, fmt.Sprintf(patchBody, `{"op":"remove","path":"roles[value eq \"Editor\"]"}`))
	if got := f.storedRoles(); got != "["+viewerRole+"]" {
		t.Errorf("got %s", got)
	}
}
