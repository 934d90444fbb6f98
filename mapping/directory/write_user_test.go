package directory

import (
	"testing"

	"github.com/scimcms/scimcms/queue"
)

func TestWriteUser_RaisesTheGenerationAndCountsWrites(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		u := r.write(ada.ID, wish("ada@x.org", displayed("Countess")))
		if u.Gen != 2 || u.Writes != 2 || u.ID != ada.ID || u.Seq != ada.Seq {
			r.Errorf("%+v", u)
		}
		r.untouched("a write of an older generation", func() {
			if _, err := r.d.WriteUser(r.ctx, ada, wish("ada@x.org"), "token", "user.write"); !wants(err, ErrStale) {
				r.Errorf("got %v", err)
			}
		})
	})
}

func TestWriteUser_RefusesValuesOfOthers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		w         UserWish
		attribute string
	}{
		"userName":       {wish("bob@x.org", address("ada@x.org"), external("00u-ada@x.org")), "userName"},
		"address":        {wish("ada@x.org", address("BOB@x.org")), "emails"},
		"linked address": {wish("ada@x.org", address("robert@x.org")), "emails"},
		"externalId":     {wish("ada@x.org", external("00u-bob@x.org")), "externalId"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada, bob := r.create("ada@x.org"), r.create("bob@x.org")
				r.linked(bob.ID, collaborator("7", "robert@x.org"))
				r.untouched("a refused write", func() {
					_, err := r.d.WriteUser(r.ctx, ada, tt.w, "token", "user.write")
					if e, ok := as[*ConflictError](err); !ok || e.ID != bob.ID || e.Attribute != tt.attribute {
						r.Errorf("got %v", err)
					}
				})
			})
		})
	}
}

func TestWriteUser_MovesEveryIndex(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org", emails("ada@x.org", "a@home.org"))
		w := wish("countess", address("lovelace@x.org"), emails("lovelace@x.org", "a@home.org"), external("00u-9"), displayed("Ada Lovelace"))
		r.write(ada.ID, w)
		for by, gone := range map[Index]string{ByUserName: "ada@x.org", ByEmail: "ada@x.org", ByExternalID: "00u-ada@x.org", ByDisplayName: "name of ada@x.org"} {
			r.equal(string(by)+" before", r.find(by, gone), []string{})
		}
		for _, v := range []struct {
			by    Index
			value string
		}{{ByUserName, "COUNTESS"}, {ByEmail, "Lovelace@x.org"}, {ByEmail, "a@home.org"}, {ByExternalID, "00u-9"}, {ByDisplayName, "ada lovelace"}} {
			r.equal(string(v.by)+" after", r.find(v.by, v.value), []string{ada.ID})
		}
		r.create("ada@x.org", emails("ada@x.org", "a@home.org")) // every former value is free
		r.equal("two people with one e-mail", len(r.find(ByEmail, "a@home.org")), 2)
	})
}

func TestWriteUser_TheLinkedAddressStaysIndexedWhileItIsLinked(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, collaborator("7", "ada@x.org"))
		r.write(ada.ID, wish("ada@x.org", address("new@x.org")))
		r.equal("addresses", r.hash(":x:addr"), value{"ada@x.org": ada.ID, "new@x.org": ada.ID})
		r.linked(ada.ID, Link{})
		r.equal("addresses without the link", r.hash(":x:addr"), value{"new@x.org": ada.ID})
	})
}

func TestWriteUser_TheFormerAccountsAddressStaysIndexedWhileItIsThere(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.reinvited()
		r.equal("addresses", r.hash(":x:addr"), value{"old@x.org": ada.ID, "new@x.org": ada.ID})
		r.equal("entities", r.hash(":x:cms"), value{"c7": ada.ID, "i8": ada.ID})
		none := Link{}
		_, err := r.settle(ada.ID, UserResult{Old: &none, Intent: ClearIntent, End: done})
		r.ok(err)
		r.equal("addresses afterwards", r.hash(":x:addr"), value{"new@x.org": ada.ID})
		r.equal("entities afterwards", r.hash(":x:cms"), value{"i8": ada.ID})
	})
}

func TestWriteUser_RemembersTheLatestDeactivation(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.equal("at first", ada.DeactivatedGen, int64(0))
		r.write(ada.ID, wish("ada@x.org", inactive))
		r.equal("deactivated", r.user(ada.ID).DeactivatedGen, int64(2))
		r.write(ada.ID, wish("ada@x.org", inactive, displayed("A")))
		r.equal("still inactive", r.user(ada.ID).DeactivatedGen, int64(2))
		r.write(ada.ID, wish("ada@x.org"))
		r.deleteUser(ada.ID)
		r.equal("deleted", r.user(ada.ID).DeactivatedGen, int64(5))
	})
}

func TestWriteUser_LanesFollowTheWish(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.rest(ada.ID)
		r.write(ada.ID, wish("ada@x.org", inactive))
		r.equal("deactivation", r.entry(UserKey(ada.ID)).Lane, queue.Leavers)
		r.rest(ada.ID)
		r.write(ada.ID, wish("ada@x.org"))
		r.equal("activation", r.entry(UserKey(ada.ID)).Lane, queue.Interactive)
	})
}

func TestAnyWrite_UnparksItsKey(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(r *rig, u User){
		"of a user":  func(r *rig, u User) { r.write(u.ID, wish("ada@x.org")) },
		"a touch":    func(r *rig, u User) { must(r.d.TouchUser(r.ctx, u, true, ""))(r) },
		"a deletion": func(r *rig, u User) { r.deleteUser(u.ID) },
		"a membership": func(r *rig, u User) {
			r.change(r.createGroup("Editors").ID, MemberChange{Add: []string{u.ID}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada := r.create("ada@x.org")
				_, err := r.settle(ada.ID, UserResult{End: End{Verdict: &queue.Verdict{Outcome: queue.Park, Code: "seats", Text: "no seat"}}})
				r.ok(err)
				u := r.user(ada.ID)
				if !u.Sync.Parked || u.Sync.State != Failed || u.Sync.Code != "seats" {
					r.Fatalf("%+v", u.Sync)
				}
				write(r, u)
				if e := r.entry(UserKey(ada.ID)); e.State != queue.Queued || e.Attempts != 0 || e.Code != "" {
					r.Errorf("%+v", e)
				}
			})
		})
	}
}

func TestAWriteOfALeasedKey_IsSyncedAfterwards(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		l := r.hold(UserKey(ada.ID))
		c := must(r.d.WriteUser(r.ctx, r.user(ada.ID), wish("ada@x.org", inactive), "token", "user.write"))(r)
		if c.Lease != nil || !c.Item.Sync.Leased {
			r.Errorf("two leases on one key: %+v %+v", c.Lease, c.Item.Sync)
		}
		result := must(r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Intent: ClearIntent, End: done}))(r)
		if e := r.entry(UserKey(ada.ID)); result != queue.ResultAgain || e.Lane != queue.Leavers || e.State != queue.Queued {
			r.Errorf("%s %+v", result, e)
		}
	})
}

func TestTouchUser_ChangesNoAttribute(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.rest(ada.ID)
		c := must(r.d.TouchUser(r.ctx, ada, true, "token"))(r)
		if c.Item.Gen != ada.Gen || c.Item.Writes != ada.Writes+1 || c.Lease == nil {
			r.Errorf("%+v %+v", c.Item, c.Lease)
		}
		r.deleteUser(ada.ID)
		r.untouched("a touch of a tombstone", func() {
			if _, err := r.d.TouchUser(r.ctx, ada, true, ""); !wants(err, ErrNotFound) {
				r.Errorf("got %v", err)
			}
		})
	})
}

func TestDeleteUser_LeavesATombstoneThatOnlyItsKeyShows(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, collaborator("7", "ada@x.org"))
		editors := r.createGroup("Editors", ada.ID)
		c := must(r.d.DeleteUser(r.ctx, ada.ID, 0, "token"))(r)
		if c.Lease == nil || c.Lease.Lane != queue.Leavers || c.Item.State != Deleted || c.Item.Active || len(c.Item.Doc) > 0 || c.Item.Gen != 2 {
			r.Errorf("%+v %+v", c.Item, c.Lease)
		}
		if _, err := r.d.User(r.ctx, ada.ID); !wants(err, ErrNotFound) {
			r.Errorf("got %v", err)
		}
		for by, v := range map[Index]string{ByID: ada.ID, ByUserName: "ada@x.org", ByEmail: "ada@x.org", ByExternalID: "00u-ada@x.org", ByDisplayName: "name of ada@x.org"} {
			r.equal("found by "+string(by), r.find(by, v), []string{})
		}
		r.equal("listed", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Total, 0)
		g := r.group(editors.ID)
		if len(g.Members) != 0 || g.Size != 0 || g.MembGen != editors.MembGen+1 {
			r.Errorf("%+v", g)
		}
		r.equal("link", r.user(ada.ID).Link.ID, "7")
		r.untouched("a second deletion", func() {
			if _, err := r.d.DeleteUser(r.ctx, ada.ID, 0, "token"); !wants(err, ErrNotFound) {
				r.Errorf("got %v", err)
			}
		})
	})
}
