package directory

import "testing"

// pruned takes a picture in which nothing is and forgets at most so many tombstones by it.
func (r *rig) pruned(most int) Pruned {
	r.Helper()
	return must(r.d.Prune(r.ctx, must(r.d.BeginPicture(r.ctx))(r), most))(r)
}

func TestPrune_LooksAtSoManyOfWhoWasNotLookedAtForLongest(t *testing.T) {
	each(t, func(r *rig) {
		for _, id := range r.seed(5) {
			r.deleteUser(id)
			r.rest(id)
		}
		r.equal("three of five seen once", r.pruned(3), Pruned{})
		r.equal("the other two, and one of the three again", r.pruned(3), Pruned{Users: 1})
		r.equal("the rest", r.pruned(10), Pruned{Users: 4})
		r.equal("nobody is left", r.pruned(10), Pruned{})
	})
}

func TestPrune_LeavesAGroupWhoseMembersAreNotToldOrWhoseRoleIsLeft(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(2)
		told, left := r.createGroup("Told", p...), r.createGroup("Left")
		for _, g := range []Group{told, left} {
			must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
			r.ok(r.store.Client.Del(r.ctx, r.store.Base+":k:"+GroupKey(g.ID)).Err()) // as if it were agreed
			for _, lane := range []string{"interactive", "since"} {
				r.ok(r.store.Client.ZRem(r.ctx, r.store.Base+":q:"+lane, GroupKey(g.ID)).Err())
			}
		}
		r.ok(r.store.Client.HSet(r.ctx, r.d.keys.leftBehind(), "r9", left.ID).Err())
		r.ok(r.store.Client.HDel(r.ctx, r.store.Base+":x:gname", "told", "left").Err())
		for range 3 {
			r.equal("needed", r.pruned(9), Pruned{})
		}
		r.ok(r.store.Client.HDel(r.ctx, r.d.keys.leftBehind(), "r9").Err())
		r.pruned(9)
		r.equal("the role is gone", r.pruned(9), Pruned{Groups: 1})
		for {
			more := must(r.d.FanOut(r.ctx, told.ID, ""))(r)
			if !more {
				break
			}
		}
		r.pruned(9)
		r.equal("the members are told", r.pruned(9), Pruned{Groups: 1})
	})
}
