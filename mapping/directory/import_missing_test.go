package directory

import (
	"testing"

	"github.com/scimcms/scimcms/queue"

	"github.com/scimcms/scimcms/mapping"
)

func TestMissing_OnlyTheSecondPictureInARowIsBelieved(t *testing.T) {
	each(t, func(r *rig) {
		ada, joe := r.create("ada@x.org"), r.found(invitation("2", "joe@x.org"))
		link := invitation("1", "ada@x.org")
		r.linked(ada.ID, link)
		lacking := []Missing{{Entity: "i1", ID: ada.ID}, {Entity: "i2", ID: joe.ID}}

		r.equal("first picture", r.missing(lacking...), 0)
		r.equal("seen again", r.shown(link, joe.Link), []Finding(nil))
		r.equal("first picture", r.missing(lacking...), 0)
		r.equal("second picture", r.missing(lacking...), 2)

		u := r.user(ada.ID)
		if u.Link != (Link{Address: ""}) || u.Sync.State != Failed || u.Sync.Code != "invitation_gone" || u.State != Live {
			r.Errorf("%+v", u)
		}
		if _, err := r.d.UserRecord(r.ctx, joe.ID); !wants(err, ErrNotFound) {
			r.Errorf("somebody whom nobody wished is still there: %v", err)
		}
		r.equal("entities", r.hash(":x:cms"), value{})
		r.equal("queue", string(r.entry(UserKey(ada.ID)).State), "idle")
	})
}

func TestMissing_OnePictureCountsOnce(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, invitation("1", "ada@x.org"))
		lacking := []Missing{{Entity: "i1", ID: ada.ID}, {Entity: "i1", ID: ada.ID}}
		picture := must(r.d.BeginPicture(r.ctx))(r)
		for range 2 { // a walk over a hash may give a field twice
			r.equal("gone", must(r.d.ImportMissing(r.ctx, picture, lacking))(r), 0)
		}
		r.equal("link", r.user(ada.ID).Link.ID, "1")
	})
}

func TestMissing_WhoIsSeenWhileAtWorkIsNotMissing(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		link := invitation("1", "ada@x.org")
		r.linked(ada.ID, link)
		r.missing(Missing{Entity: "i1", ID: ada.ID})
		l := r.hold(UserKey(ada.ID))
		r.shown(link)
		r.ok(r.q.Release(r.ctx, l))
		r.equal("gone", r.missing(Missing{Entity: "i1", ID: ada.ID}), 0)
	})
}

func TestMissing_AFormerAccountIsMissedInTwoPicturesInARow(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.reinvited()
		lacking := Missing{Entity: "c7", ID: ada.ID}
		r.equal("once", r.missing(lacking), 0)
		r.shown(ada.Old)
		r.equal("after it was seen again", r.missing(lacking), 0)
		r.equal("still known", r.user(ada.ID).Old, ada.Old)
		r.equal("the second in a row", r.missing(lacking), 1)
		r.equal("former account", r.user(ada.ID).Old, Link{})
		r.equal("entities", r.hash(":x:cms"), value{"i8": ada.ID})
	})
}

func TestMissing_WhoWaitsForTheAddressGoesOn(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, collaborator("1", "ada@x.org"))
		r.write(ada.ID, wish("ada@x.org", address("new@x.org")))
		bob := r.create("bob@x.org")
		r.ok(r.store.Client.HDel(r.ctx, r.store.Base+":x:addr", "ada@x.org").Err()) // as if it had been released
		r.write(bob.ID, wish("bob@x.org", address("ada@x.org")))
		_, err := r.settle(bob.ID, UserResult{End: End{Verdict: &queue.Verdict{Outcome: queue.Park, Code: "address_taken"}}})
		r.ok(err)
		lacking := Missing{Entity: "c1", ID: ada.ID}
		r.missing(lacking)
		r.equal("after one picture", r.entry(UserKey(bob.ID)).State, queue.Parked)
		r.missing(lacking)
		r.equal("after the second", r.entry(UserKey(bob.ID)).State, queue.Queued)
	})
}

func TestMissing_ALeaverWhoseAccountIsGoneKeepsNoLink(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("ada@x.org", collaborator("1", "ada@x.org"))
		r.rest(old.ID)
		for range 2 {
			r.missing(Missing{Entity: "c1", ID: old.ID})
		}
		u := r.user(old.ID)
		if u.Link.ID != "" || u.State != Deleted || u.Sync.State != Synced {
			r.Errorf("%+v", u)
		}
		r.equal("holders of the role", r.dump()[":rt:r1"], value(nil))
	})
}

func TestLinked_GivesEveryLinkedEntityInChunks(t *testing.T) {
	each(t, func(r *rig) {
		ada, joe := r.create("ada@x.org"), r.found(collaborator("2", "joe@x.org"))
		r.linked(ada.ID, invitation("1", "ada@x.org"))
		got := map[string]string{}
		r.ok(r.d.Linked(r.ctx, func(chunk []Missing) error {
			for _, m := range chunk {
				got[m.Entity] = m.ID
			}
			return nil
		}))
		r.equal("linked", got, map[string]string{EntityKey(invitation("1", "")): ada.ID, EntityKey(collaborator("2", "")): joe.ID})
		r.equal("counted", must(r.d.CountLinked(r.ctx))(r), int64(2))
		if err := r.d.Linked(r.ctx, func([]Missing) error { return ErrStale }); !wants(err, ErrStale) {
			r.Errorf("got %v", err)
		}
	})
}

func TestImportNewUser_NeverTakesARecordThatIsSomebodyElses(t *testing.T) {
	each(t, func(r *rig) {
		// The account's address changed in the CMS; somebody else gets the former one.
		joe := r.found(collaborator("7", "joe@x.org"))
		moved := collaborator("7", "joe@y.org")
		r.equal("findings", r.shown(moved), []Finding{{At: 0, What: "changed", ID: joe.ID}})
		w := UserWish{UserName: "joe@y.org", Emails: []string{"joe@y.org"}, Address: "joe@y.org", Active: true}
		r.equal("written anew", must(r.d.ImportNewUser(r.ctx, 9, joe.ID, Entity{moved}, w))(r), true)
		second := r.found(invitation("8", "joe@x.org"))
		r.equal("id of the second person", second.ID, mapping.ID("site", "User", "joe@x.org", 1))
		r.equal("the first person", r.user(joe.ID).Link, moved)
	})
}

func TestImportNewUser_LeavesWhatIsThereByNow(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(r *rig){
		"somebody has the address":   func(r *rig) { r.create("joe@x.org", named("else"), external("00u-1")) },
		"somebody has the userName":  func(r *rig) { r.create("joe@x.org", address("else@x.org")) },
		"somebody has the entity":    func(r *rig) { r.linked(r.create("else@x.org").ID, collaborator("7", "else@x.org")) },
		"a tombstone has the person": func(r *rig) { r.leaver("joe@x.org", collaborator("7", "joe@x.org")) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				before(r)
				r.untouched("an import", func() {
					r.equal("written", r.foundAt(9, collaborator("7", "joe@x.org")), false)
				})
			})
		})
	}
}

func TestImportNewUser_DoesNotRewriteWhoBecameManagedOrIsAtWork(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(r *rig, u User){
		"written":       func(r *rig, u User) { r.write(u.ID, wish("joe@x.org", external(""))) },
		"touched":       func(r *rig, u User) { must(r.d.TouchUser(r.ctx, u, false, ""))(r) },
		"a sync was on": func(r *rig, u User) { r.rest(u.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				joe := r.found(collaborator("7", "joe@x.org"))
				picture := must(r.d.BeginPicture(r.ctx))(r)
				meanwhile(r, joe)
				r.untouched("an import", func() {
					got := must(r.d.ImportNewUser(r.ctx, picture, joe.ID, Entity{joe.Link}, UserWish{UserName: "joe@x.org", Address: "joe@x.org"}))(r)
					r.equal("written", got, false)
				})
			})
		})
	}
}
