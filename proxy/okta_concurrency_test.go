package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// together sends the same number of requests at once, one for each body, and gives the answers.
func (s *site) together(method, path string, bodies []string) []answer {
	s.t.Helper()
	answers := make([]answer, len(bodies))
	start := make(chan struct{})
	var running sync.WaitGroup
	for i, body := range bodies {
		running.Go(func() {
			<-start
			got, err := s.send(method, path, oktaHeader(true), []byte(body))
			if err != nil {
				s.t.Errorf("%s %s: %v", method, path, err)
			}
			answers[i] = got
		})
	}
	close(start)
	running.Wait()
	return answers
}

func statuses(answers []answer) map[int]int {
	n := map[int]int{}
	for _, a := range answers {
		n[a.status]++
	}
	return n
}

// TestOktaCreatesOneUserManyTimesAtOnce repeats a create before its first answer has come, as a client does that lost
// patience. One of them makes the user, the others are told who has it.
func TestOktaCreatesOneUserManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{})
		got := statuses(s.together("POST", "/Users", slices.Repeat([]string{oktaUser("ada@x.example", "00u1")}, 16)))
		if got[http.StatusCreated] != 1 || got[http.StatusConflict] != 15 {
			t.Errorf("answers by status: %v", got)
		}
		s.rest()
		if n := s.writes()["POST /site-invitations"]; n != 1 || s.count("ada@x.example") != 1 {
			t.Errorf("%d invitations were sent, %d are there", n, s.count("ada@x.example"))
		}
		page := s.okta(http.StatusOK, "GET", "/Users?startIndex=1&count=100", "")
		if integer(page["totalResults"]) != 1 {
			t.Errorf("%v users", page["totalResults"])
		}
	})
}

// TestOktaPushesOneUserFromManyJobs changes one user from many jobs at a time: each changes an attribute of its own, and
// one deactivates. Nothing is lost, the deactivation least of all.
func TestOktaPushesOneUserFromManyJobs(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{})
		id := fmt.Sprint(s.okta(http.StatusCreated, "POST", "/Users", oktaUser("ada@x.example", "00u1"))["id"])
		attributes := []string{"title", "nickName", "userType", "preferredLanguage", "timezone", "locale"}
		bodies := []string{deactivation()}
		for _, a := range attributes {
			bodies = append(bodies, fmt.Sprintf(patchBody, fmt.Sprintf(`{"op":"replace","value":{%q:"set-%s"}}`, a, a)))
		}
		for i, a := range s.together("PATCH", "/Users/"+id, bodies) {
			if a.status != http.StatusOK {
				t.Errorf("%s: %d %s", bodies[i], a.status, a.body)
			}
		}
		s.rest()
		shown := s.okta(http.StatusOK, "GET", "/Users/"+id, "")
		want := map[string]any{"active": false}
		for _, a := range attributes {
			want[a] = "set-" + a
		}
		for _, problem := range match("", want, any(shown)) {
			t.Error(problem)
		}
		if s.count("ada@x.example") != 0 {
			t.Errorf("the leaver's invitation is there: %+v", s.cms.State().Invitations)
		}
	})
}
