package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// oktaHeader is what Okta sends with every request (testdata/idp/okta/client.json).
func oktaHeader(body bool) http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		"Accept": "application/scim+json", "Accept-Charset": "utf-8", "Accept-Encoding": "gzip,deflate", "Connection": "Keep-Alive",
		"Authorization": "Bearer " + token, "User-Agent": "Okta SCIM Client 1.0.0",
	} {
		h.Set(name, value)
	}
	if body {
		h.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	return h
}

// okta sends a request as Okta does and reads the answer, which must have the status.
func (s *site) okta(status int, method, path, body string) map[string]any {
	s.t.Helper()
	var raw []byte
	if body != "" {
		raw = []byte(body)
	}
	got, err := s.send(method, path, oktaHeader(body != ""), raw)
	s.must(err)
	if got.status != status {
		s.t.Fatalf("%s %s: got %d %.500s, want %d", method, path, got.status, got.body, status)
	}
	if status == http.StatusNoContent {
		return nil
	}
	v, err := decode(got.body)
	s.must(err)
	document, _ := v.(map[string]any)
	return document
}

// pages reads a listing as Okta's import does: from 1, 101, 201 … until totalResults.
func (s *site) pages(path string, between func()) (ids []string, total int) {
	s.t.Helper()
	for start := 1; start == 1 || start <= total; start += 100 {
		page := s.okta(200, "GET", fmt.Sprintf("%s?startIndex=%d&count=100", path, start), "")
		found, _ := page["Resources"].([]any)
		total = integer(page["totalResults"])
		if n := integer(page["itemsPerPage"]); n != len(found) || n != min(100, total-start+1) {
			s.t.Errorf("page from %d of %d: itemsPerPage is %d, and there are %d", start, total, n, len(found))
		}
		if integer(page["startIndex"]) != start {
			s.t.Errorf("page from %d says startIndex %v", start, page["startIndex"])
		}
		for _, r := range found {
			id, err := pointer(r, "/id")
			s.must(err)
			ids = append(ids, fmt.Sprint(id))
		}
		between()
	}
	return ids, total
}

// integer is a JSON integer, -1 for anything else.
func integer(v any) int {
	n, ok := v.(interface{ Int64() (int64, error) })
	if !ok {
		return -1
	}
	i, err := n.Int64()
	if err != nil {
		return -1
	}
	return int(i)
}

func distinct(ids []string) int { return len(slices.Compact(slices.Sorted(slices.Values(ids)))) }

// TestOktaImport_PagesAreStableAndComplete imports 250 collaborators and 30 invitations while the proxy reads the CMS anew
// and somebody joins between the pages.
func TestOktaImport_PagesAreStableAndComplete(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{cms: cmstest.Options{SeedUsers: 250}})
		for n := range 30 {
			_, err := s.client.CreateInvitation(s.ctx, cmsclient.InvitationCreate{Email: fmt.Sprintf("invited%d@x.example", n), RoleID: s.roleID("Editor")})
			s.must(err)
		}
		s.importCMS()
		ids, total := s.pages("/Users", func() {})
		if total != 280 || len(ids) != 280 || distinct(ids) != 280 {
			t.Fatalf("totalResults %d, %d users, %d of them distinct, want 280", total, len(ids), distinct(ids))
		}
		joined := 0
		again, total := s.pages("/Users", func() {
			joined++
			_, err := s.cms.AddUser(cmstest.NewUser{Email: fmt.Sprintf("joined%d@x.example", joined)})
			s.must(err)
			s.importCMS()
		})
		if total != 282 || !slices.Equal(again[:280], ids) || distinct(again) != 282 {
			t.Errorf("the second import has %d of %d users, %d of them distinct; who joins comes last", len(again), total, distinct(again))
		}
		if n := s.writes(); n["POST /site-invitations"] != 30 || len(n) != 1 {
			t.Errorf("an import changes nothing: %v", n)
		}
	})
}

// TestOktaImport_GroupsArePaged imports more roles than fit on a page.
func TestOktaImport_GroupsArePaged(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{})
		editor, err := s.client.Role(s.ctx, s.roleID("Editor"))
		s.must(err)
		for n := range 103 {
			_, err := s.client.CreateRole(s.ctx, editor.Template(fmt.Sprintf("Role %d", n)))
			s.must(err)
		}
		s.importCMS()
		ids, total := s.pages("/Groups", s.importCMS)
		if total != 105 || distinct(ids) != 105 {
			t.Errorf("totalResults %d, %d groups, %d of them distinct, want 105", total, len(ids), distinct(ids))
		}
	})
}
