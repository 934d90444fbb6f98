package proxy_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// specAssertions is how many assertions Okta's published SPEC test for SCIM 2.0 makes, its one script included.
const specAssertions = 53

const (
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
)

// TestOktaSpec is Okta's SPEC test (Okta-SCIM-20-SPEC-Test.json in Okta's developer documentation): its requests, in
// their order and with their headers, and all of its assertions. It begins with what the test asks for: somebody and a
// group that can be listed. One assertion is about time, so this test does not run beside others.
func TestOktaSpec(t *testing.T) {
	for _, store := range queuetest.All(t) {
		t.Run(store.Name, func(t *testing.T) {
			s := newSite(t, store, siteOptions{cms: cmstest.Options{SeedUsers: 2}, maxAge: time.Nanosecond, listing: 300 * time.Millisecond})
			run := specRun{site: s, kept: map[string]string{
				"{invalid}": "abcdefgh@atko.com", "{userName}": "Runscope300Kpw7@Atko.com", "{email}": "Runscope300abcd@atko.com",
				"{given}": "Runscope300Grtw", "{family}": "Runscope300Zomq", "{caps}": "RUNSCOPE300KPW7@ATKO.COM",
			}}
			for _, step := range specSteps() {
				run.step(step)
			}
			if run.made != specAssertions {
				t.Errorf("%d assertions were made, the suite has %d", run.made, specAssertions)
			}
			s.rest()
			if n := s.writes()["POST /site-invitations"]; n != 1 {
				t.Errorf("the suite creates one user: %d invitations", n)
			}
		})
	}
}

// specStep is one request of the suite; its number counts the pauses between them, too.
type specStep struct {
	number     int
	note       string
	method     string
	path, body string
	header     map[string]string // instead of the usual one
	keep       map[string]string // variable → JSON pointer
	assert     []specAssertion
}

// specAssertion is one assertion: what it is about, and what is wrong with an answer.
type specAssertion struct {
	name    string
	problem func(*specRun, specAnswer) string
}

type specAnswer struct {
	status int
	body   any
	took   time.Duration
}

type specRun struct {
	*site
	kept map[string]string
	made int
}

func (r *specRun) step(s specStep) {
	r.t.Helper()
	header := http.Header{}
	all := map[string]string{
		"Accept-Charset": "utf-8", "Content-Type": "application/scim+json; charset=utf-8", "Accept": "application/scim+json",
		"Authorization": "Bearer " + token, "User-Agent": "OKTA SCIM Integration",
	}
	if s.body != "" {
		all = map[string]string{
			"Content-Type": "application/json", "Authorization": "Bearer " + token, "Accept": "application/scim+json; charset=utf-8",
		}
	}
	maps.Copy(all, s.header)
	for name, value := range all {
		header.Set(name, value)
	}
	var body []byte
	if s.body != "" {
		body = []byte(r.fill(s.body))
	}
	path := strings.NewReplacer(" ", "%20", `"`, "%22", "@", "%40").Replace(r.fill(s.path))
	start := time.Now()
	came, err := r.send(s.method, path, header, body)
	got := specAnswer{status: came.status, took: time.Since(start)}
	r.must(err)
	if got.body, err = decode(came.body); err != nil {
		r.t.Fatalf("step %d (%s): %s is no JSON: %v", s.number, s.note, came.body, err)
	}
	for _, a := range s.assert {
		r.made++
		if problem := a.problem(r, got); problem != "" {
			r.t.Errorf("step %d (%s): %s: %s\n%s %s\n%d %s", s.number, s.note, a.name, problem, s.method, path, came.status, came.body)
		}
	}
	for name, at := range s.keep {
		value, err := pointer(got.body, at)
		r.must(err)
		r.kept[name] = fmt.Sprint(value)
	}
}

// fill puts the suite's variables into a text.
func (r *specRun) fill(text string) string {
	for name, value := range r.kept {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

func assertStatus(want int) specAssertion {
	return specAssertion{fmt.Sprintf("status is %d", want), func(_ *specRun, a specAnswer) string {
		if a.status != want {
			return fmt.Sprintf("it is %d", a.status)
		}
		return ""
	}}
}

// assertAt makes an assertion about one value of the body.
func assertAt(name, where string, problem func(r *specRun, value any) string) specAssertion {
	return specAssertion{where + " " + name, func(r *specRun, a specAnswer) string {
		value, err := pointer(a.body, where)
		if err != nil {
			return err.Error()
		}
		return problem(r, value)
	}}
}

func assertNotEmpty(where string) specAssertion {
	return assertAt("is not empty", where, func(_ *specRun, v any) string {
		problem, _ := matchText("<any>", v)
		return problem
	})
}

func assertNumber(where string) specAssertion {
	return assertAt("is a number", where, func(_ *specRun, v any) string {
		problem, _ := matchText("<number>", v)
		return problem
	})
}

// assertEqual compares as the suite does: by text.
func assertEqual(where, want string) specAssertion {
	return assertAt("is "+want, where, func(r *specRun, v any) string {
		if got := fmt.Sprint(v); got != r.fill(want) {
			return "it is " + got
		}
		return ""
	})
}

// assertHas looks for a value in a list.
func assertHas(where, want string) specAssertion {
	return assertAt("has "+want, where, func(_ *specRun, v any) string {
		list, _ := v.([]any)
		for _, element := range list {
			if element == want {
				return ""
			}
		}
		return "it is " + compact(v)
	})
}

func assertFaster(limit time.Duration) specAssertion {
	return specAssertion{"the answer takes less than " + limit.String(), func(_ *specRun, a specAnswer) string {
		if a.took >= limit {
			return "it took " + a.took.String()
		}
		return ""
	}}
}

// assertGroups is the suite's script: at least one group, and Resources is a list.
func assertGroups() specAssertion {
	return specAssertion{"script: there are groups, in a list", func(_ *specRun, a specAnswer) string {
		body, _ := a.body.(map[string]any)
		if list, ok := body["Resources"].([]any); !ok || len(list) == 0 || fmt.Sprint(body["totalResults"]) == "0" {
			return "there are none: " + compact(a.body)
		}
		return ""
	}}
}
