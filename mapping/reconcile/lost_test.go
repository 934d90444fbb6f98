package reconcile_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// late runs a test on each store. A call that a fault delays lands when its caller has lost its lease and story is over;
// other is a second replica. check is called when everything has come to rest.
func late(t *testing.T, s setup, fn func(t *testing.T, r, other *rig, story *func()) (check func())) {
	t.Helper()
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s, clock := s, queuetest.NewClock(1_700_000_000_000)
		story := func() {}
		var landing sync.WaitGroup // a slow machine's caller gives up before the story is told
		s.cms.Sleep = func(context.Context, time.Duration) error {
			landing.Add(1)
			defer landing.Done()
			clock.Advance(16 * time.Second)
			story()
			return nil
		}
		r := newRig(t, s, store, clock)
		other := &rig{t: t, ctx: r.ctx, clock: r.clock, store: r.store, cms: r.cms}
		s.engine.Wait = time.Millisecond // nobody works while its requests wait
		other.build(s)
		r.must(other.engine.Bind(r.ctx))
		check := fn(t, r, other, &story)
		r.must(r.engine.Drain(r.ctx))
		landing.Wait()
		r.settle()
		check()
	})
}

// A call that lands after the newest wish was agreed on is no change by hand: the look after a lost lease undoes it.
func TestCallThatLandsOverANewerWish_IsUndone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path   string
		older, newer func(*directory.UserWish)
	}{
		{"deactivation", "/users/:id", inactive, titled("Clerk")},
		{"role", "/users/:id", titled("Chief"), titled("Clerk")},
		{"withdrawal", "/site-invitations/:id", inactive, titled("Clerk")},
		{"role of an invitation", "/site-invitations/:id", titled("Chief"), titled("Clerk")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			late(t, byTitle(), func(t *testing.T, r, other *rig, story *func()) (check func()) {
				const address = "ada@example.org"
				u := r.create(address)
				if tt.path == "/users/:id" {
					u = r.member("eve@example.org")
				}
				r.fault(cmstest.Fault{Path: tt.path, Times: 1, Action: cmstest.Delay, MS: 1})
				*story = func() {
					other.update(u.ID, person(u.Address, tt.newer))
					other.settle()
				}
				r.update(u.ID, person(u.Address, tt.older))
				return func() {
					got := r.user(u.ID)
					if got.Sync.State != directory.Synced || r.has(u.Address) != "active Editor" {
						t.Errorf("%s: %+v", r.has(u.Address), got)
					}
				}
			})
		})
	}
}

// has says what the CMS has of an address.
func (r *rig) has(address string) string {
	roles := map[string]string{r.roleID("Editor"): "Editor", r.roleID("Admin"): "Admin"}
	if c, there := r.collaborators()[address]; there {
		return map[bool]string{true: "active ", false: "inactive "}[c.Attributes["is_active"] == true] + roles[c.RoleID()]
	}
	if i, there := r.invitations()[address]; there {
		return "active " + roles[i.RoleID()]
	}
	return "nothing"
}

// The same of a group's name: the role has the newest one in the end.
func TestRenameThatLandsOverANewerName_IsUndone(t *testing.T) {
	late(t, editors(), func(t *testing.T, r, other *rig, story *func()) (check func()) {
		g := r.createGroup("Writers")
		rename := func(r *rig, name string) { r.must(r.edit(g.ID, reconcile.GroupEdit{Name: &name})) }
		r.fault(cmstest.Fault{Method: "PUT", Path: "/roles/:id", Times: 1, Action: cmstest.Delay, MS: 1})
		*story = func() {
			rename(other, "Authors")
			other.settle()
		}
		rename(r, "Scribes")
		return func() {
			if r.roleID("Authors") == "" || r.roleID("Scribes") != "" {
				t.Errorf("%+v", r.group(g.ID))
			}
		}
	})
}

// While a look is owed nothing is agreed on, so what the proxy itself did meanwhile must not be taken for a change by hand.
func TestWishThatReturnsWhileALookIsOwed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                 string
		lost, there, andBack func(*directory.UserWish)
	}{
		{"activity", titled("Chief"), inactive, titled("Clerk")},
		{"role", inactive, titled("Chief"), titled("Clerk")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, byTitle(), func(t *testing.T, r *rig) {
				u := r.member("ada@example.org")
				r.fault(cmstest.Fault{Method: "PUT", Path: "/users/:id", Times: 1, Action: cmstest.DropAfter})
				for _, w := range []func(*directory.UserWish){tt.lost, tt.there, tt.andBack} {
					r.update(u.ID, person(u.Address, w))
					r.must(r.engine.Drain(r.ctx))
					r.clock.Advance(time.Second)
					r.work()
				}
				r.settle()
				if r.has(u.Address) != "active Editor" {
					t.Errorf("%s: %+v", r.has(u.Address), r.user(u.ID))
				}
			})
		})
	}
}
