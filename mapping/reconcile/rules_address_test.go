package reconcile_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// dying is the rest of a sync whose process has died after it noted an invitation: the lease is held, nothing is written.
func (r *rig) dying(id, address string) {
	r.t.Helper()
	l := r.lease(id)
	_, err := r.dir.LoadUser(r.ctx, id, l)
	r.must(err)
	call := directory.Call{
		Note: `{"op":"invite","address":"` + address + `","role":true}`, Deadline: 13 * time.Second,
		Changes: directory.Changes{Role: true, Asked: []string{address}},
	}
	r.must(r.dir.Intend(r.ctx, l, call, "mail:"+address))
}

// waiting creates a user whom nobody has synced yet.
func (r *rig) waiting(address string) directory.User {
	r.t.Helper()
	r.must(r.queue.Pause(r.ctx))
	u := r.create(address)
	r.must(r.queue.Resume(r.ctx))
	return u
}

// Whoever takes a leaver's address while the leaver's call is under way waits for its end: the account has one writer.
func TestAccountOfALeaverAtWorkHasOneWriter(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		var id string
		r.gate.wait = func() { // the leaver's call is noted, and on its way
			r.gate.wait = nil
			before := r.calls(false)["PUT /users/:id"]
			res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("other", "00uOther"), titled("Chief")))
			r.must(err)
			r.must(r.engine.Drain(r.ctx))
			r.work()
			id = res.Item.ID
			if n := r.calls(false)["PUT /users/:id"] - before; n != 0 {
				t.Errorf("%d calls beside the leaver's", n)
			}
			if u := r.user(id); u.Sync.Code != "busy" {
				t.Errorf("%+v", u.Sync)
			}
		}
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		if l != nil {
			t.Fatalf("something else is queued: %+v", l)
		}
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		r.work()
		if n := r.store.Client.HLen(r.ctx, r.store.Base+":q:idents").Val(); n != 0 {
			t.Errorf("%d identities are leased though the call has ended", n)
		}
		r.settle()
		if u := r.user(id); u.Link.ID != old.Link.ID || u.Sync.State != directory.Synced {
			t.Errorf("%+v", u)
		}
		if got := r.has("ada@example.org"); got != "active Admin" {
			t.Errorf("after the leaver's call: %s", got)
		}
	})
}

// They look at the account only then, too, and so do not repeat the call: what a look before it shows is out of date.
func TestAccountOfALeaverAtWorkIsReadWhenTheCallHasEnded(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		before := r.calls(true)
		var id string
		r.gate.wait = func() { // the leaver's call is noted, and on its way
			r.gate.wait = nil
			res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("other", "00uOther"), inactive))
			r.must(err)
			r.must(r.engine.Drain(r.ctx))
			r.work()
			id = res.Item.ID
			if got := r.calls(true); got["GET /users/:id"] != before["GET /users/:id"] || got["GET /users"] != before["GET /users"] {
				t.Errorf("read while the leaver's call was under way: %v", got)
			}
			if s := r.user(id).Sync; s.Code != "busy" {
				t.Errorf("%+v", s)
			}
		}
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		r.settle()
		if u := r.user(id); u.Link.ID != old.Link.ID || u.Sync.State != directory.Synced || r.has("ada@example.org") != "inactive Editor" {
			t.Errorf("%s: %+v", r.has("ada@example.org"), u)
		}
		if n := r.calls(false)["PUT /users/:id"] - before["PUT /users/:id"]; n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// The holder whose lease was revoked may have died: then the account is free when its lease would have run out.
func TestAccountOfALeaverWhoseHolderDiedIsFreeWhenTheLeaseRunsOut(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		l := r.lease(old.ID)
		_, err := r.dir.LoadUser(r.ctx, old.ID, l)
		r.must(err)
		note := directory.Call{Note: `{"op":"update_user","id":"` + old.Link.ID + `","access":true}`, Deadline: 13 * time.Second}
		r.must(r.dir.Intend(r.ctx, l, note, "mail:ada@example.org", "id:"+old.Link.ID))
		res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("other", "00uOther")))
		r.must(err)
		r.must(r.engine.Drain(r.ctx))
		if err := r.queue.Renew(r.ctx, l); err != nil || l.Remaining(time.UnixMilli(r.clock.Now())) > 15*time.Second {
			t.Errorf("%v", err)
		}
		r.clock.Advance(16 * time.Second)
		r.settle()
		if u := r.user(res.Item.ID); u.Sync.State != directory.Synced || r.has("ada@example.org") != "active Editor" {
			t.Errorf("%s: %+v", r.has("ada@example.org"), u.Sync)
		}
	})
}

// An invitation that arrives after its address was changed, and changed again, is withdrawn.
func TestInvitationOfUnknownOutcomeIsWithdrawnAfterTwoChangesOfAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.waiting("first@example.org")
		r.dying(u.ID, "first@example.org")
		r.update(u.ID, person("first@example.org", moved("second@example.org")))
		r.clock.Advance(16 * time.Second)
		r.work() // looks, sees nothing, and invites the second address
		r.update(u.ID, person("first@example.org", moved("third@example.org")))
		r.work()
		r.lateInvitation("first@example.org")
		r.settle()
		r.importAll()
		r.settle()
		if got := r.invitations(); len(got) != 1 || got["third@example.org"].ID != r.user(u.ID).Link.ID {
			t.Errorf("%v, %+v", got, r.user(u.ID).Link)
		}
	})
}

// The same when somebody else has the first address by now, and needs no invitation.
func TestInvitationOfUnknownOutcomeIsWithdrawnThoughSomebodyElseHasTheAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		other := r.member("other@example.org")
		u := r.waiting("first@example.org")
		r.dying(u.ID, "first@example.org")
		r.update(u.ID, person("first@example.org", moved("second@example.org")))
		r.update(other.ID, person("other@example.org", moved("first@example.org")))
		r.lateInvitation("first@example.org")
		r.clock.Advance(16 * time.Second)
		r.settle()
		if got := r.invitations(); len(got) != 1 || got["second@example.org"].ID != r.user(u.ID).Link.ID {
			t.Errorf("%v, %+v", got, r.user(u.ID).Link)
		}
	})
}

// An account that such an invitation brought belongs to whoever has its address by now.
func TestAccountOfAnInvitationOfUnknownOutcomeBelongsToWhoHasItsAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.waiting("first@example.org")
		r.dying(u.ID, "first@example.org")
		u = r.update(u.ID, person("first@example.org", moved("second@example.org")))
		r.lateInvitation("first@example.org")
		r.accept("first@example.org")
		res, err := r.engine.CreateUser(r.ctx, person("other@example.org", moved("first@example.org")))
		r.must(err)
		r.clock.Advance(16 * time.Second)
		r.settle()
		if o := r.user(res.Item.ID); o.Sync.State != directory.Synced || o.Link.Kind != directory.Collaborator {
			t.Errorf("%+v", o)
		}
		if u = r.user(u.ID); u.Old.ID != "" || u.Link.Address != "second@example.org" {
			t.Errorf("%+v", u)
		}
	})
}

// If they keep an account of their own it is a former one of whoever was invited: nobody gets in by it once those are in
// elsewhere, or are to have no access.
func TestAccountOfAnInvitationOfUnknownOutcomeIsNotLeftToWhoKeepsAnother(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*directory.UserWish){
		"stays": func(*directory.UserWish) {}, "leaves": func(w *directory.UserWish) { w.Active = false },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				other := r.member("other@example.org")
				u := r.waiting("first@example.org")
				r.dying(u.ID, "first@example.org")
				r.update(u.ID, person("first@example.org", moved("second@example.org"), change))
				r.lateInvitation("first@example.org")
				r.accept("first@example.org")
				r.update(other.ID, person("other@example.org", moved("first@example.org")))
				r.clock.Advance(16 * time.Second)
				r.settle()
				if name == "stays" {
					r.accept("second@example.org")
				}
				r.importAll()
				r.settle()
				for _, c := range r.cms.State().Users {
					if c.Text("email") == "first@example.org" && c.Attributes["is_active"] == true {
						t.Errorf("still in: %+v", r.user(u.ID))
					}
				}
			})
		})
	}
}

// The same when the next address is a leaver's: what comes with that does not replace what was asked for.
func TestInvitationOfUnknownOutcomeIsWithdrawnThoughALeaversAddressIsTaken(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		leaver := r.create("leaver@example.org")
		r.must(r.engine.DeleteUser(r.ctx, leaver.ID, nil))
		u := r.waiting("first@example.org")
		r.dying(u.ID, "first@example.org")
		u = r.update(u.ID, person("first@example.org", moved("leaver@example.org")))
		if len(u.Asked) != 1 {
			t.Errorf("forgotten: %v", u.Asked)
		}
		r.lateInvitation("first@example.org")
		r.clock.Advance(16 * time.Second)
		r.settle()
		if got := r.invitations(); len(got) != 1 || got["leaver@example.org"].ID != r.user(u.ID).Link.ID {
			t.Errorf("%v, %+v", got, r.user(u.ID).Link)
		}
	})
}

// The same when the answer is known: the invitation is the own one of whoever has asked for it, and goes.
func TestOwnInvitationIsWithdrawnThoughSomebodyElseHasTheAddress(t *testing.T) {
	s := editors()
	s.engine.Wait = 10 * time.Millisecond // nobody works while its requests wait
	each(t, s, func(t *testing.T, r *rig) {
		other := r.member("other@example.org")
		u := r.waiting("first@example.org")
		r.gate.wait = func() {
			r.gate.wait = nil
			r.update(u.ID, person("first@example.org", moved("second@example.org")))
			r.update(other.ID, person("other@example.org", moved("first@example.org")))
		}
		r.settle()
		if got := r.invitations(); len(got) != 1 || got["second@example.org"].ID != r.user(u.ID).Link.ID {
			t.Errorf("%v, %+v", got, r.user(u.ID).Link)
		}
	})
}

// Who is to have no access, and has the address of an account that belongs to somebody else, is not parked for it.
func TestWhoIsInactiveIsNotParkedForSomebodyElsesAccount(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		old, u := r.member("ada@example.org"), r.create("bob@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		l := r.lease(old.ID) // at work: whoever takes the address has to look
		r.must(r.queue.Pause(r.ctx))
		r.update(u.ID, person("bob@example.org", moved("ada@example.org"), inactive))
		_, err := r.engine.CreateUser(r.ctx, person("ada@example.org", moved("new@example.org"), inactive)) // back, elsewhere
		r.must(err)
		r.must(r.queue.Resume(r.ctx))
		r.finish(l)
		r.settle()
		if got := r.user(u.ID); got.Sync.State != directory.Synced || got.Link.Kind != directory.NoLink {
			t.Errorf("%+v %+v", got.Sync, got.Link)
		}
		if len(r.invitations()) != 0 || r.collaborators()["ada@example.org"].Attributes["is_active"] != false {
			t.Errorf("%v %v", r.invitations(), r.collaborators()["ada@example.org"])
		}
	})
}

// An invitation that was accepted unseen, and is replaced by the account that the new address has already, is not
// forgotten: its account is the former one, and goes.
func TestAccountThatIsReplacedUnseenGoes(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		leaver := r.member("leaver@example.org")
		r.must(r.engine.DeleteUser(r.ctx, leaver.ID, nil))
		r.settle()
		u := r.create("ada@example.org")
		r.accept("ada@example.org") // unseen
		r.update(u.ID, person("ada@example.org", moved("leaver@example.org")))
		r.settle()
		if got := r.user(u.ID); got.Link.ID != leaver.Link.ID || r.has("leaver@example.org") != "active Editor" {
			t.Errorf("%s: %+v", r.has("leaver@example.org"), got)
		}
		if r.collaborators()["ada@example.org"].Attributes["is_active"] != false {
			t.Error("the former account is still active, and nobody's")
		}
	})
}

// A former account that gives no access any more goes to whoever has its address, and whoever was parked for it is woken.
func TestRetiredAccountGoesToWhoHasItsAddress(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		ada := r.member("ada@example.org")
		r.update(ada.ID, person("ada@example.org", moved("new@example.org")))
		bob := r.create("bob@example.org")
		r.must(r.store.Client.HDel(r.ctx, r.store.Base+":x:addr", "ada@example.org").Err()) // as if it had been released
		bob = r.update(bob.ID, person("bob@example.org", moved("ada@example.org")))
		r.settle()
		if s := r.user(bob.ID).Sync; !s.Parked || s.Code != "address_taken" {
			t.Fatalf("%+v", s)
		}
		r.accept("new@example.org")
		r.importAll()
		r.settle()
		if got := r.user(bob.ID); got.Link.ID != ada.Link.ID || r.has("ada@example.org") != "active Editor" {
			t.Errorf("%s: %+v", r.has("ada@example.org"), got)
		}
		if r.has("new@example.org") != "active Editor" || r.user(ada.ID).Old.ID != "" {
			t.Errorf("%+v", r.user(ada.ID))
		}
	})
}

// Whoever waits for an account goes on when two pictures show that somebody has removed it by hand.
func TestWhoWaitsForAnAccountGoesOnWhenItIsRemovedByHand(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		ada := r.member("ada@example.org")
		account := ada.Link.ID
		r.update(ada.ID, person("ada@example.org", moved("new@example.org")))
		bob := r.create("bob@example.org")
		r.must(r.store.Client.HDel(r.ctx, r.store.Base+":x:addr", "ada@example.org").Err()) // as if it had been released
		bob = r.update(bob.ID, person("bob@example.org", moved("ada@example.org")))
		r.settle()
		if s := r.user(bob.ID).Sync; !s.Parked || s.Code != "address_taken" {
			t.Fatalf("%+v", s)
		}
		r.must(r.cms.RemoveUser(account))
		r.importAll()
		r.importAll()
		r.settle()
		if got := r.user(bob.ID); got.Sync.State != directory.Synced || got.Link.Address != "ada@example.org" {
			t.Errorf("%+v", got)
		}
	})
}

// Nobody is invited to an address where a look has just seen an account.
func TestAccountThatALookSawAtTheNewAddressIsTaken(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.settle()
		_, err := r.byHand().CreateInvitation(r.ctx, cmsclient.InvitationCreate{Email: "new@example.org", RoleID: u.Link.RoleID})
		r.must(err)
		r.accept("new@example.org")
		before := r.calls(false)["POST /site-invitations"]
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/site-invitations/:id", Action: "drop_before", Times: 1})
		r.update(u.ID, person("ada@example.org", moved("new@example.org")))
		r.settle()
		if u = r.user(u.ID); u.Link.Kind != directory.Collaborator || u.Link.Address != "new@example.org" || len(r.invitations()) != 0 {
			t.Errorf("%+v %v", u.Link, r.invitations())
		}
		if n := r.calls(false)["POST /site-invitations"] - before; n != 0 {
			t.Errorf("%d invitations", n)
		}
	})
}

// Whoever was linked to what is at another address, and has the former address again before that was agreed on, is invited
// there.
func TestAddressThatReturnsBeforeTheOtherOneIsAgreedOnIsInvited(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		r.deleted(r.member("gone@example.org").ID)
		u := r.create("ada@example.org")
		r.settle()
		r.fault(cmstest.Fault{Method: "PUT", Path: "/users/:id", Action: "status", Status: 503, Times: 1})
		r.update(u.ID, person("ada@example.org", moved("gone@example.org")))
		if u = r.user(u.ID); u.Link.Address != "gone@example.org" || u.Sync.State == directory.Synced {
			t.Fatalf("%+v", u)
		}
		r.update(u.ID, person("ada@example.org"))
		r.settle()
		if u = r.user(u.ID); u.Link.Address != "ada@example.org" || u.Sync.State != directory.Synced || r.collaborators()["gone@example.org"].Attributes["is_active"] != false {
			t.Errorf("%+v", u)
		}
	})
}

// The same when the invitation to the other address was sent, and a call before it may still arrive.
func TestAddressThatReturnsWhileTheOtherInvitationIsNotAgreedOnIsInvited(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.settle()
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/site-invitations/:id", Action: "drop_before", Times: 1})
		r.update(u.ID, person("ada@example.org", moved("other@example.org"))) // the first withdrawal may still arrive
		if u = r.user(u.ID); u.Link.Address != "other@example.org" {
			t.Fatalf("%+v", u)
		}
		r.update(u.ID, person("ada@example.org"))
		r.settle()
		if u = r.user(u.ID); u.Link.Address != "ada@example.org" || u.Sync.State != directory.Synced || len(r.invitations()) != 1 {
			t.Errorf("%+v %v", u, r.invitations())
		}
	})
}

// An address that somebody took from a leaver, and gave up again, is unique as long as the leaver's account is there.
func TestAddressOfALeaversAccountIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]func(*rig, directory.User){
		"moved on": func(r *rig, bob directory.User) { r.update(bob.ID, person("bob@example.org")) },
		"left":     func(r *rig, bob directory.User) { r.deleted(bob.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				ada, bob := r.member("ada@example.org"), r.member("bob@example.org")
				r.deleted(ada.ID)
				r.update(bob.ID, person("bob@example.org", moved("ada@example.org")))
				r.settle()
				_, err := r.engine.CreateUser(r.ctx, person("ada@example.org", moved("new@example.org"), inactive)) // back, elsewhere
				r.must(err)
				r.settle()
				if u := r.user(ada.ID); u.State != directory.Live || u.Link.ID != ada.Link.ID {
					t.Fatalf("%+v", u)
				}
				giveUp(r, bob)
				r.settle()
				res, err := r.engine.CreateUser(r.ctx, person("ada@example.org", named("other", "00uOther")))
				r.must(err)
				r.settle()
				if u := r.user(res.Item.ID); u.ID != ada.ID || u.Sync.State != directory.Synced || r.has("ada@example.org") != "active Editor" {
					t.Errorf("%s: %+v", r.has("ada@example.org"), u)
				}
			})
		})
	}
}

// Who comes to the address of a leaver whom the brake holds is parked, and does not ask the CMS again and again.
func TestAddressOfALeaverWhomTheBrakeHoldsIsNotWaitedFor(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		old := r.member("ada@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, old.ID, nil))
		r.must(r.queue.Resume(r.ctx))
		l := r.lease(old.ID)
		_, err := r.queue.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Hold, Code: "brake"})
		r.must(err)
		bob := r.create("bob@example.org")
		mine := r.lease(bob.ID)
		link := directory.Link{Kind: directory.Collaborator, ID: old.Link.ID, Address: "ada@example.org", Active: true}
		_, err = r.dir.SettleUser(r.ctx, bob.ID, mine, directory.UserResult{Link: &link})
		if taken, ok := errors.AsType[*directory.TakenError](err); !ok || taken.Leaving || taken.ID != old.ID {
			t.Errorf("%v", err)
		}
	})
}
