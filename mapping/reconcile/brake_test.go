package reconcile_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// braked is a project whose brake lets three people pass, or a fifth of those with access.
func braked() setup {
	s := editors()
	s.dir.Brake = directory.Brake{Percent: 20, Min: 3, Window: time.Hour}
	return s
}

// people creates so many people, who are invited.
func (r *rig) people(n int) (ids []string) {
	r.t.Helper()
	for i := range n {
		ids = append(ids, r.create(address(i)).ID)
	}
	return ids
}

func address(i int) string { return fmt.Sprintf("user%03d@example.org", i) }

// off switches somebody off and says how that stands.
func (r *rig) off(id string) directory.User {
	r.t.Helper()
	return r.update(id, person(r.user(id).UserName, inactive))
}

func (r *rig) on(id string) directory.User {
	r.t.Helper()
	return r.update(id, person(r.user(id).UserName))
}

// writes is how many writes the CMS has been sent.
func (r *rig) writes() (n int) {
	for _, calls := range r.calls(false) {
		n += calls
	}
	return n
}

func (r *rig) isHeld(id string) bool { return r.entry(directory.UserKey(id)).State == queue.Held }

func (r *rig) heldOf(ids []string) (out []string) {
	for _, id := range ids {
		if r.isHeld(id) {
			out = append(out, id)
		}
	}
	return out
}

func TestBrake_HoldsThoseBeyondTheLimit(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(6)
		for _, id := range ids[:3] {
			if u := r.off(id); u.Sync.State != directory.Synced {
				t.Fatalf("within the limit: %+v", u.Sync)
			}
		}
		before := r.writes()
		u := r.off(ids[3])
		if u.Sync.State != directory.Held || u.Sync.Code != "brake" || !strings.Contains(u.Sync.Text, "3 people have lost their access") {
			t.Errorf("beyond the limit: %+v", u.Sync)
		}
		if e := r.entry(directory.UserKey(ids[3])); e.State != queue.Held || e.Attempts != 0 || e.Intent != "" {
			t.Errorf("the queue: %+v", e)
		}
		r.settle()
		r.clock.Advance(2 * time.Hour)
		r.importAll()
		r.settle()
		if n := r.writes() - before; n != 0 || !r.isHeld(ids[3]) {
			t.Errorf("a held deprovisioning was executed: %d calls", n)
		}
	})
}

func TestBrake_CountsAShareOfThoseWhoHadAccessAtTheWindowsStart(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(25)
		for _, id := range ids {
			r.off(id)
		}
		if n := len(r.heldOf(ids)); n != 20 {
			t.Errorf("%d held, want 20 of 25: a fifth passes", n)
		}
		counts, err := r.dir.BrakeCounts(r.ctx)
		r.must(err)
		if got := counts[0]; got != (directory.BrakeCount{Takes: directory.TakesAccess, People: 5, Allowed: 5, Base: 25}) {
			t.Errorf("counted: %+v", got)
		}
	})
}

func TestBrake_WindowSlides(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(6)
		r.off(ids[0])
		r.clock.Advance(40 * time.Minute)
		r.off(ids[1])
		r.off(ids[2])
		r.clock.Advance(19 * time.Minute)
		if r.off(ids[3]); !r.isHeld(ids[3]) {
			t.Error("a fourth within the hour passed")
		}
		r.clock.Advance(2 * time.Minute)
		if u := r.off(ids[4]); u.Sync.State != directory.Synced {
			t.Errorf("the first has left the window: %+v", u.Sync)
		}
		if r.off(ids[5]); !r.isHeld(ids[5]) {
			t.Error("two of the last hour and a new one leave no place")
		}
	})
}

func TestBrake_OtherBoundsAreInForceAtOnce(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(8)
		for _, id := range ids[:4] {
			r.off(id)
		}
		if !r.isHeld(ids[3]) {
			t.Fatal("the fourth passed")
		}
		r.engine.SetBrake(directory.Brake{Percent: 20, Min: 4, Window: time.Hour})
		if u := r.off(ids[4]); u.Sync.State != directory.Synced {
			t.Errorf("a wider brake does not let a fourth pass: %+v", u.Sync)
		}
		if r.off(ids[5]); !r.isHeld(ids[5]) || !r.isHeld(ids[3]) {
			t.Error("the fifth passed, or what was held goes on by itself")
		}
		r.engine.SetBrake(directory.Brake{Percent: 20, Min: 5, Window: 30 * time.Minute})
		r.clock.Advance(31 * time.Minute)
		if u := r.off(ids[6]); u.Sync.State != directory.Synced {
			t.Errorf("a shorter window still counts the former: %+v", u.Sync)
		}
		r.engine.SetBrake(directory.Brake{Percent: 1, Min: 1, Window: time.Hour})
		if r.off(ids[7]); !r.isHeld(ids[7]) {
			t.Error("a narrower brake let somebody pass")
		}
	})
}

func TestBrake_AtAHundredPercentNeverHoldsAndCountsNothing(t *testing.T) {
	s := braked()
	s.dir.Brake.Percent = 100
	each(t, s, func(t *testing.T, r *rig) {
		ids := r.people(8)
		for _, id := range ids {
			r.off(id)
		}
		if held := r.heldOf(ids); len(held) > 0 || len(r.invitations()) > 0 {
			t.Errorf("held: %v", held)
		}
		if n := r.store.Client.Exists(r.ctx, r.store.Base+":bw:access").Val(); n != 0 {
			t.Error("counted")
		}
	})
}

func TestBrake_APersonCountsOnceHoweverOften(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		for range 10 {
			if u := r.off(ids[0]); u.Sync.State != directory.Synced {
				t.Fatalf("off: %+v", u.Sync)
			}
			if u := r.on(ids[0]); u.Sync.State != directory.Synced {
				t.Fatalf("on: %+v", u.Sync)
			}
		}
		for _, id := range ids[1:] {
			if u := r.off(id); u.Sync.State != directory.Synced {
				t.Errorf("%+v", u.Sync)
			}
		}
		r.off(ids[0])
		if !r.isHeld(ids[0]) {
			t.Error("whoever is in again counts anew")
		}
	})
}

func TestBrake_RepeatedDeactivationOfOnePersonCountsOnce(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		ids := r.people(4)
		r.off(u.ID)
		r.off(ids[0])
		r.off(ids[1])
		for range 5 { // somebody lets the leaver in by hand, again and again
			_, err := r.cms.EditUser(u.Link.ID, cmstest.NewUser{Active: new(true)})
			r.must(err)
			r.importAll()
			r.settle()
			if r.collaborators()["ada@example.org"].Attributes["is_active"] != false {
				t.Fatal("a leaver has access")
			}
		}
		if r.off(ids[2]); len(r.heldOf(ids)) != 1 || !r.isHeld(ids[2]) {
			t.Errorf("held: %v", r.heldOf(ids))
		}
	})
}

func TestBrake_NewerWishIsJudgedAnew(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(5)
		for _, id := range ids[:4] {
			r.off(id)
		}
		r.clock.Advance(30 * time.Minute)
		r.update(ids[3], person(address(3), inactive, titled("Chief"))) // titled last: its document says nothing of active
		if !r.isHeld(ids[3]) {
			t.Error("a newer wish passed while the window is full")
		}
		r.clock.Advance(31 * time.Minute)
		if u := r.update(ids[3], person(address(3), inactive, titled("Clerk"))); u.Sync.State != directory.Synced || u.Link.Kind != directory.NoLink {
			t.Errorf("a newer wish with an empty window: %+v", u)
		}
	})
}

func TestBrake_ReactivationDropsTheHold(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		for _, id := range ids {
			r.off(id)
		}
		before := r.writes()
		if u := r.on(ids[3]); u.Sync.State != directory.Synced || r.writes() != before {
			t.Errorf("%+v, %d calls", u.Sync, r.writes()-before)
		}
		if _, found, _ := r.queue.Show(r.ctx, directory.UserKey(ids[3])); found {
			t.Error("the hold stays")
		}
	})
}

func TestBrake_ReactivationDropsTheCount(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		for _, id := range ids[:3] {
			r.off(id)
		}
		r.on(ids[0])
		if u := r.off(ids[3]); u.Sync.State != directory.Synced {
			t.Errorf("two are off, a third is held: %+v", u.Sync)
		}
	})
}

func TestBrake_ReleaseExecutesWhatIsHeldAndCountsNothing(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(8)
		for _, id := range ids[:6] {
			r.off(id)
		}
		n, err := r.queue.Approve(r.ctx, directory.UserKey(ids[4]), directory.UserKey(ids[0]), "user/nobody")
		r.must(err)
		e := r.entry(directory.UserKey(ids[4]))
		if n != 1 || e.State != queue.Queued || e.Lane != queue.Leavers || e.Due > r.clock.Now() {
			t.Errorf("%d released: %+v", n, e)
		}
		r.work()
		if _, there := r.invitations()[address(4)]; there || !r.isHeld(ids[3]) || !r.isHeld(ids[5]) {
			t.Error("one person was to be released")
		}
		n, err = r.queue.ApproveAll(r.ctx)
		r.must(err)
		r.settle()
		if n != 2 || len(r.invitations()) != 2 {
			t.Errorf("%d released, %d invitations left", n, len(r.invitations()))
		}
		counts, err := r.dir.BrakeCounts(r.ctx)
		r.must(err)
		if counts[0].People != 3 {
			t.Errorf("released people were counted: %+v", counts)
		}
		r.off(ids[6])
		if !r.isHeld(ids[6]) {
			t.Error("a release opened the brake for others")
		}
	})
}

func TestBrake_ReleaseIsForOneTicket(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(5)
		for _, id := range ids {
			r.off(id)
		}
		_, err := r.queue.ApproveAll(r.ctx)
		r.must(err)
		// A touch is no newer wish; a write is one.
		_, err = r.queue.Push(r.ctx, directory.UserKey(ids[3]), queue.Background, false)
		r.must(err)
		r.must(r.queue.Pause(r.ctx))
		r.update(ids[4], person(address(4), inactive, titled("Chief")))
		r.must(r.queue.Resume(r.ctx))
		r.settle()
		if r.isHeld(ids[3]) || !r.isHeld(ids[4]) {
			t.Errorf("held: %v", r.heldOf(ids))
		}
	})
}

func TestBrake_ReleasedKeySurvivesAFailure(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		for _, id := range ids {
			r.off(id)
		}
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/site-invitations/:id", Times: 2, Action: "status", Status: 503})
		_, err := r.queue.ApproveAll(r.ctx)
		r.must(err)
		r.settle()
		if len(r.heldOf(ids)) > 0 || len(r.invitations()) > 0 {
			t.Errorf("held %v, invitations %v", r.heldOf(ids), r.invitations())
		}
	})
}

// Two replicas at the limit, many times: a place is given once.
func TestBrake_TwoReplicasShareOneWindow(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := braked()
		s.dir.Brake.Min = 5
		a := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		b := *a
		b.build(s)
		b.must(b.engine.Bind(b.ctx))
		ids := a.people(16)
		var all sync.WaitGroup
		for i, id := range ids {
			r := []*rig{a, &b}[i%2]
			all.Go(func() {
				_, err := r.engine.UpdateUser(r.ctx, id, func(directory.User) (directory.UserWish, error) {
					return person(address(i), inactive), nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		a.settle()
		if held, left := len(a.heldOf(ids)), len(a.invitations()); held != 11 || left != 11 {
			t.Errorf("%d held, %d invitations left, want 11", held, left)
		}
	})
}

func TestBrake_WorkersAreJudgedAsRequestsAre(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(6)
		r.must(r.queue.Pause(r.ctx))
		for i, id := range ids {
			if i%2 == 0 {
				r.off(id)
			} else {
				r.must(r.engine.DeleteUser(r.ctx, id, nil))
			}
		}
		r.must(r.queue.Resume(r.ctx))
		r.settle()
		if held, left := len(r.heldOf(ids)), len(r.invitations()); held != 3 || left != 3 {
			t.Errorf("%d held, %d invitations left", held, left)
		}
	})
}

// Whoever loses a role through a deleted group is counted apart from leavers, with the same limit.
func TestBrake_RoleLossIsAClassOfItsOwn(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(8)
		g := r.createGroup("Authors", ids[:6]...)
		r.settle()
		if held := r.heldOf(ids); len(held) > 0 {
			t.Fatalf("being given a role is no loss: %v", held)
		}
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		for range 20 { // the deletion of the role waits as long as its holders are held
			r.work()
			r.clock.Advance(time.Second)
		}
		held := r.heldOf(ids)
		if len(held) != 3 {
			t.Fatalf("held: %v", held)
		}
		if u := r.user(held[0]); !strings.Contains(u.Sync.Text, "role") || u.Sync.State != directory.Held {
			t.Errorf("told: %+v", u.Sync)
		}
		for _, id := range ids[5:] {
			r.off(id)
		}
		if len(r.invitations()) != 5 {
			t.Error("leavers are held for the loss of roles")
		}
		r.settles()
		if held := r.heldOf(ids); len(held) > 0 {
			t.Errorf("still held: %v", held)
		}
		for _, role := range r.cms.State().Roles {
			if role.Attributes["name"] == "Authors" {
				t.Error("the group's role is left")
			}
		}
	})
}

func TestBrake_ChangedRulesAreALossOfRoles(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := braked()
		s.rules.Rules = []mapping.Rule{{Group: "Staff", Role: "Admin"}}
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		ids := r.people(6)
		r.createGroup("Staff", ids...)
		r.settle()
		s.rules.Rules = []mapping.Rule{{Group: "Staff", Role: "Editor"}}
		r.build(s)
		r.must(r.engine.Bind(r.ctx))
		for _, id := range ids {
			_, err := r.queue.Push(r.ctx, directory.UserKey(id), queue.Background, false)
			r.must(err)
		}
		r.settle()
		if held := r.heldOf(ids); len(held) != 3 {
			t.Errorf("held: %v", held)
		}
	})
}

// A sync that dies after it was counted and before its call costs nobody a second place.
func TestBrake_CountBeforeACallThatWasNeverSentIsNotCountedTwice(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/site-invitations/:id", Times: 1, Action: "drop_before"})
		for _, id := range ids[:3] {
			r.off(id)
		}
		r.settle()
		if held, left := r.heldOf(ids), len(r.invitations()); len(held) != 0 || left != 1 {
			t.Errorf("held %v, %d left", held, left)
		}
	})
}

// settles releases what is held until nothing is.
func (r *rig) settles() {
	r.t.Helper()
	for range 5 {
		_, err := r.queue.ApproveAll(r.ctx)
		r.must(err)
		r.settle()
	}
}
