package reconcile_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// The account goes on as it is under its new owner: the deletion that waited is never carried out.
func TestSupersededDeletionMakesNoCall(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("ada@example.org", "00uNew")))
		r.must(err)
		if e := r.entry(directory.UserKey(old.ID)); e.State != queue.Idle {
			t.Errorf("the leaver's key is still there: %+v", e)
		}
		r.must(r.queue.Resume(r.ctx))
		r.settle()
		if got := r.calls(false); got["PUT /users/:id"] != 0 || got["POST /site-invitations"] != 1 {
			t.Errorf("%v", got)
		}
		if u := r.user(res.Item.ID); u.Link.ID != old.Link.ID || u.Sync.State != directory.Synced {
			t.Errorf("%+v", u)
		}
	})
}

// Somebody who was never invited moves to the address of a leaver whose deletion still waits.
func TestEMailChangeToALeaversAddressTakesTheAccountOver(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.fault(cmstest.Fault{Action: "drop_before"})
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		u := r.create("typo@example.org")
		u = r.update(u.ID, person("typo@example.org", moved("ada@example.org")))
		if e := r.entry(directory.UserKey(old.ID)); e.State == queue.Queued || e.State == queue.Leased {
			t.Errorf("the leaver's key is still queued: %+v", e)
		}
		r.cms.ClearFaults()
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != true {
			t.Error("the old deletion reached the new owner of the address")
		}
		if u = r.user(u.ID); u.Link.ID != old.Link.ID || u.Sync.State != directory.Synced {
			t.Errorf("%+v", u)
		}
	})
}

// What a leaver's sync may have under way concerns whoever has the address now.
func TestIntentMovesToWhoTakesTheAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		_, err = r.dir.LoadUser(r.ctx, old.ID, l)
		r.must(err)
		const note = `{"op":"update_user","id":"7","access":true}`
		r.must(r.dir.Intend(r.ctx, l, directory.Call{Note: note, Deadline: 13 * time.Second}))
		r.must(r.queue.Pause(r.ctx))
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("ada@example.org", "00uNew")))
		r.must(err)
		if e := r.entry(directory.UserKey(res.Item.ID)); e.Intent != note || e.Look < r.clock.Now()+13_000 {
			t.Errorf("intent %q, look %d", e.Intent, e.Look-r.clock.Now())
		}
		if e := r.entry(directory.UserKey(old.ID)); e.Intent != "" {
			t.Errorf("the intent stayed with the leaver, too: %+v", e)
		}
		// The leaver's call lands after all: whoever has the account now keeps their access.
		no := false
		_, err = r.cms.EditUser(old.Link.ID, cmstest.NewUser{Active: &no})
		r.must(err)
		r.must(r.queue.Resume(r.ctx))
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != true {
			t.Error("locked out by the leaver's late call")
		}
	})
}

// An account that belongs to somebody else is never taken over because of its address.
func TestLookByAddressNeverTakesSomebodyElsesAccount(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		a := r.member("a@example.org")
		_, err := r.cms.EditUser(a.Link.ID, cmstest.NewUser{Email: "c@example.org"})
		r.must(err)
		c := r.create("c@example.org")
		r.settle()
		got := r.user(c.ID)
		if got.Sync.State != directory.Failed || got.Sync.Code != "address_taken" || got.Link.Kind != directory.NoLink {
			t.Errorf("%+v", got)
		}
		if got := r.user(a.ID); got.Link.ID != a.Link.ID {
			t.Errorf("the owner lost the account: %+v", got.Link)
		}
	})
}

// Two keys never call the CMS for one address at a time.
func TestSyncHoldsTheAddressItCallsFor(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		_, err := r.queue.Push(r.ctx, "user/other", queue.Interactive, true)
		r.must(err)
		other, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.must(r.dir.Intend(r.ctx, other, directory.Call{Note: "{}", Deadline: 13 * time.Second}, "mail:ada@example.org"))
		u := r.create("Ada@Example.org")
		if n := len(r.calls(false)); n != 0 || u.Sync.State != directory.Pending {
			t.Errorf("%d calls while another key holds the address: %+v", n, u.Sync)
		}
		r.must(r.queue.Release(r.ctx, other))
		_, err = r.queue.Drop(r.ctx, "user/other")
		r.must(err)
		r.settle()
		if len(r.invitations()) != 1 {
			t.Error("not invited afterwards")
		}
	})
}

// Whoever is never touched is refused, whatever is wished of them.
func TestProtectedPersonIsRefused(t *testing.T) {
	s := editors()
	s.rules.Protected = []string{"boss@example.org"}
	each(t, s, func(t *testing.T, r *rig) {
		_, err := r.cms.AddUser(cmstest.NewUser{Email: "boss@example.org"})
		r.must(err)
		r.importAll()
		r.onlyRefused("boss@example.org")
	})
}

// The person whose token the proxy uses is like a protected one.
func TestPersonBehindTheTokenIsNeverTouched(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		me := true
		_, err := r.cms.AddUser(cmstest.NewUser{Email: "boss@example.org", Role: "Admin", Current: &me})
		r.must(err)
		r.must(r.engine.Bind(r.ctx))
		r.importAll()
		r.onlyRefused("boss@example.org")
	})
}

func (r *rig) onlyRefused(address string) {
	r.t.Helper()
	p, err := r.engine.FindUsers(r.ctx, directory.ByEmail, address, directory.Window{Start: 1, Count: 1})
	r.must(err)
	id := p.Items[0].ID
	if _, err := r.engine.CreateUser(r.ctx, person(address)); !errors.Is(err, reconcile.ErrProtected) {
		r.t.Errorf("create: %v", err)
	}
	off := func(directory.User) (directory.UserWish, error) { return person(address, inactive), nil }
	if _, err := r.engine.UpdateUser(r.ctx, id, off); !errors.Is(err, reconcile.ErrProtected) {
		r.t.Errorf("update: %v", err)
	}
	if err := r.engine.DeleteUser(r.ctx, id, nil); !errors.Is(err, reconcile.ErrProtected) {
		r.t.Errorf("delete: %v", err)
	}
	// As a member they are stored, and nothing more.
	g := r.createGroup("Writers", id)
	r.settle()
	if g = r.group(g.ID); len(g.Members) != 1 || g.Members[0].ID != id {
		r.t.Errorf("not stored as a member: %+v", g.Members)
	}
	if got := r.calls(false); got["POST /roles"] != 1 || len(got) != 1 {
		r.t.Errorf("calls: %v", got)
	}
}
