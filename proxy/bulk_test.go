package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/queue/queuetest"
)

const bulkRequest = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[%s]}`

// bulkOf is a bulk request with so many deletions of a user.
func bulkOf(n int) string {
	return fmt.Sprintf(bulkRequest, strings.TrimSuffix(strings.Repeat(`{"method":"DELETE","path":"/Users/{user}"},`, n), ","))
}

func bulkPost(id, endpoint, data string) string {
	return fmt.Sprintf(`{"method":"POST","path":%q,"bulkId":%q,"data":%s}`, endpoint, id, data)
}

// Each operation is what the single request is: same answers, same commits, same audit entries. What is wrong with one leaves the
// others alone.
func TestBulk_IsWhatTheSingleRequestsAre(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{})
		ada := fmt.Sprint(s.okta(http.StatusCreated, "POST", "/Users", oktaUser("ada@x.example", "00u1"))["id"])
		audit := s.audit()
		got := s.okta(http.StatusOK, "POST", "/Bulk", fmt.Sprintf(bulkRequest, strings.Join([]string{
			bulkPost("g", "/Groups", `{"displayName":"Writers","members":[{"value":"bulkId:u"}]}`),
			bulkPost("u", "/Users", oktaUser("grace@x.example", "00u2")),
			bulkPost("twin", "/Users", oktaUser("grace@x.example", "00u2")),
			fmt.Sprintf(`{"method":"PATCH","path":"/Groups/bulkId:g","data":%s}`, addMembers([]string{ada})),
			fmt.Sprintf(`{"method":"PATCH","path":"/Users/%s","version":"W/\"9\"","data":%s}`, ada, fmt.Sprintf(patchBody, `{"op":"add","path":"title","value":"T"}`)),
			fmt.Sprintf(`{"method":"PATCH","path":"/Users/%s","version":"W/\"1\"","data":%s}`, ada, fmt.Sprintf(patchBody, `{"op":"add","path":"title","value":"T"}`)),
			`{"method":"DELETE","path":"/Users/nobody"}`,
		}, ",")))
		ids := map[string]string{}
		for i, want := range []struct{ status, detail string }{{"201", ""}, {"201", ""}, {"409", "already has"}, {"200", ""}, {"412", "version"}, {"200", ""}, {"404", "nobody"}} {
			op := []any{"Operations", i}
			if got := at(got, append(op, "status")...); got != want.status {
				t.Errorf("operation %d: %s, want %s", i+1, got, want.status)
			}
			if detail := at(got, append(op, "response", "detail")...); !strings.Contains(detail, want.detail) || (detail == "") != (want.detail == "") {
				t.Errorf("operation %d: %s", i+1, detail)
			}
			location := at(got, append(op, "location")...)
			ids[at(got, append(op, "bulkId")...)] = location[strings.LastIndexByte(location, '/')+1:]
		}
		if size(got, "Operations") != 7 {
			t.Errorf("%v", got)
		}
		group := s.okta(http.StatusOK, "GET", "/Groups/"+ids["g"], "")
		if len(s.members(group)) != 2 || at(group, "meta", "version") != at(got, "Operations", 3, "version") {
			t.Errorf("%v after %v", group, got)
		}
		if u := s.okta(http.StatusOK, "GET", "/Users/"+ids["u"], ""); at(u, "userName") != "grace@x.example" || at(u, "meta", "version") != at(got, "Operations", 1, "version") {
			t.Errorf("%v", u)
		}
		if n := s.audit() - audit; n != 4 {
			t.Errorf("%d audit entries for two creations, one change of members and one of a user", n)
		}
		s.rest()
		if s.count("grace@x.example") != 1 {
			t.Error("grace is not in the CMS once")
		}
	})
}

// audit is the length of the audit log.
func (s *site) audit() int64 {
	s.t.Helper()
	n, err := s.store.Client.XLen(s.ctx, s.store.Base+":audit").Result()
	s.must(err)
	return n
}

// A request of which nothing could be done is to be repeated; one that was done in part tells which part.
func TestBulk_WithoutTheStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	body := fmt.Sprintf(bulkRequest, bulkPost("a", "/Users", userBody("ada@example.com", "")))
	f.store.err = &directory.UnavailableError{Cause: fmt.Errorf("secret")}
	w := f.send(http.MethodPost, "/scim/v2/Bulk", body)
	checkError(t, w, http.StatusServiceUnavailable, "")
	if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	f.store.err = directory.ErrBusy
	if got := f.want(http.StatusOK, http.MethodPost, "/scim/v2/Bulk", body); at(got, "Operations", 0, "status") != "503" {
		t.Errorf("one busy resource: %v", got)
	}
	f.store.err, f.store.panics = nil, "oops"
	got := f.want(http.StatusOK, http.MethodPost, "/scim/v2/Bulk", body)
	if at(got, "Operations", 0, "status") != "500" {
		t.Errorf("%v", got)
	}
}

// A part of a bulk request is of the project that the request is of, and is logged with its id.
func TestBulk_PartsAreOfTheProjectOfTheWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.BaseURL = "" })
	got := f.want(http.StatusOK, http.MethodPost, "/projects/site/scim/v2/Bulk", fmt.Sprintf(bulkRequest, bulkPost("a", "Users", userBody("ada@example.com", ""))),
		"X-Request-Id", "req-1", "X-Forwarded-Proto", "https")
	if location := at(got, "Operations", 0, "location"); location != "https://example.com/projects/site/scim/v2/Users/u1" {
		t.Error(location)
	}
	for _, want := range []string{`"route":"/scim/v2/Users","status":201`, `"request_id":"req-1.1","token":"okta"`, `"note":"1 operations, 0 refused"`} {
		if !strings.Contains(f.logs.String(), want) {
			t.Errorf("%s is not in %s", want, f.logs)
		}
	}
}

// That an operation is accepted and not done in the CMS yet is told of the whole.
func TestBulk_PendingIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, state := range []directory.SyncState{directory.Synced, directory.Pending, directory.Held} {
		f.store.sync = state
		body := fmt.Sprintf(bulkRequest, bulkPost("a", "/Users", userBody(string(state)+"@example.com", "")))
		w := f.send(http.MethodPost, "/scim/v2/Bulk", body)
		want := map[directory.SyncState]string{directory.Pending: "pending", directory.Held: "held"}[state]
		if got := w.Header().Get("X-Sync-Status"); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %q", state, w.Code, got)
		}
	}
}

func TestBulk_Limits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.BulkOperations, o.Limits.BulkPayload = 2, 400 })
	c := f.want(http.StatusOK, http.MethodGet, "/scim/v2/ServiceProviderConfig", "")
	if at(c, "bulk", "supported") != "true" || at(c, "bulk", "maxOperations") != "2" || at(c, "bulk", "maxPayloadSize") != "400" {
		t.Errorf("%v", c["bulk"])
	}
	f.want(http.StatusOK, http.MethodPost, "/scim/v2/Bulk", bulkOf(2))
	f.wantError(refusal{status: http.StatusRequestEntityTooLarge}, http.MethodPost, "/scim/v2/Bulk", bulkOf(3))
	f.wantError(refusal{status: http.StatusRequestEntityTooLarge}, http.MethodPost, "/scim/v2/Bulk", bulkOf(1)+strings.Repeat(" ", 400))
}
