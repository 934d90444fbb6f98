package proxy_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// oktaUser is what Okta sends to create a user.
func oktaUser(login, externalID string) string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q,"name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"primary":true,"value":%q,"type":"work"}],`+
		`"displayName":"Ada Lovelace","locale":"en-US","externalId":%q,"groups":[],"password":"k3Placeholder","active":true}`, userSchema, login, login, externalID)
}

func deactivation() string {
	return fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":false}}`)
}

// TestOktaWhileRedisIsDown_UnavailableNothingHalfDoneAndRecovers sends each kind of request while the store is away. Okta
// honours Retry-After only as whole seconds. Afterwards the same process goes on, without a restart.
func TestOktaWhileRedisIsDown_UnavailableNothingHalfDoneAndRecovers(t *testing.T) {
	t.Parallel()
	queuetest.EachServer(t, func(t *testing.T, store queuetest.Store) {
		door, behind := gated(t, store)
		s := newSite(t, behind, siteOptions{})
		open := s.with(t)
		open.store = store // past the gate
		id := fmt.Sprint(s.okta(http.StatusCreated, "POST", "/Users", oktaUser("ada@x.example", "00u1"))["id"])
		gid := s.oktaGroup("Writers")
		s.rest()
		before, calls := open.dump(), s.writes()
		door.shut()
		for _, r := range []struct{ method, path, body string }{
			{"GET", "/Users?startIndex=1&count=2", ""},
			{"GET", "/Users?filter=userName%20eq%20%22grace%40x.example%22&startIndex=1&count=100", ""},
			{"GET", "/Users/" + id, ""},
			{"GET", "/Groups?startIndex=1&count=100", ""},
			{"POST", "/Users", oktaUser("grace@x.example", "00u2")},
			{"PUT", "/Users/" + id, oktaUser("ada@x.example", "00u1")},
			{"PATCH", "/Users/" + id, deactivation()},
			{"DELETE", "/Users/" + id, ""},
			{"POST", "/Groups", groupBody("", "Editors", nil)},
			{"PUT", "/Groups/" + gid, groupBody(gid, "Writers", []string{id})},
			{"PATCH", "/Groups/" + gid, addMembers([]string{id})},
			{"DELETE", "/Groups/" + gid, ""},
		} {
			s.unavailable(r.method, r.path, r.body)
		}
		if diff := cmp.Diff(before, open.dump()); diff != "" {
			t.Errorf("the store changed (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(calls, s.writes()); diff != "" {
			t.Errorf("the CMS was called (-before +after):\n%s", diff)
		}
		door.open()
		s.eventually("the store is back", func() error {
			got, err := s.send("GET", "/Users/"+id, oktaHeader(false), nil)
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("%d %s", got.status, got.body)
			}
			return err
		})
		s.okta(http.StatusCreated, "POST", "/Users", oktaUser("grace@x.example", "00u2"))
		s.okta(http.StatusOK, "PATCH", "/Users/"+id, deactivation())
		s.rest()
		if s.count("grace@x.example") != 1 || s.count("ada@x.example") != 0 {
			t.Errorf("in the CMS: %+v", s.cms.State().Invitations)
		}
	})
}

// unavailable sends a request that is refused for the moment.
func (s *site) unavailable(method, path, body string) {
	s.t.Helper()
	var raw []byte
	if body != "" {
		raw = []byte(body)
	}
	got, err := s.send(method, path, oktaHeader(body != ""), raw)
	s.must(err)
	after, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.status != http.StatusServiceUnavailable || err != nil || after < 1 {
		s.t.Errorf("%s %s: %d, Retry-After %q: %s", method, path, got.status, got.header.Get("Retry-After"), got.body)
	}
	document, err := decode(got.body)
	s.must(err)
	for _, problem := range match("", map[string]any{"schemas": []any{errorSchema}, "status": "503", "detail": "<any>"}, document) {
		s.t.Errorf("%s %s: %s", method, path, problem)
	}
}

// TestOktaWhenRedisLosesAnAnswer_RepeatingMakesNoTwin loses the store's answer to a create. The proxy cannot know
// whether the wish was kept, says so, and Okta's next try finds the user or creates it.
func TestOktaWhenRedisLosesAnAnswer_RepeatingMakesNoTwin(t *testing.T) {
	t.Parallel()
	queuetest.EachServer(t, func(t *testing.T, store queuetest.Store) {
		door, behind := gated(t, store)
		s := newSite(t, behind, siteOptions{})
		door.losesAnswers()
		s.unavailable("POST", "/Users", oktaUser("ada@x.example", "00u1"))
		door.shut()
		door.open()
		const exists = "/Users?filter=userName%20eq%20%22ada%40x.example%22&startIndex=1&count=100"
		s.eventually("the store is back", func() error {
			got, err := s.send("GET", exists, oktaHeader(false), nil)
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("%d %s", got.status, got.body)
			}
			return err
		})
		found := s.okta(http.StatusOK, "GET", exists, "")
		if n := integer(found["totalResults"]); n == 0 {
			s.okta(http.StatusCreated, "POST", "/Users", oktaUser("ada@x.example", "00u1"))
		} else {
			s.okta(http.StatusConflict, "POST", "/Users", oktaUser("ada@x.example", "00u1"))
		}
		found = s.okta(http.StatusOK, "GET", exists, "")
		if n := integer(found["totalResults"]); n != 1 || s.count("ada@x.example") > 1 {
			t.Errorf("%d users, and in the CMS %+v", n, s.cms.State().Invitations)
		}
	})
}
