//go:build unix

package main_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

const (
	crowdClients = 64
	crowdWrites  = 14 // of each client
	crowdUsers   = 20
	// The members of each group among the first ownedUsers users are each one client's business; the rest is everybody's.
	ownedUsers = 16
)

// crowdGroups are the groups that everybody writes to: two with roles of their own, one whose role a rule names.
var crowdGroups = []string{"Team Alpha", "Team Beta", "Reviewers Gamma"}

// crowd is many clients that write to the same few users and groups, through two processes.
type crowd struct {
	w             *world
	a, b          okta
	users, groups []string // ids

	mu       sync.Mutex
	accepted map[string]map[string]wish // by user and by the mark of the write
	seen     map[string]map[int]user    // by user and version: what was answered
	unlike   []string
}

// wish is what one accepted write asked for; "" for what it did not ask.
type wish struct{ active, title string }

// proveTwoProcesses has 64 clients write to the same 20 users and 3 groups through two processes on one Redis, while the
// CMS loses some calls. In the end the CMS has what was accepted last, no write or member is lost, and the log of calls
// shows one write at a time to each person, and a look after every call that was lost.
func proveTwoProcesses(t *testing.T, s stage) {
	w := newWorld(t, s, "none")
	a, b := w.serve(), w.serve()
	c := &crowd{w: w, a: w.okta(a), b: w.okta(b), accepted: map[string]map[string]wish{}, seen: map[string]map[int]user{}}
	c.populate()
	w.settle(patience)
	rng := s.rng(2)
	w.cms.behave(func(l *call) manner {
		m := manner{delay: time.Duration(2+rng.IntN(20)) * time.Millisecond}
		if l.write() {
			x := rng.IntN(100)
			m.lost, m.lostUnasked = x < 3, x == 3
		}
		return m
	})
	began := time.Now()
	owned := make([]map[string]bool, crowdClients)
	errs := make([]error, crowdClients)
	var running sync.WaitGroup
	for n := range crowdClients {
		running.Go(func() { owned[n], errs[n] = c.client(n) })
	}
	running.Wait()
	writing := time.Since(began)
	w.cms.behave(nil)
	for n, err := range errs {
		if err != nil {
			t.Errorf("client %d: %v", n, err)
		}
	}
	took := w.settle(lateTime + patience)
	total := c.verifyUsers()
	c.verifyMembers(owned)
	violations, writes, lost := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	for _, p := range []*process{a, b} {
		if n := w.metric(p, `scimcms_sync_total{kind="user",outcome="done",project="`+project+`"}`); n == 0 {
			t.Errorf("%s took no part", p.scim)
		}
	}
	verdict(t, "%d clients, %d writes to %d users and %d groups accepted by two processes in %s, none answered 5xx; %d CMS writes, %d of them lost; "+
		"queue empty %s later; the CMS has the last accepted wish of every user, no member lost, no write repeated or made without a look",
		crowdClients, total, crowdUsers, len(crowdGroups), writing.Round(100*time.Millisecond), writes, lost, took.Round(100*time.Millisecond))
}

func (c *crowd) populate() {
	t := c.w.t
	t.Helper()
	for n := range crowdUsers {
		var u user
		name := fmt.Sprintf("user-%02d", n)
		if err := c.a.want(t.Context(), http.StatusCreated, request{http.MethodPost, "/Users", newUser(name)}, &u); err != nil {
			t.Fatal(err)
		}
		c.users = append(c.users, u.ID)
		c.accepted[u.ID], c.seen[u.ID] = map[string]wish{}, map[int]user{}
		if n%5 < 3 {
			c.w.cms.accept(func([]cmstest.Resource) int { return 0 })
		}
	}
	for _, name := range crowdGroups {
		var g group
		body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name, "members": []any{}}
		if err := c.b.want(t.Context(), http.StatusCreated, request{http.MethodPost, "/Groups", body}, &g); err != nil {
			t.Fatal(err)
		}
		c.groups = append(c.groups, g.ID)
	}
}

// client makes the writes of one client, and gives the members that are only its business, as it left them.
func (c *crowd) client(n int) (owned map[string]bool, err error) {
	rng := c.w.stage.rng(uint64(100 + n))
	owned = map[string]bool{}
	for i := range crowdWrites {
		o := c.a
		if rng.IntN(2) == 0 {
			o = c.b
		}
		id, mark := c.users[rng.IntN(len(c.users))], fmt.Sprintf("c%02d-%02d", n, i)
		title := []string{"Contractor", "Engineer"}[rng.IntN(2)]
		switch x := rng.IntN(100); {
		case x < 35:
			active := rng.IntN(2) == 0
			err = c.write(o, id, mark, wish{active: strconv.FormatBool(active)}, patch(
				op("replace", nil, map[string]any{"active": active, "nickName": mark})))
		case x < 65:
			err = c.write(o, id, mark, wish{title: title}, patch(op("replace", "title", title), op("replace", "nickName", mark)))
		case x < 75:
			err = c.replace(o, id, mark, title)
		default:
			err = c.changeMembers(o, n, rng, owned)
		}
		if err != nil {
			return owned, err
		}
	}
	return owned, nil
}

func (c *crowd) write(o okta, id, mark string, w wish, body any) error {
	var u user
	if err := o.want(c.w.t.Context(), http.StatusOK, request{http.MethodPatch, "/Users/" + id, body}, &u); err != nil {
		return err
	}
	c.note(id, mark, w, u)
	return nil
}

// replace is the update of Okta's other kind of app: GET, overlay, PUT of everything. What it says of active counts only
// where nobody deactivated the user since the GET, so it is no wish of ours.
func (c *crowd) replace(o okta, id, mark, title string) error {
	var whole map[string]any
	if err := o.want(c.w.t.Context(), http.StatusOK, request{http.MethodGet, "/Users/" + id, nil}, &whole); err != nil {
		return err
	}
	whole["title"], whole["nickName"] = title, mark
	var u user
	if err := o.want(c.w.t.Context(), http.StatusOK, request{http.MethodPut, "/Users/" + id, whole}, &u); err != nil {
		return err
	}
	c.note(id, mark, wish{title: title}, u)
	return nil
}

// note keeps an accepted write, and what was answered under the version.
func (c *crowd) note(id, mark string, w wish, u user) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted[id][mark] = w
	v := u.version()
	before, found := c.seen[id][v]
	if found && (before.Active != u.Active || before.Title != u.Title || before.NickName != u.NickName) {
		c.unlike = append(c.unlike, fmt.Sprintf("user %s version %d was answered as %+v and as %+v", id, v, before, u))
	}
	c.seen[id][v] = u
}

func (u user) version() int {
	n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(u.Meta.Version, "W/"), `"`))
	if err != nil {
		return -1
	}
	return n
}

// changeMembers adds or removes the member that is the client's business alone, if it has one, and one that is everybody's.
func (c *crowd) changeMembers(o okta, n int, rng *rand.Rand, owned map[string]bool) error {
	g := rng.IntN(len(c.groups))
	var add, remove []string
	put := func(id string, in bool) {
		if in {
			add = append(add, id)
		} else {
			remove = append(remove, id)
		}
	}
	put(c.users[ownedUsers+rng.IntN(crowdUsers-ownedUsers)], rng.IntN(2) == 0)
	mine := n < ownedUsers*len(c.groups)
	in := rng.IntN(2) == 0
	if mine {
		g = n / ownedUsers
		put(c.users[n%ownedUsers], in)
	}
	got, err := o.do(c.w.t.Context(), http.MethodPatch, "/Groups/"+c.groups[g], members(remove, add))
	if err == nil && got.status >= 300 {
		err = &refusal{request: request{method: http.MethodPatch, path: "/Groups"}, reply: got}
	}
	if err == nil && mine {
		owned[c.groups[g]+" "+c.users[n%ownedUsers]] = in
	}
	return err
}

// verifyUsers reads every user and compares: with what was accepted last, and with the CMS.
func (c *crowd) verifyUsers() (writes int) {
	t := c.w.t
	t.Helper()
	for _, text := range c.unlike {
		t.Error(text)
	}
	inCMS, roles := c.w.cms.people(), c.w.cms.roles()
	groups := c.read()
	for _, id := range c.users {
		u, err := c.b.user(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		marks := c.accepted[id]
		writes += len(marks)
		last, found := marks[u.NickName]
		switch newest := slices.Max(append(slices.Collect(maps.Keys(c.seen[id])), 0)); {
		case !found && len(marks) > 0:
			t.Errorf("%s: the write %q that the record has was never accepted", u.UserName, u.NickName)
		case u.version() != 1+len(marks):
			t.Errorf("%s: %d writes were accepted, and the record counts %d", u.UserName, len(marks), u.version()-1)
		case newest > u.version():
			t.Errorf("%s: version %d was answered, and the record has %d", u.UserName, newest, u.version())
		case last.active != "" && last.active != strconv.FormatBool(u.Active), last.title != "" && last.title != u.Title:
			t.Errorf("%s: the last accepted write is %+v, and the record has active=%t title=%q", u.UserName, last, u.Active, u.Title)
		}
		if u.Sync.Status != "synced" {
			t.Errorf("%s is %s: %s", u.UserName, u.Sync.Status, u.Sync.LastError)
		}
		role := "Viewer"
		switch {
		case groups[2].member(id):
			role = "Reviewer"
		case u.Title == "Contractor":
			role = "Contributor"
		case groups[0].member(id):
			role = crowdGroups[0]
		case groups[1].member(id):
			role = crowdGroups[1]
		}
		if wrong := inCMS[u.UserName].disagrees(u.Active, roles[role]); wrong != "" {
			t.Errorf("%s (active=%t, role %s=%s) %s; %s", u.UserName, u.Active, role, roles[role], wrong, c.w.cms.story(u.UserName))
		}
	}
	return writes
}

func (c *crowd) read() (out []group) {
	c.w.t.Helper()
	for _, id := range c.groups {
		g, err := c.a.group(c.w.t.Context(), id)
		if err != nil {
			c.w.t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

// verifyMembers replays what was accepted of the members that only one client touched.
func (c *crowd) verifyMembers(owned []map[string]bool) {
	c.w.t.Helper()
	for _, g := range c.read() {
		for n, mine := range owned {
			for key, in := range mine {
				gid, uid, _ := strings.Cut(key, " ")
				if gid == g.ID && g.member(uid) != in {
					c.w.t.Errorf("client %d left user %s in=%t in a group, which has it in=%t", n, uid, in, !in)
				}
			}
		}
	}
}
