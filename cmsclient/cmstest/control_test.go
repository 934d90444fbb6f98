package cmstest_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// control calls the control API as a program without a token does.
func (c *cms) control(method, path, body string, headers ...string) *result {
	c.t.Helper()
	bare := []string{"Authorization", "", "Accept", "", "Content-Type", "", "X-Api-Version", ""}
	return c.do(method, "/_emulator/"+path, body, append(bare, headers...)...)
}

func (r *result) says(status int, text string) {
	r.t.Helper()
	r.is(status)
	if got, _ := r.get("error").(string); !strings.Contains(got, text) {
		r.t.Fatalf("%s: error %q, want %q in it", r.call, got, text)
	}
}

func TestControlAcceptAndExpire(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1})
	for _, email := range []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"} {
		c.invite(email, editorID).is(201)
	}
	r := c.control("POST", "site-invitations/22001/accept", "").is(200)
	equal(t, "user", []any{r.id(), r.get("data", "type"), r.get("data", "attributes", "email")}, []any{"1002", "user", "a@example.com"})
	r = c.control("POST", "site-invitations/22002/accept", `{"full_name":"Bea Bee"}`).is(200)
	equal(t, "name", r.get("data", "attributes", "full_name"), "Bea Bee")
	r = c.control("POST", "site-invitations/22003/accept", `{"email":"private@example.net"}`).is(200)
	equal(t, "address of the account", r.get("data", "attributes", "email"), "private@example.net")
	equal(t, "expired", c.control("POST", "site-invitations/22004/expire", "").is(200).get("data", "attributes", "expired"), true)
	c.control("POST", "site-invitations/22004/accept", "").says(400, "has expired")
	c.control("POST", "site-invitations/22001/accept", "").says(404, "no such entity")
	c.control("POST", "site-invitations/9/expire", "").says(404, "no such entity")
	c.do("POST", "/site-invitations/22004/resend", "").is(200)
	c.control("POST", "site-invitations/22004/accept", `{"email":"ADA@example.com"}`).says(400, "collaborator already")
	c.control("POST", "site-invitations/22004/accept", `{"email":"nobody"}`).says(400, "not an address")
	c.control("POST", "site-invitations/22004/accept", `{"name":"x"}`).says(400, `unknown field "name"`)
	c.control("DELETE", "site-invitations/22004", "").is(200)
	c.control("DELETE", "site-invitations/22004", "").says(404, "no such entity")
}

func TestControlUsers(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1, Seats: 1})
	r := c.control("POST", "users", `{"email":"eve@example.com","full_name":"Eve","role":"Admin","is_active":false,"owns_content":true}`).is(201)
	equal(t, "user", r.get("data"), map[string]any{
		"id": "1002", "type": "user",
		"attributes":    map[string]any{"email": "eve@example.com", "full_name": "Eve", "is_2fa_active": false, "is_active": false},
		"relationships": map[string]any{"role": map[string]any{"data": map[string]any{"id": adminID, "type": "role"}}},
		"meta":          map[string]any{"last_access": nil},
	})
	c.do("DELETE", "/users/1002", "").refused(422, "DESTINATION_USER_REQUIRED")
	plain := c.control("POST", "users", `{"email":"sam.doe@example.com"}`).is(201)
	equal(t, "defaults", []any{plain.get("data", "attributes", "full_name"), plain.get("data", "attributes", "is_active"), plain.get("data", "relationships", "role", "data", "id")}, []any{"Sam Doe", true, editorID})
	byID := c.control("POST", "users", `{"email":"kim@example.com","role":"302"}`).is(201)
	equal(t, "role by id", byID.get("data", "relationships", "role", "data", "id"), adminID)

	c.control("POST", "users", `{"email":"EVE@example.com"}`).says(400, "email: EVE@example.com is collaborator 1002 already")
	c.control("POST", "users", `{"email":"x@example.com","role":"Nobody"}`).says(400, `role: the project has none named "Nobody"`)
	c.control("POST", "users", `{"email":"nobody"}`).says(400, "email")
	c.control("POST", "users", `{"full_name":"No address"}`).says(400, "email")
	c.control("POST", "users", ``).says(400, "email")
	c.control("POST", "users", `{"email":"x@example.com","is_active":"yes"}`).says(400, "body:")
	c.control("POST", "users", `{"email":"x@example.com"} {}`).says(400, "more than one JSON value")
	c.control("POST", "users", `[`).says(400, "body:")

	changed := c.control("PATCH", "users/1002", `{"email":"eve@example.net","is_active":true,"role":"Editor","owns_content":false}`).is(200)
	equal(t, "changed", changed.get("data"), c.do("GET", "/users/1002", "").get("data"))
	c.invite("EVE@EXAMPLE.NET", editorID).refused(422, "ACCOUNT_ALREADY_JOINED_SITE")
	c.control("PATCH", "users/1002", `{"email":"ada@example.com"}`).says(400, "is collaborator 1001 already")
	c.control("PATCH", "users/1002", `{"role":"Nobody"}`).says(400, "role")
	c.control("PATCH", "users/9", `{}`).says(404, "no such entity")
	c.control("DELETE", "users/1002", "").is(200)
	c.control("DELETE", "users/1002", "").says(404, "no such entity")
}

func TestControlFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	for _, body := range []string{
		`{"method":"POST","path":"/site-invitations","times":1,"action":"status","status":503,"code":"SERVICE_UNAVAILABLE","transient":true}`,
		`{"method":"*","path":"*","times":1,"action":"rate_limit","reset":2}`,
		`{"method":"PUT","path":"/users/:id","action":"drop_before"}`,
		`{"method":"PUT","path":"/users/1001","action":"drop_after"}`,
		`{"action":"delay","ms":20,"times":3}`,
		`{"path":"/roles","action":"html"}`,
		`{"action":"job","polls":2}`,
	} {
		c.control("POST", "faults", body).is(201)
	}
	list, _ := c.control("GET", "faults", "").is(200).get("faults").([]any)
	equal(t, "faults", len(list), 7)
	c.invite("a@example.com", editorID).refused(503, "SERVICE_UNAVAILABLE")
	c.invite("a@example.com", editorID).refused(429, "RATE_LIMIT_EXCEEDED")
	equal(t, "none left", c.control("DELETE", "faults", "").is(200).get("faults"), []any{})
	c.invite("a@example.com", editorID).is(201)

	c.control("POST", "faults", `{"action":"explode"}`).says(400, `action: "explode" is not one of`)
	c.control("POST", "faults", `{"action":"delay","seconds":1}`).says(400, `unknown field "seconds"`)
	c.control("POST", "faults", `{"action":"status","times":"2"}`).says(400, "body:")
	c.control("POST", "faults", ``).says(400, "action")
}

func TestControlCallsStateAndReset(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := newCMS(t, cmstest.Options{SeedUsers: 2, Rate: 4, Now: now.Now})
	fresh := c.control("GET", "state", "").is(200).Raw
	equal(t, "no calls", c.control("GET", "calls", "").is(200).Body, map[string]any{"total": 0, "rate_limited": 0, "by_endpoint": map[string]any{}})
	c.invite("a@example.com", editorID).is(201)
	c.do("GET", "/users/1001", "").is(200)
	c.do("GET", "/users/1002?include=role", "").is(200)
	c.do("GET", "/users/me", "").is(200)
	c.do("DELETE", "/users/1002", "").is(429)
	c.fault(cmstest.Fault{Action: cmstest.DropAfter})
	equal(t, "calls", c.control("GET", "calls", "").is(200).Body, map[string]any{
		"total": 5, "rate_limited": 1,
		"by_endpoint": map[string]any{"POST /site-invitations": 1, "GET /users/:id": 2, "GET /users/me": 1, "DELETE /users/:id": 1},
	})
	now.Advance(cmsWindow)
	c.ClearFaults()
	state := c.control("GET", "state", "").is(200)
	equal(t, "users are the CMS's own objects", state.get("users"), c.do("GET", "/users", "").get("data"))
	equal(t, "invitations are too", state.get("invitations"), c.do("GET", "/site-invitations", "").get("data"))
	equal(t, "roles are too", state.get("roles"), c.do("GET", "/roles", "").get("data"))

	c.control("POST", "token", `{"valid":false}`).is(200)
	c.control("POST", "reset", "").is(200)
	equal(t, "as at the start", c.control("GET", "state", "").Raw, fresh)
	equal(t, "calls forgotten", c.Calls().Total, 0)
	equal(t, "ids begin anew", c.invite("b@example.com", editorID).is(201).id(), "22001")
}

const cmsWindow = 3e9

func TestControlPlanAndToken(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.control("POST", "seats", `{"seats":1,"roles":2}`).is(200)
	c.invite("a@example.com", editorID).is(201)
	c.invite("b@example.com", editorID).refused(422, "PLAN_UPGRADE_REQUIRED")
	c.do("POST", "/roles", roleBody(`{"name":"X"}`, "")).refused(422, "PLAN_UPGRADE_REQUIRED")
	c.control("POST", "seats", `{"seats":2}`).is(200)
	c.invite("b@example.com", editorID).is(201)
	c.do("POST", "/roles", roleBody(`{"name":"X"}`, "")).refused(422, "PLAN_UPGRADE_REQUIRED")
	c.control("POST", "seats", `{"seats":-1}`).says(400, "negative")
	c.control("POST", "seats", `{"seats":"1"}`).says(400, "body:")

	c.control("POST", "token", `{"role":"Editor"}`).is(200)
	c.do("GET", "/users", "").refused(403, "INSUFFICIENT_PERMISSIONS")
	c.control("POST", "token", `{"role":"302","valid":false}`).is(200)
	c.do("GET", "/users", "").refused(401, "INVALID_AUTHORIZATION_HEADER")
	c.control("POST", "token", `{"valid":true}`).is(200)
	c.do("GET", "/users", "").is(200)
	c.control("POST", "token", `{"role":"Nobody"}`).says(400, "role")
	c.control("POST", "token", `{"token":"x"}`).says(400, "unknown field")
}

func TestControlUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	for _, call := range []string{"GET nothing", "GET reset", "PUT users", "POST state", "GET site-invitations/1/accept"} {
		method, path, _ := strings.Cut(call, " ")
		c.control(method, path, "").says(404, "no such control")
	}
	equal(t, "none of them counted", c.Calls().Total, 0)
}

func TestControlRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1})
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"a program":              {nil, 200},
		"the same origin":        {[]string{"Origin", "http://cms.test"}, 200},
		"the same origin, told":  {[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		"a foreign origin":       {[]string{"Origin", "https://evil.example"}, 403},
		"an opaque origin":       {[]string{"Origin", "null"}, 403},
		"another site":           {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"the same site, another": {[]string{"Sec-Fetch-Site", "same-site", "Origin", "http://other.cms.test"}, 403},
	} {
		for _, call := range []string{"POST reset", "DELETE faults", "POST token"} {
			method, path, _ := strings.Cut(call, " ")
			if r := c.control(method, path, "{}", tt.headers...); r.Status != tt.status {
				t.Errorf("%s: %s: status %d, want %d", name, call, r.Status, tt.status)
			}
		}
		c.control("GET", "calls", "", tt.headers...).is(200)
	}
}
