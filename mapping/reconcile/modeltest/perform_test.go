package modeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// maxClients is how many requests of the identity provider are under way at a time.
const maxClients = 4

// perform begins an operation and lets some of what follows happen.
func (w *world) perform(n int, o op) {
	w.rng = rand.New(rand.NewPCG(o.Seed, uint64(n)))
	w.mu.Lock()
	w.note("%d: %s", n, o)
	w.report.operations++
	w.mu.Unlock()
	switch {
	case w.request(n, o):
	case w.edit(n, o):
	default:
		w.trouble(o)
	}
	for range o.Steps {
		w.turn()
	}
	for n := range 5000 {
		w.waiting()
		w.mu.Lock()
		enough := w.clients < maxClients
		w.mu.Unlock()
		if enough {
			break
		}
		if n == 0 {
			w.gates.thaw() // nobody would be answered
		}
		w.turn()
	}
}

// client runs a request of the identity provider on a replica, and notes what it was told.
func (w *world) client(e *event, do func(ctx context.Context, r *replica) error) {
	alive := w.alive()
	r := alive[w.rng.IntN(len(alive))]
	w.mu.Lock()
	w.clients++
	w.tick++
	e.start = w.tick
	w.history = append(w.history, e)
	w.mu.Unlock()
	w.running.Go(func() {
		err := do(as(context.Background(), fmt.Sprintf("op%d", e.n)), r)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answers = append(w.answers, answer{e, err})
	})
}

// answer is what a client was told.
type answer struct {
	*event
	err error
}

func outcomeOf(err error) outcome {
	var conflict *directory.ConflictError
	var rejected *reconcile.RejectedError
	switch {
	case err == nil:
		return accepted
	case errors.As(err, &rejected):
		return maybe
	case errors.As(err, &conflict), errors.Is(err, directory.ErrNotFound), errors.Is(err, directory.ErrStale),
		errors.Is(err, reconcile.ErrProtected), errors.Is(err, errNobody):
		return noEffect
	}
	return maybe
}

var errNobody = errors.New("nobody there")

// find looks whether somebody is there, as identity providers do before every write.
func find(ctx context.Context, r *replica, person int) (directory.User, error) {
	for _, name := range []string{"p%d", "p%d-renamed"} {
		p, err := r.engine.FindUsers(ctx, directory.ByUserName, fmt.Sprintf(name, person), directory.Window{Count: 1})
		if err != nil {
			return directory.User{}, err
		}
		if len(p.Items) > 0 {
			return p.Items[0], nil
		}
	}
	return directory.User{}, errNobody
}

func findGroup(ctx context.Context, r *replica, name string) (directory.Group, error) {
	p, err := r.engine.FindGroups(ctx, directory.ByDisplayName, name, directory.Window{Count: 1}, 0)
	if err == nil && len(p.Items) == 0 {
		err = errNobody
	}
	if err != nil {
		return directory.Group{}, err
	}
	return p.Items[0], nil
}

func doc(n int, title string) []byte {
	b, _ := json.Marshal(map[string]any{"n": n, "title": title})
	return b
}

// nonce says which operation wrote a document, and with which title.
func nonce(doc string) (n int, title string) {
	var d struct {
		N     *int
		Title string
	}
	if json.Unmarshal([]byte(doc), &d) != nil || d.N == nil {
		return -1, ""
	}
	return *d.N, d.Title
}

// request begins a write of the identity provider, if o is one.
func (w *world) request(n int, o op) bool {
	e := &event{n: n, outcome: maybe}
	group := teams[o.A%len(teams)]
	switch o.Kind {
	case "put":
		w.client(e, func(ctx context.Context, r *replica) error { return w.put(ctx, r, e, o) })
	case "activate", "deactivate", "rename", "repush":
		w.client(e, func(ctx context.Context, r *replica) error { return w.patch(ctx, r, e, o) })
	case "delete":
		w.client(e, func(ctx context.Context, r *replica) error {
			u, err := find(ctx, r, o.A)
			if err != nil {
				return err
			}
			e.user, e.deletes = u.ID, true
			return r.engine.DeleteUser(ctx, u.ID, nil)
		})
	case "group":
		w.client(e, func(ctx context.Context, r *replica) error {
			res, err := r.engine.CreateGroup(ctx, directory.GroupWish{Name: group}, nil, -1)
			e.group, e.name = res.Item.ID, group
			return err
		})
	case "regroup":
		w.client(e, func(ctx context.Context, r *replica) error {
			g, err := findGroup(ctx, r, teams[o.A%3]) // a role found in the CMS keeps its name: Author would be taken
			if err != nil {
				return err
			}
			to := teams[o.B%len(teams)]
			e.group, e.name = g.ID, to
			_, err = r.engine.UpdateGroup(ctx, g.ID, reconcile.GroupEdit{Name: &to, Limit: -1})
			return err
		})
	case "ungroup":
		w.client(e, func(ctx context.Context, r *replica) error {
			g, err := findGroup(ctx, r, group)
			if err != nil {
				return err
			}
			e.group, e.deletes = g.ID, true
			return r.engine.DeleteGroup(ctx, g.ID, nil)
		})
	case "join", "leave", "members":
		w.client(e, func(ctx context.Context, r *replica) error { return w.members(ctx, r, e, o) })
	default:
		return false
	}
	return true
}

func (w *world) put(ctx context.Context, r *replica, e *event, o op) error {
	u, err := find(ctx, r, o.A)
	if err != nil && !errors.Is(err, errNobody) {
		return err
	}
	address := addresses[o.B%len(addresses)]
	wish := directory.UserWish{
		UserName: fmt.Sprintf("p%d", o.A), ExternalID: fmt.Sprintf("x%d-%d", o.A, o.C&8>>3), Address: address, Emails: []string{address},
		Active: o.C&4 == 0, Doc: doc(e.n, titles[o.C%3]),
	}
	e.wish = &wish
	if u.ID != "" {
		e.user, wish.UserName = u.ID, u.UserName
		_, err := r.engine.UpdateUser(ctx, u.ID, func(directory.User) (directory.UserWish, error) { return wish, nil })
		return err
	}
	res, err := r.engine.CreateUser(ctx, wish)
	e.user = res.Item.ID
	return err
}

func (w *world) patch(ctx context.Context, r *replica, e *event, o op) error {
	u, err := find(ctx, r, o.A)
	if err != nil {
		return err
	}
	e.user = u.ID
	_, err = r.engine.UpdateUser(ctx, u.ID, func(cur directory.User) (directory.UserWish, error) {
		_, title := nonce(string(cur.Doc))
		wish := directory.UserWish{
			UserName: cur.UserName, ExternalID: cur.External, Address: cur.Address, Emails: []string{cur.Address},
			Active: cur.Active, Doc: doc(e.n, title),
		}
		switch o.Kind {
		case "activate":
			wish.Active = true
		case "deactivate":
			wish.Active = false
		case "rename":
			wish.UserName = fmt.Sprintf("p%d", o.A)
			if cur.UserName == wish.UserName {
				wish.UserName += "-renamed"
			}
		case "repush": // the very same
			wish.Doc = cur.Doc
			e.same, e.off = true, !cur.Active
			return wish, nil
		}
		e.wish = &wish
		return wish, nil
	})
	return err
}

func (w *world) members(ctx context.Context, r *replica, e *event, o op) error {
	name := teams[o.B%len(teams)]
	if o.Kind == "members" {
		name = teams[o.A%len(teams)]
	}
	g, err := findGroup(ctx, r, name)
	if err != nil {
		return err
	}
	var change directory.MemberChange
	e.joins, e.leaves = map[string]bool{}, map[string]bool{}
	for p := range people {
		if (o.Kind == "members" && o.C>>p&1 == 0) || (o.Kind != "members" && p != o.A) {
			continue
		}
		u, err := find(ctx, r, p)
		switch {
		case errors.Is(err, errNobody):
			continue
		case err != nil:
			return err
		case o.Kind == "leave":
			change.Remove = append(change.Remove, u.ID)
			e.leaves[u.ID] = true
		default:
			change.Add = append(change.Add, u.ID)
			e.joins[u.ID] = true
		}
	}
	change.Replace = o.Kind == "members"
	e.group, e.replaces = g.ID, change.Replace
	_, err = r.engine.UpdateGroup(ctx, g.ID, reconcile.GroupEdit{Members: change, Limit: -1})
	return err
}

// edit is what people do in the CMS.
func (w *world) edit(n int, o op) bool {
	s := w.cms.State()
	touch := func(address string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.touched[strings.ToLower(address)] = true
	}
	pick := func(from []cmstest.Resource) (cmstest.Resource, bool) {
		var may []cmstest.Resource
		for _, r := range from {
			if !w.untouchable(r.Text("email")) {
				may = append(may, r)
			}
		}
		if len(may) == 0 {
			return cmstest.Resource{}, false
		}
		return may[(o.A*8+o.B)%len(may)], true
	}
	inv, invited := pick(s.Invitations)
	usr, joined := pick(s.Users)
	roleName := []string{"Viewer", "Author", "Editor"}[o.C%3]
	switch o.Kind {
	case "accept":
		if invited {
			_, _ = w.cms.Accept(inv.ID)
		}
	case "expire", "withdraw":
		if !invited {
			return true
		}
		touch(inv.Text("email"))
		if o.Kind == "expire" {
			_, _ = w.cms.Expire(inv.ID)
		} else {
			_ = w.cms.Withdraw(inv.ID)
		}
	case "edit role", "edit active":
		if !joined {
			return true
		}
		w.mu.Lock()
		w.edited[strings.ToLower(usr.Text("email"))] = true
		w.mu.Unlock()
		if on := o.C&4 == 0; o.Kind == "edit active" {
			_, _ = w.cms.EditUser(usr.ID, cmstest.NewUser{Active: &on})
		} else {
			_, _ = w.cms.EditUser(usr.ID, cmstest.NewUser{Role: roleName})
		}
	case "edit address", "remove":
		if !joined {
			return true
		}
		touch(usr.Text("email"))
		switch o.Kind {
		case "edit address":
			to := fmt.Sprintf("moved-%d@x.org", n)
			touch(to)
			_, _ = w.cms.EditUser(usr.ID, cmstest.NewUser{Email: to})
		default:
			_ = w.cms.RemoveUser(usr.ID)
		}
	case "rename role", "drop role":
		w.editRole(n, o, s)
	default:
		return false
	}
	return true
}

func (w *world) editRole(n int, o op, s cmstest.State) {
	var own []cmstest.Resource
	for _, r := range s.Roles {
		if !builtIn(r.Text("name")) {
			own = append(own, r)
		}
	}
	if len(own) == 0 {
		return
	}
	w.byHand = true
	r := own[o.A%len(own)]
	if o.Kind == "drop role" {
		_ = w.admin.DeleteRole(context.Background(), r.ID)
		return
	}
	_, _ = w.admin.UpdateRole(context.Background(), r.ID, cmsclient.RoleAttributes{Name: fmt.Sprintf("%s by hand %d", r.Text("name"), n)})
}

// faults are what the CMS does to one call.
var faults = []cmstest.Fault{
	{Action: cmstest.Status, Status: 500}, {Action: cmstest.Status, Status: 503, Transient: true},
	{Action: cmstest.Status, Status: 500, Applied: true}, {Action: cmstest.Status, Status: 422, Code: "PLAN_UPGRADE_REQUIRED"},
	{Action: cmstest.Status, Status: 422, Code: "SOMETHING_UNLISTED"}, {Action: cmstest.Status, Status: 503, Code: "MAINTENANCE_MODE"},
	{Action: cmstest.RateLimit, Reset: 2}, {Action: cmstest.DropBefore}, {Action: cmstest.DropAfter}, {Action: cmstest.DropAfter},
	{Action: cmstest.Delay, MS: 3000}, {Action: cmstest.Delay, MS: 9000}, {Action: cmstest.Delay, MS: 9000, Late: true},
	{Action: cmstest.HTML}, {Action: cmstest.HTML, Status: 200, Applied: true}, {Action: cmstest.Job}, {Action: cmstest.Job, Polls: 3}, {Action: cmstest.Job, Polls: -1},
}

// longWaits are for how long calls may be held up.
var longWaits = [...]time.Duration{6 * time.Second, 9 * time.Second, 16 * time.Second, 31 * time.Second}

// beyondLease is one of longWaits: more than a lease lasts.
const beyondLease = 2

// trouble is everything else that happens.
func (w *world) trouble(o op) {
	alive := w.alive()
	r := alive[o.A%len(alive)]
	ctx := as(r.ctx, "operator")
	counted := func(what string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.count(what)
	}
	switch o.Kind {
	case "import":
		w.pushImport(r)
	case "wait":
		let(time.Duration(1+o.C) * 100 * time.Millisecond)
	case "long wait":
		d := longWaits[o.B%len(longWaits)]
		if len(w.waiting()) > 0 {
			counted("calls held up for " + d.String())
		}
		let(d)
	case "fault":
		f := faults[(o.A*31+o.B*7+o.C)%len(faults)]
		f.Method, f.Times = []string{"POST", "PUT", "DELETE", "*"}[o.C%4], 1
		if f.Action == cmstest.Job && f.Method == "*" {
			f.Method = "POST"
		}
		counted("fault " + string(f.Action))
		w.must(w.cms.Fault(f))
	case "kill":
		r.doomed = 1 + o.C
	case "start":
		if len(alive) < 3 {
			w.start()
		}
	case "redis":
		w.restartRedis()
	case "lose":
		w.lose()
	case "token":
		counted("token revoked or restored")
		w.cms.SetToken(o.C%2 == 0)
	case "freeze":
		w.gates.freeze(r)
	case "thaw":
		w.gates.thaw()
	case "pause":
		w.running.Go(func() { _ = r.queue.Pause(ctx) })
	case "resume":
		w.running.Go(func() { _ = r.queue.Resume(ctx) })
	case "replay":
		w.running.Go(func() { _, _ = r.queue.ReplayAll(ctx) })
	default:
		w.operate(o, r)
	}
}

// operate is what an operator does with one or all of the keys that are kept aside.
func (w *world) operate(o op, r *replica) {
	set := map[string]string{"replay one": "parked", "drop": "parked"}[o.Kind]
	if set == "" {
		set = "held"
	}
	keys := w.side.ZRange(context.Background(), w.base+":q:"+set, 0, -1).Val()
	if len(keys) == 0 {
		return
	}
	if o.Kind != "release" {
		keys = keys[o.B%len(keys):][:1]
	}
	ctx := as(r.ctx, "operator")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count("operator: " + o.Kind)
	switch o.Kind {
	case "replay one":
		w.running.Go(func() { _, _ = r.queue.Replay(ctx, keys...) })
	case "drop":
		w.dropped[keys[0]] = true
		w.running.Go(func() { _, _ = r.queue.Drop(ctx, keys[0]) })
	case "discard":
		w.dropped[keys[0]] = true
		w.running.Go(func() { _, _ = r.engine.Discard(ctx, keys...) })
	default:
		w.release(ctx, r, keys)
	}
}

// release lets what the brake holds go. The caller holds w.mu.
func (w *world) release(ctx context.Context, r *replica, keys []string) {
	for _, k := range keys {
		w.released[k] = true
	}
	w.running.Go(func() { _, _ = r.engine.Release(ctx, keys...) })
}

// lose breaks one call's connection.
func (w *world) lose() {
	waiting := w.waiting()
	if len(waiting) == 0 {
		return
	}
	g := waiting[w.rng.IntN(len(waiting))]
	f := w.lot(g.cms)
	w.mu.Lock()
	w.count(map[bool]string{true: "CMS", false: "Redis"}[g.cms] + " call lost " + [...]string{"", "before", "after", "on its way"}[f])
	w.note("lost (%d): %s", f, g.name)
	w.mu.Unlock()
	w.gates.release(g, f)
}
