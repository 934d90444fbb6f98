package cmstest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestChecksComeInTheOrderSeenLive(t *testing.T) {
	t.Parallel()
	const bad = "text/plain"
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"unknown path before token", "GET", "/nowhere", "", []string{"Authorization", "Bearer no"}, 404, "INVALID_ENDPOINT"},
		{"unknown method before token", "PATCH", "/users/1001", "", []string{"Authorization", "Bearer no"}, 404, "INVALID_ENDPOINT"},
		{"no POST of users", "POST", "/users", "{}", nil, 404, "INVALID_ENDPOINT"},
		{"trailing slash", "GET", "/users/", "", nil, 404, "INVALID_ENDPOINT"},
		{"trailing slash after id", "GET", "/users/1001/", "", nil, 404, "INVALID_ENDPOINT"},
		{"too deep", "GET", "/users/1001/x/y", "", nil, 404, "INVALID_ENDPOINT"},
		{"wrong token before Accept", "GET", "/users", "", []string{"Authorization", "Bearer no", "Accept", ""}, 401, "INVALID_AUTHORIZATION_HEADER"},
		{"token null of a client without one", "GET", "/users", "", []string{"Authorization", "Bearer null"}, 401, "INVALID_AUTHORIZATION_HEADER"},
		{"other scheme", "GET", "/users", "", []string{"Authorization", "Basic demo-cms-token"}, 401, "INVALID_AUTHORIZATION_HEADER"},
		{"no Accept before no token", "GET", "/users", "", []string{"Authorization", "", "Accept", ""}, 406, "INVALID_ACCEPT_HEADER"},
		{"Accept of anything", "GET", "/users", "", []string{"Accept", "*/*"}, 406, "INVALID_ACCEPT_HEADER"},
		{"no token before API version", "GET", "/users", "", []string{"Authorization", "", "X-Api-Version", ""}, 422, "INVALID_SITE"},
		{"no API version before content type", "POST", "/roles", "{}", []string{"X-Api-Version", "", "Content-Type", bad}, 422, "INVALID_API_VERSION"},
		{"old API version", "GET", "/users", "", []string{"X-Api-Version", "2"}, 422, "INVALID_API_VERSION"},
		{"unknown environment", "GET", "/users", "", []string{"X-Environment", "sandbox"}, 422, "INVALID_ENVIRONMENT"},
		{"wrong content type before body", "POST", "/roles", "nonsense", []string{"Content-Type", bad}, 415, "INVALID_CONTENT_TYPE_HEADER"},
		{"no content type", "POST", "/roles", "{}", []string{"Content-Type", ""}, 415, "INVALID_CONTENT_TYPE_HEADER"},
		{"no JSON", "POST", "/roles", "nonsense", nil, 400, "INVALID_JSON_BODY"},
		{"more than one JSON value", "POST", "/roles", "{} {}", nil, 400, "INVALID_JSON_BODY"},
		{"no body where one is needed", "POST", "/roles", "", nil, 422, "INVALID_FORMAT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{SeedUsers: 1})
			c.do(tt.method, tt.path, tt.body, tt.headers...).refused(tt.status, tt.code)
		})
	}
}

func TestChecksLetThrough(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]string{
		"both JSON types":             {"Accept", "application/vnd.api+json", "Content-Type", "application/vnd.api+json"},
		"parameters":                  {"Accept", "application/json; q=0.9", "Content-Type", "application/json; charset=utf-8"},
		"several types":               {"Accept", "text/html, application/json, */*"},
		"the primary environment":     {"X-Environment", "main"},
		"any content type, no body":   {"Content-Type", "text/plain"},
		"lower-case scheme":           {"Authorization", "bearer demo-cms-token"},
		"no content type and no body": {"Content-Type", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{})
			c.do("GET", "/users", "", headers...).is(200)
		})
	}
	c := newCMS(t, cmstest.Options{})
	c.do("GET", "/public-info", "", "Authorization", "").is(200)
}

func TestPermissionComesBeforeTheBody(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{TokenRole: "Editor"})
	for _, call := range []string{"GET /users", "GET /users/1", "POST /site-invitations", "GET /roles", "DELETE /roles/301"} {
		method, path, _ := strings.Cut(call, " ")
		c.do(method, path, "").refused(403, "INSUFFICIENT_PERMISSIONS")
	}
	c.do("GET", "/access_tokens", "").refused(403, "INSUFFICIENT_PERMISSIONS")
	c.do("GET", "/access_tokens/501", "").refused(403, "INSUFFICIENT_PERMISSIONS")
	c.do("GET", "/sso-settings", "").refused(403, "INSUFFICIENT_PERMISSIONS")
	equal(t, "token shown to who may not manage tokens", c.do("GET", "/users/me", "").is(200).get("data", "attributes", "token"), nil)
	if err := c.SetTokenRole("Admin"); err != nil {
		t.Fatal(err)
	}
	c.do("GET", "/users", "").is(200)
}

// The samples of error ids that DatoCMS has published.
func TestErrorIDIsTheMD5OfCodeAndDetails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id, code, details string
	}{
		{"302048", "NOT_FOUND", ``},
		{"232b48", "NOT_FOUND", `{"message":"ActiveRecord::RecordNotFound"}`},
		{"242e5d", "STALE_ITEM_VERSION", `{}`},
		{"02f293", "INVALID_SITE", ``},
		{"5413bc", "INVALID_AUTHORIZATION_HEADER", `{ }`},
		{"cf3acb", "INVALID_ENDPOINT", ``},
		{"ce9dcb", "INVALID_FIELD", `{"field":"api_key", "code":"VALIDATION_UNIQUENESS", "record_type":"ItemType"}`},
	} {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{})
			if err := c.Fault(cmstest.Fault{Action: cmstest.Status, Status: 422, Code: tt.code, Details: []byte(tt.details)}); err != nil {
				t.Fatal(err)
			}
			r := c.do("GET", "/users", "").is(422)
			want := `{"data":[{"id":"` + tt.id + `","type":"api_error","attributes":{"code":"` + tt.code + `"`
			if !strings.HasPrefix(r.Raw, want) {
				t.Fatalf("got %s, want it to begin with %s", r.Raw, want)
			}
			if !strings.Contains(r.Raw, `"doc_url":"https://www.datocms.com/docs/content-management-api/errors#`+tt.code+`"`) {
				t.Fatalf("no doc_url: %s", r.Raw)
			}
			if strings.Contains(r.Raw, "transient") {
				t.Fatalf("transient is there though false: %s", r.Raw)
			}
		})
	}
}

func TestEveryAnswerHasTheHeadersOfTheCMA(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Rate: 60, SeedUsers: 1})
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, r := range []*result{
		c.do("GET", "/users", "").is(200),
		c.invite("new@example.com", editorID).is(201),
		c.do("GET", "/users/9", "").is(404),
		c.do("GET", "/nowhere", "").is(404),
		c.do("GET", "/users", "", "Authorization", "Bearer no").is(401),
	} {
		for name, want := range map[string]string{
			"Content-Type": "application/json; charset=utf-8", "X-Api-Version": "3", "X-Environment": "main", "X-Ratelimit-Limit": "60",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", r.call, name, got, want)
			}
		}
		for _, name := range []string{"X-Ratelimit-Remaining", "X-Runtime", "X-Queue-Time"} {
			if r.Header.Get(name) == "" {
				t.Errorf("%s: no %s", r.call, name)
			}
		}
		if r.Header.Get("X-Ratelimit-Reset") != "" {
			t.Errorf("%s: X-RateLimit-Reset on an answer that is not limited", r.call)
		}
		id := r.Header.Get("X-Request-Id")
		if !uuid.MatchString(id) || seen[id] {
			t.Errorf("%s: request id %q is no fresh UUID", r.call, id)
		}
		seen[id] = true
		success := r.Status < http.StatusMultipleChoices
		if weak := strings.HasPrefix(r.Header.Get("Etag"), `W/"`); weak != success {
			t.Errorf("%s: status %d with ETag %q", r.call, r.Status, r.Header.Get("Etag"))
		}
		if cached := r.Header.Get("Cache-Control") != "no-cache"; cached != success {
			t.Errorf("%s: status %d with Cache-Control %q", r.call, r.Status, r.Header.Get("Cache-Control"))
		}
	}
}
