//go:build unix

package main_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// groupNames are the groups of a fleet; each gets a role of its own.
var groupNames = []string{"Team Alpha", "Team Beta", "Team Gamma"}

// fleet is a number of clients that push people and memberships in parallel, each its own people, and know at every
// moment what was accepted.
type fleet struct {
	w       *world
	clients []*client
	groups  []string // ids, oldest first
	base    atomic.Value
	// strict: a request without an answer must not have been carried out.
	strict bool
	// refusedWith, if set, is the status that means "not now": who gets it does not know the outcome.
	refusedWith int
	// teams: clients have groups of their own, too, which they create, rename and delete.
	teams bool

	pushes, unanswered, kept, refused atomic.Int64
	trips                             chan trip

	mu       sync.Mutex
	problems []string
}

// trip is to be told when so many pushes are answered.
type trip struct {
	at   int64
	done chan struct{}
}

// client is one of a fleet. It sends one request at a time.
type client struct {
	*fleet
	okta
	n      int
	rng    *rand.Rand
	left   int // pushes to make
	people []*human
	teams  []*team // oldest first
	made   int     // people thought of
	named  int     // names of teams thought of
	open   *push   // sent, and not answered
	last   *push
	told   []string // what became of writes that were not simply accepted
}

// human is somebody as the identity provider has them.
type human struct {
	name, id string
	active   bool
	groups   [3]bool
}

// push is one write.
type push struct {
	kind        string // create, active, members, or one about a team
	h           *human
	active      bool
	group       int
	team        *team
	name        string // of the team from now on
	add, remove []*human
}

func newFleet(w *world, clients, pushes int) *fleet {
	f := &fleet{w: w}
	f.base.Store("")
	at := func() string { s, _ := f.base.Load().(string); return s }
	for n := range clients {
		c := &client{fleet: f, n: n, rng: w.stage.rng(uint64(1000 + n)), left: pushes / clients, okta: okta{client: w.client, base: at}}
		if n < pushes%clients {
			c.left++
		}
		f.clients = append(f.clients, c)
	}
	return f
}

// use sends what follows to a process.
func (f *fleet) use(p *process) { f.base.Store(p.scim) }

// addGroups pushes the groups, empty, each as often as it takes.
func (f *fleet) addGroups() {
	f.w.t.Helper()
	for _, name := range groupNames {
		until(f.w.t, patience, func() string {
			id, err := f.addGroup(name)
			if r, ok := errors.AsType[*refusal](err); ok && r.status == f.refusedWith {
				return err.Error()
			}
			if err != nil {
				f.w.t.Fatal(err)
			}
			f.groups = append(f.groups, id)
			return ""
		})
	}
}

func (f *fleet) addGroup(name string) (id string, err error) {
	ctx := f.w.t.Context()
	found, err := f.clients[0].findGroup(ctx, name)
	if err != nil || len(found) > 0 {
		return append(found, group{})[0].ID, err
	}
	var g group
	body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name, "members": []any{}}
	err = f.clients[0].want(ctx, http.StatusCreated, request{http.MethodPost, "/Groups", body}, &g)
	return g.ID, err
}

// after gives a channel that is closed when so many pushes are answered.
func (f *fleet) after(pushes int) <-chan struct{} {
	tr := trip{at: int64(pushes), done: make(chan struct{})}
	f.trips = make(chan trip, 1)
	f.trips <- tr
	return tr.done
}

// run has every client push until it has made its pushes or work gives its error, and returns a channel that is closed
// when all have stopped.
func (f *fleet) run(work func(*client) error) <-chan struct{} {
	var running sync.WaitGroup
	for _, c := range f.clients {
		running.Go(func() {
			if err := work(c); err != nil && !errors.Is(err, errUnanswered) {
				f.problem("client %d: %v", c.n, err)
			}
		})
	}
	stopped := make(chan struct{})
	go func() {
		running.Wait()
		close(stopped)
	}()
	return stopped
}

func (f *fleet) problem(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems = append(f.problems, fmt.Sprintf(format, args...))
}

// push makes pushes until there are none left or one gets no answer. Before that it finds out what became of the last
// one without an answer.
func (c *client) push() error {
	for c.left > 0 {
		if c.open != nil {
			if err := c.unknown(c.resolve()); err != nil {
				return err
			}
			c.open = nil
		}
		p := c.next()
		c.last = p
		if err := c.unknown(c.send(p)); err != nil {
			if errors.Is(err, errUnanswered) {
				c.unanswered.Add(1)
				c.open = p
				c.tell("%s of %s: %v", p.kind, p.h, err)
			}
			return err
		}
		c.accepted(p)
		c.left--
		c.answered()
	}
	return nil
}

// unknown makes errUnanswered of refusals that stand for it.
func (c *client) unknown(err error) error {
	r, ok := errors.AsType[*refusal](err)
	if !ok || r.status != c.refusedWith {
		return err
	}
	c.refused.Add(1)
	if r.header.Get("Retry-After") == "" || r.header.Get("Content-Type") != "application/scim+json; charset=utf-8" {
		return fmt.Errorf("a refusal without Retry-After or SCIM body: %w", err)
	}
	return fmt.Errorf("%w: %w", errUnanswered, err)
}

// answered counts a push. After some, one of the invited accepts.
func (c *client) answered() {
	n := c.pushes.Add(1)
	if n%9 == 0 {
		c.w.cms.accept(func(invited []cmstest.Resource) int { return c.rng.IntN(len(invited)) })
	}
	select {
	case t := <-c.trips:
		if n >= t.at {
			close(t.done)
			return
		}
		c.trips <- t
	default:
	}
}

// next draws a push that makes sense to Okta.
func (c *client) next() *push {
	if c.fleet.teams && c.rng.IntN(7) == 0 {
		if p := c.nextTeam(); p != nil {
			return p
		}
	}
	active := func(h *human) bool { return h.active }
	h := c.any(active)
	switch x := c.rng.IntN(100); {
	case h == nil || x < 50:
		c.made++
		return &push{kind: "create", h: &human{name: fmt.Sprintf("c%02d-%03d", c.n, c.made)}}
	case x < 68:
		return &push{kind: "active", h: h}
	case x < 75:
		if gone := c.any(func(h *human) bool { return !h.active }); gone != nil {
			return &push{kind: "active", h: gone, active: true}
		}
		return &push{kind: "active", h: h}
	}
	p := &push{kind: "members", group: c.rng.IntN(len(groupNames))}
	for _, h := range c.people {
		switch {
		case c.rng.IntN(4) != 0 || len(p.add)+len(p.remove) > 5:
		case h.groups[p.group]:
			p.remove = append(p.remove, h)
		case h.active:
			p.add = append(p.add, h)
		}
	}
	if len(p.add)+len(p.remove) == 0 {
		return &push{kind: "active", h: h}
	}
	return p
}

func (c *client) any(of func(*human) bool) *human {
	var all []*human
	for _, h := range c.people {
		if of(h) {
			all = append(all, h)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[c.rng.IntN(len(all))]
}

func (c *client) send(p *push) error {
	ctx := c.w.t.Context()
	if p.aboutTeam() {
		return c.sendTeam(ctx, p)
	}
	switch p.kind {
	case "create":
		found, err := c.find(ctx, p.h.address())
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%s is there before it was pushed", p.h.name)
		}
		var u user
		if err := c.want(ctx, http.StatusCreated, request{http.MethodPost, "/Users", newUser(p.h.name)}, &u); err != nil {
			return err
		}
		p.h.id = u.ID
		return p.h.complete(u)
	case "active":
		body := patch(op("replace", nil, map[string]any{"active": p.active}))
		return c.want(ctx, http.StatusOK, request{http.MethodPatch, "/Users/" + p.h.id, body}, nil)
	}
	got, err := c.do(ctx, http.MethodPatch, "/Groups/"+c.groupID(p), members(ids(p.remove), ids(p.add)))
	if err == nil && got.status != http.StatusOK && got.status != http.StatusNoContent {
		err = &refusal{request: request{method: http.MethodPatch, path: "/Groups"}, reply: got}
	}
	return err
}

// rejected says that the CMS refused to have somebody: the record is not live.
func (u user) rejected() bool { return !u.Active && u.Sync.Status == "failed" }

func ids(all []*human) []string {
	out := make([]string, 0, len(all))
	for _, h := range all {
		out = append(out, h.id)
	}
	return out
}

// String names a person; nobody is one, too: what is about a group has none.
func (h *human) String() string {
	if h == nil {
		return "a group"
	}
	return h.name
}

// tell keeps what became of a write, for when the outcome is wrong.
func (c *client) tell(format string, args ...any) {
	c.told = append(c.told, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (h *human) address() string { return h.name + "@example.com" }

// complete says what a created user lacks.
func (h *human) complete(u user) error {
	if u.ID == "" || u.UserName != h.address() || u.ExternalID != "00u"+h.name || u.Name.Given != h.name ||
		u.Name.Family != "Example" || len(u.Emails) != 1 || u.Emails[0].Value != h.address() || !u.Active {
		return fmt.Errorf("%s is not complete: %+v", h.name, u)
	}
	return nil
}

// accepted notes what is wished from now on.
func (c *client) accepted(p *push) {
	switch {
	case p.aboutTeam():
		c.acceptedTeam(p)
	case p.kind == "create":
		p.h.active = true
		c.people = append(c.people, p.h)
	case p.kind == "active":
		p.h.active = p.active
	default:
		for i, h := range append(slices.Clip(p.add), p.remove...) {
			if p.team != nil {
				p.team.members[h] = i < len(p.add)
			} else {
				h.groups[p.group] = i < len(p.add)
			}
		}
	}
}

// resolve finds out whether the push without an answer was carried out: all of it, or nothing.
func (c *client) resolve() error {
	done, err := c.wasDone(c.open)
	if err != nil {
		return err
	}
	c.tell("%s of %s was carried out: %t", c.open.kind, c.open.h, done)
	if !done {
		return nil
	}
	if c.strict {
		return fmt.Errorf("%s was accepted, but its sender got no answer", c.open.kind)
	}
	c.kept.Add(1)
	c.accepted(c.open)
	return nil
}

func (c *client) wasDone(p *push) (bool, error) {
	ctx := c.w.t.Context()
	if p.aboutTeam() {
		return c.teamWasDone(ctx, p)
	}
	switch p.kind {
	case "create":
		found, err := c.find(ctx, p.h.address())
		if err != nil || len(found) == 0 || found[0].rejected() {
			return false, err
		}
		p.h.id = found[0].ID
		return true, p.h.complete(found[0])
	case "active":
		u, err := c.user(ctx, p.h.id)
		return u.Active == p.active, err
	}
	g, err := c.group(ctx, c.groupID(p))
	if err != nil {
		return false, err
	}
	done, undone := 0, 0
	for i, h := range append(p.add, p.remove...) {
		if g.member(h.id) == (i < len(p.add)) {
			done++
		} else {
			undone++
		}
	}
	if done > 0 && undone > 0 {
		return false, fmt.Errorf("a change of membership was carried out by half: %d of %d", done, done+undone)
	}
	return undone == 0, nil
}
