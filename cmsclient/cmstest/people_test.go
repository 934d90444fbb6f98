package cmstest_test

import (
	"fmt"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestUsersList(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 22})
	r := c.do("GET", "/users", "").is(200)
	list, _ := r.Body["data"].([]any)
	if len(list) != 22 {
		t.Fatalf("%d users, want 22: the owner is not among them", len(list))
	}
	equal(t, "the first user", list[0], map[string]any{
		"id": "1001", "type": "user",
		"attributes":    map[string]any{"email": "ada@example.com", "full_name": "Ada Lovelace", "is_2fa_active": false, "is_active": true},
		"relationships": map[string]any{"role": map[string]any{"data": map[string]any{"id": adminID, "type": "role"}}},
		"meta":          map[string]any{"last_access": nil},
	})
	equal(t, "the second user's role", path(list[1], "relationships", "role", "data", "id"), editorID)
	equal(t, "the last user's address", path(list[21], "attributes", "email"), "user22@example.com")
	if _, there := r.Body["meta"]; there {
		t.Fatal("the list has a meta: it does not page")
	}
	equal(t, "one user is as in the list", c.do("GET", "/users/1001", "").is(200).get("data"), list[0])
}

func TestUserIncludesRole(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1})
	r := c.do("GET", "/users/1001?include=role", "").is(200)
	included, _ := r.Body["included"].([]any)
	equal(t, "included", included, []any{c.do("GET", "/roles/"+adminID, "").is(200).get("data")})
	if _, there := c.do("GET", "/users/1001", "").Body["included"]; there {
		t.Fatal("included without being asked for")
	}
	c.do("GET", "/users/1001?include=groups", "").refused(422, "INVALID_PARAMS")
}

func TestUserUpdate(t *testing.T) {
	t.Parallel()
	const head = `{"data":{"type":"user","id":"1002"`
	for _, tt := range []struct {
		name, body string
		active     bool
		role       string
	}{
		{"activity", head + `,"attributes":{"is_active":false}}}`, false, editorID},
		{"role", head + `,"relationships":{"role":{"data":{"type":"role","id":"302"}}}}}`, true, adminID},
		{"both in one call", head + `,"attributes":{"is_active":false},"relationships":{"role":{"data":{"type":"role","id":"302"}}}}}`, false, adminID},
		{"nothing", head + `}}`, true, editorID},
		{"echoed meta", head + `,"meta":{"last_access":null}}}`, true, editorID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{SeedUsers: 2})
			r := c.do("PUT", "/users/1002", tt.body).is(200)
			equal(t, "is_active", r.get("data", "attributes", "is_active"), tt.active)
			equal(t, "role", r.get("data", "relationships", "role", "data", "id"), tt.role)
			equal(t, "kept", c.do("GET", "/users/1002", "").is(200).get("data"), r.get("data"))
		})
	}
}

func TestUserWritesRefused(t *testing.T) {
	t.Parallel()
	const head = `{"data":{"type":"user","id":"1001"`
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		code                     string
	}{
		{"email", "PUT", "/users/1001", head + `,"attributes":{"is_active":true,"email":"b@example.com"}}}`, 422, "INVALID_FORMAT"},
		{"name", "PUT", "/users/1001", head + `,"attributes":{"is_active":true,"full_name":"B"}}}`, 422, "INVALID_FORMAT"},
		{"attributes without is_active", "PUT", "/users/1001", head + `,"attributes":{}}}`, 422, "INVALID_FORMAT"},
		{"is_active as text", "PUT", "/users/1001", head + `,"attributes":{"is_active":"true"}}}`, 422, "INVALID_FORMAT"},
		{"null role", "PUT", "/users/1001", head + `,"relationships":{"role":{"data":null}}}}`, 422, "INVALID_FORMAT"},
		{"role of wrong type", "PUT", "/users/1001", head + `,"relationships":{"role":{"data":{"type":"roles","id":"301"}}}}}`, 422, "INVALID_FORMAT"},
		{"role with attributes", "PUT", "/users/1001", head + `,"relationships":{"role":{"data":{"type":"role","id":"301","name":"x"}}}}}`, 422, "INVALID_FORMAT"},
		{"role id as number", "PUT", "/users/1001", head + `,"relationships":{"role":{"data":{"type":"role","id":301}}}}}`, 422, "INVALID_FORMAT"},
		{"wrong type", "PUT", "/users/1001", `{"data":{"type":"users","id":"1001"}}`, 422, "INVALID_FORMAT"},
		{"no id", "PUT", "/users/1001", `{"data":{"type":"user"}}`, 422, "INVALID_FORMAT"},
		{"another id", "PUT", "/users/1001", `{"data":{"type":"user","id":"1002"}}`, 422, "INVALID_ENTITY_ID"},
		{"no data", "PUT", "/users/1001", `{"type":"user"}`, 422, "INVALID_FORMAT"},
		{"a list", "PUT", "/users/1001", `[]`, 422, "INVALID_FORMAT"},
		{"unknown role", "PUT", "/users/1001", head + `,"relationships":{"role":{"data":{"type":"role","id":"999"}}}}}`, 404, "NOT_FOUND"},
		{"unknown user", "PUT", "/users/9", `{"data":{"type":"user","id":"9"}}`, 404, "NOT_FOUND"},
		{"unknown user read", "GET", "/users/9", "", 404, "NOT_FOUND"},
		{"unknown user deleted", "DELETE", "/users/9", "", 404, "NOT_FOUND"},
		{"id in other digits", "GET", "/users/01001", "", 404, "NOT_FOUND"},
		{"id with sign", "GET", "/users/+1001", "", 404, "NOT_FOUND"},
		{"id that is no number", "GET", "/users/ada@example.com", "", 404, "NOT_FOUND"},
		{"huge id", "GET", "/users/99999999999999999999999", "", 404, "NOT_FOUND"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{SeedUsers: 2})
			before := asJSON(c.State())
			c.do(tt.method, tt.path, tt.body).refused(tt.status, tt.code)
			if after := asJSON(c.State()); after != before {
				t.Fatalf("refused, but changed: %s", after)
			}
		})
	}
}

func TestMissingRoleIsToldApartByDetails(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 1})
	body := `{"data":{"type":"user","id":"1001","relationships":{"role":{"data":{"type":"role","id":"999"}}}}}`
	equal(t, "details", c.do("PUT", "/users/1001", body).refused(404, "NOT_FOUND"), `{"message":"ActiveRecord::RecordNotFound"}`)
	equal(t, "details", c.do("GET", "/users/9", "").refused(404, "NOT_FOUND"), `{}`)
}

func TestUserDelete(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query string
		owns  bool
		code  string
		heir  string // the user who has the content afterwards
	}{
		{"", false, "", ""},
		{"", true, "DESTINATION_USER_REQUIRED", ""},
		{"?destination_user_type=user&destination_user_id=1001", true, "", "1001"},
		{"?destination_user_type=user&destination_user_id=1001", false, "", ""},
		{"?destination_user_type=access_token&destination_user_id=501", true, "", ""},
		{"?destination_user_type=account&destination_user_id=7", true, "", ""},
		{"?destination_user_type=user&destination_user_id=1002", true, "INVALID_DESTINATION_USER", ""},
		{"?destination_user_type=user&destination_user_id=9", true, "INVALID_DESTINATION_USER", ""},
		{"?destination_user_type=user", true, "INVALID_DESTINATION_USER", ""},
		{"?destination_user_type=access_token&destination_user_id=1", true, "INVALID_DESTINATION_USER", ""},
		{"?destination_user_type=account&destination_user_id=8", true, "INVALID_DESTINATION_USER", ""},
		{"?destination_user_type=sso_user&destination_user_id=1", true, "INVALID_DESTINATION_USER", ""},
		{"?destination_user_type=organization&destination_user_id=7", true, "INVALID_DESTINATION_TYPE", ""},
		{"?destination_user_id=1001", true, "INVALID_DESTINATION_TYPE", ""},
	} {
		t.Run(fmt.Sprintf("%s owns %v", tt.query, tt.owns), func(t *testing.T) {
			t.Parallel()
			c := newCMS(t, cmstest.Options{SeedUsers: 2})
			if _, err := c.EditUser("1002", cmstest.NewUser{OwnsContent: &tt.owns}); err != nil {
				t.Fatal(err)
			}
			before := c.do("GET", "/users/1002", "").is(200).get("data")
			r := c.do("DELETE", "/users/1002"+tt.query, "")
			if tt.code != "" {
				r.refused(422, tt.code)
				c.do("GET", "/users/1002", "").is(200)
				return
			}
			equal(t, "the deleted user is the answer", r.is(200).get("data"), before)
			c.do("GET", "/users/1002", "").is(404)
			equal(t, "the list", c.do("GET", "/users", "").ids(), "1001")
			if tt.heir != "" {
				c.do("DELETE", "/users/"+tt.heir, "").refused(422, "DESTINATION_USER_REQUIRED")
			}
		})
	}
}

func TestPersonBehindTheToken(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 2})
	yes, no := true, false
	if _, err := c.EditUser("1001", cmstest.NewUser{Current: &yes}); err != nil {
		t.Fatal(err)
	}
	r := c.do("GET", "/users/me?include=role", "").is(200)
	equal(t, "me", r.get("data", "type"), "user")
	equal(t, "my id", r.id(), "1001")
	c.do("DELETE", "/users/1001", "").refused(422, "CANNOT_DESTROY_CURRENT_USER")
	if _, err := c.EditUser("1001", cmstest.NewUser{Current: &no}); err != nil {
		t.Fatal(err)
	}
	equal(t, "me", c.do("GET", "/users/me", "").is(200).get("data", "type"), "access_token")
	c.do("DELETE", "/users/1001", "").is(200)
}

func TestUserIDsAreNeverUsedTwice(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{SeedUsers: 3})
	c.do("DELETE", "/users/1003", "").is(200)
	c.do("DELETE", "/users/1001", "").is(200)
	u, err := c.AddUser(cmstest.NewUser{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the new id", u.ID, "1004")
	equal(t, "the list", c.do("GET", "/users", "").ids(), "1002 1004")
}

func TestProfileAttributesOfARicherCMS(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{ProfileAttributes: []string{"full_name", "title"}})
	body := `{"data":{"type":"site_invitation","attributes":{"email":"new@example.com","title":"Writer","full_name":"New One"},"relationships":{"role":{"data":{"type":"role","id":"301"}}}}}`
	r := c.do("POST", "/site-invitations", body).is(201)
	equal(t, "title of the invitation", r.get("data", "attributes", "title"), "Writer")
	update := `{"data":{"type":"site_invitation","id":"22001","attributes":{"title":"Author"}}}`
	equal(t, "title after the update", c.do("PUT", "/site-invitations/22001", update).is(200).get("data", "attributes", "title"), "Author")
	u, err := c.Accept("22001")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "title and name of the user", []string{u.Text("title"), u.Text("full_name")}, []string{"Author", "New One"})
	change := `{"data":{"type":"user","id":"` + u.ID + `","attributes":{"full_name":"Renamed","title":null}}}`
	r = c.do("PUT", "/users/"+u.ID, change).is(200)
	equal(t, "attributes", r.get("data", "attributes"), map[string]any{
		"email": "new@example.com", "full_name": "Renamed", "is_2fa_active": false, "is_active": true, "title": nil,
	})
	equal(t, "in the list", c.do("GET", "/users", "").Body["data"], []any{r.get("data")})
	c.do("PUT", "/users/"+u.ID, `{"data":{"type":"user","id":"`+u.ID+`","attributes":{"full_name":7}}}`).refused(422, "INVALID_FORMAT")
	c.do("PUT", "/users/"+u.ID, `{"data":{"type":"user","id":"`+u.ID+`","attributes":{"phone":"7"}}}`).refused(422, "INVALID_FORMAT")
}

func TestNamesOutsideASCIISurvive(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	const name = "Zoë <\"O'Neill\"> \\ \u2028 & Søn"
	if _, err := c.AddUser(cmstest.NewUser{Email: "zoë@example.com", FullName: name}); err != nil {
		t.Fatal(err)
	}
	list, _ := c.do("GET", "/users", "").is(200).Body["data"].([]any)
	equal(t, "name", path(list[0], "attributes", "full_name"), name)
	equal(t, "email", path(list[0], "attributes", "email"), "zoë@example.com")
}
