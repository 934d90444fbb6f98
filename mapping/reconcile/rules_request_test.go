package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// A write whose key an older sync holds is answered with what became of it.
func TestRequestWaitsForItsTicketBehindAnOlderSync(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := editors()
		s.engine.Wait = 30 * time.Second
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
		ctx, leave := context.WithCancel(r.ctx)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _ = r.engine.CreateUser(ctx, person("ada@example.org"))
		}()
		<-entered
		leave()
		<-gone
		p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, "ada@example.org", directory.Window{Start: 1, Count: 1})
		r.must(err)
		answered := make(chan directory.User, 1)
		go func() {
			res, _ := r.engine.UpdateUser(r.ctx, p.Items[0].ID, func(directory.User) (directory.UserWish, error) {
				return person("ada@example.org", inactive), nil
			})
			answered <- res.Item
		}()
		key := directory.UserKey(p.Items[0].ID)
		r.eventually("the second write is committed", func() bool { return r.entry(key).Ticket > 2 })
		release()
		r.must(r.engine.Drain(r.ctx))
		r.work()
		if u := <-answered; u.Sync.State != directory.Synced || len(r.invitations()) != 0 {
			t.Errorf("%+v", u)
		}
	})
}

// Requests keep to the CMS's rate like workers do, and leave what has no room to them.
func TestRequestsBookTheirCallsLikeWorkers(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		pacer, err := queue.NewPacer(queue.PacerOptions{Redis: r.store.Client, Base: queue.Base("", "cms:"+strings.Trim(r.store.Base, "{}")), Limit: 1,
			Window: 10 * time.Second, Now: r.clock.Micros, Sleep: r.clock.Sleep})
		r.must(err)
		r.gate.inner = reconcile.Gate{Pacer: pacer}
		first, second := r.create("ada@example.org"), r.create("grace@example.org")
		if first.Sync.State != directory.Synced || second.Sync.State != directory.Pending || second.Sync.Code != "" && second.Sync.Code != "paced" {
			t.Errorf("%+v, %+v", first.Sync, second.Sync)
		}
		if n := len(r.invitations()); n != 1 {
			t.Errorf("%d calls in a window of one", n)
		}
		r.gate.inner = nil
		r.settle()
		if e := r.entry(directory.UserKey(second.ID)); len(r.invitations()) != 2 || e.Attempts != 0 {
			t.Errorf("%d invitations, %+v", len(r.invitations()), e)
		}
	})
}

// The first page of a listing waits a little for a fresh picture of the CMS; what asks for somebody never does.
func TestFirstPageWaitsALittle_FiltersNever(t *testing.T) {
	s := editors()
	s.engine.ListingWait = 30 * time.Millisecond
	each(t, s, func(t *testing.T, r *rig) {
		r.create("ada@example.org")
		r.clock.Advance(time.Hour)
		none := func(what string) {
			t.Helper()
			if e := r.entry("import/all"); e.State != queue.Idle {
				t.Errorf("%s asked for a picture: %+v", what, e)
			}
		}
		_, err := r.engine.FindUsers(r.ctx, directory.ByUserName, "ada@example.org", directory.Window{Start: 1, Count: 2})
		r.must(err)
		none("a filter")
		_, err = r.engine.FindGroups(r.ctx, directory.ByDisplayName, "Editor", directory.Window{Start: 1, Count: 2}, 0)
		r.must(err)
		none("a filter of groups")
		_, err = r.engine.ListUsers(r.ctx, directory.Window{Start: 2, Count: 2})
		r.must(err)
		none("a later page")
		began := time.Now()
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 2})
		r.must(err)
		if took := time.Since(began); took < 30*time.Millisecond || took > 5*time.Second || p.Total != 1 {
			t.Errorf("%s, %d people", took, p.Total)
		}
		if e := r.entry("import/all"); e.State != queue.Queued {
			t.Errorf("no picture asked for: %+v", e)
		}
	})
}

// A create of somebody parked is a fresh attempt under the same id.
func TestPostOfAParkedUserIsAFreshAttempt(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.fault(cmstest.Fault{Method: "PUT", Path: "/site-invitations/:id", Action: "status", Status: 422, Code: "INVALID_FIELD"})
		chief := person("ada@example.org", titled("Chief"))
		_, err := r.engine.UpdateUser(r.ctx, u.ID, func(directory.User) (directory.UserWish, error) { return chief, nil })
		_ = r.rejected(err)
		r.cms.ClearFaults()
		res, err := r.engine.CreateUser(r.ctx, chief)
		r.must(err)
		if res.Item.ID != u.ID || res.Item.Sync.State != directory.Synced || res.Item.Link.RoleID != r.roleID("Admin") {
			t.Errorf("%+v", res.Item)
		}
	})
}

// Who is found in the CMS by address alone is taken up with an entry in the audit log, or not at all.
func TestTakingUpByAddressAloneIsAuditedOrRefused(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 2
	each(t, s, func(t *testing.T, r *rig) {
		var addresses []string
		for a := range r.collaborators() {
			addresses = append(addresses, a)
		}
		strict := &rig{t: t, ctx: r.ctx, clock: r.clock, store: r.store, cms: r.cms}
		strict.strict = true
		strict.build(editors())
		r.must(strict.engine.Bind(r.ctx))
		var conflict *directory.ConflictError
		_, err := strict.engine.CreateUser(r.ctx, person(addresses[0], named("jdoe", "00uJ")))
		if !errors.As(err, &conflict) || conflict.Attribute != "emails" {
			t.Errorf("users.adopt false: %v", err)
		}
		// The userName is looked for first: who is known by it is taken up in any case.
		res, err := strict.engine.CreateUser(r.ctx, person(addresses[1]))
		if err != nil || !res.Item.Managed {
			t.Errorf("by userName: %v", err)
		}
		events := func() (n int) {
			entries, err := r.store.Client.XRange(r.ctx, r.store.Base+":audit", "-", "+").Result()
			r.must(err)
			for _, e := range entries {
				if e.Values["event"] == "user.adopt_by_address" {
					n++
				}
			}
			return n
		}
		if n := events(); n != 0 {
			t.Errorf("%d entries before", n)
		}
		_, err = r.engine.CreateUser(r.ctx, person(addresses[0], named("jdoe", "00uJ")))
		r.must(err)
		if n := events(); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// The lane of a key follows the wish: somebody who came back is no leaver any more.
func TestLaneIsRecomputedFromTheWish(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.fault(cmstest.Fault{Action: "drop_before"})
		key := directory.UserKey(u.ID)
		r.update(u.ID, person("ada@example.org", inactive))
		if e := r.entry(key); e.Lane != queue.Leavers {
			t.Errorf("leaver: %+v", e)
		}
		r.update(u.ID, person("ada@example.org"))
		r.clock.Advance(time.Minute)
		r.work()
		if e := r.entry(key); e.State != queue.Queued || e.Lane != queue.Interactive {
			t.Errorf("back again: %+v", e)
		}
	})
}
