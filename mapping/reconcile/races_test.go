package reconcile_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

// Somebody accepts, and a role is pushed before the import has seen it: look, relink, update the collaborator.
func TestAcceptedBeforeARolePush_RelinkedAndUpdated(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.accept("ada@example.org")
		u = r.update(u.ID, person("ada@example.org", titled("Chief")))
		if u.Link.Kind != directory.Collaborator || u.Link.RoleID != r.roleID("Admin") || u.Sync.State != directory.Synced {
			t.Errorf("%+v", u)
		}
		if got := r.calls(false); got["PUT /site-invitations/:id"] != 1 || got["PUT /users/:id"] != 1 || len(r.invitations()) != 0 {
			t.Errorf("%v", got)
		}
	})
}

// Somebody accepts between the wish to withdraw the invitation and the call: a 404 alone is no agreement for a leaver.
func TestAcceptedBeforeAWithdrawal_DeactivatedInTheSameSync(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.accept("ada@example.org")
		u = r.update(u.ID, person("ada@example.org", inactive))
		if u.Link.Kind != directory.Collaborator || u.Link.Active || u.Sync.State != directory.Synced {
			t.Errorf("%+v", u)
		}
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != false {
			t.Error("the leaver got in")
		}
	})
}

func moved(to string) func(*directory.UserWish) {
	return func(w *directory.UserWish) { w.Address, w.Emails = to, []string{to} }
}

func TestReinvite_TheOldAccountGoesWhenTheNewOneIsActive(t *testing.T) {
	s := editors()
	s.rules.OnEmailChange = mapping.Reinvite
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("old@example.org")
		u = r.update(u.ID, person("old@example.org", moved("new@example.org")))
		if u.Link.Kind != directory.Invitation || u.Old.Kind != directory.Collaborator {
			t.Fatalf("%+v", u)
		}
		if c := r.collaborators()["old@example.org"]; c.Attributes["is_active"] != true {
			t.Error("locked out before the new account is there")
		}
		r.accept("new@example.org")
		r.importAll()
		r.settle()
		if r.collaborators()["old@example.org"].Attributes["is_active"] != false || r.collaborators()["new@example.org"].Attributes["is_active"] != true {
			t.Errorf("%+v", r.collaborators())
		}
		r.update(u.ID, person("old@example.org", moved("new@example.org"), inactive))
		if r.collaborators()["new@example.org"].Attributes["is_active"] != false {
			t.Error("the leaver is still in")
		}
	})
}

func TestReinvite_ALeaverLosesBothAccounts(t *testing.T) {
	s := editors()
	s.rules.OnEmailChange = mapping.Reinvite
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("old@example.org")
		r.update(u.ID, person("old@example.org", moved("new@example.org")))
		r.update(u.ID, person("old@example.org", moved("new@example.org"), inactive))
		r.settle()
		if len(r.invitations()) != 0 || r.collaborators()["old@example.org"].Attributes["is_active"] != false {
			t.Errorf("%v %+v", r.invitations(), r.collaborators())
		}
	})
}

// An invitation whose address changes is withdrawn and sent anew.
func TestInvitationFollowsTheAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("old@example.org")
		u = r.update(u.ID, person("old@example.org", moved("new@example.org")))
		if _, there := r.invitations()["new@example.org"]; !there || len(r.invitations()) != 1 || u.Link.Address != "new@example.org" {
			t.Errorf("%v %+v", r.invitations(), u)
		}
	})
}

func TestContentOwnerThatIsNotAccepted_StopsRemovalsNotLeavers(t *testing.T) {
	s := editors()
	s.rules.OnDelete = mapping.Remove
	s.rules.ContentOwner = &mapping.Destination{Type: "user", ID: "424242"}
	each(t, s, func(t *testing.T, r *rig) {
		one, two := r.member("one@example.org"), r.member("two@example.org")
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/users/:id", Action: "status", Status: 422, Code: "INVALID_DESTINATION_USER"})
		for _, u := range []directory.User{one, two} {
			_ = r.engine.DeleteUser(r.ctx, u.ID, nil)
		}
		r.settle()
		for _, a := range []string{"one@example.org", "two@example.org"} {
			if r.collaborators()[a].Attributes["is_active"] != false {
				t.Errorf("%s is still active", a)
			}
		}
		if n := r.calls(false)["DELETE /users/:id"]; n != 1 {
			t.Errorf("%d removals tried", n)
		}
		if !r.user(one.ID).Sync.Parked || !r.user(two.ID).Sync.Parked {
			t.Error("a removal vanished")
		}
	})
}

func TestAnOperatorIsToldThatTheRecordIsNew(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 5
	each(t, s, func(t *testing.T, r *rig) {
		ready := r.engine.Ready(r.ctx)
		if !ready.OK || !strings.Contains(strings.Join(ready.Notes, "\n"), "the record is new") {
			t.Errorf("%+v", ready)
		}
	})
}

// Two replicas with one record: what one begins, the other ends.
func TestTwoReplicas_OneWorksOffWhatTheOtherAccepted(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		other := &rig{t: t, ctx: r.ctx, clock: r.clock, store: r.store, cms: r.cms}
		other.build(editors())
		r.must(other.engine.Bind(r.ctx))
		r.must(r.queue.Pause(r.ctx))
		u := r.create("ada@example.org")
		r.must(r.queue.Resume(r.ctx))
		other.work()
		if got := r.user(u.ID); got.Sync.State != directory.Synced || len(r.invitations()) != 1 {
			t.Errorf("%+v", got)
		}
	})
}
