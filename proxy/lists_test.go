package proxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy"
)

// ids are the ids on a page.
func ids(list map[string]any) string {
	var out []string
	resources, _ := list["Resources"].([]any)
	for _, r := range resources {
		id, _ := r.(map[string]any)["id"].(string)
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func peopleFixture(t *testing.T, n int) *fixture {
	t.Helper()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.Count = 4 })
	for i := range n {
		f.create(fmt.Sprintf("p%d@example.com", i+1))
	}
	return f
}

func TestListUsers_Pages(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 6)
	for _, tt := range []struct {
		query        string
		ids          string
		start, items float64
	}{
		{"", "u1 u2 u3 u4", 1, 4}, // the largest page here
		{"?startIndex=1&count=2", "u1 u2", 1, 2},
		{"?startIndex=5&count=100", "u5 u6", 5, 2},
		{"?startIndex=7&count=100", "", 7, 0},
		{"?startIndex=0&count=1", "u1", 1, 1},
		{"?startIndex=-3&count=1", "u1", 1, 1},
		{"?count=0", "", 1, 0},
		{"?count=-5", "", 1, 0},
	} {
		got := f.want(200, http.MethodGet, "/scim/v2/Users"+tt.query, "")
		if ids(got) != tt.ids || got["totalResults"] != 6.0 || got["startIndex"] != tt.start || got["itemsPerPage"] != tt.items {
			t.Errorf("%q: %v of %v from %v: %s", tt.query, got["itemsPerPage"], got["totalResults"], got["startIndex"], ids(got))
		}
		if got["Resources"] == nil {
			t.Errorf("%q: no Resources", tt.query)
		}
	}
	f.wantError(refusal{400, "invalidValue"}, http.MethodGet, "/scim/v2/Users?startIndex=x", "")
}

func TestListUsers_FilterUsesIndex(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		filter string
		index  directory.Index
		ids    string
	}{
		{`userName eq "p2@example.com"`, directory.ByUserName, "u2"},
		{`userName eq "P2@EXAMPLE.COM"`, directory.ByUserName, "u2"},
		{`USERNAME EQ "p2@example.com"`, directory.ByUserName, "u2"},
		{`userName eq "nobody@example.com"`, directory.ByUserName, ""},
		{`id eq "u3"`, directory.ByID, "u3"},
		{`externalId eq "00u1"`, directory.ByExternalID, "u1 u2 u3"},
		{`emails eq "p3@example.com"`, directory.ByEmail, "u3"},
		{`emails.value eq "p3@example.com"`, directory.ByEmail, "u3"},
		{`emails[type eq "work"].value eq "p3@example.com"`, directory.ByEmail, "u3"},
		{`emails[type eq "home"].value eq "p3@example.com"`, directory.ByEmail, ""},
		{`displayName eq "Ada Lovelace"`, directory.ByDisplayName, "u1 u2 u3"},
		{`userName eq "p2@example.com" and active eq true`, directory.ByUserName, "u2"},
		{`userName eq "p2@example.com" and active eq false`, directory.ByUserName, ""},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			f := peopleFixture(t, 3)
			got := f.want(200, http.MethodGet, "/scim/v2/Users?filter="+url.QueryEscape(tt.filter)+"&startIndex=1&count=100", "")
			n := float64(len(strings.Fields(tt.ids)))
			if ids(got) != tt.ids || got["totalResults"] != n || got["itemsPerPage"] != n {
				t.Errorf("got %v: %s", got["totalResults"], ids(got))
			}
			if f.store.lastFound != tt.index || f.store.scans != 0 {
				t.Errorf("read by %q with %d scans", f.store.lastFound, f.store.scans)
			}
		})
	}
}

func TestListUsers_OtherFiltersScanAndCountExactly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		filter, page string
		total        float64
		ids          string
	}{
		{`userName sw "p"`, "", 6, "u1 u2 u3 u4"},
		{`userName sw "p"`, "&startIndex=5", 6, "u5 u6"},
		{`userName sw "p"`, "&count=0", 6, ""},
		{`userName eq "p1@example.com" or userName eq "p5@example.com"`, "", 2, "u1 u5"},
		{`not (userName co "p1")`, "&startIndex=2&count=2", 5, "u3 u4"},
		{`active eq true`, "&count=1", 6, "u1"},
		{`active eq false`, "", 0, ""},
		{`meta.version eq "W/\"1\""`, "&count=1", 6, "u1"},
		{`name.familyName pr`, "&count=1", 6, "u1"},
		{`urn:scimcms:scim:schemas:sync:1.0:status eq "synced"`, "&count=1", 6, "u1"},
	} {
		t.Run(tt.filter+tt.page, func(t *testing.T) {
			t.Parallel()
			f := peopleFixture(t, 6)
			got := f.want(200, http.MethodGet, "/scim/v2/Users?filter="+url.QueryEscape(tt.filter)+tt.page, "")
			if ids(got) != tt.ids || got["totalResults"] != tt.total || f.store.scans != 1 {
				t.Errorf("got %v (%d scans): %s", got["totalResults"], f.store.scans, ids(got))
			}
		})
	}
}

func TestListUsers_TooManyCandidatesOfAnIndexAreScanned(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for i := range 2*2000 + 1 {
		f.store.users = append(f.store.users, directory.User{
			ID: fmt.Sprint("u", i), Seq: int64(i) + 1, State: directory.Live, Active: true, External: "same",
			Doc: fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"same","userName":"p%d@example.com","active":true}`, i),
		})
	}
	got := f.want(200, http.MethodGet, "/scim/v2/Users?count=2&filter="+url.QueryEscape(`externalId eq "same" and active eq true`), "")
	if got["totalResults"] != 4001.0 || ids(got) != "u0 u1" || f.store.scans != 1 {
		t.Errorf("got %v (%d scans): %s", got["totalResults"], f.store.scans, ids(got))
	}
}

// An answer with everyone, or with nobody, makes an identity provider link the wrong person or create twins.
func TestListUsers_BadFilterIsRefused(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 2)
	for _, query := range []string{
		"filter=", "filter=" + url.QueryEscape(`nonsense eq "x"`), "filter=" + url.QueryEscape(`userName eq`),
		"filter=" + url.QueryEscape(`userName`), "filter=" + url.QueryEscape(strings.Repeat("(", 85000)),
		"filter=" + url.QueryEscape(`userName eq "`+strings.Repeat("x", 9000)+`"`), "filter=" + url.QueryEscape("userName eq \"\x00\""),
		"filter=" + url.QueryEscape(`active gt true`),
	} {
		f.wantError(refusal{400, "invalidFilter"}, http.MethodGet, "/scim/v2/Users?"+query, "")
		f.wantError(refusal{400, "invalidFilter"}, http.MethodGet, "/scim/v2/Groups?"+query, "")
	}
	for _, query := range []string{`filter=userName+eq+"a;b"`, "filter=%zz"} {
		r := f.send(http.MethodGet, "/scim/v2/Users", "")
		if r.Code != 200 {
			t.Fatal(r.Body)
		}
		f.wantRawQuery(400, "/scim/v2/Users", query)
	}
	f.wantError(refusal{400, "invalidValue"}, http.MethodGet, "/scim/v2/Users?filter=a&filter=b", "")
	if f.store.scans > 0 {
		t.Error("a refused filter was evaluated")
	}
}

func TestListUsers_Projection(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 1)
	got := f.want(200, http.MethodGet, "/scim/v2/Users?attributes=userName,name.givenName", "")
	user := func(name string) string { return at(got, "Resources", 0, name) }
	if user("userName") != "p1@example.com" || user("emails") != "" || user("meta") != "" || user("id") != "u1" || user("schemas") == "" {
		t.Errorf("got %v", got)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 3)
	f.createGroup("Editors", "u1")
	body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName eq \"p2@example.com\"","attributes":["userName"],"startIndex":1,"count":10}`
	if got := f.want(200, http.MethodPost, "/scim/v2/Users/.search", body); ids(got) != "u2" {
		t.Errorf("got %v", got)
	}
	if got := f.want(200, http.MethodPost, "/scim/v2/Groups/.search", `{"filter":"displayName eq \"editors\""}`); got["totalResults"] != 1.0 {
		t.Errorf("got %v", got)
	}
	f.wantError(refusal{400, "invalidFilter"}, http.MethodPost, "/scim/v2/Users/.search", `{"filter":"nonsense eq 1"}`)
	f.wantError(refusal{400, "invalidSyntax"}, http.MethodPost, "/scim/v2/Groups/.search", `[]`)
	f.wantError(refusal{415, ""}, http.MethodPost, "/scim/v2/Users/.search", body, "Content-Type", "text/plain")
}

func TestListGroups(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 3)
	a, b := f.createGroup("Editors", "u1", "u2"), f.createGroup("Authors")
	f.store.loaded = nil
	got := f.want(200, http.MethodGet, "/scim/v2/Groups?startIndex=1&count=100", "")
	if ids(got) != a+" "+b || got["totalResults"] != 2.0 {
		t.Errorf("got %v", got)
	}
	members, _ := got["Resources"].([]any)[0].(map[string]any)["members"].([]any)
	if len(members) != 2 {
		t.Errorf("members: %v", members)
	}
	if empty, ok := got["Resources"].([]any)[1].(map[string]any)["members"].([]any); !ok || len(empty) != 0 {
		t.Errorf("members of an empty group: %v", empty)
	}
	for filter, want := range map[string]string{
		`displayName eq "editors"`: a, `displayName eq "none"`: "", `id eq "` + b + `"`: b, `members.value eq "u2"`: a, `members eq "u9"`: "",
		`id eq "` + a + `" and members eq "u1"`: a, `displayName sw "Au"`: b,
	} {
		if got := f.want(200, http.MethodGet, "/scim/v2/Groups?excludedAttributes=members&filter="+url.QueryEscape(filter), ""); ids(got) != want {
			t.Errorf("%s: %q, want %q", filter, ids(got), want)
		}
	}
}

func TestListGroups_BigGroupsAreComplete(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	var members []string
	for i := range 300 {
		members = append(members, f.create(fmt.Sprintf("p%d@example.com", i)))
	}
	f.createGroup("Everyone", members...)
	got := f.want(200, http.MethodGet, "/scim/v2/Groups", "")
	if list, _ := got["Resources"].([]any)[0].(map[string]any)["members"].([]any); len(list) != 300 {
		t.Errorf("%d of 300 members are shown", len(list))
	}
	if got := f.want(200, http.MethodGet, "/scim/v2/Groups?filter="+url.QueryEscape(`members.value eq "`+members[299]+`"`), ""); got["totalResults"] != 1.0 {
		t.Errorf("a member of a big group does not find it: %v", got["totalResults"])
	}
}

func TestGroups_MembersThatAreNotWantedAreNotRead(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 1)
	id := f.createGroup("Editors", "u1")
	f.store.loaded = nil
	for _, path := range []string{
		"/Groups?excludedAttributes=members", "/Groups?attributes=displayName", "/Groups/" + id + "?excludedAttributes=members",
		"/Groups?excludedAttributes=members&filter=" + url.QueryEscape(`displayName eq "Editors"`),
	} {
		f.want(200, http.MethodGet, "/scim/v2"+path, "")
	}
	f.want(200, http.MethodPatch, "/scim/v2/Groups/"+id+"?excludedAttributes=members", fmt.Sprintf(patchBody, `{"op":"replace","value":{"displayName":"Authors"}}`))
	for _, n := range f.store.loaded {
		if n != 0 {
			t.Errorf("members were read: %v", f.store.loaded)
		}
	}
}
