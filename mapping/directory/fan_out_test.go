package directory

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
)

// swapped is a group of p[0] and p[1] whose members were just replaced by p[1] and p[2]; nobody has been told.
func (r *rig) swapped(p []string) Group {
	r.Helper()
	g := r.createGroup("Editors", p[0], p[1])
	r.syncGroup(g.ID)
	r.rest(p...)
	g = r.replaced(g.ID, p[1:3])
	if !g.FanOut {
		r.Fatalf("no open fan-out: %+v", g)
	}
	return g
}

func (r *rig) inGroups(id string) int {
	r.Helper()
	return len(r.user(id).Groups)
}

func TestOpenFanOut_ReadersAskTheMemberSets(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.swapped(p)
		for i, want := range []int{0, 1, 1, 0} {
			r.equal("groups of user "+str(int64(i)), r.inGroups(p[i]), want)
			l := r.hold(UserKey(p[i]))
			r.equal("as a sync reads them", len(must(r.d.LoadUser(r.ctx, p[i], l))(r).Item.Groups), want)
			r.ok(r.q.Release(r.ctx, l))
			r.rest(p[i])
		}
		r.equal("the list that lags behind", r.dump()[":ug:"+p[0]], value{g.ID: "1"})
		r.syncGroup(g.ID)
		for i, want := range []queue.State{queue.Queued, queue.Idle, queue.Queued, queue.Idle} {
			r.equal("key of user "+str(int64(i)), r.entry(UserKey(p[i])).State, want)
		}
		r.equal("lane", r.entry(UserKey(p[0])).Lane, queue.Normal)
	})
}

func TestOpenFanOut_MembersOfADeletedGroupHaveLeftIt(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.swapped(p)
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		for i := range p {
			r.equal("groups of user "+str(int64(i)), r.inGroups(p[i]), 0)
		}
		r.syncGroup(g.ID)
		for i, want := range []queue.State{queue.Queued, queue.Queued, queue.Queued, queue.Idle} {
			r.equal("key of user "+str(int64(i)), r.entry(UserKey(p[i])).State, want)
		}
	})
}

func TestOpenFanOut_DeltasAreNotUndoneByIt(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.swapped(p)
		r.change(g.ID, MemberChange{Add: []string{p[0]}, Remove: []string{p[2], p[1]}})
		r.syncGroup(g.ID)
		r.equal("members", ids(r.group(g.ID)), []string{p[0]})
		for i, want := range []int{1, 0, 0} {
			r.equal("groups of user "+str(int64(i)), r.inGroups(p[i]), want)
		}
	})
}

func TestOpenFanOut_ADeletedUserLeavesTheGroup(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.swapped(p)
		for _, id := range p[:3] { // who left, who stayed, who came and was not told yet
			r.deleteUser(id)
		}
		now := r.group(g.ID)
		r.equal("size", now.Size, int64(0))
		r.syncGroup(g.ID)
		r.equal("size afterwards", r.group(g.ID).Size, int64(0))
		r.equal("key of a leaver", r.entry(UserKey(p[2])).Lane, queue.Leavers)
	})
}

func TestOpenFanOut_AUserDeletedBetweenStagingAndSwapIsNoMember(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors")
		s := must(r.d.stage(r.ctx, g.ID, p))(r)
		r.deleteUser(p[1])
		r.equal("swap", r.swap(g, s), "ok")
		r.equal("shown", ids(r.group(g.ID)), sorted(p[0], p[2]))
		before := r.group(g.ID).MembGen
		r.syncGroup(g.ID)
		r.equal("size", r.group(g.ID).Size, int64(2))
		r.equal("membership generation", r.group(g.ID).MembGen, before+1)
	})
}

func TestOpenFanOut_AUserDeletedBetweenStagingAndSwapReturnsWithoutTheGroup(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors")
		s := must(r.d.stage(r.ctx, g.ID, p))(r)
		r.deleteUser(p[1])
		r.equal("swap", r.swap(g, s), "ok")
		r.equal("groups of the tombstone", r.inGroups(p[1]), 0)
		r.write(p[1], wish("user1@x.org"))
		r.equal("groups after the revival", r.inGroups(p[1]), 0)
		r.syncGroup(g.ID)
		r.equal("members", ids(r.group(g.ID)), sorted(p[0], p[2]))
	})
}

func TestOpenFanOut_IsWorkedOffByWhoeverHasTheLeaseNext(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1300)
		g := r.createGroup("Everybody")
		r.replaced(g.ID, p)
		first := r.hold(GroupKey(g.ID))
		must(r.d.FanOut(r.ctx, g.ID, first.Token))(r)
		r.clock.Advance(16 * time.Second) // the first holder dies after one batch
		next := r.take(GroupKey(g.ID))
		r.drainWith(g.ID, next.Token)
		must(r.d.SettleGroup(r.ctx, g.ID, next, GroupResult{Intent: ClearIntent, End: done}))(r)
		for _, id := range p {
			if r.entry(UserKey(id)).State == queue.Idle {
				r.Fatalf("%s was not told", id)
			}
		}
		r.equal("open", r.group(g.ID).FanOut, false)
	})
}

func TestOpenFanOut_SomebodyPutIntoAGroupIsManagedFromTheSwapOn(t *testing.T) {
	each(t, func(r *rig) {
		joe := r.found(collaborator("7", "joe@x.org"))
		g := r.createGroup("Editors")
		r.replaced(g.ID, []string{joe.ID})
		// Two pictures lack joe: an unmanaged person would be forgotten now.
		for range 2 {
			r.missing(Missing{Entity: "c7", ID: joe.ID})
		}
		r.equal("members", ids(r.group(g.ID)), []string{joe.ID})
		r.syncGroup(g.ID)
		r.equal("managed", r.user(joe.ID).Managed, true)
	})
}

func TestOpenFanOut_TellsNobodyWhoIsNotThereAnyMore(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Editors")
		r.ok(r.store.Client.SAdd(r.ctx, r.d.keys.membersOld(g.ID), "nobody").Err())
		r.ok(r.store.Client.SAdd(r.ctx, r.store.Base+":fans", g.ID).Err())
		r.syncGroup(g.ID)
		r.equal("record", r.hash(":u:nobody"), value{})
		r.equal("queue", r.entry(UserKey("nobody")).State, queue.Idle)
	})
}

func TestOpenFanOut_ASwapDuringAWalkOverAllMembersMissesNobody(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1400)
		g := r.createGroup("Editors", p[:800]...)
		r.syncGroup(g.ID)
		r.rename(g.ID, "Authors")
		token := r.hold(GroupKey(g.ID)).Token
		must(r.d.FanOut(r.ctx, g.ID, token))(r) // one batch of the walk
		must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: p[400:]}, 0, ""))(r)
		r.drainWith(g.ID, token)
		for _, id := range p {
			if r.entry(UserKey(id)).State == queue.Idle {
				r.Fatalf("%s was not told", id)
			}
		}
	})
}

func TestFanOut_WorksForTheHolderOfTheGroupsLease(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.swapped(p)
		r.untouched("a fan-out without the lease", func() {
			if _, err := r.d.FanOut(r.ctx, g.ID, "another"); !wants(err, ErrLost) {
				r.Errorf("got %v", err)
			}
		})
	})
}

// missing counts entities as missing from one more picture.
func (r *rig) missing(m ...Missing) int {
	r.Helper()
	return must(r.d.ImportMissing(r.ctx, must(r.d.BeginPicture(r.ctx))(r), m))(r)
}
