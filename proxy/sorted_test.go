package proxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy"
)

// sortFixture has people whose order differs by attribute: u1 has two addresses, u3 no title, u4 a name of two cases.
func sortFixture(t *testing.T, edit func(*proxy.Options)) *fixture {
	t.Helper()
	f := newFixture(t, edit)
	for _, attributes := range []string{
		`"userName":"d@x","title":"b","name":{"givenName":"Zoe"},"emails":[{"value":"d@x"},{"value":"a@x","primary":true}],"externalId":"B"`,
		`"userName":"C@x","title":"a","name":{"givenName":"anna"},"emails":[{"value":"c@x"}],"externalId":"a"`,
		`"userName":"b@x","name":{"givenName":"Bob"},"emails":[{"value":"b@x"}],"externalId":"A","active":false`,
		`"userName":"a@x","title":"B","name":{"givenName":"Anna"},"emails":[{"value":"z@x"}],"externalId":"b",
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Ops"}`,
	} {
		f.want(201, http.MethodPost, "/scim/v2/Users", "{"+attributes+"}")
	}
	return f
}

func TestSort(t *testing.T) {
	t.Parallel()
	f := sortFixture(t, nil)
	for _, tt := range []struct{ query, ids string }{
		{"sortBy=userName", "u4 u3 u2 u1"},                      // not caseExact
		{"sortBy=USERNAME&sortOrder=Descending", "u1 u2 u3 u4"}, // names and words in any case
		{"sortBy=externalId", "u3 u1 u2 u4"},                    // caseExact
		{"sortBy=title", "u2 u1 u4 u3"},                         // equal ones by age, those without last
		{"sortBy=title&sortOrder=descending", "u3 u1 u4 u2"},    // and first when turned around
		{"sortBy=emails", "u1 u3 u2 u4"},                        // the primary one, else the first
		{"sortBy=emails.value&sortOrder=ascending", "u1 u3 u2 u4"},
		{"sortBy=name.givenName", "u2 u4 u3 u1"},
		{"sortBy=active", "u3 u1 u2 u4"},
		{"sortBy=meta.created", "u1 u2 u3 u4"},
		{"sortBy=id&sortOrder=descending", "u4 u3 u2 u1"},
		{"sortBy=urn:ietf:params:scim:schemas:core:2.0:User:userName", "u4 u3 u2 u1"},
		{"sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "u4 u1 u2 u3"},
		{"sortOrder=descending", "u1 u2 u3 u4"}, // of nothing
		{"sortBy=userName&startIndex=2&count=2", "u3 u2"},
		{"sortBy=userName&startIndex=4&count=2", "u1"},
		{"sortBy=userName&startIndex=9", ""},
		{"sortBy=userName&count=0", ""},
		{"sortBy=userName&attributes=title", "u4 u3 u2 u1"},
	} {
		got := f.want(200, http.MethodGet, "/scim/v2/Users?"+tt.query, "")
		if ids(got) != tt.ids || got["totalResults"] != 4.0 || got["itemsPerPage"] != float64(len(strings.Fields(tt.ids))) {
			t.Errorf("%s: got %s of %v", tt.query, ids(got), got["totalResults"])
		}
	}
	got := f.want(200, http.MethodGet, "/scim/v2/Users?sortBy=userName&count=1&filter="+url.QueryEscape(`title pr`), "")
	if ids(got) != "u4" || got["totalResults"] != 3.0 {
		t.Errorf("filtered: %v", got)
	}
	for _, by := range []string{"nonsense", "name", "password", "meta", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "userName.x"} {
		f.wantError(refusal{400, "invalidPath"}, http.MethodGet, "/scim/v2/Users?sortBy="+by, "")
	}
	f.wantError(refusal{400, "invalidValue"}, http.MethodGet, "/scim/v2/Users?sortBy=userName&sortOrder=up", "")
}

func TestSort_Groups(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, name := range []string{"b", "C", "a"} {
		f.createGroup(name)
	}
	f.store.loaded = nil
	if got := f.want(200, http.MethodGet, "/scim/v2/Groups?sortBy=displayName&excludedAttributes=members", ""); ids(got) != "g3 g1 g2" {
		t.Errorf("got %s", ids(got))
	}
	for _, n := range f.store.loaded {
		if n != 0 {
			t.Errorf("members were read: %v", f.store.loaded)
		}
	}
}

func TestSearchAll_SeveralResourceTypes(t *testing.T) {
	t.Parallel()
	f := sortFixture(t, nil)
	f.createGroup("Bees", "u1")
	f.createGroup("Ants")
	for _, tt := range []struct {
		body, ids string
		total     float64
	}{
		{`{}`, "u1 u2 u3 u4 g5 g6", 6},
		{`{"startIndex":4,"count":2}`, "u4 g5", 6},
		{`{"startIndex":6,"count":5}`, "g6", 6},
		{`{"startIndex":7}`, "", 6},
		{`{"count":0}`, "", 6},
		{`{"filter":"meta.resourceType eq \"Group\""}`, "g5 g6", 2},
		{`{"filter":"userName sw \"c\""}`, "u2", 1},    // of one type only
		{`{"filter":"not (userName pr)"}`, "g5 g6", 2}, // the other is without a value
		{`{"filter":"userName ne \"a@x\" and members pr"}`, "g5", 1},
		{`{"filter":"id eq \"g5\" or id eq \"u3\""}`, "u3 g5", 2},
		{`{"filter":"id eq \"g5\""}`, "g5", 1},
		{`{"filter":"urn:ietf:params:scim:schemas:core:2.0:Group:displayName sw \"a\""}`, "g6", 1},
		{`{"filter":"urn:ietf:params:scim:schemas:core:2.0:User:title eq \"a\""}`, "u2", 1},
		{`{"sortBy":"displayName"}`, "g6 g5 u1 u2 u3 u4", 6},
		{`{"sortBy":"userName","sortOrder":"descending","count":3}`, "g5 g6 u1", 6}, // those without come first
		{`{"sortBy":"userName","startIndex":3,"count":3}`, "u2 u1 g5", 6},
		{`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["displayName"],"count":1}`, "u1", 6},
	} {
		got := f.want(200, http.MethodPost, "/scim/v2/.search", tt.body)
		if ids(got) != tt.ids || got["totalResults"] != tt.total || got["itemsPerPage"] != float64(len(strings.Fields(tt.ids))) {
			t.Errorf("%s: got %s of %v", tt.body, ids(got), got["totalResults"])
		}
	}
	f.wantError(refusal{400, "invalidFilter"}, http.MethodPost, "/scim/v2/.search", `{"filter":"nonsense pr"}`)
	f.wantError(refusal{400, "invalidFilter"}, http.MethodPost, "/scim/v2/.search", `{"filter":"active gt true"}`)
	f.wantError(refusal{400, "invalidPath"}, http.MethodPost, "/scim/v2/.search", `{"sortBy":"nonsense"}`)
	f.wantError(refusal{400, "invalidSyntax"}, http.MethodPost, "/scim/v2/.search", `[]`)
}

func TestSearchAll_ByCursor(t *testing.T) {
	t.Parallel()
	f := sortFixture(t, nil)
	f.createGroup("Bees", "u1")
	f.createGroup("Ants")
	for query, want := range map[string]string{
		``: "u1 u2 u3 u4 g5 g6", `,"filter":"displayName pr"`: "g5 g6", `,"sortBy":"userName"`: "u4 u3 u2 u1 g5 g6",
		`,"filter":"id pr"`: "u1 u2 u3 u4 g5 g6", `,"sortBy":"displayName","sortOrder":"descending"`: "u1 u2 u3 u4 g5 g6",
	} {
		for count := 1; count <= 7; count++ {
			ask := func(cursor string) map[string]any {
				return f.want(200, http.MethodPost, "/scim/v2/.search", fmt.Sprintf(`{"cursor":%q,"count":%d%s}`, cursor, count, query))
			}
			page := ask("")
			all := strings.Fields(ids(page))
			for at(page, "nextCursor") != "" {
				page = ask(at(page, "nextCursor"))
				all = append(all, strings.Fields(ids(page))...)
			}
			back := strings.Fields(ids(page))
			for at(page, "previousCursor") != "" {
				page = ask(at(page, "previousCursor"))
				back = append(strings.Fields(ids(page)), back...)
			}
			if strings.Join(all, " ") != want || strings.Join(back, " ") != want {
				t.Errorf("%s by %d: %v, back %v", query, count, all, back)
			}
			if query == "" && page["totalResults"] != 6.0 {
				t.Errorf("total: %v", page["totalResults"])
			}
		}
	}
}

func TestSearch_SchemaAndContradictions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, path := range []string{"/scim/v2/Users/.search", "/scim/v2/Groups/.search", "/scim/v2/.search"} {
		for _, body := range []string{`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`, `{"schemas":"x"}`, `{"schemas":[1]}`} {
			f.wantError(refusal{400, "invalidSyntax"}, http.MethodPost, path, body)
		}
		f.wantError(refusal{400, "invalidValue"}, http.MethodPost, path, `{"attributes":["id"],"excludedAttributes":["meta"]}`)
		f.wantError(refusal{400, "invalidValue"}, http.MethodPost, path, `{"cursor":"","startIndex":1}`)
		f.wantError(refusal{400, "invalidCursor"}, http.MethodPost, path, `{"cursor":"x"}`)
		f.wantError(refusal{400, "invalidCount"}, http.MethodPost, path, `{"cursor":"","count":"x"}`)
		f.want(200, http.MethodPost, path, `{"schemas":["URN:ietf:params:scim:api:messages:2.0:searchrequest"],"attributes":[],"excludedAttributes":["meta"]}`)
	}
	id := f.create("ada@example.com")
	body := userBody("ada@example.com", "")
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPut: body, http.MethodPatch: fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":true}}`)} {
		f.wantError(refusal{400, "invalidValue"}, method, "/scim/v2/Users/"+id+"?attributes=id&excludedAttributes=meta", body)
		if got := f.want(200, method, "/scim/v2/Users/"+id+"?attributes=userName,nonsense,password", body); len(got) != 3 {
			t.Errorf("%s: id, schemas and userName were asked for: %v", method, got)
		}
		if got := f.want(200, method, "/scim/v2/Users/"+id+"?excludedAttributes=meta,id,schemas,name.givenName", body); at(got, "id") != id || at(got, "schemas", 0) == "" ||
			got["meta"] != nil || at(got, "name", "givenName") != "" || at(got, "name", "familyName") == "" {
			t.Errorf("%s: %v", method, got)
		}
	}
}
