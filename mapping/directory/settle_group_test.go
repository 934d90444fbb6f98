package directory

import (
	"testing"

	"github.com/scimcms/scimcms/queue"
)

func TestSettleGroup_ARoleOfAnotherGroupIsTaken(t *testing.T) {
	each(t, func(r *rig) {
		g, other := r.createGroup("Editors"), r.createGroup("Authors")
		r.owning(other.ID, "r7", "Authors")
		l := r.hold(GroupKey(g.ID))
		r.untouched("a taken role", func() {
			_, err := r.d.SettleGroup(r.ctx, g.ID, l, GroupResult{Role: &Role{ID: "r7", Owned: true}, End: done})
			if e, ok := as[*TakenError](err); !ok || e.ID != other.ID {
				r.Errorf("got %v", err)
			}
		})
	})
}

func TestSettleGroup_TakesARoleThatOnlyAnImportStoodFor(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r7", Name: "Role of ours"})
		g := r.createGroup("Editors")
		r.owning(g.ID, "r7", "Editors")
		r.equal("groups", must(r.d.ListGroups(r.ctx, Window{1, 10}, 0))(r).Total, 1)
	})
}

func TestSettleGroup_ARoleThatMembersGetIsNotDropped(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Editors")
		r.owning(g.ID, "r7", "Editors")
		same := "r7" // a rule names the very role that the proxy made for the group
		_, err := r.settleGroup(g.ID, GroupResult{Role: &Role{ID: "r7", Name: "Editors"}, Drop: &same, End: done})
		r.ok(err)
		r.equal("drop", r.group(g.ID).DropRole, "")
	})
}

func TestSettleGroup_TakesARoleFromATombstoneThatIsNotAtWorkOnIt(t *testing.T) {
	each(t, func(r *rig) {
		old := r.createGroup("Editors")
		r.owning(old.ID, "r7", "Editors")
		must(r.d.DeleteGroup(r.ctx, old.ID, nil, ""))(r)
		lo := r.hold(GroupKey(old.ID))
		g := r.createGroup("Editors") // inherits nothing from a tombstone at work
		lg := r.hold(GroupKey(g.ID))
		res := GroupResult{Role: &Role{ID: "r7", Name: "Editors", Owned: true}, End: done}
		if _, err := r.d.SettleGroup(r.ctx, g.ID, lg, res); err == nil {
			r.Fatal("took a role that is being deleted")
		}
		r.ok(r.q.Release(r.ctx, lo))
		must(r.d.SettleGroup(r.ctx, g.ID, lg, res))(r)
		if w := must(r.d.LoadGroup(r.ctx, old.ID, r.hold(GroupKey(old.ID))))(r); w.Item.DropRole != "" {
			r.Errorf("the tombstone would delete the role of the new group: %+v", w.Item)
		}
		r.equal("names", r.hash(":x:gname"), value{"editors": g.ID})
	})
}

func TestSettleGroup_ATombstoneThatLostItsRoleLosesItsName(t *testing.T) {
	each(t, func(r *rig) {
		old, g := r.createGroup("Editors"), r.createGroup("Authors")
		r.owning(old.ID, "r7", "Editors")
		must(r.d.DeleteGroup(r.ctx, old.ID, nil, ""))(r)
		r.owning(g.ID, "r7", "Authors")
		r.equal("names", r.hash(":x:gname"), value{"authors": g.ID})
	})
}

func TestSettleGroup_AGroupThatWasDeletedMeanwhileStandsForNoOtherRole(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Author"})
		g := r.createGroup("Reds")
		r.owning(g.ID, "r7", "Reds")
		r.rename(g.ID, "Blues")
		l := r.hold(GroupKey(g.ID)) // plans that the group takes a role that is there, and drops its own
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		drop, none := "r7", ""
		must(r.d.SettleGroup(r.ctx, g.ID, l, GroupResult{Role: &Role{ID: "r1", Name: "Author"}, Drop: &drop}))(r)
		dropped := GroupResult{Drop: &none, End: done}
		if must(r.d.LoadGroup(r.ctx, g.ID, l))(r).Item.RoleID == drop {
			dropped.Role = &Role{}
		}
		must(r.d.SettleGroup(r.ctx, g.ID, l, dropped))(r)
		r.syncGroup(g.ID)
		r.equal("whose name it is", r.hash(":x:gname")["blues"], "")
	})
}

func TestSettleGroup_ACreationIsNotTakenBackWhenANewerWishCameMeanwhile(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Bad name")
		l := r.hold(GroupKey(g.ID))
		r.rename(g.ID, "Good name")
		end := End{Verdict: &queue.Verdict{Outcome: queue.Done, Code: "invalid"}, Reject: g.Gen}
		result := must(r.d.SettleGroup(r.ctx, g.ID, l, GroupResult{Intent: ClearIntent, End: end}))(r)
		if now := r.group(g.ID); result != queue.ResultAgain || now.State != Live {
			r.Errorf("%s %+v", result, now)
		}
	})
}

func TestLoadGroup_CountsHoldersOfTheRoleToDropWithWorkWaiting(t *testing.T) {
	each(t, func(r *rig) {
		ada, gone := r.create("ada@x.org"), r.create("gone@x.org")
		r.linked(ada.ID, collaborator("1", "ada@x.org").with(role("r7")))
		r.linked(gone.ID, collaborator("2", "gone@x.org").with(role("r7")))
		g := r.createGroup("Editors")
		r.owning(g.ID, "r7", "Editors")
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		l := r.hold(GroupKey(g.ID))
		waiting := func() int { return must(r.d.LoadGroup(r.ctx, g.ID, l))(r).Waiting }
		r.equal("nobody", waiting(), 0)
		r.write(ada.ID, wish("ada@x.org"))
		r.deleteUser(gone.ID)
		r.equal("a user and a leaver", waiting(), 2)
	})
}
