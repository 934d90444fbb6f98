package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy"
)

// twoProjects serves "site" and "shop", each with an own store.
func twoProjects(t *testing.T) (f *fixture, shop *fakeStore) {
	t.Helper()
	shop = newFake()
	f = newFixture(t, func(o *proxy.Options) {
		o.Projects[0].Tokens = append(o.Projects[0].Tokens, proxy.Token{Name: "next", SHA256: tok("site-next").SHA256})
		o.Projects = append(o.Projects, proxy.Project{Name: "shop", Tokens: []proxy.Token{tok("shop-token")}, Users: shop, Groups: shop})
	})
	return f, shop
}

func TestAuth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, header, path string
		want               int
	}{
		{"bearer", "Bearer site-token", "/scim/v2/Users", 200},
		{"scheme in another case", "bEARER site-token", "/scim/v2/Users", 200},
		{"blanks", "  Bearer   site-token  ", "/scim/v2/Users", 200},
		{"bare token (header authentication)", "site-token", "/scim/v2/Users", 200},
		{"second token (rotation)", "Bearer site-next", "/scim/v2/Users", 200},
		{"other project's token at the common base", "Bearer shop-token", "/scim/v2/Users", 200},
		{"by name", "Bearer site-token", "/projects/site/scim/v2/Users", 200},
		{"other project by name", "Bearer shop-token", "/projects/shop/scim/v2/Users", 200},
		{"token of another project", "Bearer site-token", "/projects/shop/scim/v2/Users", 401},
		{"unknown project", "Bearer site-token", "/projects/none/scim/v2/Users", 401},
		{"no project", "Bearer site-token", "/projects//scim/v2/Users", 401},
		{"doubled slashes hide no project", "Bearer site-token", "//projects//shop/scim/v2/Users", 401},
		{"dots hide no project", "Bearer site-token", "/scim/../projects/shop/scim/v2/Users", 401},
		{"wrong", "Bearer non-token", "/scim/v2/Users", 401},
		{"Okta's suite", "non-token", "/scim/v2/Users", 401},
		{"none", "", "/scim/v2/Users", 401},
		{"scheme only", "Bearer", "/scim/v2/Users", 401},
		{"scheme and blank", "Bearer ", "/scim/v2/Users", 401},
		{"token in another case", "Bearer SITE-TOKEN", "/scim/v2/Users", 401},
		{"token and more", "Bearer site-token x", "/scim/v2/Users", 401},
		{"basic", "Basic c2l0ZTp0b2tlbg==", "/scim/v2/Users", 401},
		{"discovery needs it too", "", "/scim/v2/ServiceProviderConfig", 401},
		{"unknown path tells nothing", "", "/scim/v2/Nonsense", 401},
		{"wrong method tells nothing", "", "/scim/v2/Me/x", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, _ := twoProjects(t)
			w := f.send(http.MethodGet, tt.path, "", "Authorization", tt.header)
			if w.Code != tt.want {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if tt.want == 401 {
				checkError(t, w, 401, "")
				if got := w.Header().Get("WWW-Authenticate"); got != "Bearer" {
					t.Errorf("WWW-Authenticate is %q", got)
				}
			}
			if strings.Contains(f.logs.String(), "site-token") || strings.Contains(f.logs.String(), "c2l0") {
				t.Errorf("a token is logged: %s", f.logs)
			}
		})
	}
}

func TestAuth_UnknownProjectAndWrongTokenLookTheSame(t *testing.T) {
	t.Parallel()
	f, _ := twoProjects(t)
	a := f.send(http.MethodGet, "/projects/none/scim/v2/Users", "")
	b := f.send(http.MethodGet, "/projects/site/scim/v2/Users", "", "Authorization", "Bearer wrong")
	if a.Code != b.Code || a.Body.String() != b.Body.String() {
		t.Errorf("%d %s\n%d %s", a.Code, a.Body, b.Code, b.Body)
	}
}

func TestTenancy_TheTokenNamesTheProject(t *testing.T) {
	t.Parallel()
	f, shop := twoProjects(t)
	w := f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", ""), "Authorization", "Bearer shop-token")
	if w.Code != 201 || len(shop.users) != 1 || len(f.store.users) != 0 {
		t.Errorf("got %d; shop has %d, site %d", w.Code, len(shop.users), len(f.store.users))
	}
	w = f.send(http.MethodPost, "/projects/site/scim/v2/Users", userBody("ada@example.com", ""))
	if w.Code != 201 || len(f.store.users) != 1 {
		t.Errorf("got %d; site has %d", w.Code, len(f.store.users))
	}
	if got, want := w.Header().Get("Location"), "https://scim.example.com/projects/site/scim/v2/Users/u1"; got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]int{
		"application/scim+json":                  201,
		"application/scim+json; charset=utf-8":   201,
		"application/json":                       201,
		"application/json;charset=UTF-8":         201,
		"APPLICATION/JSON; charset=ISO-8859-1":   201,
		"Application/Scim+Json;v=2;charset=utf8": 201,
		"application/json; charset":              201,
		"application/json; charset=\"":           201,
		"":                                       415,
		"text/plain":                             415,
		"text/json":                              415,
		"application/x-www-form-urlencoded":      415,
		"application/jsonx":                      415,
		"application/scim+json2":                 415,
		"application/json, text/plain":           415,
	} {
		f := newFixture(t, nil)
		w := f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", ""), "Content-Type", header)
		if w.Code != want {
			t.Errorf("%q: got %d %s", header, w.Code, w.Body)
		}
		if want == 415 {
			checkError(t, w, 415, "")
			if len(f.store.users) > 0 {
				t.Errorf("%q: refused and done", header)
			}
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		scimType   string
	}{
		{"empty", " ", 400, "invalidSyntax"},
		{"list", "[]", 400, "invalidSyntax"},
		{"text", `"x"`, 400, "invalidSyntax"},
		{"cut off", `{"userName":"a@x.example"`, 400, "invalidSyntax"},
		{"two values", `{"userName":"a@x.example"}{}`, 400, "invalidSyntax"},
		{"twice the same key", `{"userName":"a@x.example","username":"b@x.example"}`, 400, "invalidSyntax"},
		{"not UTF-8", "{\"userName\":\"a\xff@x.example\"}", 400, "invalidSyntax"},
		{"nested", `{"userName":"a@x.example","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", 400, "invalidSyntax"},
		{"no userName", `{"active":true}`, 400, "invalidValue"},
		{"too large", `{"userName":"` + strings.Repeat("x", 2000) + `"}`, 413, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(o *proxy.Options) { o.Limits.Body = 1 << 10 })
			limit := tt.name == "nested"
			if limit {
				f = newFixture(t, nil)
			}
			f.wantError(refusal{tt.status, tt.scimType}, http.MethodPost, "/scim/v2/Users", tt.body)
			f.wantError(refusal{tt.status, tt.scimType}, http.MethodPut, "/scim/v2/Users/u1", tt.body)
			if len(f.store.users) > 0 {
				t.Error("refused and done")
			}
		})
	}
}

// chunked hides the length of a body.
type chunked struct{ io.Reader }

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("poison: connection reset") }

func (f *fixture) post(body io.Reader, length int64) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/scim/v2/Users", body)
	r.ContentLength = length
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestBodies_OfUnknownLength(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.Body = 1 << 10 })
	if w := f.post(chunked{strings.NewReader(userBody("ada@example.com", ""))}, -1); w.Code != 201 {
		t.Errorf("chunked: %d %s", w.Code, w.Body)
	}
	checkError(t, f.post(chunked{strings.NewReader(strings.Repeat("x", 2000))}, -1), 413, "")
	for _, length := range []int64{-1, 100} {
		w := f.post(brokenBody{}, length)
		checkError(t, w, 400, "invalidSyntax")
		if strings.Contains(w.Body.String(), "poison") {
			t.Errorf("the cause is shown: %s", w.Body)
		}
	}
	checkError(t, f.post(strings.NewReader(`{"userName"`), 500), 400, "invalidSyntax") // shorter than announced
}

// A client that sends all of a large body before it reads must see the refusal, not a broken connection.
func TestBodies_TooLargeIsToldOverARealConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.Body = 4 << 20 })
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	const size = 12 << 20 // more than the buffers on the way hold
	for _, framing := range []string{"Content-Length: 12582912\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nC00000\r\n"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		request := "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nContent-Type: application/json\r\n" + framing
		if _, err := conn.Write([]byte(request + strings.Repeat("x", size) + "\r\n0\r\n\r\n")); err != nil {
			t.Fatalf("%q: %v", framing, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", framing, err)
		}
		body, err := io.ReadAll(resp.Body)
		_, _ = resp.Body.Close(), conn.Close()
		if err != nil || resp.StatusCode != 413 || !strings.Contains(string(body), `"status":"413"`) {
			t.Errorf("%q: %d %s %v", framing, resp.StatusCode, body, err)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, path := range []string{
		"/", "/scim", "/scim/v2", "/scim/v1/Users", "/scim/v2/Nonsense", "/scim/v2/Users/u1/x", "/projects/site", "/projects/site/Users", "/users",
		"/metrics", "/healthz", "/_emulator/state", "/scim/v2/Users/a/../../../x",
	} {
		f.wantError(refusal{404, ""}, http.MethodGet, path, "")
		f.wantError(refusal{404, ""}, http.MethodPost, path, "{}")
	}
	for _, path := range []string{"/scim/v2/Schemas/none", "/scim/v2/ResourceTypes/none"} {
		f.wantError(refusal{404, ""}, http.MethodGet, path, "")
	}
}

func TestWrongMethods(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, tt := range []struct{ method, path, allow string }{
		{http.MethodPut, "/Users", "GET, POST"},
		{http.MethodDelete, "/Groups", "GET, POST"},
		{http.MethodPost, "/Users/u1", "GET, PUT, PATCH, DELETE"},
		{http.MethodOptions, "/Users/u1", "GET, PUT, PATCH, DELETE"},
		{http.MethodHead, "/Bulk", "POST"},
		{http.MethodPost, "/Schemas", "GET"},
		{"FROBNICATE", "/ServiceProviderConfig", "GET"},
		{http.MethodGet, "/Bulk", "POST"},
	} {
		w := f.send(tt.method, "/scim/v2"+tt.path, "")
		checkError(t, w, 405, "")
		allowed := w.Header().Get("Allow")
		for m := range strings.SplitSeq(tt.allow, ", ") {
			if !strings.Contains(allowed, m) {
				t.Errorf("%s %s: Allow is %q, want %s", tt.method, tt.path, allowed, tt.allow)
			}
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.create("ada@example.com")
	server := httptest.NewServer(f)
	defer server.Close()
	for path, status := range map[string]int{"/Users": 200, "/Users/" + id: 200, "/Users/none": 404, "/Schemas": 200, "/Groups?filter=x": 400} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+"/scim/v2"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != status || len(body) > 0 || resp.ContentLength <= 0 {
			t.Errorf("HEAD %s: %d, %d of %d bytes, %v; want %d without a body", path, resp.StatusCode, len(body), resp.ContentLength, err, status)
		}
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		f.wantError(refusal{501, ""}, method, "/scim/v2/Me", "")
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	c := f.want(200, http.MethodGet, "/projects/site/scim/v2/ServiceProviderConfig", "")
	if at(c, "patch", "supported") != "true" || at(c, "bulk", "supported") != "true" || at(c, "bulk", "maxOperations") != "1000" || at(c, "etag", "supported") != "true" ||
		at(c, "meta", "location") != "https://scim.example.com/projects/site/scim/v2/ServiceProviderConfig" {
		t.Errorf("got %v", c)
	}
	for path, total := range map[string]float64{"/ResourceTypes": 3, "/Schemas": 5} {
		list := f.want(200, http.MethodGet, "/scim/v2"+path, "")
		if list["totalResults"] != total {
			t.Errorf("%s: %v", path, list["totalResults"])
		}
		for id := range strings.FieldsSeq(ids(list)) {
			if one := f.want(200, http.MethodGet, "/scim/v2"+path+"/"+id, ""); one["id"] != id {
				t.Errorf("%s/%s: %v", path, id, one)
			}
		}
	}
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
		f.wantError(refusal{403, ""}, http.MethodGet, "/scim/v2"+path+"?filter=id+pr", "")
	}
}

func TestPaths_SlashesTypedWithTheBaseURL(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, path := range []string{"/scim/v2/Users/", "/scim/v2//Users", "//scim/v2/Users", "/scim/v2/./Users"} {
		f.want(200, http.MethodGet, path+"?count=1", "")
	}
}

func TestBase_WithoutBaseURLIsWhatTheClientUsed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ proto, want string }{{"", "http"}, {"https", "https"}, {"HTTPS", "https"}, {"gopher", "http"}} {
		f := newFixture(t, func(o *proxy.Options) { o.BaseURL = "" })
		w := f.send(http.MethodPost, "http://scim.test:8080/scim/v2/Users", userBody("ada@example.com", ""), "X-Forwarded-Proto", tt.proto)
		if got, want := w.Header().Get("Location"), tt.want+"://scim.test:8080/scim/v2/Users/u1"; got != want {
			t.Errorf("%q: Location is %q, want %q", tt.proto, got, want)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	first := f.send(http.MethodGet, "/scim/v2/Users", "").Header().Get("X-Request-Id")
	second := f.send(http.MethodGet, "/scim/v2/Users", "").Header().Get("X-Request-Id")
	if first == "" || first == second || !strings.Contains(f.logs.String(), first) {
		t.Errorf("%q, %q; log %s", first, second, f.logs)
	}
	if got := f.send(http.MethodGet, "/scim/v2/Users", "", "X-Request-Id", "okta-1.2_3").Header().Get("X-Request-Id"); got != "okta-1.2_3" {
		t.Errorf("a client's id becomes %q", got)
	}
	for _, bad := range []string{"a b", "x\"y", strings.Repeat("x", 65), "ü"} {
		if got := f.send(http.MethodGet, "/scim/v2/Users", "", "X-Request-Id", bad).Header().Get("X-Request-Id"); got == bad {
			t.Errorf("%q is taken over", bad)
		}
	}
}

func TestHTTPServer_HasLimits(t *testing.T) {
	t.Parallel()
	s := proxy.HTTPServer(newFixture(t, nil), nil)
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
}
