package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replies are everything that a proxy and its operator's commands answer: by what was asked.
type replies map[string]string

// ask sends a request and gives the answer byte by byte: status, version and body.
func (i *instance) ask(method, path, body string, headers ...string) string {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, "http://"+i.scim+"/scim/v2"+path, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+scimToken)
	for n := 0; n < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	resp, err := i.client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answered, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	return strings.ReplaceAll(resp.Status+" "+resp.Header.Get("ETag")+" "+string(answered), i.scim, "HOST")
}

// discovery is what identity providers read about a server.
var discovery = []string{
	"/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/ResourceTypes/Group", "/ResourceTypes/Role", "/Schemas",
	"/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "/Schemas/urn:scimcms:scim:schemas:sync:1.0", "/Me", "/Nothing",
}

// lists are ways to ask for lists; each is asked of users, groups and roles.
var lists = []string{
	"", "?count=0", "?startIndex=1&count=3", "?startIndex=3&count=4", "?startIndex=100", "?attributes=id,meta", "?excludedAttributes=members,groups",
	"?sortBy=id", "?sortBy=displayName&sortOrder=descending&count=5", "?sortBy=meta.lastModified",
	"?filter=" + url.QueryEscape(`displayName co "a"`), "?filter=" + url.QueryEscape(`displayName eq "Writers"`),
	"?filter=" + url.QueryEscape(`userName sw "a" or emails[value ew "example.org"]`), "?filter=" + url.QueryEscape(`meta.lastModified gt "2020-01-01T00:00:00Z" and not (active eq false)`),
}

// walkSCIM asks for everything that can be read: lists, pages, cursors, searches and each resource.
func (i *instance) walkSCIM() replies {
	i.t.Helper()
	out := replies{}
	get := func(path string) { out["GET "+path] = i.ask(http.MethodGet, path, "") }
	for _, path := range discovery {
		get(path)
	}
	for _, kind := range []string{"/Users", "/Groups", "/Roles"} {
		for _, query := range lists {
			get(kind + query)
		}
		for _, id := range i.everyID(kind) {
			get(kind + "/" + id)
			get(kind + "/" + id + "?attributes=displayName")
		}
		i.walkCursors(kind, out)
		out["POST "+kind+"/.search"] = i.ask(http.MethodPost, kind+"/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":3,"sortBy":"id"}`)
	}
	out["POST /.search"] = i.ask(http.MethodPost, "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"displayName pr"}`)
	return out
}

// everyID lists the ids of all resources of a kind.
func (i *instance) everyID(kind string) (ids []string) {
	i.t.Helper()
	list, _ := i.send(200, http.MethodGet, kind+"?attributes=id&count=1000", "")["Resources"].([]any)
	for _, e := range list {
		resource, _ := e.(map[string]any)
		ids = append(ids, fmt.Sprint(resource["id"]))
	}
	if len(ids) == 0 {
		i.t.Fatalf("%s is empty", kind)
	}
	return ids
}

// sealed is a cursor, in which chance and the time have a part.
var sealed = regexp.MustCompile(`"(nextCursor|previousCursor)":"([^"]+)"`)

// walkCursors follows the cursors of a list.
func (i *instance) walkCursors(kind string, out replies) {
	i.t.Helper()
	for page, cursor := 0, ""; page == 0 || cursor != ""; page++ {
		answer := i.ask(http.MethodGet, kind+"?count=2&cursor="+url.QueryEscape(cursor), "")
		cursor = ""
		for _, m := range sealed.FindAllStringSubmatch(answer, -1) {
			if m[1] == "nextCursor" {
				cursor = m[2]
			}
		}
		out[fmt.Sprintf("GET %s, page %d by cursor", kind, page)] = sealed.ReplaceAllString(answer, `"$1":""`)
	}
}

// passing is what an operator is told that depends on the time of day.
var passing = regexp.MustCompile(`the oldest waits for [0-9a-z]+|"(oldest_age|eta)_seconds": [0-9.e-]+`)

// operated asks what an operator asks, of the Redis that a configuration names.
func operated(t *testing.T, file string, users []string) replies {
	t.Helper()
	out := replies{}
	run := func(args ...string) string {
		printed, err := operate(t, append(args, "--config", file)...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		out[strings.Join(args, " ")] = passing.ReplaceAllString(printed, "")
		return printed
	}
	var queued struct {
		Entries []struct{ Key, State string }
	}
	if err := json.Unmarshal([]byte(run("queue", "ls", "--json", "--limit", "0")), &queued); err != nil {
		t.Fatal(err)
	}
	states := map[string]bool{}
	for _, e := range queued.Entries {
		states[e.State] = true
		run("queue", "show", e.Key, "--json")
	}
	if want := []string{"held", "parked", "queued"}; !slices.Equal(slices.Sorted(maps.Keys(states)), want) {
		t.Errorf("the queue has keys that are %v, not %v", slices.Sorted(maps.Keys(states)), want)
	}
	run("queue", "ls", "--state", "parked")
	run("brake", "status", "--json")
	run("drift", "ls", "--json")
	for _, id := range users {
		run("explain", id, "--json")
	}
	return out
}

// same fails the test for every answer that is another one.
func (w replies) same(t *testing.T, other replies) {
	t.Helper()
	if len(w) < 20 {
		t.Errorf("only %d answers are compared", len(w))
	}
	for _, asked := range slices.Sorted(maps.Keys(w)) {
		if diff := cmp.Diff(w[asked], other[asked]); diff != "" {
			t.Errorf("%s (-before +restored): %s", asked, diff)
		}
	}
	if len(w) != len(other) {
		t.Errorf("%d answers before, %d after", len(w), len(other))
	}
}
