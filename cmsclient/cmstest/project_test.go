package cmstest_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestMeIsTheAccessToken(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Token: "secret"})
	c.headers["Authorization"] = "Bearer secret"
	r := c.do("GET", "/users/me?include=role", "").is(200)
	equal(t, "me", r.get("data"), map[string]any{
		"id": "501", "type": "access_token",
		"attributes": map[string]any{
			"name": "Provisioning", "token": "secret", "can_access_cda": false, "can_access_cda_preview": false, "can_access_cma": true,
			"hardcoded_type": nil, "last_cma_access": "today", "last_cda_access": "never",
		},
		"relationships": map[string]any{"role": map[string]any{"data": map[string]any{"id": adminID, "type": "role"}}},
	})
	equal(t, "its role", r.Body["included"], []any{c.do("GET", "/roles/"+adminID, "").get("data")})
	equal(t, "in the list of tokens", c.do("GET", "/access_tokens", "").is(200).Body["data"], []any{r.get("data")})
	equal(t, "by id", c.do("GET", "/access_tokens/501", "").is(200).get("data"), r.get("data"))
	c.do("GET", "/access_tokens/502", "").refused(404, "NOT_FOUND")
	c.do("GET", "/access-tokens", "").refused(404, "INVALID_ENDPOINT")
	c.do("POST", "/access_tokens", "{}").refused(404, "INVALID_ENDPOINT")
}

func TestSite(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SiteID: "777", Owner: "boss@example.com"})
	r := c.do("GET", "/site?include=account", "").is(200)
	equal(t, "id", r.id(), "777")
	equal(t, "owner", r.get("data", "relationships", "owner", "data"), map[string]string{"id": "7", "type": "account"})
	equal(t, "require_2fa", r.get("data", "attributes", "require_2fa"), false)
	list, _ := r.Body["included"].([]any)
	equal(t, "account", path(list[0], "attributes", "email"), "boss@example.com")
	c.do("GET", "/site?include=nothing", "").refused(422, "INVALID_PARAMS")
	c.invite("boss@example.com", editorID).refused(422, "ACCOUNT_ALREADY_JOINED_SITE")
}

func TestPublicInfo(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Seats: 5})
	anonymous := c.do("GET", "/public-info", "", "Authorization", "").is(200)
	equal(t, "extras without a token", anonymous.get("data", "attributes", "extras"), nil)
	known := c.do("GET", "/public-info", "").is(200)
	equal(t, "name", known.get("data", "attributes", "name"), anonymous.get("data", "attributes", "name"))
	equal(t, "seats", known.get("data", "attributes", "extras", "overage_thresholds", "collaborators"), 5)
	c.do("GET", "/public-info", "", "Authorization", "Bearer no").refused(401, "INVALID_AUTHORIZATION_HEADER")
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 2})
	r := c.do("GET", "/subscription-limits", "").is(200)
	equal(t, "limits", r.ids(), "access_tokens roles users")
	list, _ := r.Body["data"].([]any)
	equal(t, "users", list[2], map[string]any{"id": "users", "type": "subscription_limit", "attributes": map[string]any{"code": "users", "usage": 2, "limit": nil}})
	equal(t, "by id", c.do("GET", "/subscription-limits/users", "").is(200).get("data"), list[2])
	c.do("GET", "/subscription-limits/nothing", "").refused(404, "NOT_FOUND")
	features := c.do("GET", "/subscription-features", "").is(200)
	equal(t, "features", features.ids(), "audit_log sso workflows")
}

func TestSingleSignOnIsThereButEmpty(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 2})
	equal(t, "sso users", c.do("GET", "/sso-users", "").is(200).Raw, `{"data":[]}`)
	equal(t, "sso groups", c.do("GET", "/sso-groups", "").is(200).Raw, `{"data":[]}`)
	settings := c.do("GET", "/sso-settings", "").is(200)
	equal(t, "settings", settings.get("data", "type"), "sso_settings")
	equal(t, "default role", settings.get("data", "relationships", "default_role", "data"), nil)
	for call, code := range map[string]string{
		"GET /sso-users/1": "NOT_FOUND", "DELETE /sso-users/1": "NOT_FOUND", "PUT /sso-groups/1": "NOT_FOUND",
		"DELETE /sso-groups/1": "NOT_FOUND", "POST /sso-groups/1/copy-roles": "NOT_FOUND",
		"POST /sso-users/copy-users": "PLAN_UPGRADE_REQUIRED", "PUT /sso-settings": "PLAN_UPGRADE_REQUIRED",
		"PUT /sso-settings/generate-token": "PLAN_UPGRADE_REQUIRED",
	} {
		method, path, _ := strings.Cut(call, " ")
		status := 422
		if code == "NOT_FOUND" {
			status = 404
		}
		c.do(method, path, "").refused(status, code)
	}
}

func TestSameCallsGiveTheSameAnswers(t *testing.T) {
	t.Parallel()
	run := func() string {
		c := newCMS(t, cmstest.Options{SeedUsers: 3})
		var all strings.Builder
		for _, r := range []*result{
			c.invite("a@example.com", editorID), c.do("POST", "/site-invitations/22001/resend", ""),
			c.do("POST", "/roles/301/duplicate", ""), c.do("GET", "/users", ""), c.do("GET", "/roles", ""),
		} {
			all.WriteString(r.Raw + r.Header.Get("X-Request-Id") + "\n")
		}
		return all.String()
	}
	if first, second := run(), run(); first != second {
		t.Fatalf("two runs differ:\n%s\n%s", first, second)
	}
}

func TestNegativeOptionsMeanNone(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Rate: -1, Seats: -1, Roles: -1, SeedUsers: -1, TokenRole: "Nobody"})
	c.invite("a@example.com", editorID).is(201)
	c.do("POST", "/roles", roleBody(`{"name":"X"}`, "")).is(201)
	equal(t, "users", c.do("GET", "/users", "").is(200).ids(), "")
}
