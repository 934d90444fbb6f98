package cmstest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestInvitationLinkIsShownOnCreateAndResendOnly(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	r := c.invite("New+a@example.com", editorID).is(201)
	equal(t, "id", r.id(), "22001")
	equal(t, "email as it was sent", r.get("data", "attributes", "email"), "New+a@example.com")
	equal(t, "expired", r.get("data", "attributes", "expired"), false)
	equal(t, "role", r.get("data", "relationships", "role", "data"), map[string]string{"id": editorID, "type": "role"})
	first := linkOf(t, r)
	equal(t, "link", []string{first.Query().Get("email"), first.Query().Get("id"), first.Query().Get("preference")}, []string{"New+a@example.com", "22001", "signup"})

	second := linkOf(t, c.do("POST", "/site-invitations/22001/resend", "").is(200))
	if first.Query().Get("token") == second.Query().Get("token") {
		t.Fatal("resend gave the same link again")
	}
	for _, shown := range []*result{
		c.do("GET", "/site-invitations/22001", ""),
		c.do("PUT", "/site-invitations/22001", `{"data":{"type":"site_invitation","id":"22001","relationships":{"role":{"data":{"type":"role","id":"302"}}}}}`),
		c.do("DELETE", "/site-invitations/22001", ""),
	} {
		equal(t, shown.call, shown.is(200).get("data", "attributes", "invitation_link"), nil)
	}
	equal(t, "the list", c.do("GET", "/site-invitations", "").is(200).Raw, `{"data":[]}`)
	if strings.Contains(asJSON(c.State()), "join-site") {
		t.Fatal("the state shows a link")
	}
}

func linkOf(t *testing.T, r *result) *url.URL {
	t.Helper()
	link, _ := r.get("data", "attributes", "invitation_link").(string)
	u, err := url.Parse(link)
	if err != nil || u.Host != "dashboard.datocms.com" || u.Path != "/join-site" || u.Query().Get("token") == "" {
		t.Fatalf("%s: invitation_link %q", r.call, link)
	}
	return u
}

func TestInvitationsRefused(t *testing.T) {
	t.Parallel()
	yes := false
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
		details    string
	}{
		{"invited already", inviteBody("Pending@Example.com", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_UNIQUENESS","field":"email"}`},
		{"a member already", inviteBody("ADA@example.com", editorID), 422, "ACCOUNT_ALREADY_JOINED_SITE", `{}`},
		{"a suspended member", inviteBody("grace@example.com", editorID), 422, "ACCOUNT_ALREADY_JOINED_SITE", `{}`},
		{"the owner", inviteBody("OWNER@example.com", editorID), 422, "ACCOUNT_ALREADY_JOINED_SITE", `{}`},
		{"no address", inviteBody("nobody", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_FORMAT","field":"email"}`},
		{"empty address", inviteBody("", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_FORMAT","field":"email"}`},
		{"address without a dot in its domain", inviteBody("a@localhost", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_FORMAT","field":"email"}`},
		{"address with a blank", inviteBody("a b@example.com", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_FORMAT","field":"email"}`},
		{"two signs", inviteBody("a@b@example.com", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_FORMAT","field":"email"}`},
		{"too long", inviteBody(strings.Repeat("a", 250)+"@example.com", editorID), 422, "INVALID_FIELD", `{"code":"VALIDATION_FORMAT","field":"email"}`},
		{"unknown role", inviteBody("new@example.com", "999"), 404, "NOT_FOUND", `{"message":"ActiveRecord::RecordNotFound"}`},
		{"no role", `{"data":{"type":"site_invitation","attributes":{"email":"n@example.com"}}}`, 422, "INVALID_FORMAT", `{"messages":["body.data.relationships is missing"]}`},
		{"null role", `{"data":{"type":"site_invitation","attributes":{"email":"n@example.com"},"relationships":{"role":{"data":null}}}}`, 422, "INVALID_FORMAT", `{"messages":["body.data.relationships.role.data must be an object"]}`},
		{"no email", `{"data":{"type":"site_invitation","attributes":{},"relationships":{"role":{"data":{"type":"role","id":"301"}}}}}`, 422, "INVALID_FORMAT", `{"messages":["body.data.attributes.email is missing"]}`},
		{"extra attribute", `{"data":{"type":"site_invitation","attributes":{"email":"n@example.com","name":"N"},"relationships":{"role":{"data":{"type":"role","id":"301"}}}}}`, 422, "INVALID_FORMAT", `{"messages":["body.data.attributes.name is not a permitted key"]}`},
		{"id on create", `{"data":{"type":"site_invitation","id":"5","attributes":{"email":"n@example.com"},"relationships":{"role":{"data":{"type":"role","id":"301"}}}}}`, 422, "INVALID_FORMAT", `{"messages":["body.data.id is not a permitted key"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{SeedUsers: 2})
			if _, err := c.EditUser("1002", cmstest.NewUser{Active: &yes}); err != nil {
				t.Fatal(err)
			}
			c.invite("pending@example.com", editorID).is(201)
			equal(t, "details", c.do("POST", "/site-invitations", tt.body).refused(tt.status, tt.code), tt.details)
			equal(t, "invitations", c.do("GET", "/site-invitations", "").ids(), "22001")
		})
	}
}

func TestExpiredInvitation(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.invite("new@example.com", editorID).is(201)
	if _, err := c.Expire("22001"); err != nil {
		t.Fatal(err)
	}
	equal(t, "expired", c.do("GET", "/site-invitations/22001", "").get("data", "attributes", "expired"), true)
	if _, err := c.Accept("22001"); err == nil {
		t.Fatal("an expired invitation was accepted")
	}
	c.invite("new@example.com", editorID).refused(422, "INVALID_FIELD")
	equal(t, "expired after resend", c.do("POST", "/site-invitations/22001/resend", "").is(200).get("data", "attributes", "expired"), false)
	if _, err := c.Accept("22001"); err != nil {
		t.Fatal(err)
	}
}

func TestAcceptedInvitationBecomesAUserWithANewID(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1})
	c.invite("mary-jane.o@Example.com", adminID).is(201)
	u, err := c.Accept("22001")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "user", u, map[string]any{
		"id": "1002", "type": "user",
		"attributes":    map[string]any{"email": "mary-jane.o@Example.com", "full_name": "Mary Jane O", "is_2fa_active": false, "is_active": true},
		"relationships": map[string]any{"role": map[string]any{"data": map[string]any{"id": adminID, "type": "role"}}},
		"meta":          map[string]any{"last_access": nil},
	})
	c.do("GET", "/site-invitations/22001", "").refused(404, "NOT_FOUND")
	equal(t, "the list", c.do("GET", "/users", "").ids(), "1001 1002")
	c.invite("MARY-jane.o@example.com", editorID).refused(422, "ACCOUNT_ALREADY_JOINED_SITE")
}

func TestInvitationRoleChange(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	c.invite("new@example.com", editorID).is(201)
	const head = `{"data":{"type":"site_invitation","id":"22001","relationships":`
	equal(t, "role", c.do("PUT", "/site-invitations/22001", head+`{"role":{"data":{"type":"role","id":"302"}}}}}`).is(200).get("data", "relationships", "role", "data", "id"), adminID)
	equal(t, "role", c.do("PUT", "/site-invitations/22001", head+`{}}}`).is(200).get("data", "relationships", "role", "data", "id"), adminID)
	c.do("PUT", "/site-invitations/22001", head+`{"role":{"data":{"type":"role","id":"9"}}}}}`).refused(404, "NOT_FOUND")
	c.do("PUT", "/site-invitations/22001", `{"data":{"type":"site_invitation","id":"22001"}}`).refused(422, "INVALID_FORMAT")
	c.do("PUT", "/site-invitations/22001", `{"data":{"type":"site_invitation","id":"22001","attributes":{"email":"x@example.com"},"relationships":{}}}`).refused(422, "INVALID_FORMAT")
	for _, call := range []string{"GET /site-invitations/9", "DELETE /site-invitations/9", "POST /site-invitations/9/resend"} {
		method, path, _ := strings.Cut(call, " ")
		c.do(method, path, "").refused(404, "NOT_FOUND")
	}
	c.do("PUT", "/site-invitations/9", `{"data":{"type":"site_invitation","id":"9","relationships":{}}}`).refused(404, "NOT_FOUND")
}

func TestSeatLimitAndSubscriptionLimitsAgree(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1, Seats: 3})
	usage := func(want int) {
		t.Helper()
		r := c.do("GET", "/subscription-limits/users", "").is(200)
		equal(t, "seats", r.get("data"), map[string]any{"id": "users", "type": "subscription_limit", "attributes": map[string]any{"code": "users", "usage": want, "limit": 3}})
	}
	usage(1)
	c.invite("a@example.com", editorID).is(201)
	c.invite("b@example.com", editorID).is(201)
	usage(3)
	equal(t, "details", c.invite("c@example.com", editorID).refused(422, "PLAN_UPGRADE_REQUIRED"), `{"limit":"users"}`)
	if _, err := c.Accept("22001"); err != nil {
		t.Fatal(err)
	}
	usage(3)
	suspend := `{"data":{"type":"user","id":"1002","attributes":{"is_active":false}}}`
	c.do("PUT", "/users/1002", suspend).is(200)
	usage(3)
	c.do("PUT", "/users/1002", strings.Replace(suspend, "false", "true", 1)).is(200)
	c.do("DELETE", "/site-invitations/22002", "").is(200)
	usage(2)
	c.invite("c@example.com", editorID).is(201)
	c.do("DELETE", "/users/1002", "").is(200)
	c.invite("d@example.com", editorID).is(201)
	usage(3)
	c.SetSeats(0)
	c.invite("e@example.com", editorID).is(201)
	equal(t, "limit", c.do("GET", "/subscription-limits/users", "").get("data", "attributes", "limit"), nil)
}
