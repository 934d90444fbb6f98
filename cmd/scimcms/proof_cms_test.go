//go:build unix

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// cms is the emulator behind a front that keeps a log of the calls, and delays, holds and loses them. A call that has
// reached it is carried out even if its caller has gone: that is what a CMS does, and what the proxy cannot take back.
type cms struct {
	t      *testing.T
	server *cmstest.Server
	inner  http.Handler
	front  *httptest.Server
	url    string

	applying sync.Mutex // one write at a time, so that its effect can be told

	mu      sync.Mutex
	manners func(*call) manner // called under mu; nil: nothing befalls a call
	tick    int64              // a clock that counts events
	cuts    []int64
	calls   []*call
	known   map[string]entity  // by "users/ID" and "site-invitations/ID"
	joined  map[string][]int64 // when an address accepted its invitation
}

// manner is what befalls a call. Its caller gets no answer when it is lost, before it is applied or after.
type manner struct {
	delay             time.Duration
	held              <-chan struct{} // applied when it is closed
	lost, lostUnasked bool            // after and before it is applied
}

// call is one call in the log; start and end are ticks, end 0 while it is under way.
type call struct {
	method, path string
	who          string // the address that a write is about; "" when it is about nobody
	body         string
	start, end   int64
	left         int64 // when the caller gave up, if it did before the end
	status       int
	answered     bool
	effect       bool // a write that changed something
}

// entity is a collaborator or an invitation as the CMS has it.
type entity struct {
	who, role string
	active    bool
}

func newCMS(t *testing.T, o cmstest.Options) *cms {
	t.Helper()
	c := &cms{t: t, server: cmstest.New(o), known: map[string]entity{}, joined: map[string][]int64{}}
	c.inner = c.server.Handler()
	for _, u := range c.server.State().Users {
		c.known["users/"+u.ID] = entityOf(u)
	}
	c.front = httptest.NewServer(c)
	c.url = c.front.URL
	t.Cleanup(c.front.Close)
	return c
}

func entityOf(r cmstest.Resource) entity {
	active, collaborator := r.Attributes["is_active"].(bool)
	return entity{who: strings.ToLower(r.Text("email")), role: r.RoleID(), active: active || !collaborator}
}

// addRole makes a role like Editor.
func (c *cms) addRole(name string) {
	c.t.Helper()
	addRole(c.t, c.server, name)
}

func addRole(t *testing.T, server *cmstest.Server, name string) {
	t.Helper()
	client, err := cmsclient.New(cmsclient.Options{Token: cmsToken, Transport: server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	roles, err := client.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles {
		if r.Name == "Editor" {
			if _, err := client.CreateRole(t.Context(), r.Template(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// ServeHTTP passes a call on, in the manner that befalls it.
func (c *cms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	l := c.begin(r, string(body))
	m := c.befalls(l)
	if m.delay > 0 {
		pause(m.delay)
	}
	if m.held != nil {
		<-m.held
	}
	if m.lostUnasked {
		c.end(l, 0, false)
		panic(http.ErrAbortHandler)
	}
	answer := c.apply(l, r, body)
	if m.lost {
		c.end(l, answer.Code, false)
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, err = w.Write(answer.Body.Bytes())
	c.end(l, answer.Code, err == nil)
}

func (c *cms) befalls(l *call) manner {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manners == nil {
		return manner{}
	}
	return c.manners(l)
}

// behave changes what befalls calls; nil: nothing.
func (c *cms) behave(manners func(*call) manner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.manners = manners
}

func (c *cms) now() int64 {
	c.tick++
	return c.tick
}

func (c *cms) begin(r *http.Request, body string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &call{method: r.Method, path: strings.TrimPrefix(r.URL.Path, "/"), body: body, start: c.now()}
	if l.write() {
		var in struct {
			Data struct{ Attributes struct{ Email string } }
		}
		_ = json.Unmarshal([]byte(body), &in) // what is no person's write names nobody
		l.who = strings.ToLower(in.Data.Attributes.Email)
		if e, found := c.known[l.entity()]; found {
			l.who = e.who
		}
	}
	c.calls = append(c.calls, l)
	context.AfterFunc(r.Context(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if l.end == 0 {
			l.left = c.now()
		}
	})
	return l
}

// over is when the caller had its answer, or gave up; 0: neither.
func (l *call) over() int64 {
	if l.left != 0 {
		return l.left
	}
	return l.end
}

func (l *call) write() bool { return l.method != http.MethodGet }

// entity is what the path names, without what is done with it.
func (l *call) entity() string { return strings.TrimSuffix(l.path, "/resend") }

func (c *cms) end(l *call, status int, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.status, l.answered, l.end = status, answered && l.left == 0, c.now()
}

// apply has the emulator carry a call out and notes what that changed.
func (c *cms) apply(l *call, r *http.Request, body []byte) *httptest.ResponseRecorder {
	if l.write() {
		c.applying.Lock()
		defer c.applying.Unlock()
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
	in.Header = r.Header
	out := httptest.NewRecorder()
	c.inner.ServeHTTP(out, in)
	if l.write() && out.Code < 300 {
		c.note(l, out.Body.Bytes())
	}
	return out
}

func (c *cms) note(l *call, body []byte) {
	var answer struct {
		Data struct {
			ID, Type   string
			Attributes struct {
				Email  string
				Active *bool `json:"is_active"`
			}
			Relationships struct {
				Role struct{ Data struct{ ID string } }
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		c.t.Errorf("the emulator answered %s %s with %s", l.method, l.path, body)
		return
	}
	d := answer.Data
	now := entity{who: strings.ToLower(d.Attributes.Email), role: d.Relationships.Role.Data.ID, active: d.Attributes.Active == nil || *d.Attributes.Active}
	key := map[string]string{"user": "users/", "site_invitation": "site-invitations/"}[d.Type] + d.ID
	c.mu.Lock()
	defer c.mu.Unlock()
	before, found := c.known[key]
	if l.method == http.MethodDelete {
		delete(c.known, key)
		l.effect = true
		return
	}
	c.known[key] = now
	l.effect = !found || before != now || strings.HasSuffix(l.path, "/resend")
}

// accept makes somebody who is invited a collaborator, as that person does.
func (c *cms) accept(choose func([]cmstest.Resource) int) {
	c.applying.Lock()
	defer c.applying.Unlock()
	invited := c.server.State().Invitations
	if len(invited) == 0 {
		return
	}
	i := invited[choose(invited)]
	u, err := c.server.Accept(i.ID)
	if err != nil {
		c.t.Errorf("accept: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, "site-invitations/"+i.ID)
	e := entityOf(u)
	c.known["users/"+u.ID] = e
	c.joined[e.who] = append(c.joined[e.who], c.now())
}

// answered counts the calls to a path that were answered.
func (c *cms) answered(path string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.calls {
		if l.path == path && l.answered && l.status == http.StatusOK {
			n++
		}
	}
	return n
}

// called counts the writes to a person.
func (c *cms) called(who string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.calls {
		if l.write() && l.who == who {
			n++
		}
	}
	return n
}

// cut notes that a process was killed: what is under way has nobody left to answer to.
func (c *cms) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts = append(c.cuts, c.now())
}

// person is everything that the CMS has of an address.
type person struct {
	collaborators, invitations []entity
}

// people reads the CMS, by address.
func (c *cms) people() map[string]person {
	out := map[string]person{}
	s := c.server.State()
	for _, r := range s.Users {
		e := entityOf(r)
		p := out[e.who]
		p.collaborators = append(p.collaborators, e)
		out[e.who] = p
	}
	for _, r := range s.Invitations {
		e := entityOf(r)
		p := out[e.who]
		p.invitations = append(p.invitations, e)
		out[e.who] = p
	}
	return out
}

// roles gives the ids of the CMS's roles by name.
func (c *cms) roles() map[string]string {
	out := map[string]string{}
	for _, r := range c.server.State().Roles {
		out[r.Text("name")] = r.ID
	}
	return out
}

// disagrees says how a person in the CMS differs from a wish; "" when it does not. role is the id that an active one has.
func (p person) disagrees(active bool, role string) string {
	switch n := len(p.collaborators) + len(p.invitations); {
	case n > 1:
		return fmt.Sprintf("is in the CMS %d times", n)
	case !active && len(p.invitations) > 0:
		return "is invited, but has left"
	case !active && len(p.collaborators) > 0 && p.collaborators[0].active:
		return "is active, but has left"
	case !active:
		return ""
	case n == 0:
		return "is lost: not in the CMS"
	}
	e := append(p.collaborators, p.invitations...)[0]
	switch {
	case !e.active:
		return "is inactive in the CMS"
	case e.role != role:
		return fmt.Sprintf("has role %s, not %s", e.role, role)
	}
	return ""
}
