package reconcile_test

import (
	"errors"
	"testing"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

func reinviting() setup {
	s := editors()
	s.rules.OnEmailChange = mapping.Reinvite
	return s
}

// Somebody whose address changes and changes back, before or after the new invitation is accepted, has their account again.
func TestAddressThatReturnsTakesTheFormerAccountBack(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		for _, accepts := range []bool{false, true} {
			at := map[bool]string{false: "ada@example.org", true: "bob@example.org"}[accepts]
			u := r.member(at)
			r.update(u.ID, person(at, moved("new."+at)))
			if accepts {
				r.accept("new." + at)
				r.importAll()
				r.settle()
			}
			before := r.calls(false)["POST /site-invitations"]
			u = r.update(u.ID, person(at))
			r.settle()
			if c := r.collaborators()[at]; c.Attributes["is_active"] != true || u.Link.ID != c.ID || u.Sync.State != directory.Synced {
				t.Errorf("accepted %t: %+v %+v", accepts, u, c.Attributes)
			}
			if c, there := r.collaborators()["new."+at]; there && c.Attributes["is_active"] != false {
				t.Errorf("accepted %t: still in under the other address", accepts)
			}
			if n := r.calls(false)["POST /site-invitations"] - before; n != 0 || len(r.invitations()) != 0 {
				t.Errorf("accepted %t: %d invitations, %v", accepts, n, r.invitations())
			}
		}
	})
}

// The account that a re-invitation left behind goes to whoever has its address next, and its leaver forgets it.
func TestFormerAccountOfALeaverGoesToWhoHasItsAddressNext(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		account := old.Link.ID
		r.update(old.ID, person("ada@example.org", moved("new@example.org")))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.settle()
		before := r.calls(false)["POST /site-invitations"]
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("other", "00uOther")))
		r.must(err)
		_, err = r.queue.Push(r.ctx, directory.UserKey(old.ID), queue.Leavers, true)
		r.must(err)
		r.settle()
		if u := r.user(res.Item.ID); u.Link.ID != account || r.collaborators()["ada@example.org"].Attributes["is_active"] != true {
			t.Errorf("%+v", u)
		}
		if n := r.calls(false)["POST /site-invitations"] - before; n != 0 || r.user(old.ID).Old.ID != "" {
			t.Errorf("%d invitations; the leaver has %+v", n, r.user(old.ID).Old)
		}
	})
}

// Who comes to a leaver's address while the leaver's own sync is at work waits for its end, and is not parked.
func TestAddressOfALeaverAtWorkIsWaitedFor(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.update(old.ID, person("ada@example.org", moved("new@example.org")))
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		link := directory.Link{Kind: directory.Collaborator, ID: old.Link.ID, Address: "ada@example.org", Active: true}
		res, err := r.engine.CreateUser(r.ctx, person("bob@example.org"))
		r.must(err)
		mine := r.lease(res.Item.ID)
		_, err = r.dir.SettleUser(r.ctx, res.Item.ID, mine, directory.UserResult{Link: &link})
		if taken, ok := errors.AsType[*directory.TakenError](err); !ok || !taken.Leaving || taken.ID != old.ID {
			t.Fatalf("%v", err)
		}
		_, err = r.queue.Finish(r.ctx, mine, queue.Verdict{Outcome: queue.Done})
		r.must(err)
		r.finish(l)
		r.settle()
	})
}

// Somebody who moves to the address of a leaver gets the leaver's account, and access with it.
func TestEMailChangeToTheAddressOfALockedAccountGivesAccess(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.settle()
		u := r.create("typo@example.org")
		u = r.update(u.ID, person("typo@example.org", moved("ada@example.org")))
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != true || r.user(u.ID).Link.ID != c.ID {
			t.Errorf("%+v %+v", c.Attributes, r.user(u.ID))
		}
	})
}

// A leaver who accepted the invitation meanwhile loses the account, even if somebody else wishes the address by now and
// keeps an account of their own.
func TestLeaverIsLockedOutThoughSomebodyElseWishesTheAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		bob, ada := r.member("bob@example.org"), r.create("ada@example.org")
		r.accept("ada@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, ada.ID, nil))
		r.update(bob.ID, person("bob@example.org", moved("ada@example.org")))
		r.must(r.queue.Resume(r.ctx))
		r.settle()
		if r.collaborators()["ada@example.org"].Attributes["is_active"] != false {
			t.Error("the leaver is still in")
		}
		if r.collaborators()["bob@example.org"].Attributes["is_active"] != true {
			t.Error("who keeps the other account is out")
		}
	})
}

// What a sync found does not undo the link that a commit has given the record since it was read.
func TestResultOfALookDoesNotUndoALinkThatACommitGave(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		_, err := r.queue.Push(r.ctx, directory.UserKey(u.ID), queue.Normal, true)
		r.must(err)
		l := r.lease(u.ID)
		_, err = r.dir.SettleUser(r.ctx, u.ID, l, directory.UserResult{Link: &directory.Link{}, From: &directory.Link{}})
		if !errors.Is(err, directory.ErrMoved) || r.user(u.ID).Link.ID != u.Link.ID {
			t.Errorf("%v %+v", err, r.user(u.ID).Link)
		}
	})
}

// A role that is made while its group is being deleted goes again.
func TestRoleMadeWhileItsGroupIsDeletedGoes(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.must(r.queue.Pause(r.ctx))
		g, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "Writers"}, nil, -1)
		r.must(err)
		r.must(r.queue.Resume(r.ctx))
		r.gate.wait = func() {
			r.gate.wait = nil
			_, err := r.dir.DeleteGroup(r.ctx, g.Item.ID, nil, "")
			r.must(err)
		}
		r.settle()
		for _, role := range r.cms.State().Roles {
			if role.Text("name") == "Writers" {
				t.Error("the role was left behind")
			}
		}
	})
}

// lease takes the queued key of a user.
func (r *rig) lease(id string) *queue.Lease {
	r.t.Helper()
	_, err := r.queue.Push(r.ctx, directory.UserKey(id), queue.Leavers, true)
	r.must(err)
	l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
	r.must(err)
	if l == nil || l.Key != directory.UserKey(id) {
		r.t.Fatalf("took %+v", l)
	}
	return l
}
