package reconcile_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// paused runs do while nothing is synced.
func (r *rig) paused(do func()) {
	r.t.Helper()
	r.must(r.queue.Pause(r.ctx))
	do()
	r.must(r.queue.Resume(r.ctx))
}

func (r *rig) rename(id, name string) error { return r.edit(id, reconcile.GroupEdit{Name: &name}) }

// A name whose group is being deleted is taken over together with the role, by a new group as by a renamed one.
func TestTombstonesRoleGoesToTheGroupThatTakesItsName(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(r *rig) string{
		"create": func(r *rig) string { return r.createGroup("writers").ID },
		"rename": func(r *rig) string {
			id := r.createGroup("Other").ID
			r.must(r.rename(id, "writers"))
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				g := r.createGroup("Writers")
				var id string
				r.paused(func() {
					r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
					id = take(r)
				})
				r.settle()
				if got := r.group(id); got.RoleID != g.RoleID || !got.Owned || got.Sync.State != directory.Synced {
					t.Errorf("%+v", got)
				}
				if got := r.calls(false); got["POST /roles"] != 1 || got["DELETE /roles/:id"] != 0 {
					t.Errorf("%v", got)
				}
			})
		})
	}
}

// A group that is made while one of its name is being deleted waits for that one's sync: the CMS would refuse its role.
func TestGroupWaitsForTheSyncOfADeletedOneOfItsName(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		old := r.createGroup("Writers")
		r.settle()
		_, err := r.dir.DeleteGroup(r.ctx, old.ID, nil, "")
		r.must(err)
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		if l == nil || l.Key != directory.GroupKey(old.ID) {
			t.Fatalf("%+v", l)
		}
		g, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "Writers"}, nil, 0)
		r.must(err)
		if n := r.calls(false)["POST /roles"]; n != 1 {
			t.Errorf("%d calls to make a role whose name is taken", n-1)
		}
		r.must(r.queue.Release(r.ctx, l))
		r.settle()
		if now := r.group(g.Item.ID); now.RoleID == "" || !now.Owned || now.Sync.State != directory.Synced {
			t.Errorf("%+v", now)
		}
	})
}

// A role that a call brought late is another group's when that has taken it over meanwhile.
func TestRoleThatALookFindsWithAnotherGroupIsLeftToIt(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.importAll()
		var g directory.Group
		r.paused(func() { g = r.createGroup("Writers") })
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		_, err = r.dir.LoadGroup(r.ctx, g.ID, l)
		r.must(err)
		r.must(r.dir.Intend(r.ctx, l, directory.Call{Note: `{"op":"create_role","address":"Writers"}`, Deadline: 13 * time.Second}))
		_, err = r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: "Writers"})
		r.must(err)
		_, err = r.dir.DeleteGroup(r.ctx, g.ID, nil, "")
		r.must(err)
		r.importAll()
		other, u := r.findGroup("Writers"), r.member("ada@example.org")
		r.must(r.edit(other.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
		r.clock.Advance(time.Hour) // the lease of the first one's sync is over
		r.settle()
		if other = r.group(other.ID); !other.Managed || other.RoleID == "" || r.user(u.ID).Link.RoleID != other.RoleID {
			t.Errorf("%+v", other)
		}
	})
}

// atCall does something when the n-th CMS call from now on is about to be sent.
func (r *rig) atCall(n int, do func()) {
	r.gate.wait = func() {
		if n--; n == 0 {
			do()
		}
	}
}

// A role that is on its way still when its group is called otherwise, or is deleted, is not left behind.
func TestRoleThatComesLateForAnotherNameIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*rig, directory.Group){
		"renamed after a second try failed": func(r *rig, _ directory.Group) {
			r.fault(cmstest.Fault{Method: "POST", Path: "/roles", Times: 1, Action: "status", Status: 503})
			r.atCall(2, func() {
				_, err := r.dir.WriteGroup(r.ctx, r.findGroup("Writers"), directory.GroupChange{Wish: directory.GroupWish{Name: "Poets"}}, "")
				r.must(err)
			})
		},
		"renamed": func(r *rig, g directory.Group) {
			_, err := r.dir.WriteGroup(r.ctx, g, directory.GroupChange{Wish: directory.GroupWish{Name: "Poets"}}, "")
			r.must(err)
		},
		"deleted": func(r *rig, g directory.Group) {
			_, err := r.dir.DeleteGroup(r.ctx, g.ID, nil, "")
			r.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				r.fault(cmstest.Fault{Method: "POST", Path: "/roles", Times: 1, Action: "drop_before"})
				r.atCall(2, func() { change(r, r.findGroup("Writers")) }) // a look follows the call
				_, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "Writers"}, nil, 0)
				r.must(err)
				r.clock.Advance(5 * time.Second)
				r.work()
				_, err = r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: "Writers"})
				r.must(err)
				r.settle()
				if id := r.roleID("Writers"); id != "" {
					t.Errorf("role %s stays", id)
				}
				if name != "deleted" && r.roleID("Poets") != r.findGroup("Poets").RoleID {
					t.Errorf("%+v", r.findGroup("Poets"))
				}
			})
		})
	}
}

// A role that comes late, just before it is asked for once more, is its group's.
func TestRoleThatComesLateBeforeItIsAskedForAgainIsItsGroups(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Method: "POST", Path: "/roles", Times: 1, Action: "drop_before"})
		r.atCall(3, func() {
			_, err := r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: "Writers"})
			r.must(err)
		})
		g := r.createGroup("Writers")
		r.settle()
		if g = r.group(g.ID); g.Sync.State != directory.Synced || !g.Owned || g.RoleID != r.roleID("Writers") {
			t.Errorf("%+v", g)
		}
	})
}

// A role that somebody makes by hand between a look and the only call for it is theirs, whatever look is owed besides.
func TestRoleThatIsMadeByHandWhileALookIsOwedIsNotTheGroups(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.importAll()
		var g directory.Group
		r.paused(func() { g = r.createGroup("Writers") })
		_, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.clock.Advance(16 * time.Second) // its holder has died: two looks are owed
		r.atCall(2, func() {
			_, err := r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: "Writers"})
			r.must(err)
		})
		r.settle()
		if g = r.group(g.ID); g.Owned || g.RoleID != "" || g.Sync.Code != "name_taken" {
			t.Errorf("%+v", g)
		}
	})
}

// Names are unique in whatever case; a group may change the case of its own.
func TestGroupsNameIsUniqueButForItself(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		g := r.createGroup("Writers")
		r.must(r.rename(g.ID, "WRITERS"))
		r.settle()
		if r.roleID("WRITERS") != g.RoleID {
			t.Error("the role was not renamed")
		}
		other := r.createGroup("Other")
		var conflict *directory.ConflictError
		for _, taken := range []string{"wRITERS", "admin"} {
			if _, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: taken}, nil, 0); !errors.As(err, &conflict) {
				t.Errorf("create %s: %v", taken, err)
			}
			if err := r.rename(other.ID, taken); !errors.As(err, &conflict) {
				t.Errorf("rename to %s: %v", taken, err)
			}
		}
	})
}

// A role made after a template that may do more than people should get by a group is not given either.
func TestRoleOfAPrivilegedTemplateIsNotGiven(t *testing.T) {
	s := editors()
	s.rules.Template = "Admin"
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		g := r.createGroup("Writers", u.ID)
		r.settle()
		got := r.user(u.ID)
		if g.RoleID == "" || got.Link.RoleID != u.Link.RoleID || got.Sync.Code != mapping.CodePrivilegedRole {
			t.Errorf("%+v, group %+v", got, g)
		}
	})
}

// What a group does to its members is no deprovisioning, and no change of them.
func TestMembersLanesAndGenerations(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		a, b := r.member("a@example.org"), r.member("b@example.org")
		g := r.createGroup("Writers")
		lanes := func(what string, wantA, wantB queue.Lane) {
			t.Helper()
			if ea, eb := r.entry(directory.UserKey(a.ID)), r.entry(directory.UserKey(b.ID)); ea.Lane != wantA || eb.Lane != wantB {
				t.Errorf("%s: lanes %q and %q", what, ea.Lane, eb.Lane)
			}
		}
		r.paused(func() {
			r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{a.ID, b.ID}}}))
			lanes("added", queue.Normal, queue.Normal)
		})
		r.settle()
		r.paused(func() {
			r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{a.ID}}}))
			lanes("one removed", queue.Interactive, "")
		})
		r.settle()
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		lanes("group deleted", "", queue.Normal)
		r.settle()
		for _, u := range []directory.User{a, b} {
			if got := r.user(u.ID); got.Gen != u.Gen || got.Link.RoleID != u.Link.RoleID {
				t.Errorf("generation %d became %d, role %s", u.Gen, got.Gen, got.Link.RoleID)
			}
		}
	})
}

// Somebody who only has an imported group's role is no stored member: taking them out of it costs nothing.
func TestRemovingAnUnmanagedPersonCostsNothing(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 5
	each(t, s, func(t *testing.T, r *rig) {
		g := r.findGroup("Editor")
		one, two := g.Members[0].ID, g.Members[1].ID
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{one}}}))
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{two}}}))
		r.settle()
		if got := r.calls(false); len(got) != 0 || r.user(two).Managed {
			t.Errorf("%v, managed: %v", got, r.user(two).Managed)
		}
	})
}

// Whoever is off stays off: a membership is stored and costs no call.
func TestMemberAddedWhileInactiveIsStoredWithoutACall(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.update(u.ID, person("ada@example.org", inactive))
		before := r.calls(false)["PUT /users/:id"]
		g := r.createGroup("Writers", u.ID)
		r.settle()
		if n := r.calls(false)["PUT /users/:id"] - before; n != 0 || len(r.group(g.ID).Members) != 1 {
			t.Errorf("%d calls", n)
		}
		r.update(u.ID, person("ada@example.org"))
		r.settle()
		if got := r.user(u.ID); got.Link.RoleID != g.RoleID || !got.Link.Active {
			t.Errorf("%+v", got.Link)
		}
	})
}

// While a group is parked for want of its role, its members have the role that they would have without it.
func TestMembersOfAParkedGroupGoByTheNextRule(t *testing.T) {
	s := editors()
	s.cms.Roles = 2
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		var g directory.Group
		r.paused(func() { g = r.createGroup("Writers", u.ID) })
		r.settle()
		if g = r.group(g.ID); !g.Sync.Parked || g.Sync.State != directory.Failed {
			t.Fatalf("%+v", g.Sync)
		}
		if got := r.user(u.ID); got.Sync.State != directory.Synced || got.Link.RoleID != r.roleID("Editor") {
			t.Errorf("%+v", got)
		}
		// Its role can be made: they get it.
		r.cms.SetRoleLimit(0)
		_, err := r.queue.ReplayAll(r.ctx)
		r.must(err)
		r.settle()
		if got := r.user(u.ID); got.Link.RoleID != r.roleID("Writers") || got.Sync.State != directory.Synced {
			t.Errorf("afterwards: %+v", got)
		}
	})
}

// A write that changes nothing, of somebody with whom everything is as it should be, is not even queued.
func TestUnchangedWriteOfWhoIsAgreedIsNotQueued(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.paused(func() {
			if got := r.update(u.ID, person("ada@example.org")); got.Sync.State != directory.Synced || got.Gen != u.Gen {
				t.Errorf("%+v", got)
			}
			if e := r.entry(directory.UserKey(u.ID)); e.State != queue.Idle {
				t.Errorf("%+v", e)
			}
		})
	})
}

// A group whose role a rule gave has none of its own: it takes over that of the deleted group whose name it takes.
func TestGroupOfARuleTakesTheRoleThatItsNewNameStandsFor(t *testing.T) {
	s := editors()
	s.rules.Rules = []mapping.Rule{{Group: "Chiefs", Role: "Admin"}}
	each(t, s, func(t *testing.T, r *rig) {
		role := r.role("Author")
		r.importAll()
		p, err := r.dir.ListGroups(r.ctx, directory.Window{Start: 1, Count: 100}, 0)
		r.must(err)
		for _, g := range p.Items {
			if g.Name == "Author" {
				r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
			}
		}
		r.settle()
		g, name := r.createGroup("Chiefs"), "Author"
		r.settle()
		r.must(r.edit(g.ID, reconcile.GroupEdit{Name: &name}))
		r.settle()
		if got := r.group(g.ID); got.RoleID != role || got.Sync.State != directory.Synced {
			t.Errorf("%+v", got)
		}
	})
}
