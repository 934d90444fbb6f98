package reconcile_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// queued is how many keys wait in a lane.
func (r *rig) queued(lane queue.Lane) int64 {
	r.t.Helper()
	s, err := r.queue.Stats(r.ctx)
	r.must(err)
	return s.Depth[lane]
}

// A list beyond a commit's limit is swapped in as a whole; whoever it concerns is told by the group's key, and counts as a
// member before that. A rename and a deletion tell nobody themselves.
func TestLongListsAreToldByTheGroupsKey(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 1101
	each(t, s, func(t *testing.T, r *rig) {
		var ids []string
		r.must(r.engine.ScanUsers(r.ctx, func(u directory.User) (bool, error) { ids = append(ids, u.ID); return true, nil }))
		g := r.createGroup("Writers")
		last := ids[len(ids)-1]
		told := func(what string, member bool) {
			t.Helper()
			if n := r.queued(queue.Normal); n != 0 || !r.group(g.ID).FanOut {
				t.Errorf("%s queued %d members in its own commit", what, n)
			}
			if in := len(r.user(last).Groups) == 1; in != member {
				t.Errorf("%s: member %v", what, in)
			}
			l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
			r.must(err)
			r.finish(l)
			if n := r.queued(queue.Normal); l.Key != directory.GroupKey(g.ID) || n != int64(len(ids)) {
				t.Errorf("%s: %s told %d of %d", what, l.Key, n, len(ids))
			}
			r.settle()
		}
		r.paused(func() {
			r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Replace: true, Add: ids}}))
		})
		told("the list", true)
		r.paused(func() { r.must(r.rename(g.ID, "Authors")) })
		told("the rename", true)
		r.paused(func() { r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil)) })
		if n := r.queued(queue.Normal); n != 0 || len(r.user(last).Groups) != 0 {
			t.Errorf("the deletion queued %d members in its own commit", n)
		}
		r.settle()
		if u := r.user(last); u.Link.RoleID != r.roleID("Editor") || r.roleID("Authors") != "" {
			t.Errorf("after the deletion: %+v", u.Link)
		}
	})
}

// What is refused leaves nothing behind.
func TestRefusedWriteChangesNothing(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		a, b := r.create("a@example.org"), r.create("b@example.org")
		g := r.createGroup("Writers", a.ID)
		r.createGroup("Authors")
		before := r.dump()
		refused := map[string]func() error{
			"create of somebody there": func() error { _, err := r.engine.CreateUser(r.ctx, person("a@example.org")); return err },
			"address of somebody else": func() error {
				_, err := r.engine.UpdateUser(r.ctx, b.ID, func(directory.User) (directory.UserWish, error) {
					return person("b@example.org", moved("a@example.org")), nil
				})
				return err
			},
			"stale write": func() error {
				_, err := r.dir.WriteUser(r.ctx, directory.User{ID: b.ID, Gen: 99}, person("b@example.org"), "", "x")
				return err
			},
			"group of that name": func() error {
				_, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "writers"}, []string{b.ID}, 0)
				return err
			},
			"name of another group": func() error { return r.rename(g.ID, "authors") },
			"nobody":                func() error { return r.engine.DeleteUser(r.ctx, "nobody", nil) },
			"lost lease": func() error {
				l := r.queue.Adopt(directory.UserKey(a.ID), "token", nil)
				_, err := r.dir.SettleUser(r.ctx, a.ID, l, directory.UserResult{Link: &directory.Link{}, Intent: directory.ClearIntent})
				return errors.Join(err, r.dir.Intend(r.ctx, l, directory.Call{Note: "{}", Deadline: 1e9}))
			},
			"lost lease of a group": func() error {
				l := r.queue.Adopt(directory.GroupKey(g.ID), "token", nil)
				_, err := r.dir.SettleGroup(r.ctx, g.ID, l, directory.GroupResult{Role: &directory.Role{ID: "1"}})
				return err
			},
		}
		for what, write := range refused {
			if err := write(); err == nil {
				t.Errorf("%s was taken", what)
			}
			if after := r.dump(); !maps.Equal(before, after) {
				t.Errorf("%s left something behind: %s", what, changes(before, after))
			}
		}
	})
}

// dump is everything that the project keeps.
func (r *rig) dump() map[string]string {
	r.t.Helper()
	keys, err := r.store.Client.Keys(r.ctx, r.store.Base+":*").Result()
	r.must(err)
	out := map[string]string{}
	for _, k := range keys {
		var v any
		switch kind, err := r.store.Client.Type(r.ctx, k).Result(); kind {
		case "hash":
			v, err = r.store.Client.HGetAll(r.ctx, k).Result()
			r.must(err)
		case "set":
			v, err = r.store.Client.SMembersMap(r.ctx, k).Result()
			r.must(err)
		case "zset":
			v, err = r.store.Client.ZRangeWithScores(r.ctx, k, 0, -1).Result()
			r.must(err)
		case "stream":
			v, err = r.store.Client.XLen(r.ctx, k).Result()
			r.must(err)
		default:
			r.must(err)
			v, err = r.store.Client.Get(r.ctx, k).Result()
			r.must(err)
		}
		out[k] = fmt.Sprint(v)
	}
	return out
}

func changes(a, b map[string]string) (out string) {
	for k := range b {
		if a[k] != b[k] {
			out += fmt.Sprintf(" %s", k)
		}
	}
	return out
}
