package proxy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimcms/scimcms/proxy"
)

const (
	token     = "site-token"
	patchBody = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}`
)

// logBuffer is a log that tests may read while requests write it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fixture is a server over a fake store, with its log and metrics.
type fixture struct {
	*proxy.Server
	t     *testing.T
	store *fakeStore
	logs  *logBuffer
	reg   *prometheus.Registry
}

func tok(text string) proxy.Token {
	return proxy.Token{Name: "okta", SHA256: sha256.Sum256([]byte(text))}
}

func newFixture(t *testing.T, edit func(*proxy.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, store: newFake(), logs: &logBuffer{}, reg: prometheus.NewPedanticRegistry()}
	m, err := proxy.NewMetrics(f.reg, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	o := proxy.Options{
		Projects: []proxy.Project{{Name: "site", Tokens: []proxy.Token{tok(token)}, Users: f.store, Groups: f.store}},
		Logger:   slog.New(slog.NewJSONHandler(f.logs, nil)), Metrics: m, BaseURL: "https://scim.example.com",
	}
	if edit != nil {
		edit(&o)
	}
	if f.Server, err = proxy.New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

// send makes a request as Okta does; header pairs replace its own, "" removes one.
func (f *fixture) send(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/scim+json")
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// want sends a request and parses the answer, which must have the status.
func (f *fixture) want(status int, method, path, body string, header ...string) map[string]any {
	f.t.Helper()
	w := f.send(method, path, body, header...)
	if w.Code != status {
		f.t.Fatalf("%s %s: got %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	if status == http.StatusNoContent {
		if w.Body.Len() > 0 {
			f.t.Errorf("%s %s: 204 with a body: %s", method, path, w.Body)
		}
		return nil
	}
	return parse(f.t, w)
}

func parse(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/scim+json; charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s is no JSON: %v", w.Code, w.Body, err)
	}
	return v
}

// wantError sends a request that must be refused in SCIM's form.
func (f *fixture) wantError(want refusal, method, path, body string, header ...string) map[string]any {
	f.t.Helper()
	return checkError(f.t, f.send(method, path, body, header...), want.status, want.scimType)
}

// refusal is an expected error.
type refusal struct {
	status   int
	scimType string
}

// at is the text, number or truth at a path of names and positions in a JSON document; "" when nothing is there.
func at(v any, path ...any) string {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return ""
			}
			v = list[step]
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// size is the length of a list in a JSON document.
func size(v map[string]any, name string) int {
	list, _ := v[name].([]any)
	return len(list)
}

func checkError(t *testing.T, w *httptest.ResponseRecorder, status int, scimType string) map[string]any {
	t.Helper()
	if w.Code != status {
		t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	v := parse(t, w)
	schemas, _ := v["schemas"].([]any)
	if len(schemas) != 1 || schemas[0] != "urn:ietf:params:scim:api:messages:2.0:Error" {
		t.Errorf("schemas: %v", v["schemas"])
	}
	if v["status"] != strconv.Itoa(status) {
		t.Errorf("status in the body is %v, want the text %d", v["status"], status)
	}
	if got, _ := v["scimType"].(string); got != scimType {
		t.Errorf("scimType is %q, want %q", got, scimType)
	}
	if detail, _ := v["detail"].(string); detail == "" {
		t.Error("no detail")
	}
	return v
}

// wantRawQuery sends a query that net/url would not write.
func (f *fixture) wantRawQuery(status int, path, query string) {
	f.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != status {
		f.t.Errorf("?%s: got %d %s, want %d", query, w.Code, w.Body, status)
	}
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newGet(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// emptyIsNil compares lists by what is in them.
var emptyIsNil = cmpopts.EquateEmpty()

// userBody is what Okta sends to create a user.
func userBody(userName string, more string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + userName + `","name":{"givenName":"Ada","familyName":"Lovelace"},` +
		`"emails":[{"primary":true,"value":"` + userName + `","type":"work"}],"displayName":"Ada Lovelace","locale":"en-US",` +
		`"externalId":"00u1","groups":[],"password":"1mz050nq"` + more + `}`
}

// create makes a user and returns the id.
func (f *fixture) create(userName string) string {
	f.t.Helper()
	id, _ := f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Users", userBody(userName, `,"active":true`))["id"].(string)
	return id
}

func (f *fixture) createGroup(name string, members ...string) string {
	f.t.Helper()
	var list []string
	for _, m := range members {
		list = append(list, `{"value":"`+m+`"}`)
	}
	id, _ := f.want(http.StatusCreated, http.MethodPost, "/scim/v2/Groups",
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+name+`","members":[`+strings.Join(list, ",")+`]}`)["id"].(string)
	return id
}
