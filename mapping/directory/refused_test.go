package directory

import (
	"context"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// refusals are writes of every commit script that must be refused, in a project where ada, bob and two groups exist.
var refusals = map[string]func(r *rig, f fixture) error{
	"create a user: userName": func(r *rig, f fixture) error { return fails(r.d.CreateUser(r.ctx, wish("bob@x.org"), "t")) },
	"create a user: two records": func(r *rig, f fixture) error {
		return fails(r.d.CreateUser(r.ctx, wish("bob@x.org", address("ada@x.org")), "t"))
	},
	"create a user: a deleted one's externalId": func(r *rig, f fixture) error {
		return fails(r.d.CreateUser(r.ctx, wish("new@x.org", external("00u-gone@x.org")), "t"))
	},
	"write a user: stale": func(r *rig, f fixture) error {
		f.ada.Gen--
		return fails(r.d.WriteUser(r.ctx, f.ada, wish("new@x.org"), "t", "user.write"))
	},
	"write a user: gone": func(r *rig, f fixture) error {
		return fails(r.d.WriteUser(r.ctx, User{ID: "nobody"}, wish("new@x.org"), "t", "user.write"))
	},
	"write a user: address": func(r *rig, f fixture) error {
		return fails(r.d.WriteUser(r.ctx, f.ada, wish("new@x.org", address("bob@x.org")), "t", "user.write"))
	},
	"write a user: externalId": func(r *rig, f fixture) error {
		return fails(r.d.WriteUser(r.ctx, f.ada, wish("new@x.org", external("00u-bob@x.org")), "t", "user.write"))
	},
	"touch a user: gone":             func(r *rig, f fixture) error { return fails(r.d.TouchUser(r.ctx, User{ID: "nobody"}, true, "t")) },
	"delete a user: gone":            func(r *rig, f fixture) error { return fails(r.d.DeleteUser(r.ctx, f.gone.ID, 0, "t")) },
	"delete a user: another version": func(r *rig, f fixture) error { return fails(r.d.DeleteUser(r.ctx, f.ada.ID, f.ada.Gen+1, "t")) },
	"delete a group: another version": func(r *rig, f fixture) error {
		return fails(r.d.DeleteGroup(r.ctx, f.editors.ID, &Version{Gen: f.editors.Gen, Members: f.editors.MembGen + 1}, "t"))
	},
	"change members: another version": func(r *rig, f fixture) error {
		at := Version{Gen: f.editors.Gen + 1, Members: f.editors.MembGen}
		return fails(r.d.ChangeMembers(r.ctx, f.editors.ID, MemberChange{Add: []string{f.bob.ID}, At: &at}, 0, "t"))
	},
	"write a group: other members": func(r *rig, f fixture) error {
		at := Version{Gen: f.editors.Gen, Members: f.editors.MembGen + 1}
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "New"}, Members: MemberChange{At: &at}}, "t"))
	},
	"create a group: name": func(r *rig, f fixture) error {
		return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "EDITORS"}, []string{f.bob.ID}, 0, "t"))
	},
	"create a group: externalId": func(r *rig, f fixture) error {
		return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "New", ExternalID: "00g-1"}, []string{f.bob.ID}, 0, "t"))
	},
	"create a group: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "New"}, []string{f.bob.ID, "nobody"}, 0, "t"))
	},
	"create a long group: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "New"}, strangers(1500, f.bob.ID), 0, "t"))
	},
	"write a group: stale": func(r *rig, f fixture) error {
		f.editors.Gen--
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "New"}, Members: MemberChange{Add: []string{f.bob.ID}}}, "t"))
	},
	"write a group: name": func(r *rig, f fixture) error {
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "Authors"}, Members: MemberChange{Add: []string{f.bob.ID}}}, "t"))
	},
	"write a group: externalId": func(r *rig, f fixture) error {
		return fails(r.d.WriteGroup(r.ctx, f.authors, GroupChange{Wish: GroupWish{Name: "New", ExternalID: "00g-1"}, Members: MemberChange{Add: []string{f.bob.ID}}}, "t"))
	},
	"write a group: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "New"}, Members: MemberChange{Add: []string{f.bob.ID, f.gone.ID}}}, "t"))
	},
	"write a long group: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "New"}, Members: MemberChange{Replace: true, Add: strangers(1500, f.bob.ID)}}, "t"))
	},
	"write a long delta: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "New"}, Members: MemberChange{Add: strangers(1500, f.bob.ID)}}, "t"))
	},
	"change members: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.ChangeMembers(r.ctx, f.editors.ID, MemberChange{Add: []string{f.bob.ID, "nobody"}, Remove: []string{f.ada.ID}}, 0, "t"))
	},
	"change many members: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.ChangeMembers(r.ctx, f.editors.ID, MemberChange{Add: strangers(1500, f.bob.ID)}, 0, "t"))
	},
	"replace many members: unknown member": func(r *rig, f fixture) error {
		return fails(r.d.ChangeMembers(r.ctx, f.editors.ID, MemberChange{Replace: true, Add: strangers(1500, f.bob.ID)}, 0, "t"))
	},
	"change members: gone": func(r *rig, f fixture) error {
		return fails(r.d.ChangeMembers(r.ctx, "nothing", MemberChange{Add: []string{f.bob.ID}}, 0, "t"))
	},
	"replace many members: gone": func(r *rig, f fixture) error {
		return fails(r.d.ChangeMembers(r.ctx, "nothing", MemberChange{Replace: true, Add: strangers(1500, f.bob.ID)[:1]}, 0, "t"))
	},
	"delete a group: gone": func(r *rig, f fixture) error { return fails(r.d.DeleteGroup(r.ctx, "nothing", nil, "t")) },
}

type fixture struct {
	ada, bob, gone   User
	editors, authors Group
}

func fails[T any](_ T, err error) error { return err }

// strangers are n ids of nobody, after one that is known.
func strangers(n int, known string) []string {
	out := []string{known}
	for i := range n {
		out = append(out, "nobody-"+str(int64(i)))
	}
	return out
}

func newFixture(r *rig) fixture {
	r.Helper()
	f := fixture{ada: r.create("ada@x.org"), bob: r.create("bob@x.org"), gone: r.create("gone@x.org")}
	r.deleteUser(f.gone.ID)
	f.editors = must(r.d.CreateGroup(r.ctx, GroupWish{Name: "Editors", ExternalID: "00g-1"}, []string{f.ada.ID}, 0, ""))(r).Item
	f.authors = r.createGroup("Authors")
	return f
}

func TestARefusedWrite_ChangesNothingAtAll(t *testing.T) {
	t.Parallel()
	for name, write := range refusals {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				f := newFixture(r)
				r.untouched(name, func() {
					if err := write(r, f); err == nil {
						r.Errorf("%s: accepted", name)
					}
				})
			}, rejecting)
		})
	}
}

// accepted are writes of every commit script.
var accepted = map[string]func(r *rig, f fixture) error{
	"create a user": func(r *rig, f fixture) error { return fails(r.d.CreateUser(r.ctx, wish("new@x.org"), "t")) },
	"write a user": func(r *rig, f fixture) error {
		return fails(r.d.WriteUser(r.ctx, f.ada, wish("new@x.org", inactive), "t", "user.write"))
	},
	"touch a user":  func(r *rig, f fixture) error { return fails(r.d.TouchUser(r.ctx, f.ada, true, "t")) },
	"delete a user": func(r *rig, f fixture) error { return fails(r.d.DeleteUser(r.ctx, f.ada.ID, 0, "t")) },
	"create a group": func(r *rig, f fixture) error {
		return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "New"}, []string{f.bob.ID}, 0, "t"))
	},
	"write a group": func(r *rig, f fixture) error {
		return fails(r.d.WriteGroup(r.ctx, f.editors, GroupChange{Wish: GroupWish{Name: "New"}, Members: MemberChange{Add: []string{f.bob.ID}}}, "t"))
	},
	"change members": func(r *rig, f fixture) error {
		return fails(r.d.ChangeMembers(r.ctx, f.editors.ID, MemberChange{Add: []string{f.bob.ID}, Remove: []string{f.ada.ID}}, 0, "t"))
	},
	"delete a group": func(r *rig, f fixture) error { return fails(r.d.DeleteGroup(r.ctx, f.editors.ID, nil, "t")) },
	"note an intent": func(r *rig, f fixture) error {
		return r.d.Intend(r.ctx, &queue.Lease{Key: UserKey(f.ada.ID), Token: "held"}, Call{Note: "call", Deadline: 0}, "mail:ada@x.org")
	},
	"settle a user": func(r *rig, f fixture) error {
		link := collaborator("7", "ada@x.org")
		return fails(r.d.SettleUser(r.ctx, f.ada.ID, &queue.Lease{Key: UserKey(f.ada.ID), Token: "held", Ticket: 99}, UserResult{Link: &link, End: done}))
	},
}

// A script has no rollback. When memory is full Redis refuses a script at its first write that needs some, which is the
// clock, and none that has written.
func TestAWriteThatRedisRefuses_ChangesNothingAtAll(t *testing.T) {
	t.Parallel()
	for name, write := range accepted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := queuetest.StartRedis(t)
			r := newRig(context.Background(), t, queuetest.Store{Name: "redis", Client: server.Client, Base: "{p}"})
			f := newFixture(r)
			r.ok(holdAs(r, UserKey(f.ada.ID), "held"))
			r.clock.Advance(time.Millisecond)
			r.ok(server.Client.ConfigSet(r.ctx, "maxmemory", "1").Err())
			r.untouched(name, func() {
				if _, ok := as[*UnavailableError](write(r, f)); !ok {
					r.Errorf("%s: not told as unavailable", name)
				}
			})
			r.ok(server.Client.ConfigSet(r.ctx, "maxmemory", "0").Err())
			r.ok(write(r, f))
		})
	}
}

func holdAs(r *rig, key, token string) error {
	return holdScript.Run(r.ctx, r.store.Client, []string{r.store.Base}, r.q.NowArg(), key, token).Err()
}
