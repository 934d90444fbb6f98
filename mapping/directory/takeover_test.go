package directory

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
)

// leaver is a deleted user whose link is still to be dealt with.
func (r *rig) leaver(addr string, l Link) User {
	r.Helper()
	u := r.create(addr)
	r.linked(u.ID, l)
	return r.deleteUser(u.ID)
}

func TestTakeOver_OfATombstonesAddressMovesLinkAndAppliedAndItsKeyLeavesTheQueue(t *testing.T) {
	t.Parallel()
	takes := map[string]func(r *rig) User{
		"by a create": func(r *rig) User { return r.create("ada@x.org", external("00u-new")) },
		"by a change of address": func(r *rig) User {
			u := r.create("bob@x.org")
			r.rest(u.ID)
			return r.write(u.ID, wish("bob@x.org", address("Ada@x.org")))
		},
	}
	for name, take := range takes {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
				before := r.user(old.ID)
				now := take(r)
				r.equal("link", now.Link, before.Link)
				want := before.Applied
				want.Writes = 0
				r.equal("applied", now.Applied, want)
				r.equal("who has the entity", r.hash(":x:cms"), value{"c7": now.ID})
				r.equal("who has the address", r.hash(":x:addr")["ada@x.org"], now.ID)
				after := r.user(old.ID)
				r.equal("the tombstone's link", after.Link, Link{})
				r.equal("the tombstone's applied", after.Applied, Applied{})
				if after.State != Deleted || r.entry(UserKey(old.ID)).State != queue.Idle {
					r.Errorf("tombstone %+v, queue %+v", after, r.entry(UserKey(old.ID)))
				}
				if e := r.entry(UserKey(now.ID)); e.State != queue.Queued || e.Look != 0 || e.Intent != "" {
					r.Errorf("nothing was under way, but the new owner's entry is %+v", e)
				}
			})
		})
	}
}

func TestTakeOver_AnOpenIntentMovesAndTheNewOwnerMustLookAfterItsLastMoment(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", invitation("3", "ada@x.org"))
		l := r.hold(UserKey(old.ID))
		r.ok(r.d.Intend(r.ctx, l, Call{Note: `{"op":"withdraw"}`, Deadline: 13 * time.Second}, "mail:ada@x.org"))
		r.clock.Advance(time.Second)

		c := must(r.d.CreateUser(r.ctx, wish("ada@x.org", external("00u-new")), "token"))(r)
		if c.Lease == nil || c.Lease.Intent != `{"op":"withdraw"}` || c.Lease.Look < began+14_000 {
			r.Fatalf("lease of the new owner: %+v", c.Lease)
		}
		if _, err := r.d.SettleUser(r.ctx, old.ID, l, UserResult{Intent: ClearIntent, End: done}); !wants(err, ErrLost) {
			r.Errorf("the tombstone's sync still holds its lease: %v", err)
		}
		if result := must(r.d.SettleUser(r.ctx, c.Item.ID, c.Lease, UserResult{Intent: ClearIntent, End: done}))(r); result != queue.ResultRetry {
			r.Errorf("agreed without a look: %s", result)
		}
	})
}

func TestTakeOver_WhileTheTombstoneIsBeingSyncedTheNewOwnerMustLook(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
		r.hold(UserKey(old.ID))
		now := r.create("ada@x.org", external("00u-new"))
		if e := r.entry(UserKey(now.ID)); e.Look < began+16_000 {
			r.Errorf("%+v", e)
		}
	})
}

func TestTakeOver_ALookThatIsOwedMovesToo(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
		l := r.hold(UserKey(old.ID))
		must(r.q.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Retry, Look: began + 99_000}))(r)
		now := r.create("ada@x.org", external("00u-new"))
		r.equal("look", r.entry(UserKey(now.ID)).Look, int64(began+99_000))
	})
}

func TestTakeOver_OfTheLinkedAddressMovesItsIndexToo(t *testing.T) {
	each(t, func(r *rig) {
		old := r.create("new@x.org", external("00u-1"))
		r.linked(old.ID, collaborator("7", "ada@x.org"))
		r.deleteUser(old.ID)
		now := r.create("ada@x.org")
		r.equal("link", now.Link.ID, "7")
		r.equal("addresses", r.hash(":x:addr"), value{"ada@x.org": now.ID, "new@x.org": old.ID})
		// The account stays this person's even when the wish moves on.
		r.write(now.ID, wish("ada@x.org", address("other@x.org")))
		r.equal("who has the linked address", r.hash(":x:addr")["ada@x.org"], now.ID)
	})
}

func TestTakeOver_AnAccountUnderAnotherAddressStaysTheLeavers(t *testing.T) {
	each(t, func(r *rig) {
		old := r.create("wished@x.org", external("00u-1"))
		r.linked(old.ID, collaborator("7", "kept@x.org"))
		r.deleteUser(old.ID)
		now := r.create("wished@x.org", external("00u-2"))
		r.equal("link of the newcomer", now.Link, Link{})
		r.equal("link of the leaver", r.user(old.ID).Link.ID, "7")
		if e := r.entry(UserKey(old.ID)); e.Lane != queue.Leavers || e.State != queue.Queued {
			r.Errorf("the leaver's key left the queue: %+v", e)
		}
	})
}

func TestTakeOver_AFormerAccountOfAReinvitationStaysTheLeavers(t *testing.T) {
	each(t, func(r *rig) {
		old := r.reinvited()
		r.deleteUser(old.ID)
		now := r.create("new@x.org", external("00u-2"))
		r.equal("link of the newcomer", now.Link.ID, "8")
		r.equal("former account of the newcomer", now.Old, Link{})
		r.equal("former account of the leaver", r.user(old.ID).Old.ID, "7")
		if e := r.entry(UserKey(old.ID)); e.Lane != queue.Leavers || e.State != queue.Queued {
			r.Errorf("the leaver's key left the queue: %+v", e)
		}
	})
}

// reinvited is a user who was invited under a new address while the account under the former one is still there.
func (r *rig) reinvited() User {
	r.Helper()
	u := r.create("old@x.org", external("00u-1"))
	r.linked(u.ID, collaborator("7", "old@x.org"))
	r.write(u.ID, wish("old@x.org", external("00u-1"), address("new@x.org")))
	link, old := invitation("8", "new@x.org"), collaborator("7", "old@x.org")
	_, err := r.settle(u.ID, UserResult{Link: &link, Old: &old, Intent: ClearIntent, End: done})
	r.ok(err)
	return r.user(u.ID)
}

func TestTakeOver_WhoHasAnAccountOfTheirOwnLeavesTheLeaversToIt(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
		bob := r.create("bob@x.org")
		r.linked(bob.ID, collaborator("9", "bob@x.org"))
		l := r.hold(UserKey(old.ID))
		now := r.write(bob.ID, wish("bob@x.org", address("ada@x.org")))
		r.equal("own link", now.Link.ID, "9")
		r.equal("who has the entities", r.hash(":x:cms"), value{"c7": old.ID, "c9": bob.ID})
		if e := r.entry(UserKey(bob.ID)); e.Look < began+16_000 {
			r.Errorf("the leaver's call may still arrive under this address, but no look is owed: %+v", e)
		}
		// The leaver's sync can write what it did to the account that was always its own.
		off := collaborator("7", "ada@x.org").with(deactivated)
		must(r.d.SettleUser(r.ctx, old.ID, l, UserResult{Link: &off, Intent: ClearIntent, End: done}))(r)
		r.equal("the leaver's account", r.user(old.ID).Link.Active, false)
		r.equal("who has the address", r.hash(":x:addr")["ada@x.org"], bob.ID)
	})
}

func TestTakeOver_ARevivedLeaverHasTheAddressOfTheirAccountAgain(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(r *rig, id string){
		"after the other moved on": func(r *rig, id string) { r.write(id, wish("bob@x.org")) },
		"after the other left":     func(r *rig, id string) { r.deleteUser(id) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
				bob := r.create("bob@x.org")
				r.linked(bob.ID, collaborator("9", "bob@x.org"))
				r.write(bob.ID, wish("bob@x.org", address("ada@x.org")))
				leave(r, bob.ID)
				r.write(old.ID, wish("new@x.org", external("00u-ada@x.org")))
				r.equal("who has the address", r.hash(":x:addr")["ada@x.org"], old.ID)
			})
		})
	}
}

func TestTakeOver_AnOpenIntentOfItsOwnIsKept(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", invitation("3", "ada@x.org"))
		r.ok(r.d.Intend(r.ctx, r.hold(UserKey(old.ID)), Call{Note: "theirs", Deadline: 13 * time.Second}))
		bob := r.create("bob@x.org")
		l := r.hold(UserKey(bob.ID))
		r.ok(r.d.Intend(r.ctx, l, Call{Note: "own", Deadline: 13 * time.Second}))
		r.write(bob.ID, wish("bob@x.org", address("ada@x.org")))
		if e := r.entry(UserKey(bob.ID)); e.Intent != "own" || e.Look < began+16_000 {
			r.Errorf("%+v", e)
		}
	})
}

func TestRevive_ATombstoneReturnsUnderItsIDByTheSameExternalID(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
		_, err := r.d.CreateUser(r.ctx, wish("ada.l@x.org", external("00u-ada@x.org")), "")
		e, ok := as[*ExistsError](err)
		if !ok || e.ID != old.ID || e.Attribute != "externalId" {
			r.Fatalf("got %v", err)
		}
		c := must(r.d.WriteUser(r.ctx, r.user(e.ID), wish("ada.l@x.org", external("00u-ada@x.org")), "token", "user.revive"))(r)
		if c.Lease == nil || c.Item.State != Live || !c.Item.Active || c.Item.Gen != old.Gen+1 || c.Item.Link.ID != "7" {
			r.Errorf("%+v %+v", c.Item, c.Lease)
		}
		r.equal("listed", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Items[0].ID, old.ID)
		r.equal("found", r.find(ByUserName, "ada.l@x.org"), []string{old.ID})
		r.equal("holders of the role", r.dump()[":ru:r1"], value{old.ID: "1"})
	})
}

func TestRevive_OfATombstoneWhoseAddressWasTakenIsAConflict(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", collaborator("7", "ada@x.org"))
		now := r.create("ada@x.org", external("00u-new"))
		r.untouched("a refused revival", func() {
			_, err := r.d.WriteUser(r.ctx, r.user(old.ID), wish("x@x.org", address("ada@x.org"), external("00u-ada@x.org")), "", "user.revive")
			if e, ok := as[*ConflictError](err); !ok || e.ID != now.ID || e.Attribute != "emails" {
				r.Errorf("got %v", err)
			}
		})
	})
}

func TestIntend_NobodyIsInvitedWhereAnInvitationIsAboutToBeWithdrawn(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		la := r.hold(UserKey(ada.ID))
		r.write(ada.ID, wish("ada@x.org", address("moved@x.org")))
		bob := r.create("bob@x.org", address("ada@x.org"))
		link := invitation("7", "ada@x.org") // which ada's sync has just made
		must(r.d.SettleUser(r.ctx, ada.ID, la, UserResult{Link: &link, Own: true}))(r)
		lb := r.hold(UserKey(bob.ID))
		call := Call{Note: "invite", Deadline: time.Second, Changes: Changes{Asked: []string{"ada@x.org"}}}
		r.untouched("an address that has an invitation", func() {
			if err := r.d.Intend(r.ctx, lb, call, "mail:ada@x.org"); !wants(err, ErrBusy) {
				r.Errorf("%v", err)
			}
		})
		must(r.d.SettleUser(r.ctx, ada.ID, la, UserResult{Link: &Link{}, End: done}))(r)
		r.ok(r.d.Intend(r.ctx, lb, call, "mail:ada@x.org"))
		r.ok(r.q.Release(r.ctx, lb))
	})
}
