package cmstest_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// FuzzBody sends any body to any endpoint: the answer is always a JSON document of the CMA with a status it has, and a
// refusal changes nothing.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		inviteBody("new@example.com", editorID),
		`{"data":{"type":"user","id":"1001","attributes":{"is_active":false},"relationships":{"role":{"data":{"type":"role","id":"302"}}}}}`,
		roleBody(`{"name":"X","positive_item_type_permissions":[{"environment":"main","action":"read","on_creator":"self"}],"negative_item_type_permissions":[]}`, ""),
		roleBody(`{"name":"Child"}`, `,"relationships":{"inherits_permissions_from":{"data":[{"type":"role","id":"301"}]}}`),
		`{"data":{"type":"site_invitation","id":"22001","relationships":{"role":{"data":{"type":"role","id":"301"}}}}}`,
		`[]`, `null`, `{"data":[]}`, `{"data":{"type":null}}`, ``, `{`,
	} {
		for _, endpoint := range []string{"POST /roles", "PUT /roles/301", "POST /site-invitations", "PUT /site-invitations/22001", "PUT /users/1001"} {
			f.Add(endpoint, body)
		}
	}
	f.Fuzz(func(t *testing.T, endpoint, body string) {
		calls := map[string][2]string{
			"POST /roles": {"POST", "/roles"}, "PUT /roles/301": {"PUT", "/roles/301"}, "PUT /users/1001": {"PUT", "/users/1001"},
			"PUT /site-invitations/22001": {"PUT", "/site-invitations/22001"},
		}
		call, known := calls[endpoint]
		if !known {
			call = [2]string{"POST", "/site-invitations"}
		}
		c := newCMS(t, cmstest.Options{SeedUsers: 1})
		c.invite("pending@example.com", editorID).is(201)
		before := asJSON(c.State())
		r := c.do(call[0], call[1], body)
		if !slices.Contains([]int{200, 201, 400, 404, 415, 422}, r.Status) {
			t.Fatalf("status %d: %s", r.Status, r.Raw)
		}
		if !json.Valid([]byte(r.Raw)) || r.Body["data"] == nil {
			t.Fatalf("no document: %s", r.Raw)
		}
		if r.Status >= 400 && asJSON(c.State()) != before {
			t.Fatalf("refused with %d, but changed the state", r.Status)
		}
	})
}
