package directory

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestLongList_IsStagedSwappedInAndWorkedOff(t *testing.T) {
	each(t, func(r *rig) {
		n := r.many(10_000)
		p := r.seed(n)
		g := r.createGroup("Everybody")
		c := must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: append(slices.Clone(p), p[0], "nobody")}, 100, "token"))(r)
		if c.Item.Size != int64(n) || c.Item.Members != nil || !c.Item.FanOut || !c.Changed || c.Lease != nil && c.Lease.Key != GroupKey(g.ID) {
			r.Errorf("%+v", c.Item)
		}
		r.equal("unknown", c.Unknown, []string{"nobody"})
		r.equal("groups before the fan-out", r.user(p[n-1]).Groups[0].ID, g.ID)
		r.equal("batches", r.drainWith(g.ID, c.Lease.Token), n/fanBatch)
		stats := must(r.q.Stats(r.ctx))(r)
		r.equal("keys in lane normal", stats.Depth[queue.Normal], int64(n))
		r.equal("fan-out", r.group(g.ID).FanOut, false)

		c = must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true}, 0, ""))(r)
		if c.Item.Size != 0 || !c.Changed || len(r.user(p[0]).Groups) != 0 {
			r.Errorf("emptied: %+v", c.Item)
		}
	})
}

// many is a number of people on the real Redis, and a tenth of it on the embedded store, which takes its time.
func (r *rig) many(n int) int {
	if r.store.Name == queuetest.Embedded {
		return n / 10
	}
	return n
}

func TestLongList_AnUnchangedFullPushChangesNothing(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1200)
		g := must(r.d.CreateGroup(r.ctx, GroupWish{Name: "Everybody"}, p, 0, ""))(r).Item
		r.untouched("an unchanged full push", func() {
			c := must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: append(slices.Clone(p), p[0])}, 0, "token"))(r)
			if c.Changed || c.Item.Size != 1200 {
				r.Errorf("%+v", c)
			}
		})
	})
}

// drainWith works a fan-out off and counts the batches.
func (r *rig) drainWith(id, token string) (batches int) {
	r.Helper()
	for must(r.d.FanOut(r.ctx, id, token))(r) {
		batches++
	}
	return batches
}

func TestLongList_AsManyOthersIsAChange(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(2200)
		g := r.createGroup("Half", p[:1000]...)
		r.change(g.ID, MemberChange{Add: p[1000:1100]})
		r.syncGroup(g.ID)
		c := must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: p[1100:]}, 0, ""))(r)
		r.equal("changed", c.Changed, true)
		r.syncGroup(g.ID)
		now := r.group(g.ID)
		r.equal("members", ids(now), sorted(p[1100:]...))
		r.equal("a former member", r.user(p[0]).Groups, []GroupRef(nil))
	})
}

func TestCreateGroup_WithALongList(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1200)
		c := must(r.d.CreateGroup(r.ctx, GroupWish{Name: "Everybody"}, p, 0, "token"))(r)
		if c.Item.Size != 1200 || c.Lease == nil || !c.Changed {
			r.Errorf("%+v", c)
		}
	})
}

func TestWriteGroup_WithALongListWritesBoth(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1300)
		g := r.createGroup("Editors", p[:10]...)
		c := must(r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: "Everybody"}, Members: MemberChange{Replace: true, Add: p}}, "token"))(r)
		if c.Item.Size != 1300 || c.Item.Name != "Everybody" || !c.Changed || c.Lease == nil {
			r.Errorf("%+v", c)
		}
		r.ok(r.q.Release(r.ctx, c.Lease))
		r.syncGroup(g.ID)
		// The attributes changed, the list did not.
		c = must(r.d.WriteGroup(r.ctx, r.group(g.ID), GroupChange{Wish: GroupWish{Name: "All"}, Members: MemberChange{Replace: true, Add: p}}, ""))(r)
		r.equal("changed", c.Changed, true)
		// A short list that would touch too many.
		c = must(r.d.WriteGroup(r.ctx, c.Item, GroupChange{Wish: GroupWish{Name: "Few"}, Members: MemberChange{Replace: true, Add: p[:3]}}, ""))(r)
		if c.Item.Name != "Few" || c.Item.Size != 3 {
			r.Errorf("%+v", c.Item)
		}
	})
}

func TestStage_ADeltaBetweenStagingAndSwapMakesTheSwapStale(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(6)
		g := r.createGroup("Editors", p[0], p[1])
		s := must(r.d.stage(r.ctx, g.ID, p[1:4]))(r)
		r.change(g.ID, MemberChange{Add: []string{p[5]}})
		r.equal("swap", r.swap(g, s), "stale")
		r.equal("members", ids(r.group(g.ID)), sorted(p[0], p[1], p[5]))
		r.equal("staged lists left behind", r.staged(), 0)
		r.equal("the whole call", ids(r.replaced(g.ID, p[1:4])), sorted(p[1:4]...))
	})
}

func TestLongList_IsStagedAnewWhenTheMembershipChangedMeanwhile(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(6)
		g := r.createGroup("Editors", p[0], p[1])
		clock, commits := r.d.opts.Clock, 0
		r.d.opts.Clock = func() time.Time { // is asked right before a commit
			if commits++; commits == 1 {
				r.change(g.ID, MemberChange{Add: []string{p[5]}})
			}
			return clock()
		}
		r.equal("members", ids(r.replaced(g.ID, p[1:4])), sorted(p[1:4]...))
		r.equal("commits", commits, 3)
	})
}

func (r *rig) swap(g Group, s staged) string {
	r.Helper()
	return str(at(must(r.d.swap(r.ctx, g, s, nil, askedOf{}))(r).list, 0))
}

// replaced swaps a list in whatever its length.
func (r *rig) replaced(id string, members []string) Group {
	r.Helper()
	return must(r.d.replaceLong(r.ctx, id, MemberChange{Replace: true, Add: members}, askedOf{limit: -1, unknown: skipUnknown}))(r).Item
}

func (r *rig) staged() (n int) {
	for _, name := range r.keys() {
		if strings.Contains(name, ":stage:") {
			n++
		}
	}
	return n
}

func TestStage_DiesWithItsWriterAndExpires(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.createGroup("Editors", p[0])
		s := must(r.d.stage(r.ctx, g.ID, p[:3]))(r)
		for _, name := range []string{s.key, s.key + ":add"} {
			if ttl := must(r.store.Client.TTL(r.ctx, name).Result())(r); ttl <= 0 || ttl > stageTTL {
				r.Errorf("%s lives for %s", name, ttl)
			}
		}
		r.equal("members", ids(r.group(g.ID)), []string{p[0]})
		r.ok(r.store.Client.PExpire(r.ctx, s.key, -time.Second).Err())
		r.equal("swap of an expired list", r.swap(g, s), "stale")
		r.equal("members", ids(r.group(g.ID)), []string{p[0]})

		// An expired list is no empty list, and one that lost its first chunk is no shorter list.
		s = must(r.d.stage(r.ctx, g.ID, []string{}))(r)
		r.equal("swap of an empty list", r.swap(g, s), "ok")
		s = must(r.d.stage(r.ctx, g.ID, p))(r)
		r.ok(r.store.Client.SRem(r.ctx, s.key, p[0]).Err())
		r.equal("swap of half a list", r.swap(r.group(g.ID), s), "stale")
	})
}

func TestSwap_MembersThatWereStagedDoNotExpire(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors")
		r.replaced(g.ID, p)
		for _, name := range []string{":gm:" + g.ID, ":gm:" + g.ID + ":add"} {
			if ttl := must(r.store.Client.TTL(r.ctx, r.store.Base+name).Result())(r); ttl != -1 {
				r.Errorf("%s expires in %s", name, ttl)
			}
		}
	})
}

func TestSwap_WaitsForAnEarlierOneToBeWorkedOff(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(6)
		g := r.createGroup("Editors", p[0], p[1])
		r.replaced(g.ID, p[2:4])
		s := must(r.d.stage(r.ctx, g.ID, p[4:]))(r)
		r.equal("at once", r.swap(r.group(g.ID), s), "fanout")
		r.equal("staged lists left behind", r.staged(), 0)
		r.equal("the whole call", ids(r.replaced(g.ID, p[4:])), sorted(p[4:]...))
		r.syncGroup(g.ID)
		for i, want := range []int{0, 0, 0, 0, 1, 1} {
			r.equal("groups of user "+str(int64(i)), len(r.user(p[i]).Groups), want)
		}
	})
}

func TestSwap_AnUnchangedListUnparksAndRevives(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors", p...)
		_, err := r.settleGroup(g.ID, GroupResult{End: End{Verdict: &queue.Verdict{Outcome: queue.Park, Code: "x"}}})
		r.ok(err)
		r.replaced(g.ID, p)
		r.equal("parked key", r.entry(GroupKey(g.ID)).State, queue.Queued)
		end := done
		end.Reject = g.Gen
		_, err = r.settleGroup(g.ID, GroupResult{End: end})
		r.ok(err)
		r.equal("rejected group", r.group(g.ID).State, Rejected)
		r.syncGroup(g.ID)
		r.replaced(g.ID, p)
		r.equal("rejected group", r.group(g.ID).State, Live)
		r.equal("listed", must(r.d.ListGroups(r.ctx, Window{1, 5}, 0))(r).Total, 1)
	})
}

func TestLargeArgumentLists_AreTakenByEveryScript(t *testing.T) {
	each(t, func(r *rig) {
		n := r.many(4000)
		p := r.seed(n)
		// 4,000 values in one call are what every script has to take; 10,000 ids arrive in chunks.
		ks := []string{r.d.keys.members("g"), r.d.keys.stage("g", "1"), r.d.keys.stage("g", "1") + ":add"}
		ans := must(r.d.run(r.ctx, r.d.scripts.stageMembers, ks, append([]any{ms(stageTTL)}, anys(p)...)...))(r)
		r.equal("staged", num(ans[0]), int64(n))
		r.ok(r.store.Client.Del(r.ctx, ks[1], ks[2]).Err())
		many := strings.Split(strings.Repeat("m@x.org\n", n), "\n")
		for i := range many {
			many[i] = str(int64(i)) + many[i]
		}
		u := r.create("many@x.org", emails(many...))
		r.equal("by the last e-mail", r.find(ByEmail, str(int64(n-1))+"m@x.org"), []string{u.ID})
		roles := make([]RoleEntry, n/4)
		for i := range roles {
			roles[i] = RoleEntry{ID: "r" + str(int64(i)), Name: "Role " + str(int64(i))}
		}
		r.picture(roles...)
		r.equal("roles", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, n/4)
	})
}
