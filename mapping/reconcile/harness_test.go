package reconcile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

const project = "site"

// rig is one project on a store of its own with an emulated CMS. Time stands still unless a test moves it; workers are
// the test's own calls of work.
type rig struct {
	t      testing.TB
	ctx    context.Context
	clock  *queuetest.Clock
	store  queuetest.Store
	cms    *cmstest.Server
	queue  *queue.Queue
	dir    *directory.Directory
	engine *reconcile.Engine
	client *cmsclient.Client
	gate   gate
	strict bool // users.adopt is false
	blank  bool // the CMS lists nobody, whoever is there
}

// gate lets every call pass, after wait, or as inner says.
type gate struct {
	wait  func()
	inner cmsclient.Gate
}

func (g *gate) Wait(ctx context.Context) error {
	if g.wait != nil {
		g.wait()
	}
	if g.inner != nil {
		return g.inner.Wait(ctx)
	}
	return nil
}

func (g *gate) Report(context.Context, cmsclient.Feedback) {}

// setup changes a rig's options before it is built.
type setup struct {
	rules  mapping.Config
	cms    cmstest.Options
	engine reconcile.Options
	dir    directory.Options
	renew  time.Duration // of leases; 0: the queue's default
}

func editors() setup {
	return setup{rules: mapping.Config{Default: "Editor", Create: true, Template: "Editor"}}
}

// each runs a test on the embedded store and on a real Redis.
func each(t *testing.T, s setup, fn func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		fn(t, newRig(t, s, store, queuetest.NewClock(1_700_000_000_000)))
	})
}

func newRig(t *testing.T, s setup, store queuetest.Store, clock *queuetest.Clock) *rig {
	t.Helper()
	r := assemble(t, s, store, clock)
	r.must(r.engine.Bind(r.ctx))
	r.importAll()
	return r
}

// assemble builds a rig that knows nothing of its CMS yet.
func assemble(t testing.TB, s setup, store queuetest.Store, clock *queuetest.Clock) *rig {
	t.Helper()
	s.cms.Now = func() time.Time { return time.UnixMilli(clock.Now()) }
	r := &rig{t: t, ctx: t.Context(), clock: clock, store: store, cms: cmstest.New(s.cms)}
	r.build(s)
	return r
}

// build makes a replica of the proxy on the rig's store and CMS.
func (r *rig) build(s setup) {
	r.t.Helper()
	var err error
	r.queue, err = queue.New(queue.Options{Redis: r.store.Client, Base: r.store.Base, Now: r.clock.Now, Renew: s.renew,
		Harmless: reconcile.HarmlessKeys(),
		Rand:     func() float64 { return 0.5 }})
	r.must(err)
	s.dir.Redis, s.dir.Queue, s.dir.Base, s.dir.Project = r.store.Client, r.queue, r.store.Base, project
	s.dir.Fold = mapping.Fold
	s.dir.Clock = func() time.Time { return time.UnixMilli(r.clock.Now()) }
	s.dir.NewID = func(kind, key string, uses int64) string { return mapping.ID(project, kind, key, int(uses)) }
	r.dir, err = directory.New(s.dir)
	r.must(err)
	client, err := cmsclient.New(cmsclient.Options{BaseURL: "http://cms.example", Token: "demo-cms-token", Transport: blanking{r}, Gate: &r.gate,
		Sleep: func(context.Context, time.Duration) error { return nil }})
	r.must(err)
	r.client = client
	rules, err := mapping.NewRules(s.rules)
	r.must(err)
	s.engine.Project, s.engine.Directory, s.engine.Queue, s.engine.CMS, s.engine.Rules = project, r.dir, r.queue, client, rules
	s.engine.Attributes, s.engine.Document = attributes, document
	s.engine.Adopt = !r.strict
	s.engine.Now = func() time.Time { return time.UnixMilli(r.clock.Now()) }
	r.engine, err = reconcile.New(s.engine)
	r.must(err)
}

// blanking is the rig's way to the CMS, whose lists of people may be empty by mistake.
type blanking struct{ r *rig }

func (b blanking) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.r.cms.Transport().RoundTrip(req)
	list := strings.HasSuffix(req.URL.Path, "/users") || strings.HasSuffix(req.URL.Path, "/site-invitations")
	if err != nil || !b.r.blank || !list || req.Method != http.MethodGet {
		return resp, err
	}
	err = resp.Body.Close()
	body := `{"data":[]}`
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}

type flat map[string]any

func (f flat) Values(path string) []string {
	v, ok := f[path]
	if list, many := v.([]any); many {
		var all []string
		for _, e := range list {
			all = append(all, fmt.Sprint(e))
		}
		return all
	}
	if !ok {
		return nil
	}
	return []string{fmt.Sprint(v)}
}

func attributes(doc []byte) (mapping.Attributes, error) {
	f := flat{}
	err := json.Unmarshal(doc, &f)
	return f, err
}

func document(p reconcile.Person) ([]byte, error) {
	return json.Marshal(flat{"userName": p.UserName, "active": p.Active, "givenName": p.GivenName, "familyName": p.FamilyName})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// person is a wish for an active person of this address.
func person(address string, more ...func(*directory.UserWish)) directory.UserWish {
	w := directory.UserWish{UserName: address, ExternalID: "00u" + address, Address: address, Emails: []string{address}, Active: true}
	for _, m := range more {
		m(&w)
	}
	if w.Doc == nil {
		w.Doc, _ = json.Marshal(flat{"userName": w.UserName, "active": w.Active})
	}
	return w
}

func inactive(w *directory.UserWish) { w.Active = false }

func (r *rig) create(address string) directory.User {
	r.t.Helper()
	res, err := r.engine.CreateUser(r.ctx, person(address))
	r.must(err)
	return res.Item
}

func (r *rig) update(id string, w directory.UserWish) directory.User {
	r.t.Helper()
	res, err := r.engine.UpdateUser(r.ctx, id, func(directory.User) (directory.UserWish, error) { return w, nil })
	r.must(err)
	return res.Item
}

func (r *rig) user(id string) directory.User {
	r.t.Helper()
	u, err := r.dir.UserRecord(r.ctx, id)
	r.must(err)
	return u
}

// work takes and syncs due keys until none is left.
func (r *rig) work() int {
	r.t.Helper()
	for n := 0; ; n++ {
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		if l == nil {
			return n
		}
		r.finish(l)
		if n > 5000 {
			r.t.Fatal("the queue does not come to rest")
		}
	}
}

func (r *rig) finish(l *queue.Lease) {
	r.t.Helper()
	if v := r.engine.Handle(r.ctx, l); v.Outcome != queue.Ended {
		_, err := r.queue.Finish(r.ctx, l, v)
		r.must(err)
	}
}

// settle works, moving time on to whatever is due next, until the queue is empty or only holds parked keys.
func (r *rig) settle() {
	r.t.Helper()
	for range 200 {
		r.work()
		s, err := r.queue.Stats(r.ctx)
		r.must(err)
		waiting := s.Leased
		for _, n := range s.Depth {
			waiting += n
		}
		if waiting == 0 {
			return
		}
		r.clock.Advance(time.Second)
	}
	r.t.Fatal("the queue does not come to rest")
}

func (r *rig) importAll() {
	r.t.Helper()
	_, err := r.queue.Push(r.ctx, "import/all", queue.Interactive, true)
	r.must(err)
	r.work()
}

// calls are the CMS calls since the last reset, by endpoint, reads left out unless asked for.
func (r *rig) calls(reads bool) map[string]int {
	out := map[string]int{}
	for k, n := range r.cms.Calls().ByEndpoint {
		if reads || !strings.HasPrefix(k, "GET ") {
			out[k] = n
		}
	}
	return out
}

func (r *rig) invitations() map[string]cmstest.Resource {
	out := map[string]cmstest.Resource{}
	for _, i := range r.cms.State().Invitations {
		out[fmt.Sprint(i.Attributes["email"])] = i
	}
	return out
}

func (r *rig) collaborators() map[string]cmstest.Resource {
	out := map[string]cmstest.Resource{}
	for _, u := range r.cms.State().Users {
		out[fmt.Sprint(u.Attributes["email"])] = u
	}
	return out
}

func (r *rig) accept(address string) {
	r.t.Helper()
	i, ok := r.invitations()[address]
	if !ok {
		r.t.Fatalf("no invitation for %s", address)
	}
	_, err := r.cms.Accept(i.ID)
	r.must(err)
}

// lateInvitation is an invitation that reaches the CMS past the engine.
func (r *rig) lateInvitation(address string) {
	r.t.Helper()
	c, err := cmsclient.New(cmsclient.Options{BaseURL: "http://cms.example", Token: "demo-cms-token", Transport: r.cms.Transport()})
	r.must(err)
	roles, err := c.Roles(r.ctx)
	r.must(err)
	_, err = c.CreateInvitation(r.ctx, cmsclient.InvitationCreate{Email: address, RoleID: roles[0].ID})
	r.must(err)
}
