package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// runCorpus replays all conversations of a provider, with each kind of its apps, on both stores.
func runCorpus(t *testing.T, provider string) {
	t.Helper()
	c, all := readCorpus(t, provider)
	for _, talk := range all {
		for _, app := range talk.Apps {
			t.Run(talk.name+"/"+app, func(t *testing.T) {
				t.Parallel()
				queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
					r := &replay{site: newSite(t, store, talk.Setup.options()), corpus: c, app: app, kept: map[string]any{}}
					r.kept["app"], r.kept["token"] = app, token
					for name, value := range talk.Vars {
						r.kept[name] = value
					}
					r.counted = r.writes()
					for _, s := range talk.Steps {
						r.step(s)
					}
				})
			})
		}
	}
}

// replay is one conversation on its way.
type replay struct {
	*site
	corpus  corpus
	app     string
	kept    map[string]any // variables
	counted map[string]int // calls when they were last looked at

	sent, came string // the last request and its answer, for a failure
}

func (r *replay) step(s step) {
	r.t.Helper()
	if s.App != "" && s.App != r.app {
		return
	}
	for n := range max(s.Repeat, 1) {
		r.kept["n"] = strconv.Itoa(n + 1)
		r.sent, r.came = "nothing", "nothing"
		for _, a := range s.CMS {
			if err := r.act(a); err != nil {
				r.fail(s, []string{"in the CMS: " + err.Error()})
			}
		}
		if s.Request != nil {
			r.ask(s)
		}
	}
	if s.Then != nil {
		r.look(s)
	}
}

// fail ends the conversation and shows what was said last.
func (r *replay) fail(s step, problems []string) {
	r.t.Helper()
	r.t.Fatalf("step %q:\n  %s\n\n--- sent\n%s\n--- came\n%s", s.Name, strings.Join(problems, "\n  "), r.sent, r.came)
}

// ask sends the request of a step and compares the answer.
func (r *replay) ask(s step) {
	r.t.Helper()
	header, body, err := r.compose(*s.Request)
	if err != nil {
		r.fail(s, []string{err.Error()})
	}
	path := r.fill(s.Request.Path, percentEncode)
	r.sent = fmt.Sprintf("%s %s\n%s\n%s", s.Request.Method, path, headerText(header), body)
	got, err := r.send(s.Request.Method, path, header, body)
	if err != nil {
		r.fail(s, []string{err.Error()})
	}
	r.came = fmt.Sprintf("%d\n%s\n%s", got.status, headerText(got.header), got.body)
	if problems := r.compare(*s.Expect, got); len(problems) > 0 {
		r.fail(s, problems)
	}
}

// compose makes headers and body of a request.
func (r *replay) compose(x exchange) (http.Header, []byte, error) {
	var body []byte
	if len(x.Body) > 0 {
		body = []byte(r.fill(string(x.Body), jsonEscape))
	}
	if x.Echo != "" {
		document, there := r.kept[r.fill(x.Echo, nil)]
		if !there {
			return nil, nil, fmt.Errorf("nothing was captured as %q", x.Echo)
		}
		overlay, err := decode(body)
		if err != nil {
			return nil, nil, fmt.Errorf("the overlay: %w", err)
		}
		if body, err = json.Marshal(merge(document, overlay)); err != nil {
			return nil, nil, err
		}
	}
	all := maps.Clone(r.corpus.Headers)
	if body != nil {
		maps.Copy(all, r.corpus.BodyHeaders)
	}
	maps.Copy(all, x.Headers)
	header := http.Header{}
	for name, value := range all {
		if value != "" {
			header.Set(name, r.fill(value, nil))
		}
	}
	if _, named := header["User-Agent"]; !named {
		header["User-Agent"] = nil // or Go names itself
	}
	return header, body, nil
}

func (r *replay) compare(want expected, got answer) []string {
	var problems []string
	if got.status != want.Status {
		problems = append(problems, fmt.Sprintf("status %d, want %d", got.status, want.Status))
	}
	for name, value := range want.Headers {
		if value = r.fill(value, nil); got.header.Get(name) != value {
			problems = append(problems, fmt.Sprintf("header %s is %q, want %q", name, got.header.Get(name), value))
		}
	}
	if got.status == http.StatusNoContent || got.head {
		if len(got.body) > 0 {
			problems = append(problems, "a body that must not be there")
		}
		return problems
	}
	document, err := decode(got.body)
	if err != nil {
		return append(problems, "the answer is no JSON: "+err.Error())
	}
	if kind := got.header.Get("Content-Type"); kind != "application/scim+json; charset=utf-8" {
		problems = append(problems, "Content-Type is "+kind)
	}
	if len(want.Body) > 0 {
		template, err := decode([]byte(r.fill(string(want.Body), jsonEscape)))
		if err != nil {
			return append(problems, "the expected body is no JSON: "+err.Error())
		}
		problems = append(problems, match("", template, document)...)
	}
	if len(problems) > 0 {
		return problems
	}
	for name, at := range want.Capture {
		if r.kept[r.fill(name, nil)], err = pointer(document, at); err != nil {
			problems = append(problems, "capture "+name+": "+err.Error())
		}
	}
	return problems
}

// look compares how things stand when the queue is at rest.
func (r *replay) look(s step) {
	r.t.Helper()
	if !s.Then.Unfinished {
		r.rest()
	}
	var problems []string
	if s.Then.Calls != nil {
		now, delta := r.writes(), map[string]int{}
		for endpoint, n := range now {
			if n -= r.counted[endpoint]; n > 0 {
				delta[endpoint] = n
			}
		}
		if diff := cmp.Diff(s.Then.Calls, delta, emptyIsNil); diff != "" {
			problems = append(problems, "calls of the CMS (-want +got):\n"+diff)
		}
		r.counted = now
	}
	for address, want := range s.Then.People {
		problems = append(problems, r.comparePerson(r.fill(address, nil), want)...)
	}
	if s.Then.Roles != nil {
		if diff := cmp.Diff(s.Then.Roles, r.roleNames()); diff != "" {
			problems = append(problems, "roles of the CMS (-want +got):\n"+diff)
		}
	}
	for _, secret := range s.Then.StoreLacks {
		if at := r.dump().find(r.fill(secret, nil)); at != "" {
			problems = append(problems, "the store has "+secret+" in "+at)
		}
	}
	if len(problems) > 0 {
		r.fail(s, problems)
	}
}

// variable is ${name}.
var variable = regexp.MustCompile(`\$\{[a-z_0-9]+\}`)

// fill puts variables into a text; ${n} first, so that it may be part of a name. A captured document that is no text
// cannot be put anywhere.
func (r *replay) fill(text string, encode func(string) string) string {
	r.t.Helper()
	if n, ok := r.kept["n"].(string); ok {
		text = strings.ReplaceAll(text, "${n}", n)
	}
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := r.kept[found[2:len(found)-1]].(string)
		if !ok {
			r.t.Fatalf("%s is not known, or no text", found)
		}
		if encode != nil {
			value = encode(value)
		}
		return value
	})
}

func percentEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func jsonEscape(s string) string {
	quoted := []byte(compact(s))
	return string(quoted[1 : len(quoted)-1])
}

func headerText(h http.Header) string {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	return b.String()
}
