package directory

import (
	"slices"
	"sync"
	"testing"

	"github.com/scimcms/scimcms/queue"
)

func ids(g Group) []string {
	out := make([]string, 0, len(g.Members))
	for _, m := range g.Members {
		out = append(out, m.ID)
	}
	return out
}

func sorted(in ...string) []string { return slices.Sorted(slices.Values(in)) }

func TestSeed_IsWhatCommitsMake(t *testing.T) {
	each(t, func(r *rig) {
		id := r.seed(1)[0]
		seeded := r.dump()
		r.ok(r.store.Client.Del(r.ctx, r.keys()...).Err())
		r.equal("id", r.commitMany(1), []string{id})
		committed := r.dump()
		for _, name := range []string{":audit", ":q:now", ":q:ticket"} {
			delete(committed, name)
		}
		r.equal("seeded", seeded, committed)
	})
}

func TestMembershipDeltas_CommuteAndNeedNoGeneration(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.createGroup("Editors", p[0], p[1])
		r.change(g.ID, MemberChange{Add: []string{p[2]}})
		r.change(g.ID, MemberChange{Remove: []string{p[0]}})
		r.change(g.ID, MemberChange{Add: []string{p[3]}, Remove: []string{p[1]}})
		now := r.group(g.ID)
		r.equal("members", ids(now), sorted(p[2], p[3]))
		r.equal("generation of the attributes", now.Gen, g.Gen)
		r.equal("generation of the membership", now.MembGen, g.MembGen+3)
	})
}

func TestMembershipDeltas_OfManyAtOnceLoseNobody(t *testing.T) {
	each(t, func(r *rig) {
		const clients, each = 8, 6
		p := r.seed(clients * each)
		g := r.createGroup("Editors", p[:clients]...)
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				for n := range each {
					one := []string{p[n*clients+c]}
					if _, err := r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Add: one}, 0, ""); err != nil {
						r.Errorf("add: %v", err)
					}
				}
				if _, err := r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Remove: []string{p[c]}}, 0, ""); err != nil {
					r.Errorf("remove: %v", err)
				}
			})
		}
		// Meanwhile the group is renamed, which no change of membership can make stale.
		renamed := must(r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: "Authors"}}, ""))(r)
		wg.Wait()
		r.equal("name", renamed.Item.Name, "Authors")
		r.equal("members", ids(r.group(g.ID)), sorted(p[clients:]...))
	})
}

func TestMembershipDelta_ThatChangesNothingQueuesNobody(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors", p[0])
		r.syncGroup(g.ID)
		r.rest(p[0])
		r.untouched("a delta that changes nothing", func() {
			c := r.change(g.ID, MemberChange{Add: []string{p[0]}, Remove: []string{p[1]}})
			if c.Changed || c.Lease != nil {
				r.Errorf("%+v", c)
			}
		})
	})
}

func TestMembershipChange_QueuesWhoCameAndWhoLeftAndNotTheGroup(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors", p[0])
		r.syncGroup(g.ID)
		r.rest(p[0])
		c := r.change(g.ID, MemberChange{Add: []string{p[1]}, Remove: []string{p[0]}})
		r.equal("who left", r.entry(UserKey(p[0])).Lane, queue.Interactive)
		r.equal("who came", r.entry(UserKey(p[1])).Lane, queue.Normal)
		r.equal("somebody else", r.entry(UserKey(p[2])).State, queue.Idle)
		r.equal("the group", r.entry(GroupKey(g.ID)).State, queue.Idle)
		r.equal("members", ids(c.Item), []string{p[1]})
		r.equal("the user who left", r.user(p[0]).Groups, []GroupRef(nil))
	})
}

func TestReplacingMembers_LeavesWhoIsNamedAndRemovesTheOthers(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(4)
		g := r.createGroup("Editors", p[0], p[1])
		r.rest(p...)
		c := r.change(g.ID, MemberChange{Replace: true, Add: []string{p[1], p[2], p[2]}, Remove: []string{p[2]}})
		r.equal("members", ids(c.Item), sorted(p[1], p[2]))
		r.equal("who stays", r.entry(UserKey(p[1])).State, queue.Idle)
		c = r.change(g.ID, MemberChange{Replace: true})
		r.equal("nobody", c.Item.Size, int64(0))
	})
}

func TestUnknownMembers_AreLeftOutOrRefused(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(2)
		r.deleteUser(p[1])
		g := r.createGroup("Editors")
		c := r.change(g.ID, MemberChange{Add: []string{"nobody", p[0], p[1]}})
		r.equal("members", ids(c.Item), []string{p[0]})
		r.equal("unknown", c.Unknown, []string{"nobody", p[1]})
		c = r.change(g.ID, MemberChange{Replace: true, Add: []string{"nobody", p[0]}})
		r.equal("members after a replacement", ids(c.Item), []string{p[0]})
		r.equal("unknown", c.Unknown, []string{"nobody"})
	})
}

// Whichever way a list comes, the audit log has how many were left out, and which; never what is no id.
func TestUnknownMembers_AreInTheAuditLog(t *testing.T) {
	t.Parallel()
	const stranger = "719c6103-f77a-5cb3-9c69-de362501c769"
	unknown := []string{stranger, "ada@x.org", "Ada Lovelace"}
	for name, push := range map[string]func(r *rig, id string){
		"create":  func(r *rig, _ string) { r.createGroup("Authors", unknown...) },
		"add":     func(r *rig, id string) { r.change(id, MemberChange{Add: unknown}) },
		"replace": func(r *rig, id string) { r.change(id, MemberChange{Replace: true, Add: unknown}) },
		"long":    func(r *rig, id string) { r.replaced(id, unknown) },
		"long, nothing changed": func(r *rig, id string) {
			r.change(id, MemberChange{Replace: true})
			r.replaced(id, unknown)
		},
		"rename": func(r *rig, id string) {
			ch := GroupChange{Wish: GroupWish{Name: "Others"}, Members: MemberChange{Add: unknown}}
			must(r.d.WriteGroup(r.ctx, r.group(id), ch, ""))(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				push(r, r.createGroup("Editors", r.seed(1)...).ID)
				var got []map[string]any
				for _, m := range must(r.store.Client.XRange(r.ctx, r.d.keys.audit(), "-", "+").Result())(r) {
					if m.Values["event"] == "group.members.skipped" {
						got = append(got, m.Values)
					}
				}
				if len(got) != 1 || got[0]["count"] != "3" || got[0]["members"] != stranger {
					r.Errorf("%v", got)
				}
			})
		})
	}
}

func TestUnknownMembers_AreNamedInTheRefusal(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Editors")
		_, err := r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Add: []string{"nobody"}}, 0, "")
		if e, ok := as[*UnknownMembersError](err); !ok || !slices.Equal(e.IDs, []string{"nobody"}) {
			r.Errorf("got %v", err)
		}
		_, err = r.d.CreateGroup(r.ctx, GroupWish{Name: "Authors"}, strangers(1200, "")[1:], 0, "")
		if e, ok := as[*UnknownMembersError](err); !ok || len(e.IDs) != 1200 {
			r.Errorf("got %v", err)
		}
		r.untouched("a refused push", func() {
			_, err := r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Add: strangers(1200, "x")}, 0, "")
			if _, ok := as[*UnknownMembersError](err); !ok {
				r.Errorf("got %v", err)
			}
		})
	}, rejecting)
}

func TestAMember_BecomesManaged(t *testing.T) {
	each(t, func(r *rig) {
		joe := r.found(collaborator("7", "joe@x.org"))
		r.equal("at first", joe.Managed, false)
		g := r.createGroup("Editors")
		r.untouched("removing somebody unmanaged", func() {
			r.change(g.ID, MemberChange{Remove: []string{joe.ID}})
		})
		r.change(g.ID, MemberChange{Add: []string{joe.ID}})
		if u := r.user(joe.ID); !u.Managed || !u.Adopted || r.entry(UserKey(joe.ID)).State != queue.Queued {
			r.Errorf("%+v", u)
		}
	})
}

func TestUnmanagedGroup_ShowsWhoHoldsItsRoleAndStoresNobody(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		joe, kim := r.found(collaborator("1", "joe@x.org")), r.found(invitation("2", "kim@x.org"))
		gone := r.found(collaborator("3", "gone@x.org"))
		r.deleteUser(gone.ID)
		g := must(r.d.FindGroups(r.ctx, ByDisplayName, "editor", Window{1, 1}, -1))(r).Items[0]
		if g.Managed || !g.Imported || g.Size != 2 || g.RoleID != "r1" {
			r.Errorf("%+v", g)
		}
		r.equal("members", ids(g), sorted(joe.ID, kim.ID))
		r.equal("stored", r.dump()[":gm:"+g.ID], value(nil))
		r.equal("members beyond the limit", ids(must(r.d.Group(r.ctx, g.ID, 1))(r)), []string{})
	})
}

func TestUnmanagedGroup_TheFirstWriteStoresOnlyWhoIsNamed(t *testing.T) {
	t.Parallel()
	first := map[string]func(r *rig, g Group, id string) Group{
		"a delta": func(r *rig, g Group, id string) Group { return r.change(g.ID, MemberChange{Add: []string{id}}).Item },
		"a list": func(r *rig, g Group, id string) Group {
			return r.change(g.ID, MemberChange{Replace: true, Add: []string{id}}).Item
		},
		"a replacement": func(r *rig, g Group, id string) Group {
			return must(r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: g.Name, ExternalID: "00g"}, Members: MemberChange{Add: []string{id}}, Limit: -1}, ""))(r).Item
		},
	}
	for name, write := range first {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				r.picture(RoleEntry{ID: "r1", Name: "Editor"})
				r.found(collaborator("1", "joe@x.org"))
				ada := r.create("ada@x.org")
				g := must(r.d.FindGroups(r.ctx, ByDisplayName, "Editor", Window{1, 1}, 0))(r).Items[0]
				now := write(r, g, ada.ID)
				if !now.Managed || !now.Imported || now.RoleID != "r1" || r.entry(GroupKey(g.ID)).State != queue.Queued {
					r.Errorf("%+v", now)
				}
				r.equal("members", ids(now), []string{ada.ID})
				joe := r.user(r.find(ByUserName, "joe@x.org")[0])
				if joe.Managed || len(joe.Groups) > 0 {
					r.Errorf("somebody who was not named was touched: %+v", joe)
				}
			})
		})
	}
}

func TestUnmanagedGroup_AFirstWriteOfNobodyChangesWhatIsShown(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		r.found(collaborator("1", "joe@x.org"))
		g := must(r.d.FindGroups(r.ctx, ByDisplayName, "Editor", Window{1, 1}, 0))(r).Items[0]
		c := r.change(g.ID, MemberChange{})
		if !c.Changed || c.Item.MembGen == g.MembGen || c.Item.Size != 0 {
			r.Errorf("%+v", c)
		}
	})
}

func TestInlineLimit_ACommitTouchesAtMostAThousandMembers(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1500)
		g := r.createGroup("Editors", p[:1000]...)
		r.equal("inline", r.group(g.ID).FanOut, false)
		// A short list of other people: 800 leave and 300 come.
		c := must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: append(slices.Clone(p[800:1000]), p[1000:1300]...)}, 0, ""))(r)
		r.equal("size", c.Item.Size, int64(500))
		r.equal("left to the group's key", c.Item.FanOut, true)
		r.syncGroup(g.ID)
		// 100 leave and 900 come.
		c = must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: append(slices.Clone(p[900:1300]), p[:600]...)}, 0, ""))(r)
		r.equal("size", c.Item.Size, int64(1000))
		r.equal("inline", c.Item.FanOut, false)
	})
}

func TestInlineLimit_ALongDeltaIsCutAndCounted(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(2300)
		g := r.createGroup("Editors", p[:100]...)
		c := must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Add: append(slices.Clone(p[100:]), "nobody"), Remove: p[:100]}, 0, "token"))(r)
		now := r.group(g.ID)
		r.equal("members", now.Size, int64(2200))
		r.equal("commits", now.MembGen, g.MembGen+3)
		r.equal("unknown", c.Unknown, []string{"nobody"})
		r.equal("changed", c.Changed, true)
	})
}
