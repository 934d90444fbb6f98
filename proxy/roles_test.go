package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping/reconcile"
)

// Okta's entitlement discovery asks for one role first, and refuses a page that says more than it has.
func TestRoles_Discovery(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	list := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles?startIndex=1&count=1", "")
	want := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": 2.0, "startIndex": 1.0, "itemsPerPage": 1.0,
		"Resources": []any{map[string]any{
			"schemas": []any{"urn:okta:scim:schemas:core:1.0:Role"}, "id": "9", "displayName": "Editor",
			"meta": map[string]any{"resourceType": "Role", "location": "https://scim.example.com/scim/v2/Roles/9"},
		}},
	}
	if d := cmp.Diff(want, list); d != "" {
		t.Error(d)
	}
	one := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles/10", "")
	if one["displayName"] != "Viewer" {
		t.Errorf("got %v", one)
	}
	for _, path := range []string{"/scim/v2/Roles/1", "/scim/v2/Roles/nobody"} { // 1 is privileged: nobody can be given it
		f.wantError(refusal{http.StatusNotFound, ""}, http.MethodGet, path, "")
	}
}

func TestRoles_Lists(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for query, want := range map[string]string{
		"":                                       "2 [9 10]",
		"?startIndex=2":                          "2 [10]",
		"?startIndex=3":                          "2 []",
		"?count=0":                               "2 []",
		"?filter=displayName+eq+%22editor%22":    "1 [9]",
		"?filter=displayName+co+%22E%22":         "2 [9 10]",
		"?filter=id+eq+%2210%22":                 "1 [10]",
		"?filter=displayName+sw+%22E%22&count=0": "1 []",
		"?attributes=id":                         "2 [9 10]",
	} {
		if got := rolePage(f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles"+query, "")); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"?sortBy=displayName&sortOrder=descending": "2 [10 9]",
		"?sortBy=displayName&count=1&startIndex=2": "2 [10]",
	} {
		if got := rolePage(f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles"+query, "")); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	page := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles?cursor=&count=1", "")
	next := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles?count=1&cursor="+at(page, "nextCursor"), "")
	if ids(page) != "9" || ids(next) != "10" || at(next, "nextCursor") != "" {
		t.Errorf("by cursor: %v, then %v", page, next)
	}
	search := f.want(http.StatusOK, http.MethodPost, "/scim/v2/Roles/.search", `{"filter":"displayName eq \"Viewer\""}`)
	if got := rolePage(search); got != "1 [10]" {
		t.Errorf(".search: %s", got)
	}
	f.wantError(refusal{http.StatusBadRequest, "invalidFilter"}, http.MethodGet, "/scim/v2/Roles?filter=userName+eq+%22x%22", "")
	f.store.err = reconcile.ErrNoRoles
	if got := rolePage(f.want(http.StatusOK, http.MethodGet, "/scim/v2/Roles", "")); got != "0 []" {
		t.Errorf("before the first import: %s", got)
	}
}

func rolePage(list map[string]any) string {
	var ids []string
	resources, _ := list["Resources"].([]any)
	for _, r := range resources {
		role, _ := r.(map[string]any)
		ids = append(ids, at(role, "id"))
	}
	return fmt.Sprintf("%v [%s]", list["totalResults"], strings.Join(ids, " "))
}

func TestRoles_AreReadOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, r := range [][2]string{
		{http.MethodPost, "/scim/v2/Roles"}, {http.MethodPut, "/scim/v2/Roles/9"}, {http.MethodPatch, "/scim/v2/Roles/9"}, {http.MethodDelete, "/scim/v2/Roles/9"},
	} {
		f.wantError(refusal{http.StatusMethodNotAllowed, ""}, r[0], r[1], `{"displayName":"x"}`)
		if w := f.send(r[0], r[1], `{"displayName":"x"}`); !strings.Contains(w.Header().Get("Allow"), http.MethodGet) {
			t.Errorf("%s: Allow is %q", r[0], w.Header().Get("Allow"))
		}
	}
	f.wantError(refusal{http.StatusUnauthorized, ""}, http.MethodGet, "/scim/v2/Roles", "", "Authorization", "")
}
