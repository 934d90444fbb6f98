package directory

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/queue"
)

// shown gives entities to the record as one more picture of the CMS.
func (r *rig) shown(links ...Link) []Finding {
	r.Helper()
	return r.shownBy(must(r.d.BeginPicture(r.ctx))(r), links...)
}

func (r *rig) shownBy(picture int64, links ...Link) []Finding {
	r.Helper()
	chunk := make([]Entity, len(links))
	for i, l := range links {
		chunk[i] = Entity{l}
	}
	return must(r.d.ImportUsers(r.ctx, picture, chunk))(r)
}

func TestImport_FindsNewPeopleAndLeavesKnownOnesAlone(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		link := collaborator("1", "ada@x.org")
		r.linked(ada.ID, link)
		joe := r.found(invitation("2", "joe@x.org"))
		r.untouched("a picture that shows nothing new", func() {
			r.equal("findings", r.shownBy(9, link, joe.Link, collaborator("3", "kim@x.org")), []Finding{{At: 2, What: "new"}})
		})
	})
}

func TestImport_SomebodyNewIsUnmanagedListedAndFound(t *testing.T) {
	each(t, func(r *rig) {
		joe := r.found(collaborator("7", "Joe@x.org").with(func(l *Link) { l.Name = "Joe Doe" }))
		want := User{ID: mapping.ID("site", "User", "joe@x.org", 0), State: Live, Adopted: true, Doc: []byte(`{"found":true}`), UserName: "Joe@x.org", Address: "Joe@x.org",
			Active: true, Seq: 1, Gen: 1, Created: moment("1700000000000"), Modified: moment("1700000000000"),
			Link: Link{Kind: Collaborator, ID: "7", Address: "Joe@x.org", RoleID: "r1", Active: true, Name: "Joe Doe"},
			Sync: Sync{State: Synced, LastSynced: moment("1700000000000")}}
		r.equal("record", joe, want)
		r.equal("listed", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Total, 1)
		r.equal("by e-mail", r.find(ByEmail, "JOE@x.org"), []string{joe.ID})
		r.equal("queue", r.entry(UserKey(joe.ID)).State, queue.Idle)
	})
}

func TestImport_AnAcceptedInvitationRelinksManagedAndUnmanagedPeople(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, invitation("1", "ada@x.org"))
		joe := r.found(invitation("2", "joe@x.org"))
		now := []Link{collaborator("11", "Ada@x.org"), collaborator("12", "joe@x.org").with(func(l *Link) { l.Name = "Joe" })}
		r.equal("findings", r.shown(now...), []Finding{{At: 1, What: "changed", ID: joe.ID}})
		r.equal("ada", r.user(ada.ID).Link, now[0])
		r.equal("joe", r.user(joe.ID).Link, now[1])
		r.equal("entities", r.hash(":x:cms"), value{"c11": ada.ID, "c12": joe.ID})
		w := UserWish{Doc: []byte(`{"name":"Joe"}`), UserName: "joe@x.org", DisplayName: "Joe", Emails: []string{"joe@x.org"}, Address: "joe@x.org", Active: true}
		r.equal("written anew", must(r.d.ImportNewUser(r.ctx, 3, joe.ID, Entity{now[1]}, w))(r), true)
		r.equal("document", string(r.user(joe.ID).Doc), `{"name":"Joe"}`)
		r.equal("generation", r.user(joe.ID).Gen, joe.Gen+1)
	})
}

func TestImport_APictureNeverOverwritesWhatASyncWroteAfterItBegan(t *testing.T) {
	t.Parallel()
	old := collaborator("1", "ada@x.org")
	now := old.with(role("r2")).with(deactivated)
	for name, tt := range map[string]struct {
		act  func(r *rig, id string) // after the picture was begun
		want Link
	}{
		"nothing happened":           {func(*rig, string) {}, old},
		"a sync wrote":               {func(r *rig, id string) { r.linked(id, now) }, now},
		"a sync wrote nothing new":   {func(r *rig, id string) { r.rest(id) }, now},
		"a sync is at it":            {func(r *rig, id string) { r.hold(UserKey(id)) }, now},
		"a call may be under way":    {func(r *rig, id string) { r.abandoned(id) }, now},
		"a write that is not synced": {func(r *rig, id string) { r.write(id, wish("ada@x.org", displayed("A"))) }, old},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada := r.create("ada@x.org")
				r.linked(ada.ID, now)
				picture := must(r.d.BeginPicture(r.ctx))(r)
				tt.act(r, ada.ID)
				r.shownBy(picture, old)
				r.equal("link", r.user(ada.ID).Link, tt.want)
				// Nor does its lack of the entity count, of which two pictures would be enough.
				r.ok(r.store.Client.HSet(r.ctx, r.store.Base+":u:"+ada.ID, "miss", 1).Err())
				gone := must(r.d.ImportMissing(r.ctx, picture, []Missing{{Entity: "c1", ID: ada.ID}}))(r)
				r.equal("gone", gone == 1, tt.want == old)
			})
		})
	}
}

func TestImport_WhatASyncHasLetGoOfIsNotGivenToAFormerOwnerOfItsAddress(t *testing.T) {
	each(t, func(r *rig) {
		joe := r.create("joe@x.org", address("ada@x.org"))
		r.linked(joe.ID, Link{})
		r.deleteUser(joe.ID)
		r.rest(joe.ID)
		ada := r.create("ada@x.org")
		r.linked(ada.ID, invitation("7", "ada@x.org"))
		picture := must(r.d.BeginPicture(r.ctx))(r)
		r.write(ada.ID, wish("ada@x.org", address("moved@x.org")))
		r.linked(ada.ID, Link{}) // withdrawn after the picture was begun
		r.untouched("the picture", func() { r.equal("findings", len(r.shownBy(picture, invitation("7", "ada@x.org"))), 0) })
	})
}

// abandoned leaves a user with an intent whose holder is gone.
func (r *rig) abandoned(id string) {
	r.Helper()
	l := r.hold(UserKey(id))
	r.ok(r.d.Intend(r.ctx, l, Call{Note: "call", Deadline: 13 * time.Second}))
	r.ok(r.q.Release(r.ctx, l))
	// A note sets the stamp too; only the intent is to speak here.
	r.ok(r.store.Client.HSet(r.ctx, r.store.Base+":u:"+id, "stamp", 0).Err())
}

func TestImport_ANoteOfACallStampsTheRecord(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		must(r.d.BeginPicture(r.ctx))(r)
		r.ok(r.d.Intend(r.ctx, r.hold(UserKey(ada.ID)), Call{Note: "call", Deadline: time.Second}))
		r.equal("stamp", r.hash(":u:" + ada.ID)["stamp"], "1")
	})
}

func TestImport_AnEntityThatASyncTookAwayAfterThePictureBegan_IsNobodyNew(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.reinvited()
		old, now := collaborator("7", "old@x.org"), invitation("9", "newer@x.org")
		picture := must(r.d.BeginPicture(r.ctx))(r)
		none := Link{}
		_, err := r.settle(ada.ID, UserResult{Link: &now, Old: &none, Intent: ClearIntent, End: done})
		r.ok(err)
		r.equal("an older picture", r.shownBy(picture, old, invitation("8", "new@x.org")), []Finding(nil))
		r.equal("written", r.foundAt(picture, old), false)
		r.equal("a newer picture", r.shown(old), []Finding{{At: 0, What: "new"}})
		r.equal("left over", r.dump()[":gone"], value{})
	})
}

func TestImport_ALinkThatIsThereIsNotGivenUpForAnotherEntity(t *testing.T) {
	each(t, func(r *rig) {
		// on_email_change: keep: the account under the former address stays hers, whatever else turns up under the new one.
		ada := r.create("ada@x.org")
		own := collaborator("1", "ada@x.org")
		r.linked(ada.ID, own)
		r.write(ada.ID, wish("ada@x.org", address("new@x.org")))
		r.untouched("another account under the wished address", func() {
			r.equal("findings", r.shownBy(9, own, invitation("5", "new@x.org")), []Finding(nil))
		})
		r.equal("a second person", r.foundAt(9, invitation("5", "new@x.org")), false)
	})
}

// foundAt tries to import somebody as new.
func (r *rig) foundAt(picture int64, l Link) bool {
	r.Helper()
	w := UserWish{UserName: l.Address, Emails: []string{l.Address}, Address: l.Address, Active: true}
	return must(r.d.ImportNewUser(r.ctx, picture, "", Entity{l}, w))(r)
}

func TestImport_LinksSomebodyWithoutALinkByAddress(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.equal("findings", r.shown(invitation("5", "ADA@x.org")), []Finding(nil))
		r.equal("link", r.user(ada.ID).Link.ID, "5")
		r.equal("wish", r.user(ada.ID).Address, "ada@x.org")
	})
}

func TestImport_TheFormerAccountOfAReinvitationIsNoNewLink(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.reinvited()
		r.rest(ada.ID)
		r.equal("findings", r.shown(invitation("8", "new@x.org"), collaborator("7", "old@x.org").with(deactivated)), []Finding(nil))
		u := r.user(ada.ID)
		r.equal("link", u.Link.ID, "8")
		r.equal("former account", u.Old.Active, false)
	})
}

func TestImport_ALeftOverIndexEntryIsNoLink(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, collaborator("1", "ada@x.org"))
		r.ok(r.store.Client.HSet(r.ctx, r.store.Base+":x:cms", "c99", ada.ID).Err())
		r.equal("findings", r.shown(collaborator("99", "joe@x.org")), []Finding{{At: 0, What: "new"}})
		r.equal("link", r.user(ada.ID).Link.ID, "1")
		r.ok(r.store.Client.HSet(r.ctx, r.store.Base+":x:cms", "c98", ada.ID).Err())
		r.missing(Missing{Entity: "c98", ID: ada.ID})
	})
}

func TestImport_AnAddressOfSomebodyElseIsNotTakenOver(t *testing.T) {
	each(t, func(r *rig) {
		ada, joe := r.create("ada@x.org"), r.found(collaborator("7", "joe@x.org"))
		r.rest(ada.ID)
		r.untouched("an account whose address became another's", func() {
			r.equal("findings", r.shownBy(9, collaborator("7", "ada@x.org")), []Finding(nil))
		})
		r.equal("joe", r.user(joe.ID).Link.Address, "joe@x.org")
		r.equal("new", r.foundAt(9, collaborator("8", "ada@x.org")), false)
	})
}

func TestImport_AnEntityWithoutAnAddressIsLinkedByItsIDOnly(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, collaborator("1", ""))
		r.equal("addresses", r.hash(":x:addr"), value{"ada@x.org": ada.ID})
		r.equal("another", r.shown(collaborator("2", "")), []Finding{{At: 0, What: "new"}})
	})
}

func TestImport_AccessOfALeaverIsRepairedOnce(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(r *rig, id string){
		"inactive": func(r *rig, id string) { r.write(id, wish("ada@x.org", inactive)) },
		"deleted":  func(r *rig, id string) { r.deleteUser(id) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada := r.create("ada@x.org")
				link := collaborator("1", "ada@x.org")
				r.linked(ada.ID, link)
				leave(r, ada.ID)
				r.equal("while it is being taken away", r.shown(link), []Finding(nil))
				r.linked(ada.ID, link.with(deactivated))
				r.equal("as it should be", r.shown(link.with(deactivated)), []Finding(nil))
				r.equal("activated by hand", r.shown(link), []Finding{{At: 0, What: "repair", ID: ada.ID}})
				if e := r.entry(UserKey(ada.ID)); e.Lane != queue.Leavers || r.user(ada.ID).Applied.Known {
					r.Errorf("%+v", e)
				}
				r.equal("already queued", r.shown(link), []Finding(nil))
			})
		})
	}
}
