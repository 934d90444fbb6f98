package reconcile_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// gate is a fault that holds a CMS call until the test lets it go.
func held(s *setup) (entered <-chan struct{}, release func()) {
	in, out := make(chan struct{}, 100), make(chan struct{})
	s.cms.Sleep = func(context.Context, time.Duration) error {
		in <- struct{}{}
		<-out
		return nil
	}
	return in, func() { close(out) }
}

// A client that goes away cancels no CMS call and leaves no dangling lease.
func TestClientGoesAway_TheSyncGoesOnToItsEnd(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := editors()
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
		ctx, cancel := context.WithCancel(r.ctx)
		failed := make(chan error, 1)
		go func() {
			_, err := r.engine.CreateUser(ctx, person("ada@example.org"))
			failed <- err
		}()
		<-entered
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		r.must(r.engine.Drain(r.ctx))
		p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, "ada@example.org", directory.Window{Start: 1, Count: 1})
		r.must(err)
		if len(p.Items) != 1 || p.Items[0].Sync.State != directory.Synced || len(r.invitations()) != 1 {
			t.Errorf("%+v", p.Items)
		}
	})
}

func TestSlowCMS_TheRequestIsAnsweredAndTheWishStaysPending(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := editors()
		s.engine.Wait = 10 * time.Millisecond
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
		began := time.Now()
		u := r.create("ada@example.org")
		if took := time.Since(began); u.Sync.State != directory.Pending || took > 5*time.Second {
			t.Errorf("after %s: %+v", took, u.Sync)
		}
		<-entered
		// A second write while the first is under way waits for its own ticket, and is not lost.
		u = r.update(u.ID, person("ada@example.org", inactive))
		if u.Sync.State != directory.Pending {
			t.Errorf("%+v", u.Sync)
		}
		release()
		r.must(r.engine.Drain(r.ctx))
		r.settle()
		if n := len(r.invitations()); n != 0 {
			t.Errorf("%d invitations for somebody who left", n)
		}
	})
}

func TestCMSDown_AcceptedAndPending(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Action: "drop_before"})
		u := r.create("ada@example.org")
		if u.Sync.State != directory.Pending {
			t.Errorf("%+v", u.Sync)
		}
		r.cms.ClearFaults()
		r.settle()
		if n := len(r.invitations()); n != 1 {
			t.Errorf("%d invitations", n)
		}
	})
}

func TestBadToken_StopsTheProjectAndParksNothing(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.cms.SetToken(false)
		u := r.create("ada@example.org")
		if u.Sync.State != directory.Pending {
			t.Errorf("%+v", u.Sync)
		}
		for range 30 {
			r.work()
			r.clock.Advance(time.Minute)
		}
		if got := r.user(u.ID); got.Sync.Parked {
			t.Errorf("%+v", got.Sync)
		}
		r.cms.SetToken(true)
		r.clock.Advance(10 * time.Minute)
		r.settle()
		if n := len(r.invitations()); n != 1 {
			t.Errorf("%d invitations", n)
		}
		if s, err := r.queue.Stats(r.ctx); err != nil || s.Circuit != "" {
			t.Errorf("the circuit is still open: %q %v", s.Circuit, err)
		}
		if u := r.create("grace@example.org"); u.Sync.State != directory.Synced {
			t.Errorf("requests still do not wait: %+v", u.Sync)
		}
	})
}

// An unchanged push of somebody whose invitation was withdrawn by hand invites again; one that finds everything as it
// should be costs nothing.
func TestUnchangedPush_IsPlannedAgainstWhatTheCMSWasSeenToHave(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.must(r.cms.Withdraw(u.Link.ID))
		r.importAll()
		r.importAll()
		if got := r.user(u.ID); got.Link.Kind != directory.NoLink {
			t.Fatalf("%+v", got)
		}
		r.update(u.ID, person("ada@example.org"))
		r.update(u.ID, person("ada@example.org"))
		if n := r.calls(false)["POST /site-invitations"]; n != 2 || len(r.invitations()) != 1 {
			t.Errorf("%d invitations sent, %d there", n, len(r.invitations()))
		}
		_, err := r.cms.Expire(r.invitations()["ada@example.org"].ID)
		r.must(err)
		r.importAll()
		if n := r.calls(false)["POST /site-invitations/:id/resend"]; n != 0 {
			t.Errorf("resent by itself %d times", n)
		}
		r.update(u.ID, person("ada@example.org"))
		if n := r.calls(false)["POST /site-invitations/:id/resend"]; n != 1 {
			t.Errorf("resent %d times", n)
		}
	})
}

func TestHandMadeChanges_AreKeptUntilTheWishChanges_ButALeaverStaysOut(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		_, err := r.cms.EditUser(u.Link.ID, cmstest.NewUser{Role: "Admin"})
		r.must(err)
		r.importAll()
		r.update(u.ID, person("ada@example.org", titled("Clerk")))
		r.settle()
		if got := r.user(u.ID); got.Link.RoleID != r.roleID("Admin") || got.Sync.State != directory.Synced {
			t.Errorf("a role given by hand was overwritten in passing: %+v", got)
		}
		r.update(u.ID, person("ada@example.org", inactive))
		yes := true
		_, err = r.cms.EditUser(u.Link.ID, cmstest.NewUser{Active: &yes})
		r.must(err)
		r.importAll()
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != false {
			t.Error("a leaver was given access by hand and kept it")
		}
	})
}

func TestAnotherCMSProjectBehindTheToken_NothingIsSynced(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.create("ada@example.org")
		other := newRigOn(r, "4711")
		if ready := other.engine.Ready(other.ctx); ready.OK || len(ready.Reasons) == 0 {
			t.Errorf("%+v", ready)
		}
		u := other.create("grace@example.org")
		other.clock.Advance(time.Minute)
		l, err := other.queue.Take(other.ctx, queue.TakeOptions{})
		other.must(err)
		other.finish(l)
		if n := len(other.calls(false)); n != 0 || u.Sync.State != directory.Pending {
			t.Errorf("%d calls to a foreign project, %+v", n, u.Sync)
		}
	})
}

// newRigOn is a proxy with r's record whose CMS token opens another project.
func newRigOn(r *rig, site string) *rig {
	s := editors()
	s.cms.SiteID = site
	o := &rig{t: r.t, ctx: r.ctx, clock: r.clock, store: r.store, cms: cmstest.New(s.cms)}
	o.build(s)
	o.must(o.engine.Bind(o.ctx))
	return o
}

func TestNobodyListable_OneServiceUserIsListedAndReadOnly(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 2})
		r.must(err)
		if p.Total != 1 || p.Items[0].UserName != "scimcms@site.invalid" {
			t.Fatalf("%+v", p)
		}
		id := p.Items[0].ID
		if _, err := r.engine.User(r.ctx, id); err != nil {
			t.Error(err)
		}
		if err := r.engine.DeleteUser(r.ctx, id, nil); err == nil {
			t.Error("the service user was deleted")
		}
		r.create("ada@example.org")
		if p, err = r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 2}); err != nil || p.Total != 1 || p.Items[0].ID == id {
			t.Errorf("%+v %v", p, err)
		}
	})
}

func TestRedisGoesAway_UnavailableAndRecoversByItself(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	store := queuetest.Store{Name: "own", Client: server.Client, Base: queue.Base("", "site")}
	r := newRig(t, editors(), store, queuetest.NewClock(1_700_000_000_000))
	u := r.create("ada@example.org")
	server.Kill()
	_, err := r.engine.CreateUser(r.ctx, person("grace@example.org"))
	if _, away := errors.AsType[*directory.UnavailableError](err); !away {
		t.Errorf("got %v", err)
	}
	server.Restart()
	r.create("grace@example.org")
	if got := r.user(u.ID); got.Link.Kind != directory.Invitation {
		t.Errorf("%+v", got)
	}
}

// Who was told that a creation is accepted, or got no answer, finds it kept when the CMS refuses it afterwards.
func TestCreateRefusedAfterItsAnswer_IsKeptAndParked(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]bool{"answered": false, "client gone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
				s := oneSeat()
				if !leave {
					s.engine.Wait = 10 * time.Millisecond
				}
				entered, release := held(&s)
				r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
				r.create("first@example.org")
				r.settle()
				r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
				ctx, cancel := context.WithCancel(r.ctx)
				defer cancel()
				answered := make(chan error, 1)
				go func() {
					_, err := r.engine.CreateUser(ctx, person("ada@example.org"))
					answered <- err
				}()
				<-entered
				if leave {
					cancel()
				}
				if err := <-answered; (err != nil) != leave {
					t.Errorf("answered %v", err)
				}
				release()
				r.must(r.engine.Drain(r.ctx))
				r.wantKept("ada@example.org")
			})
		})
	}
}

// wantKept checks that somebody is wished although the CMS refuses them.
func (r *rig) wantKept(address string) {
	r.t.Helper()
	p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, address, directory.Window{Start: 1, Count: 1})
	r.must(err)
	if len(p.Items) != 1 {
		r.t.Fatalf("%+v", p.Items)
	}
	if u := r.user(p.Items[0].ID); u.State != directory.Live || !u.Active || !u.Sync.Parked {
		r.t.Errorf("%+v", u)
	}
}

// Whoever finds somebody whose creation is not over, and writes what is there already, has wished it.
func TestIdenticalWriteDuringACreation_IsNotTakenBackWithIt(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := oneSeat()
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.create("first@example.org")
		r.settle()
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
		created := make(chan error, 1)
		go func() {
			_, err := r.engine.CreateUser(r.ctx, person("ada@example.org"))
			created <- err
		}()
		<-entered
		p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, "ada@example.org", directory.Window{Start: 1, Count: 1})
		r.must(err)
		id := p.Items[0].ID
		before := r.user(id).Sync.Ticket
		ctx, cancel := context.WithCancel(r.ctx)
		written := make(chan error, 1)
		go func() { // it waits for the creation
			_, err := r.engine.UpdateUser(ctx, id, func(directory.User) (directory.UserWish, error) { return person("ada@example.org"), nil })
			written <- err
		}()
		for r.user(id).Sync.Ticket == before && len(written) == 0 {
			runtime.Gosched()
		}
		cancel()
		if err := <-written; !errors.Is(err, context.Canceled) {
			t.Errorf("did not wait for the creation: %v", err)
		}
		release()
		_ = r.rejected(<-created)
		r.settle()
		r.wantKept("ada@example.org")
	})
}
