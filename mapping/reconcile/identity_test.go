package reconcile_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// member is a collaborator that the identity provider created and who accepted.
func (r *rig) member(address string) directory.User {
	r.t.Helper()
	u := r.create(address)
	r.must(r.engine.Drain(r.ctx))
	r.accept(address)
	r.importAll()
	return r.user(u.ID)
}

func named(userName, externalID string) func(*directory.UserWish) {
	return func(w *directory.UserWish) { w.UserName, w.ExternalID = userName, externalID }
}

// A deletion that waits while the CMS is down must not deactivate whoever got the address since.
func TestNewHireTakesALeaversAddress_TheOldDeletionCannotReachThem(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.fault(cmstest.Fault{Action: "drop_before"})
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("ada@example.org", "00uNew")))
		r.must(err)
		if res.Item.ID == old.ID {
			t.Fatal("another person got the id")
		}
		r.cms.ClearFaults()
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != true {
			t.Errorf("the new hire is locked out: %v", c.Attributes)
		}
		if n := len(r.invitations()); n != 0 {
			t.Errorf("%d invitations", n)
		}
		if u := r.user(res.Item.ID); u.Link.Kind != directory.Collaborator || u.Sync.State != directory.Synced {
			t.Errorf("%+v", u)
		}
	})
}

func TestReprovisioningTheSameExternalID_RevivesTheSameID(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.settle()
		u := r.create("ada@example.org")
		if u.ID != old.ID || !u.Link.Active || u.Link.ID != old.Link.ID {
			t.Errorf("%+v", u)
		}
		if n := len(r.collaborators()); n != 1 {
			t.Errorf("%d collaborators", n)
		}
	})
}

// With on_email_change: keep, A keeps the account a@ while wishing b@; somebody new with a@ must not get A's account.
func TestAddressOfALinkedAccountIsTaken(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		a := r.member("a@example.org")
		a = r.update(a.ID, person("a@example.org", func(w *directory.UserWish) { w.Address, w.Emails = "b@example.org", []string{"b@example.org"} }))
		if a.Link.Address != "a@example.org" {
			t.Fatalf("%+v", a)
		}
		_, err := r.engine.CreateUser(r.ctx, person("a@example.org", named("other", "00uOther")))
		var conflict *directory.ConflictError
		if !errors.As(err, &conflict) || conflict.ID != a.ID {
			t.Errorf("got %v", err)
		}
	})
}

func TestPostResolution(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 3
	s.rules.Protected = []string{"grace@example.com"}
	each(t, s, func(t *testing.T, r *rig) {
		before := len(r.collaborators())
		var addresses []string
		for a := range r.collaborators() {
			if a != "grace@example.com" {
				addresses = append(addresses, a)
			}
		}
		// Found in the CMS, known to Okta by another login: taken up under the imported id.
		p, err := r.engine.FindUsers(r.ctx, directory.ByEmail, addresses[0], directory.Window{Start: 1, Count: 2})
		r.must(err)
		res, err := r.engine.CreateUser(r.ctx, person(addresses[0], named("jdoe", "00uJ")))
		r.must(err)
		if res.Item.ID != p.Items[0].ID || !res.Item.Managed || res.Item.UserName != "jdoe" {
			t.Errorf("%+v", res.Item)
		}
		// Active and managed: a conflict that names the id.
		_, err = r.engine.CreateUser(r.ctx, person(addresses[0], named("jdoe", "00uJ")))
		var conflict *directory.ConflictError
		if !errors.As(err, &conflict) || conflict.ID != res.Item.ID || conflict.Other != "" {
			t.Errorf("got %v", err)
		}
		// Two records match.
		other := r.create("new@example.org")
		_, err = r.engine.CreateUser(r.ctx, person("new@example.org", named("jdoe", "00uX")))
		if !errors.As(err, &conflict) || conflict.Other == "" {
			t.Errorf("got %v", err)
		}
		// Inactive: revived under its id.
		r.update(other.ID, person("new@example.org", inactive))
		again := r.create("new@example.org")
		if again.ID != other.ID || !again.Active {
			t.Errorf("%+v", again)
		}
		if len(r.collaborators()) != before || len(r.invitations()) != 1 {
			t.Errorf("%d collaborators, %d invitations", len(r.collaborators()), len(r.invitations()))
		}
		if got := r.calls(false); got["PUT /users/:id"] != 0 {
			t.Errorf("taking somebody up changed the CMS: %v", got)
		}
	})
}

// A worker is stopped with its PUT about to leave, its lease runs out, somebody else syncs the newer wish, and then the
// old PUT lands.
func TestCallThatOutlivesItsLease_IsSeenAndCorrected(t *testing.T) {
	s := editors()
	s.engine.Wait = 10 * time.Millisecond
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		u = r.update(u.ID, person("ada@example.org", inactive))
		r.must(r.queue.Pause(r.ctx))
		r.update(u.ID, person("ada@example.org"))
		r.must(r.queue.Resume(r.ctx))
		stopped, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		_, err = r.dir.LoadUser(r.ctx, u.ID, stopped)
		r.must(err)
		r.must(r.dir.Intend(r.ctx, stopped, directory.Call{Note: `{"op":"update_user","id":"` + u.Link.ID + `"}`, Deadline: 13e9}, "mail:ada@example.org"))

		r.must(r.queue.Pause(r.ctx))
		r.update(u.ID, person("ada@example.org", inactive))
		r.must(r.queue.Resume(r.ctx))
		r.clock.Advance(16e9)
		r.work() // another replica: looks, finds the person off, and must not be sure of it yet
		active := true
		_, err = r.cms.EditUser(u.Link.ID, cmstest.NewUser{Active: &active}) // the old PUT lands
		r.must(err)
		if _, err := r.dir.SettleUser(r.ctx, u.ID, stopped, directory.UserResult{Intent: directory.ClearIntent}); !errors.Is(err, directory.ErrLost) {
			t.Errorf("the stopped worker could write: %v", err)
		}
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != false {
			t.Error("the leaver is back")
		}
	})
}
