package reconcile_test

import (
	"errors"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// between does something after an import has begun, before it reads the collaborators: its second list of people.
func (r *rig) between(do func()) {
	before := r.cms.Calls().ByEndpoint
	r.once(func(c cmstest.Calls) bool {
		return c.ByEndpoint["GET /site-invitations"] > before["GET /site-invitations"] || c.ByEndpoint["GET /users"] > before["GET /users"]
	}, do)
}

// Somebody accepts while a picture is read: they are in both lists, and count as a collaborator.
func TestImportReadsInvitationsBeforeCollaborators(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.between(func() { r.accept("ada@example.org") })
		r.importAll()
		if got := r.user(u.ID); got.Link.Kind != directory.Collaborator || got.Link.RoleID == "" {
			t.Errorf("%+v", got.Link)
		}
	})
}

// A picture that began before a sync wrote a record knows less than the record.
func TestPictureBegunBeforeASyncDoesNotChangeItsRecord(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.between(func() { u = r.update(u.ID, person("ada@example.org", titled("Chief"))) })
		r.importAll()
		if got := r.user(u.ID); got.Link.RoleID != r.roleID("Admin") || got.Sync.State != directory.Synced {
			t.Errorf("%+v", got.Link)
		}
	})
}

// What is being worked on, or may have a call under way, is not the import's to change.
func TestImportLeavesARecordWithALeaseOrAnIntentAlone(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(r *rig, l *queue.Lease){
		"lease": func(*rig, *queue.Lease) {},
		"intent": func(r *rig, l *queue.Lease) {
			r.must(r.dir.Intend(r.ctx, l, directory.Call{Note: "{}", Deadline: 13e9}))
			_, err := r.queue.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Retry, After: 9e9})
			r.must(err)
			r.importAll() // a picture with a higher number than the intent's
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				u := r.create("ada@example.org")
				_, err := r.queue.Push(r.ctx, directory.UserKey(u.ID), queue.Interactive, true)
				r.must(err)
				l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
				r.must(err)
				r.accept("ada@example.org")
				prepare(r, l)
				r.importAll()
				if got := r.user(u.ID); got.Link != u.Link {
					t.Errorf("changed under a sync: %+v", got.Link)
				}
			})
		})
	}
}

// Somebody whose address changed in the CMS is who they were: the CMS id counts before the address.
func TestImportFindsARecordByCMSIdThenByAddress(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org") // found by address: the collaborator has another id than the invitation
		_, err := r.cms.EditUser(u.Link.ID, cmstest.NewUser{Email: "ada@new.example.org"})
		r.must(err)
		r.importAll()
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		if got := r.user(u.ID); p.Total != 1 || got.Link.Address != "ada@new.example.org" || got.Link.ID != u.Link.ID {
			t.Errorf("%d people, %+v", p.Total, got.Link)
		}
		// The address of the account is theirs as well, although nobody wished it.
		_, err = r.engine.CreateUser(r.ctx, person("ada@new.example.org"))
		var conflict *directory.ConflictError
		if !errors.As(err, &conflict) || conflict.ID != u.ID {
			t.Errorf("got %v", err)
		}
	})
}

// An import whose lists are older than a create makes no twin of whoever was created.
func TestImportMakesNoTwinOfWhoIsBeingCreated(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.lateInvitation("ada@example.org")
		l := directory.Link{Kind: directory.Invitation, ID: "1", Address: "ada@example.org"}
		picture, err := r.dir.BeginPicture(r.ctx)
		r.must(err)
		found, err := r.dir.ImportUsers(r.ctx, picture, []directory.Entity{{Link: l}})
		r.must(err)
		if len(found) != 1 || found[0].What != "new" {
			t.Fatalf("%+v", found)
		}
		r.create("ada@example.org")
		wrote, err := r.dir.ImportNewUser(r.ctx, picture, "", directory.Entity{Link: l}, person("ada@example.org"))
		r.must(err)
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		if wrote || p.Total != 1 {
			t.Errorf("wrote %v, %d people", wrote, p.Total)
		}
	})
}

func TestMissingPersonIsBelievedAtTheSecondPicture(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.create("grace@example.org")
		r.must(r.cms.Withdraw(u.Link.ID))
		r.importAll()
		if got := r.user(u.ID); got.Link.Kind != directory.Invitation {
			t.Fatalf("gone at the first picture: %+v", got)
		}
		r.importAll()
		if got := r.user(u.ID); got.Link.Kind != directory.NoLink || got.Sync.State != directory.Failed || got.Sync.Code != "invitation_gone" {
			t.Errorf("%+v", got)
		}
	})
}

// A picture that lacks most of the people is a fault of the CMS's, however often it is seen.
func TestPictureOfLessThanHalfChangesNothing(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 5
	each(t, s, func(t *testing.T, r *rig) {
		for _, c := range r.cms.State().Users[1:] {
			r.must(r.cms.RemoveUser(c.ID))
		}
		_, err := r.cms.AddUser(cmstest.NewUser{Email: "new@example.org"})
		r.must(err)
		for range 3 {
			r.importAll()
		}
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		if e := r.entry("import/all"); p.Total != 5 || e.Code != "import_refused" {
			t.Errorf("%d people, %+v", p.Total, e)
		}
	})
}

// In a project of a few people the CMS itself is asked for each who is missing.
func TestEmptyPictureIsBelievedOnlyIfTheCMSSaysThatEachIsGone(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]func(r *rig) directory.User{
		"an invitation":  func(r *rig) directory.User { return r.create("ada@example.org") },
		"a collaborator": func(r *rig) directory.User { return r.member("ada@example.org") },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				u := alone(r)
				r.blank = true
				for range 3 {
					r.importAll()
				}
				if e := r.entry("import/all"); r.user(u.ID).Link != u.Link || e.Code != "import_refused" {
					t.Fatalf("an empty answer was believed: %+v, %+v", r.user(u.ID).Link, e)
				}
				r.blank = false
				r.importAll()
				if r.user(u.ID).Sync.State != directory.Synced {
					t.Errorf("%+v", r.user(u.ID).Sync)
				}

				// Nobody is there now: that is what a later picture shows, and what the CMS says.
				if u.Link.Kind == directory.Invitation {
					r.must(r.cms.Withdraw(u.Link.ID))
				} else {
					r.must(r.cms.RemoveUser(u.Link.ID))
				}
				r.importAll()
				r.importAll()
				if got := r.user(u.ID); got.Link.Kind != directory.NoLink || got.Sync.Code != "invitation_gone" {
					t.Errorf("the only one left, and it is not seen: %+v", got)
				}
			})
		})
	}
}

// A question without an answer proves nothing.
func TestPictureIsNotBelievedWhenTheCMSDoesNotSay(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.must(r.cms.Withdraw(u.Link.ID))
		r.must(r.cms.Fault(cmstest.Fault{Method: "GET", Path: "/site-invitations/:id", Action: cmstest.Status, Status: 403}))
		r.importAll()
		r.importAll()
		if e := r.entry("import/all"); r.user(u.ID).Link != u.Link || e.State == queue.Idle {
			t.Errorf("%+v, %+v", r.user(u.ID).Link, e)
		}
	})
}

func TestOneReplicaImportsAtATime(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		other := &rig{t: t, ctx: r.ctx, clock: r.clock, store: r.store, cms: r.cms}
		other.build(editors())
		r.must(other.engine.Bind(r.ctx))
		before := r.cms.Calls().ByEndpoint["GET /users"]
		r.between(func() {
			_, err := r.queue.Push(r.ctx, "import/all", queue.Interactive, false)
			r.must(err)
			if n := other.work(); n != 0 {
				t.Errorf("the other replica worked on %d keys", n)
			}
		})
		_, err := r.queue.Push(r.ctx, "import/all", queue.Interactive, true)
		r.must(err)
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.finish(l)
		if n := r.cms.Calls().ByEndpoint["GET /users"] - before; n != 1 {
			t.Errorf("%d pictures", n)
		}
	})
}

// A record that is lost is made again with the ids that the identity provider remembers.
func TestRebuiltRecordHasTheSameIDs(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 5
	each(t, s, func(t *testing.T, r *rig) {
		ids := func() map[string]bool {
			out := map[string]bool{}
			r.must(r.engine.ScanUsers(r.ctx, func(u directory.User) (bool, error) { out[u.ID] = true; return true, nil }))
			r.must(r.engine.ScanGroups(r.ctx, 0, func(g directory.Group) (bool, error) { out[g.ID] = true; return true, nil }))
			return out
		}
		// Not the login counts, which nobody in the CMS knows, but the address.
		res, err := r.engine.CreateUser(r.ctx, person("Ada@example.org", named("jdoe", "00uJ")))
		r.must(err)
		u := res.Item
		g := r.createGroup("Writers", u.ID)
		r.settle()
		before := ids()
		keys, err := r.store.Client.Keys(r.ctx, r.store.Base+":*").Result()
		r.must(err)
		r.must(r.store.Client.Del(r.ctx, keys...).Err())
		r.importAll()
		after := ids()
		if len(before) != len(after) || len(after) != 9 || !after[u.ID] || !after[g.ID] {
			t.Errorf("%v became %v", before, after)
		}
		for id := range after {
			if !before[id] {
				t.Errorf("%s is new", id)
			}
		}
	})
}
