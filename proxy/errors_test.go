package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// errPoison is a cause that must stay inside.
var errPoison = errors.New("dial tcp 10.0.0.7:6379: poison ada@example.com")

func TestErrors_EachHasItsResponse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		err      error
		status   int
		scimType string
		detail   string
	}{
		{"not found", directory.ErrNotFound, 404, "", "u1"},
		{"conflict", &directory.ConflictError{Attribute: "userName", ID: "u7"}, 409, "uniqueness", "u7"},
		{"conflict with two", &directory.ConflictError{Attribute: "userName", ID: "u7", Other: "u8"}, 409, "uniqueness", "u8"},
		{"unknown members", &directory.UnknownMembersError{IDs: []string{"m1", "m2"}}, 400, "invalidValue", "m1, m2"},
		{"unavailable", &directory.UnavailableError{Cause: errPoison}, 503, "", "repeat"},
		{"stale for ever", directory.ErrStale, 503, "", "repeat"},
		{"identity busy", directory.ErrBusy, 503, "", "repeat"},
		{"seats", &reconcile.RejectedError{Status: 403, Text: "All seats are taken: 100 % used."}, 403, "", "100 % used"},
		{"address", &reconcile.RejectedError{Status: 400, ScimType: "invalidValue", Text: "The CMS refuses the address."}, 400, "invalidValue", "refuses"},
		{"protected", reconcile.ErrProtected, 403, "", "protected"},
		{"scim", scim.Errorf(409, scim.Uniqueness, "mine").WithCause(errPoison), 409, "uniqueness", "mine"},
		{"too large", &http.MaxBytesError{Limit: 77}, 413, "", "77"},
		{"anything else", errPoison, 500, "", "X-Request-Id"},
	} {
		for wrapped, err := range map[string]error{"bare": tt.err, "wrapped": fmt.Errorf("poison: %w", tt.err)} {
			t.Run(tt.name+"/"+wrapped, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, nil)
				f.store.err = err
				w := f.send(http.MethodGet, "/scim/v2/Users/u1", "")
				e := checkError(t, w, tt.status, tt.scimType)
				if !strings.Contains(at(e, "detail"), tt.detail) {
					t.Errorf("detail: %v", e["detail"])
				}
				if strings.Contains(w.Body.String(), "poison") || strings.Contains(w.Body.String(), "10.0.0.7") {
					t.Errorf("the cause is shown: %s", w.Body)
				}
				if got, want := w.Header().Get("Retry-After"), map[bool]string{true: "5"}[tt.status == 503]; got != want {
					t.Errorf("Retry-After is %q, want %q", got, want)
				}
				if logged := strings.Contains(f.logs.String(), err.Error()); logged != (tt.status >= 500) {
					t.Errorf("the cause is in the log: %t, for a %d", logged, tt.status)
				}
			})
		}
	}
}

func TestErrors_ManyUnknownMembersAreNotAllNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	all := make([]string, 500)
	for i := range all {
		all[i] = fmt.Sprintf("m%03d", i)
	}
	f.store.err = &directory.UnknownMembersError{IDs: all}
	e := f.wantError(refusal{400, "invalidValue"}, http.MethodPost, "/scim/v2/Groups", `{"displayName":"x"}`)
	if detail := at(e, "detail"); !strings.Contains(detail, "m009, …") || strings.Contains(detail, "m010") {
		t.Error(detail)
	}
}

func TestErrors_EveryWriteHandlerReportsTheStore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ method, path, body string }{
		{http.MethodGet, "/Users", ""},
		{http.MethodGet, "/Users?filter=userName+sw+%22a%22", ""},
		{http.MethodGet, "/Users?filter=userName+eq+%22a%22", ""},
		{http.MethodGet, "/Users?filter=userName+eq+%22a%22+and+active+eq+true", ""},
		{http.MethodPost, "/Users/.search", `{}`},
		{http.MethodPost, "/Users", userBody("ada@example.com", "")},
		{http.MethodPut, "/Users/u1", userBody("ada@example.com", "")},
		{http.MethodPatch, "/Users/u1", fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":false}}`)},
		{http.MethodDelete, "/Users/u1", ""},
		{http.MethodGet, "/Groups", ""},
		{http.MethodGet, "/Groups?filter=displayName+sw+%22a%22", ""},
		{http.MethodPost, "/Groups/.search", `{}`},
		{http.MethodGet, "/Groups/g1", ""},
		{http.MethodPost, "/Groups", `{"displayName":"x"}`},
		{http.MethodPut, "/Groups/g1", `{"displayName":"x"}`},
		{http.MethodPatch, "/Groups/g1", fmt.Sprintf(patchBody, `{"op":"replace","value":{"displayName":"x"}}`)},
		{http.MethodDelete, "/Groups/g1", ""},
	} {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.store.err = &directory.UnavailableError{Cause: errPoison}
			w := f.send(tt.method, "/scim/v2"+tt.path, tt.body)
			checkError(t, w, 503, "")
			if w.Header().Get("Retry-After") != "5" {
				t.Error("no Retry-After")
			}
			if n := value(t, f.reg, "scimcms_redis_errors_total", "op", "request"); n != 1 {
				t.Errorf("redis_errors_total is %v", n)
			}
		})
	}
}

func TestErrors_CorruptRecordIsOurFault(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.store.users = []directory.User{{ID: "u1", State: directory.Live, Doc: []byte(`{"userName":`), Active: true}}
	f.store.groups = []directory.Group{{ID: "g1", State: directory.Live, Name: "x", Doc: []byte(`nonsense`)}}
	f.store.members["g1"] = map[string]bool{}
	for _, tt := range []struct{ method, path, body string }{
		{http.MethodGet, "/Users/u1", ""},
		{http.MethodGet, "/Users", ""},
		{http.MethodGet, "/Users?attributes=userName", ""},
		{http.MethodGet, "/Users?filter=userName+pr", ""},
		{http.MethodPatch, "/Users/u1", fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":false}}`)},
		{http.MethodGet, "/Groups/g1", ""},
		{http.MethodGet, "/Groups?filter=displayName+pr", ""},
		{http.MethodPatch, "/Groups/g1", fmt.Sprintf(patchBody, `{"op":"replace","path":"urn:x:y:z","value":"v"}`)},
	} {
		f.wantError(refusal{500, ""}, tt.method, "/scim/v2"+tt.path, tt.body)
	}
}

func TestErrors_ClientThatWentAwayIsNoFailureOfTheStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.store.err = &directory.UnavailableError{Cause: context.Canceled}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/scim/v2/Users", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	checkError(t, w, 503, "")
	if n := value(t, f.reg, "scimcms_redis_errors_total", "op", "request"); n != 0 {
		t.Errorf("redis_errors_total is %v", n)
	}
	if !strings.Contains(f.logs.String(), "client went away") {
		t.Errorf("log: %s", f.logs)
	}
}

func TestPanic_CostsOneRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.store.panics = "poison"
	w := f.send(http.MethodGet, "/scim/v2/Users", "")
	checkError(t, w, 500, "")
	if strings.Contains(w.Body.String(), "poison") || strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("internals are shown: %s", w.Body)
	}
	logs := f.logs.String()
	if strings.Count(logs, `"msg":"panic in a request"`) != 1 || strings.Count(logs, `"msg":"request"`) != 1 {
		t.Errorf("log: %s", logs)
	}
	if n := value(t, f.reg, "scimcms_http_panics_total", "project", "site"); n != 1 {
		t.Errorf("http_panics_total is %v", n)
	}
	f.store.panics = nil
	f.want(200, http.MethodGet, "/scim/v2/Users", "")
}

func TestPanic_AbortIsPassedOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.store.panics = http.ErrAbortHandler
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	f.send(http.MethodGet, "/scim/v2/Users", "")
	t.Error("no panic")
}
