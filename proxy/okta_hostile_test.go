package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// hostile is a request that must be refused in SCIM's form and change nothing. {user}, {other} and {group} stand for ids
// that there are.
type hostile struct {
	name         string
	method, path string
	body         string
	header       []string // name and value in turns, instead of Okta's; "" removes one
	status       int
	scimType     string
}

// hostileBody is the largest body that these tests' server takes.
const hostileBody = 1 << 20

// TestHostileRequests_AreRefusedInSCIMsFormAndChangeNothing sends what no identity provider should, one after the other to
// one server, and compares CMS and store after each.
func TestHostileRequests_AreRefusedInSCIMsFormAndChangeNothing(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{limits: proxy.Limits{Body: hostileBody, BulkPayload: hostileBody}})
		user := fmt.Sprint(s.okta(http.StatusCreated, "POST", "/Users", oktaUser("ada@x.example", "00u1"))["id"])
		other := fmt.Sprint(s.okta(http.StatusCreated, "POST", "/Users", oktaUser("grace@x.example", "00u2"))["id"])
		group := s.oktaGroup("Writers")
		s.okta(http.StatusOK, "PATCH", "/Groups/"+group, addMembers([]string{user}))
		s.rest()
		ids := strings.NewReplacer("{user}", user, "{other}", other, "{group}", group)
		record, calls, people := s.dump(), s.writes(), compact(s.cms.State())
		for _, h := range hostileRequests() {
			t.Run(h.name, func(t *testing.T) {
				s := s.with(t)
				s.refuses(h, ids)
				before := []any{record, calls, people}
				record, calls, people = s.dump(), s.writes(), compact(s.cms.State())
				if diff := cmp.Diff(before, []any{record, calls, people}); diff != "" {
					t.Errorf("store or CMS changed (-before +after):\n%s", diff)
				}
			})
		}
		s.okta(http.StatusOK, "GET", "/Users/"+user, "")
	})
}

// refuses sends a hostile request and checks the refusal.
func (s *site) refuses(h hostile, ids *strings.Replacer) {
	s.t.Helper()
	var raw []byte
	if h.body != "" {
		raw = []byte(ids.Replace(h.body))
	}
	header := oktaHeader(raw != nil)
	for i := 0; i+1 < len(h.header); i += 2 {
		if header.Del(h.header[i]); h.header[i+1] != "" {
			header.Set(h.header[i], h.header[i+1])
		}
	}
	got, err := s.send(h.method, ids.Replace(h.path), header, raw)
	s.must(err)
	if h.method == http.MethodHead {
		if got.status != h.status {
			s.t.Errorf("status %d, want %d", got.status, h.status)
		}
		return
	}
	document, err := decode(got.body)
	if err != nil {
		s.t.Fatalf("%d %.300s is no JSON: %v", got.status, got.body, err)
	}
	want := map[string]any{"schemas": []any{errorSchema}, "status": fmt.Sprint(h.status), "detail": "<any>", "scimType": "<absent>"}
	if h.scimType != "" {
		want["scimType"] = h.scimType
	}
	problems := match("", want, document)
	if kind := got.header.Get("Content-Type"); kind != "application/scim+json; charset=utf-8" {
		problems = append(problems, "Content-Type is "+kind)
	}
	if got.status != h.status || len(problems) > 0 || len(got.body) > 2000 {
		s.t.Errorf("status %d, want %d %s: %v\n%.1000s", got.status, h.status, h.scimType, problems, got.body)
	}
}

func hostileRequests() []hostile {
	all := hostileTransport()
	for _, more := range [][]hostile{badJSON("bulk", "POST", "/Bulk"), hostileUsers(), hostilePatches(), hostileGroups(), hostileQueries()} {
		all = append(all, more...)
	}
	return all
}

// hostileTransport is what is wrong before anything is parsed: tokens, paths, methods, media types and sizes.
func hostileTransport() []hostile {
	huge := `{"userName":"` + strings.Repeat("a", hostileBody) + `"}`
	return []hostile{
		{name: "no token", method: "GET", path: "/Users", header: []string{"Authorization", ""}, status: 401},
		{name: "wrong token", method: "GET", path: "/Users/{user}", header: []string{"Authorization", "Bearer nope"}, status: 401},
		{name: "scheme without a token", method: "GET", path: "/Users", header: []string{"Authorization", "Bearer"}, status: 401},
		{name: "basic authentication", method: "GET", path: "/Users", header: []string{"Authorization", "Basic c2l0ZS10b2tlbg=="}, status: 401},
		{name: "token with a tail", method: "GET", path: "/Users", header: []string{"Authorization", "Bearer " + token + "x"}, status: 401},
		{name: "huge token", method: "GET", path: "/Users", header: []string{"Authorization", "Bearer " + strings.Repeat("a", 100_000)}, status: 401},
		{name: "write with a wrong token", method: "DELETE", path: "/Users/{user}", header: []string{"Authorization", "Bearer nope"}, status: 401},
		{name: "project of somebody else", method: "GET", path: "/../../projects/other/scim/v2/Users", status: 401},
		{name: "unknown path", method: "GET", path: "/Nope", status: 404},
		{name: "path beyond a user", method: "GET", path: "/Users/{user}/groups", status: 404},
		{name: "outside the base", method: "GET", path: "/../v1/Users", status: 404},
		{name: "wrong method on a list", method: "DELETE", path: "/Users", status: 405},
		{name: "wrong method on a user", method: "POST", path: "/Users/{user}", body: `{}`, status: 405},
		{name: "method of another protocol", method: "PROPFIND", path: "/Users", status: 405},
		{name: "write to discovery", method: "PUT", path: "/Schemas", body: `{}`, status: 405},
		{name: "filtered discovery", method: "GET", path: "/Schemas?filter=id%20pr", status: 403},
		{name: "bulk of nothing", method: "POST", path: "/Bulk", body: `{}`, status: 400, scimType: "invalidSyntax"},
		{name: "bulk of 10,000 operations", method: "POST", path: "/Bulk", body: bulkOf(10_000), status: 413},
		{name: "bulk too large", method: "POST", path: "/Bulk", body: huge, status: 413},
		{name: "bulk with a wrong token", method: "POST", path: "/Bulk", body: bulkOf(1), header: []string{"Authorization", "Bearer nope"}, status: 401},
		{name: "me", method: "GET", path: "/Me", status: 501},
		{name: "no media type", method: "POST", path: "/Users", body: oktaUser("new@x.example", "00u9"), header: []string{"Content-Type", ""}, status: 415},
		{name: "text", method: "POST", path: "/Users", body: oktaUser("new@x.example", "00u9"), header: []string{"Content-Type", "text/plain"}, status: 415},
		{name: "form", method: "PATCH", path: "/Users/{user}", body: "active=false", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415},
		{name: "body too large", method: "POST", path: "/Users", body: huge, status: 413},
		{name: "group too large", method: "PUT", path: "/Groups/{group}", body: huge, status: 413},
	}
}
