package proxy_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/proxy"
)

// pages reads a listing by cursor from the first page to the last; between may change the store between two pages.
func (f *fixture) pages(query string, between func(page int)) (ids []string, last map[string]any) {
	f.t.Helper()
	cursor := ""
	for n := 1; ; n++ {
		last = f.want(200, http.MethodGet, "/scim/v2/Users?cursor="+cursor+query, "")
		resources, _ := last["Resources"].([]any)
		if last["itemsPerPage"] != float64(len(resources)) || last["startIndex"] != nil {
			f.t.Fatalf("page %d: %v", n, last)
		}
		for _, r := range resources {
			ids = append(ids, at(r, "id"))
		}
		if cursor = at(last, "nextCursor"); cursor == "" {
			return ids, last
		}
		if strings.Trim(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
			f.t.Fatalf("cursor %q has other than unreserved characters", cursor)
		}
		if n > 100 {
			f.t.Fatal("no last page")
		}
		if between != nil {
			between(n)
		}
	}
}

// lists are the ways to ask for six people so that they come in the order of their creation, or backwards.
var cursorQueries = map[string]string{
	"all":      "u1 u2 u3 u4 u5 u6",
	"scanned":  "u1 u2 u3 u4 u5 u6",
	"indexed":  "u1 u2 u3 u4 u5 u6",
	"narrowed": "u1 u2 u3 u4 u5 u6",
	"sorted":   "u1 u2 u3 u4 u5 u6",
	"reversed": "u6 u5 u4 u3 u2 u1",
	"both":     "u6 u5 u4 u3 u2 u1",
	"equal":    "u1 u2 u3 u4 u5 u6",
}

var cursorParameters = map[string]string{
	"all":      "",
	"scanned":  "&filter=" + url.QueryEscape(`userName sw "p"`),
	"indexed":  "&filter=" + url.QueryEscape(`externalId eq "00u1"`),
	"narrowed": "&filter=" + url.QueryEscape(`externalId eq "00u1" and active eq true`),
	"sorted":   "&sortBy=userName",
	"reversed": "&sortBy=userName&sortOrder=descending",
	"both":     "&sortBy=userName&sortOrder=descending&filter=" + url.QueryEscape(`userName sw "p"`),
	"equal":    "&sortBy=title", // nobody has one
}

func TestCursor_PagesForwardAndBack(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(cursorQueries)) {
		for count := 1; count <= 7; count++ {
			t.Run(fmt.Sprint(name, count), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, nil)
				for i := range 6 {
					f.create(fmt.Sprintf("p%d@example.com", i+1))
				}
				query := fmt.Sprintf("&count=%d%s", count, cursorParameters[name])
				got, last := f.pages(query, nil)
				if strings.Join(got, " ") != cursorQueries[name] {
					t.Errorf("forward: %v", got)
				}
				if last["nextCursor"] != nil {
					t.Errorf("the last page has a next one: %v", last)
				}
				back := strings.Fields(ids(last))
				for at(last, "previousCursor") != "" {
					last = f.want(200, http.MethodGet, "/scim/v2/Users?cursor="+at(last, "previousCursor")+query, "")
					back = append(strings.Fields(ids(last)), back...)
					if len(back) > 6 || len(strings.Fields(ids(last))) == 0 {
						t.Fatalf("back: %v", back)
					}
				}
				if strings.Join(back, " ") != cursorQueries[name] {
					t.Errorf("back: %v", back)
				}
			})
		}
	}
}

func TestCursor_TotalsAreToldWhereTheyAreKnown(t *testing.T) {
	t.Parallel()
	f := peopleFixture(t, 6)
	for name, want := range map[string]any{"all": 6.0, "indexed": 6.0, "sorted": 6.0, "both": 6.0, "scanned": nil, "narrowed": nil} {
		if got := f.want(200, http.MethodGet, "/scim/v2/Users?cursor=&count=2"+cursorParameters[name], ""); got["totalResults"] != want {
			t.Errorf("%s: total %v, want %v", name, got["totalResults"], want)
		}
		got := f.want(200, http.MethodGet, "/scim/v2/Users?cursor=&count=0"+cursorParameters[name], "")
		if got["totalResults"] != 6.0 || size(got, "Resources") != 0 || got["nextCursor"] != nil {
			t.Errorf("%s: count=0: %v", name, got)
		}
	}
	if got := f.want(200, http.MethodGet, "/scim/v2/Users?cursor=", ""); size(got, "Resources") != 4 || got["nextCursor"] == nil {
		t.Errorf("without count: %v", got)
	}
	if got := f.want(200, http.MethodGet, "/scim/v2/Users?cursor=&count=1000", ""); size(got, "Resources") != 4 {
		t.Errorf("more than the largest page: %v", got)
	}
}

// Nobody who is there throughout is left out or doubled, whoever comes or goes between two pages.
func TestCursor_IsStableWhilePeopleComeAndGo(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(cursorQueries)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			for i := range 6 {
				f.create(fmt.Sprintf("p%d@example.com", i+1))
			}
			got, _ := f.pages("&count=2"+cursorParameters[name], func(page int) {
				switch page {
				case 1: // gone: somebody shown, the place of the cursor among them, and somebody to come; new: before and behind
					f.want(204, http.MethodDelete, "/scim/v2/Users/u2", "")
					f.want(204, http.MethodDelete, "/scim/v2/Users/u5", "")
					f.create("p0@example.com")
					f.create("p9@example.com")
				case 2:
					f.want(204, http.MethodDelete, "/scim/v2/Users/u4", "")
				}
			})
			slices.Sort(got)
			for _, id := range []string{"u1", "u3", "u6"} {
				if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != id })); n != 1 {
					t.Errorf("%s was shown %d times: %v", id, n, got)
				}
			}
			if len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("doubled: %v", got)
			}
		})
	}
}

// A page whose resources have all gone leads on in both directions.
func TestCursor_BesideAnEmptyPage(t *testing.T) {
	t.Parallel()
	for _, sort := range []string{"", "&sortBy=userName"} {
		f := peopleFixture(t, 6)
		first := f.want(200, http.MethodGet, "/scim/v2/Users?cursor=&count=3"+sort, "")
		second := f.want(200, http.MethodGet, "/scim/v2/Users?count=3&cursor="+at(first, "nextCursor")+sort, "")
		for _, id := range []string{"u4", "u5", "u6"} {
			f.want(204, http.MethodDelete, "/scim/v2/Users/"+id, "")
		}
		empty := f.want(200, http.MethodGet, "/scim/v2/Users?count=3&cursor="+at(first, "nextCursor")+sort, "")
		if size(empty, "Resources") != 0 || empty["nextCursor"] != nil {
			t.Fatalf("got %v", empty)
		}
		if back := f.want(200, http.MethodGet, "/scim/v2/Users?count=3&cursor="+at(empty, "previousCursor")+sort, ""); ids(back) != "u1 u2 u3" {
			t.Errorf("back: %v", back)
		}
		for _, id := range []string{"u1", "u2", "u3"} {
			f.want(204, http.MethodDelete, "/scim/v2/Users/"+id, "")
		}
		f.create("p7@example.com")
		start := f.want(200, http.MethodGet, "/scim/v2/Users?count=3&cursor="+at(second, "previousCursor")+sort, "")
		if size(start, "Resources") != 0 || start["previousCursor"] != nil {
			t.Fatalf("got %v", start)
		}
		if on := f.want(200, http.MethodGet, "/scim/v2/Users?count=3&cursor="+at(start, "nextCursor")+sort, ""); ids(on) != "u8" && ids(on) != "u7" {
			t.Errorf("on: %v", on)
		}
	}
}

func TestCursor_Refusals(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	f := newFixture(t, func(o *proxy.Options) {
		o.Now = func() time.Time { return now }
		o.Projects = append(o.Projects, proxy.Project{Name: "other", Tokens: []proxy.Token{tok("other-token")}, Users: newFake(), Groups: newFake()})
	})
	for i := range 3 {
		f.create(fmt.Sprintf("p%d@example.com", i+1))
	}
	next := at(f.want(200, http.MethodGet, "/scim/v2/Users?cursor=&count=1", ""), "nextCursor")
	sorted := at(f.want(200, http.MethodGet, "/scim/v2/Users?cursor=&count=1&sortBy=userName", ""), "nextCursor")
	invalid := func(query string, header ...string) {
		t.Helper()
		f.wantError(refusal{400, "invalidCursor"}, http.MethodGet, "/scim/v2/Users?count=1&cursor="+query, "", header...)
	}
	raw, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		forged := slices.Clone(raw)
		forged[i] ^= 1
		invalid(base64.RawURLEncoding.EncodeToString(forged))
	}
	for _, forged := range []string{"x", "1", "eyJzIjoxfQ", next + "A", next[:len(next)-2], next + "=", strings.Repeat("A", 5000), "%00", "%20"} {
		invalid(forged)
	}
	invalid(next + "&filter=" + url.QueryEscape(`active eq true`))
	invalid(next + "&sortBy=userName")
	invalid(sorted)
	invalid(sorted + "&sortBy=userName&sortOrder=descending")
	invalid(sorted + "&sortBy=displayName")
	invalid(next, "Authorization", "Bearer other-token")
	f.wantError(refusal{400, "invalidCursor"}, http.MethodGet, "/scim/v2/Groups?cursor="+next, "")
	f.wantError(refusal{400, "invalidValue"}, http.MethodGet, "/scim/v2/Users?startIndex=1&cursor="+next, "")
	f.wantError(refusal{400, "invalidCount"}, http.MethodGet, "/scim/v2/Users?count=x&cursor="+next, "")
	f.want(200, http.MethodGet, "/scim/v2/Users?count=2&cursor="+next, "") // another size, and other attributes, are no other query
	f.want(200, http.MethodGet, "/scim/v2/Users?count=1&attributes=userName&cursor="+next, "")

	now = now.Add(time.Hour - time.Second)
	f.want(200, http.MethodGet, "/scim/v2/Users?count=1&cursor="+next, "")
	now = now.Add(time.Second)
	f.wantError(refusal{400, "expiredCursor"}, http.MethodGet, "/scim/v2/Users?count=1&cursor="+next, "")
}

func TestCursor_IsAdvertised(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.Count, o.Limits.Cursor = 250, 10*time.Minute })
	got := f.want(200, http.MethodGet, "/scim/v2/ServiceProviderConfig", "")
	want := map[string]any{"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 250.0, "maxPageSize": 250.0, "cursorTimeout": 600.0}
	if p, _ := got["pagination"].(map[string]any); !maps.Equal(p, want) {
		t.Errorf("got %v", p)
	}
	if at(got, "sort", "supported") != "true" {
		t.Error("sort is not advertised")
	}
}
