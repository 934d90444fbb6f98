package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime/metrics"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy"
)

// fuzzed are the requests that a fuzzer fills with a query, a body and a condition.
var fuzzed = []struct{ method, path string }{
	{"POST", "/Users"},
	{"PATCH", "/Users/u1"},
	{"PUT", "/Users/u1"},
	{"POST", "/Groups"},
	{"PATCH", "/Groups/g3"},
	{"PUT", "/Groups/g3"},
	{"POST", "/Bulk"},
	{"GET", "/Users"},
	{"GET", "/Groups"},
	{"POST", "/Users/.search"},
	{"POST", "/Groups/.search"},
	{"GET", "/Users/u1"},
	{"GET", "/Groups/g3"},
	{"DELETE", "/Users/u2"},
	{"DELETE", "/Groups/g3"},
	{"GET", "/Schemas"},
	{"GET", "/ResourceTypes/User"},
	{"POST", "/.search"},
}

// fuzzServer is a server over a store that each request finds the same.
type fuzzServer struct {
	*proxy.Server
	store   *fakeStore
	users   []directory.User
	groups  []directory.Group
	members map[string]bool
}

func newFuzzServer(f *testing.F) *fuzzServer {
	f.Helper()
	s := &fuzzServer{store: newFake()}
	var err error
	s.Server, err = proxy.New(proxy.Options{
		Projects: []proxy.Project{{Name: "site", Tokens: []proxy.Token{tok(token)}, Users: s.store, Groups: s.store}},
		Limits:   proxy.Limits{BulkOperations: 50, Body: 1 << 20, BulkPayload: 1 << 20},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, create := range [][2]string{
		{"/Users", userBody("ada@example.com", `,"active":true,"urn:acme:1.0:User":{"badge":[1,"x"]}`)},
		{"/Users", userBody("bob@example.com", `,"active":false,"title":"T"`)},
		{"/Groups", `{"displayName":"Editors","members":[{"value":"u1"},{"value":"u2"}]}`},
	} {
		if w := s.send("POST", create[0], "", []byte(create[1]), ""); w.Code != http.StatusCreated {
			f.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	s.users, s.groups, s.members = slices.Clone(s.store.users), slices.Clone(s.store.groups), maps.Clone(s.store.members["g3"])
	return s
}

func (s *fuzzServer) send(method, path, query string, body []byte, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/scim/v2"+path, bytes.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	if tag != "" {
		r.Header["If-Match"], r.Header["If-None-Match"] = []string{tag}, []string{tag}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *fuzzServer) reset() {
	s.store.users, s.store.groups, s.store.seq = slices.Clone(s.users), slices.Clone(s.groups), 3
	s.store.members = map[string]map[string]bool{"g3": maps.Clone(s.members)}
	s.store.loaded = nil
}

// changes is what a request made of the store.
func (s *fuzzServer) changes() string {
	return cmp.Diff(s.users, s.store.users) + cmp.Diff(s.groups, s.store.groups) + cmp.Diff(map[string]map[string]bool{"g3": s.members}, s.store.members)
}

// Whatever a client sends: the answer is SCIM, the same each time, and none of the server's own failures; what is refused changes
// nothing; memory grows no faster than what is sent.
func FuzzHTTP(f *testing.F) {
	for _, seed := range httpSeeds(f) {
		for i := range fuzzed {
			f.Add(byte(i), "", seed, "")
		}
	}
	for _, query := range []string{`filter=emails[type%20eq%20"work"].value%20eq%20"x"`, "count=0&startIndex=-1", "sortBy=name.familyName&sortOrder=descending", "attributes=userName,members.value", "excludedAttributes=%6dembers;x", "filter=%zz", "cursor=&count=1"} {
		for i := range fuzzed {
			f.Add(byte(i), query, []byte(`{}`), `W/"1", *`)
		}
	}
	s := newFuzzServer(f)
	f.Fuzz(func(t *testing.T, which byte, query string, body []byte, tag string) {
		if len(body) > 64<<10 {
			return // what is large is refused before it is read; small bodies find more
		}
		to := fuzzed[int(which)%len(fuzzed)]
		s.reset()
		before := allocated()
		w := s.send(to.method, to.path, query, body, tag)
		if used, most := allocated()-before, uint64(32<<20+4096*(len(body)+len(query))); used > most {
			t.Fatalf("%d bytes for a request of %d", used, len(body)+len(query))
		}
		what := fmt.Sprintf("%s %s?%s", to.method, to.path, query)
		checkAnswer(t, what, w)
		if changed := s.changes(); w.Code >= 400 && changed != "" {
			t.Fatalf("%s: %d %s changed\n%s", what, w.Code, w.Body, changed)
		}
		s.reset()
		if again := s.send(to.method, to.path, query, body, tag); again.Code != w.Code || unsealed(again) != unsealed(w) {
			t.Fatalf("%s: %d %s\nthen %d %s", what, w.Code, w.Body, again.Code, again.Body)
		}
	})
}

// httpSeeds are the bodies under testdata; none would mean that they were moved.
func httpSeeds(f *testing.F) [][]byte {
	f.Helper()
	files, err := filepath.Glob("testdata/bodies/*.json")
	if err != nil || len(files) < 5 {
		f.Fatalf("%d bodies: %v", len(files), err)
	}
	var seeds [][]byte
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, body)
	}
	return seeds
}

// sealed is a cursor, which is another one each time.
var sealed = regexp.MustCompile(`"(next|previous)Cursor":"[A-Za-z0-9_-]+"`)

// unsealed is a body without what is in its cursors.
func unsealed(w *httptest.ResponseRecorder) string {
	return sealed.ReplaceAllString(w.Body.String(), `"$1Cursor"`)
}

func checkAnswer(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	body := w.Body.Bytes()
	switch {
	case w.Code >= 500 && w.Code != http.StatusNotImplemented:
		t.Fatalf("%s: %d %s", what, w.Code, body)
	case w.Code == http.StatusNoContent || w.Code == http.StatusNotModified:
		if len(body) > 0 {
			t.Fatalf("%s: %d with %q", what, w.Code, body)
		}
		return
	case !utf8.Valid(body) || w.Header().Get("Content-Type") != "application/scim+json; charset=utf-8":
		t.Fatalf("%s: %v %q", what, w.Header(), body)
	}
	var v struct {
		Schemas []string
		Status  string
		Detail  string
	}
	if err := json.Unmarshal(body, &v); err != nil || len(v.Schemas) == 0 {
		t.Fatalf("%s: %q: %v", what, body, err)
	}
	if w.Code >= 400 && (v.Schemas[0] != "urn:ietf:params:scim:api:messages:2.0:Error" || v.Status != strconv.Itoa(w.Code) || v.Detail == "") {
		t.Fatalf("%s: %d %s", what, w.Code, body)
	}
}

// allocated is how many bytes this process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
