package directory

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/queue"
)

func TestCreateGroup_KeepsTheWishAndQueuesGroupAndMembers(t *testing.T) {
	each(t, func(r *rig) {
		ada, off := r.create("ada@x.org"), r.create("off@x.org", inactive)
		r.rest(ada.ID, off.ID)
		c := must(r.d.CreateGroup(r.ctx, GroupWish{Name: "Editors", ExternalID: "00g", Doc: []byte(`{"a":1}`)}, []string{ada.ID, off.ID, ada.ID}, 10, "token"))(r)
		g := c.Item
		if g.ID != mapping.ID("site", "Group", "editors", 0) || g.Name != "Editors" || g.External != "00g" || string(g.Doc) != `{"a":1}` ||
			!g.Managed || g.Imported || g.Size != 2 || g.Gen != 1 || c.Lease == nil || !c.Changed {
			r.Errorf("%+v", c)
		}
		r.equal("members", len(g.Members), 2)
		r.equal("key of an active member", r.entry(UserKey(ada.ID)).Lane, queue.Normal)
		r.equal("key of an inactive member", r.entry(UserKey(off.ID)).State, queue.Idle)
		r.equal("groups of the member", r.user(ada.ID).Groups, []GroupRef{{ID: g.ID, Name: "Editors", Seq: g.Seq, Status: "pending"}})
		_, err := r.d.CreateGroup(r.ctx, GroupWish{Name: "EDITORS"}, nil, 0, "")
		if e, ok := as[*ConflictError](err); !ok || e.ID != g.ID || e.Attribute != "displayName" {
			r.Errorf("got %v", err)
		}
	})
}

func TestWriteGroup_AnOlderGenerationIsStaleButMembersMeanwhileDoNotMatter(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		g := r.createGroup("Editors")
		r.change(g.ID, MemberChange{Add: []string{ada.ID}})
		now := must(r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: "Authors"}}, ""))(r).Item
		if now.Gen != g.Gen+1 || now.MembGen == g.MembGen || now.Name != "Authors" {
			r.Errorf("%+v", now)
		}
		if _, err := r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: "Lost"}}, ""); !wants(err, ErrStale) {
			r.Errorf("got %v", err)
		}
	})
}

func TestWriteGroup_ANewNameAsksEveryMemberAgain(t *testing.T) {
	each(t, func(r *rig) {
		ada, bob := r.create("ada@x.org"), r.create("bob@x.org")
		g := r.createGroup("Editors", ada.ID, bob.ID)
		r.syncGroup(g.ID)
		r.rest(ada.ID, bob.ID)
		r.equal("a document alone", must(r.d.WriteGroup(r.ctx, r.group(g.ID), GroupChange{Wish: GroupWish{Name: "Editors", Doc: []byte("{}")}}, ""))(r).Item.FanOut, false)
		r.equal("a rename", r.rename(g.ID, "Authors").FanOut, true)
		r.equal("not before the group's key", r.entry(UserKey(ada.ID)).State, queue.Idle)
		r.syncGroup(g.ID)
		r.equal("the members", r.entry(UserKey(ada.ID)).State, queue.Queued)
		r.equal("the fan-out", r.group(g.ID).FanOut, false)
	})
}

func TestDeleteGroup_LeavesATombstoneAndTellsItsMembers(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		g := r.createGroup("Editors", ada.ID)
		r.syncGroup(g.ID)
		r.rest(ada.ID)
		c := must(r.d.DeleteGroup(r.ctx, g.ID, nil, "token"))(r)
		if c.Lease == nil || c.Item.State != Deleted || !c.Item.FanOut {
			r.Errorf("%+v", c)
		}
		if _, err := r.d.Group(r.ctx, g.ID, 0); !wants(err, ErrNotFound) {
			r.Errorf("got %v", err)
		}
		r.equal("listed", must(r.d.ListGroups(r.ctx, Window{1, 10}, 0))(r).Total, 0)
		r.equal("groups of the member at once", r.user(ada.ID).Groups, []GroupRef(nil))
		for more := true; more; {
			more = must(r.d.FanOut(r.ctx, g.ID, c.Lease.Token))(r)
		}
		r.equal("the member's key", r.entry(UserKey(ada.ID)).State, queue.Queued)
		r.equal("name", r.createGroup("Editors").ID, mapping.ID("site", "Group", "editors", 1))
	})
}

func TestRecreatedGroup_InheritsTheRoleOfTheDeletedOne(t *testing.T) {
	t.Parallel()
	again := map[string]func(r *rig) Group{
		"by a create": func(r *rig) Group { return r.createGroup("editors") },
		"by a rename": func(r *rig) Group { return r.rename(r.createGroup("Else").ID, "EDITORS") },
	}
	for name, take := range again {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada := r.create("ada@x.org")
				old := r.createGroup("Editors", ada.ID)
				r.owning(old.ID, "r7", "Editors")
				must(r.d.DeleteGroup(r.ctx, old.ID, nil, ""))(r)
				g := take(r)
				if g.ID == old.ID || g.RoleID != "r7" || g.RoleName != "Editors" || !g.Owned {
					r.Errorf("%+v", g)
				}
				r.equal("who has the role", r.hash(":x:role"), value{"r7": g.ID})
				w := must(r.d.LoadGroup(r.ctx, old.ID, r.hold(GroupKey(old.ID))))(r)
				if w.Item.RoleID != "" || w.Item.DropRole != "" || !w.Item.FanOut {
					r.Errorf("the tombstone would delete the role, or forgets its members: %+v", w.Item)
				}
			})
		})
	}
}

func TestRecreatedGroup_InheritsNothingThatAWorkerMayBeDeleting(t *testing.T) {
	each(t, func(r *rig) {
		old := r.createGroup("Editors")
		r.owning(old.ID, "r7", "Editors")
		must(r.d.DeleteGroup(r.ctx, old.ID, nil, ""))(r)
		l := r.hold(GroupKey(old.ID))
		g := r.createGroup("Editors")
		r.equal("role of the new group", g.RoleID, "")
		r.equal("role of the tombstone", must(r.d.LoadGroup(r.ctx, old.ID, l))(r).Item.DropRole, "r7")
	})
}

func TestRenamedGroup_ThatInheritsARoleDropsItsOwn(t *testing.T) {
	each(t, func(r *rig) {
		old, g := r.createGroup("Editors"), r.createGroup("Authors")
		r.owning(old.ID, "r7", "Editors")
		r.owning(g.ID, "r8", "Authors")
		must(r.d.DeleteGroup(r.ctx, old.ID, nil, ""))(r)
		now := r.rename(g.ID, "Editors")
		if now.RoleID != "r7" || now.DropRole != "r8" || !now.Owned {
			r.Errorf("%+v", now)
		}
		// Until it is deleted the former role is nobody else's: an import does not list it.
		r.equal("roles", r.hash(":x:role"), value{"r7": g.ID, "r8": g.ID})
		r.syncGroup(g.ID)
		none := ""
		_, err := r.settleGroup(g.ID, GroupResult{Drop: &none, End: done})
		r.ok(err)
		r.equal("roles afterwards", r.hash(":x:role"), value{"r7": g.ID})
	})
}

func TestDeletedGroup_DropsEveryRoleThatTheProxyMadeForIt(t *testing.T) {
	each(t, func(r *rig) {
		old, g := r.createGroup("Editors"), r.createGroup("Authors")
		r.owning(old.ID, "r7", "Editors")
		r.owning(g.ID, "r8", "Authors")
		must(r.d.DeleteGroup(r.ctx, old.ID, nil, ""))(r)
		r.rename(g.ID, "Editors")
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		for more := true; more; {
			more = must(r.d.FanOut(r.ctx, g.ID, ""))(r)
		}
		none := ""
		for _, want := range []string{"r8", "r7"} {
			l := r.hold(GroupKey(g.ID))
			now := must(r.d.LoadGroup(r.ctx, g.ID, l))(r).Item
			r.equal("role to drop", now.DropRole, want)
			res := GroupResult{Drop: &none, Intent: ClearIntent, End: done}
			if now.RoleID == want {
				res.Role = &Role{}
			}
			result := must(r.d.SettleGroup(r.ctx, g.ID, l, res))(r)
			r.equal("outcome", result, map[string]string{"r8": queue.ResultAgain, "r7": queue.ResultDone}[want])
		}
		r.equal("roles", r.hash(":x:role"), value{})
		r.equal("names", r.hash(":x:gname"), value{})
	})
}

func TestDeletedGroup_KeepsTheNameWhileItsRoleIsThereAndNotLonger(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Editors")
		r.owning(g.ID, "r7", "Editors")
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		r.equal("name while the role is there", r.hash(":x:gname"), value{"editors": g.ID})
		r.picture(RoleEntry{ID: "r7", Name: "Editors"})
		r.equal("listed", must(r.d.ListGroups(r.ctx, Window{1, 10}, 0))(r).Total, 0)
		none := ""
		_, err := r.settleGroup(g.ID, GroupResult{Role: &Role{}, Drop: &none, End: done})
		r.ok(err)
		r.equal("name afterwards", r.hash(":x:gname"), value{})
	})
}

func TestDeletedGroup_OfARuleKeepsNeitherNameNorRole(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		g := r.createGroup("Editors DE")
		_, err := r.settleGroup(g.ID, GroupResult{Role: &Role{ID: "r1", Name: "Editor"}, End: done})
		r.ok(err)
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		again := r.createGroup("Editors DE")
		r.equal("role", again.RoleID, "")
		imported := must(r.d.FindGroups(r.ctx, ByDisplayName, "Editor", Window{1, 1}, 0))(r).Items[0]
		r.equal("the imported group's role", r.hash(":x:role"), value{"r1": imported.ID})
	})
}

// picture imports roles as one more picture shows them.
func (r *rig) picture(roles ...RoleEntry) {
	r.Helper()
	r.pictureBy(must(r.d.BeginPicture(r.ctx))(r), roles...)
}

// pictureBy imports roles that were read after those that are published now.
func (r *rig) pictureBy(picture int64, roles ...RoleEntry) {
	r.Helper()
	_, version, err := r.d.Roles(r.ctx)
	r.ok(err)
	r.ok(r.d.ImportRoles(r.ctx, picture, RolesPicture{Version: version, JSON: []byte("[]"), Entries: roles}))
}
