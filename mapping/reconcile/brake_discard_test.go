package reconcile_test

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// rest works, imports and waits past the window: whatever was given up must not come back by itself.
func (r *rig) rest() {
	r.t.Helper()
	r.settle()
	r.clock.Advance(2 * time.Hour)
	r.importAll()
	r.settle()
}

func (r *rig) discard(keys ...string) int {
	r.t.Helper()
	n, err := r.engine.Discard(r.ctx, keys...)
	r.must(err)
	return n
}

func TestBrake_DiscardKeepsTheCMSUntilTheNextWrite(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ada := r.member("ada@example.org")
		ids := r.people(4)
		for _, id := range ids[:3] {
			r.off(id)
		}
		r.off(ada.ID)
		r.off(ids[3])
		before, gen := r.writes(), r.user(ada.ID).Gen
		if n := r.discard(directory.UserKey(ada.ID), "user/nobody", directory.UserKey(ids[0])); n != 1 || !r.isHeld(ids[3]) {
			t.Errorf("%d discarded", n)
		}
		r.settle()
		if u := r.user(ada.ID); !u.Active || u.Gen != gen+1 || u.Sync.State != directory.Synced || u.Sync.Code != "" {
			t.Errorf("after the discard: %+v", u)
		}
		if n := r.discard(); n != 1 {
			t.Errorf("%d of the rest discarded", n)
		}
		r.rest()
		if r.writes() != before {
			t.Errorf("%d calls were made for what was given up", r.writes()-before)
		}
		if u := r.off(ada.ID); u.Sync.State != directory.Synced || r.collaborators()["ada@example.org"].Attributes["is_active"] != false {
			t.Errorf("a new write: %+v", u.Sync)
		}
	})
}

func TestBrake_DiscardedDeletionIsAPersonFoundInTheCMS(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ada := r.member("ada@example.org")
		for _, id := range r.people(3) {
			r.off(id)
		}
		r.must(r.engine.DeleteUser(r.ctx, ada.ID, nil))
		before := r.writes()
		if n := r.discard(); n != 1 {
			t.Fatalf("%d discarded", n)
		}
		r.rest()
		u, err := r.engine.User(r.ctx, ada.ID)
		r.must(err)
		if u.State != directory.Live || u.Managed || !u.Active || r.writes() != before {
			t.Errorf("after the discard: %+v, %d calls", u, r.writes()-before)
		}
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org"))
		r.must(err)
		if res.Item.ID != ada.ID || !res.Item.Managed || r.writes() != before {
			t.Errorf("created again: %+v", res.Item)
		}
	})
}

func TestBrake_DiscardedLossOfARoleKeepsTheRoleUntilTheNextWrite(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(5)
		g := r.createGroup("Authors", ids...)
		r.settle()
		role := r.roleID("Authors")
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: ids}}))
		r.settle()
		held := r.heldOf(ids)
		if len(held) != 2 {
			t.Fatalf("held: %v", held)
		}
		before := r.writes()
		r.discard()
		r.rest()
		if u := r.user(held[0]); u.Link.RoleID != role || !u.Kept || r.writes() != before {
			t.Errorf("after the discard: %+v", u)
		}
		r.update(held[0], person(r.user(held[0]).UserName, titled("Chief")))
		r.settle()
		if u := r.user(held[0]); u.Link.RoleID == role || u.Kept {
			t.Errorf("after a write: %+v", u)
		}
	})
}

func TestBrake_DiscardIsForTheWishThatIsHeld(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		for _, id := range ids {
			r.off(id)
		}
		stale := r.user(ids[3])
		r.update(ids[3], person(address(3), inactive, titled("Chief")))
		if err := r.dir.Discard(r.ctx, stale, true, directory.Restored{}); err == nil || !r.isHeld(ids[3]) || r.user(ids[3]).Active {
			t.Errorf("a newer wish was discarded: %v", err)
		}
	})
}
