package reconcile_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// invite creates people while nothing is synced, and then lets the workers find out.
func (r *rig) inviteByWorkers(n int) {
	r.t.Helper()
	r.must(r.queue.Pause(r.ctx))
	for i := range n {
		r.create(fmt.Sprintf("p%d@example.org", i))
	}
	r.must(r.queue.Resume(r.ctx))
	r.work()
}

func (r *rig) parkedFor() map[string]int64 {
	r.t.Helper()
	s, err := r.queue.Stats(r.ctx)
	r.must(err)
	return s.Codes
}

// TestNoFreeSeat_StopsInvitationsAfterOneRefusal: whom the plan has no seat for waits parked, costs one refused call in
// all, and is invited by itself when seats are free, as many as there are.
func TestNoFreeSeat_StopsInvitationsAfterOneRefusal(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		used := len(r.collaborators())
		r.cms.SetSeats(used + 2)
		r.inviteByWorkers(8)
		if n, posts := len(r.invitations()), r.calls(false)["POST /site-invitations"]; n != 2 || posts != 3 {
			t.Fatalf("%d invitations by %d calls, want 2 by 3", n, posts)
		}
		if got := r.parkedFor(); got["plan_upgrade_required"] != 6 {
			t.Fatalf("parked %v, want six for want of a seat", got)
		}
		_, err := r.engine.CreateUser(r.ctx, person("late@example.org"))
		if rejected := (*reconcile.RejectedError)(nil); !errors.As(err, &rejected) || rejected.Status != 403 {
			t.Errorf("a create while no seat is free: %v", err)
		}
		for range 5 { // nothing is free: a probe each half minute, no invitation
			r.clock.Advance(30 * time.Second)
			r.engine.ProbeSeats(r.ctx)
			r.work()
		}
		if posts := r.calls(false)["POST /site-invitations"]; posts != 3 {
			t.Errorf("%d invitations were tried while no seat was free", posts-3)
		}
		r.cms.SetSeats(used + 5)
		r.clock.Advance(30 * time.Second)
		r.engine.ProbeSeats(r.ctx)
		r.work()
		if n, posts := len(r.invitations()), r.calls(false)["POST /site-invitations"]; n != 5 || posts != 6 {
			t.Errorf("three more seats: %d invitations by %d calls, want 5 by 6", n, posts)
		}
		r.cms.SetSeats(0)
		r.clock.Advance(30 * time.Second)
		r.engine.ProbeSeats(r.ctx)
		r.settle()
		if n := len(r.invitations()); n != 8 || len(r.parkedFor()) != 0 {
			t.Errorf("no limit: %d invitations, parked %v", n, r.parkedFor())
		}
	})
}

// Who is parked for want of a seat is taken up when seats are free, wherever the process died that was to do it.
func TestReplayOfThoseWithoutASeatIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for name, died := range map[string]func(r *rig) error{
		"before the replay":              func(r *rig) error { return r.dir.FreeInvitations(r.ctx, 1<<30) },
		"while others were being parked": func(r *rig) error { return r.dir.ResumeInvitations(r.ctx) },
		"after another forgot the stop": func(r *rig) error {
			return errors.Join(r.dir.ResumeInvitations(r.ctx), r.dir.FreeInvitations(r.ctx, 1<<30))
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				r.cms.SetSeats(len(r.collaborators()) + 1)
				r.inviteByWorkers(5)
				r.cms.SetSeats(0)
				r.must(died(r))
				r.clock.Advance(30 * time.Second)
				r.engine.ProbeSeats(r.ctx)
				r.settle()
				if n := len(r.invitations()); n != 5 || len(r.parkedFor()) != 0 {
					t.Errorf("%d invitations, parked %v", n, r.parkedFor())
				}
			})
		})
	}
}

// What another limit of the plan refuses waits for no seat, and is not tried again by itself.
func TestRoleThatThePlanDoesNotAllowIsNotReplayedForSeats(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Method: "POST", Path: "/roles", Action: "status", Status: 422, Code: "PLAN_UPGRADE_REQUIRED", Details: []byte(`{"limit":"roles"}`)})
		r.paused(func() { r.createGroup("Writers") })
		r.settle()
		for range 3 {
			r.clock.Advance(30 * time.Second)
			r.engine.ProbeSeats(r.ctx)
			r.settle()
		}
		if n := r.calls(false)["POST /roles"]; n != 1 || r.parkedFor()["plan_limit"] != 1 {
			t.Errorf("%d calls, parked %v", n, r.parkedFor())
		}
	})
}

func TestCreateAfterASeatBecameFree_IsInvitedAtOnce(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.cms.SetSeats(len(r.collaborators()) + 1)
		r.create("ada@example.org")
		if _, err := r.engine.CreateUser(r.ctx, person("grace@example.org")); err == nil {
			t.Fatal("a create without a free seat was not refused")
		}
		r.cms.SetSeats(0)
		if u := r.create("grace@example.org"); u.Sync.State != directory.Synced {
			t.Errorf("%+v", u.Sync)
		}
	})
}

// TestUnverifiedInviter_StopsInvitationsOnly: nobody is parked or refused for it, everything else goes on, and one invitation
// at a time is tried until one is taken.
func TestUnverifiedInviter_StopsInvitationsOnly(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		there := r.create("there@example.org")
		r.accept("there@example.org")
		r.importAll()
		before := r.calls(false)["POST /site-invitations"]
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Action: "status", Status: 422, Code: "EMAIL_NOT_VERIFIED"})
		r.inviteByWorkers(5)
		w := person("there@example.org")
		w.Active = false
		if u := r.update(there.ID, w); u.Sync.State != directory.Synced {
			t.Errorf("a deactivation waits for invitations: %+v", u.Sync)
		}
		for range 4 {
			r.clock.Advance(time.Minute)
			r.work()
		}
		if posts := r.calls(false)["POST /site-invitations"] - before; posts > 6 {
			t.Errorf("%d invitations were tried in four minutes", posts)
		}
		if got := r.parkedFor(); len(got) != 0 {
			t.Errorf("parked %v", got)
		}
		r.cms.ClearFaults()
		r.clock.Advance(time.Minute)
		r.settle()
		if n := len(r.invitations()); n != 5 {
			t.Errorf("%d invitations, want 5", n)
		}
		if s, err := r.queue.Stats(r.ctx); err != nil || s.Circuit != "" || s.Depth[queue.Interactive] != 0 {
			t.Errorf("%+v %v", s, err)
		}
	})
}

// TestCreateRefusedInDoubt_IsNotToldAsRefused: a call of the creation may still arrive, so the person cannot be taken back. Whoever is
// kept must not be reported as failed: the identity provider would never think of them again.
func TestCreateRefusedInDoubt_IsNotToldAsRefused(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Action: "drop_before", Times: 1})
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Action: "status", Status: 422, Code: "INVALID_EMAIL", Times: 1})
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org"))
		r.must(err)
		if got := r.user(res.Item.ID); got.State != directory.Live || got.Sync.State == directory.Synced {
			t.Errorf("%s, %+v", got.State, got.Sync)
		}
		r.clock.Advance(time.Minute)
		_, err = r.queue.ReplayAll(r.ctx)
		r.must(err)
		r.settle()
		if got := r.user(res.Item.ID); len(r.invitations()) != 1 || got.Sync.State != directory.Synced {
			t.Errorf("%d invitations, %+v", len(r.invitations()), got.Sync)
		}
	})
}
