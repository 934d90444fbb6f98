package reconcile_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/reconcile"
)

// Everything that a project keeps lies under its own base, and so in one slot of a Redis Cluster.
func TestEveryKeyBearsTheProjectsTag(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 3
	each(t, s, func(t *testing.T, r *rig) {
		if r.store.Name != "embedded" {
			return // other tests write to the same server
		}
		u := r.member("ada@example.org")
		g := r.createGroup("Writers", u.ID)
		name := "Authors"
		r.must(r.edit(g.ID, reconcile.GroupEdit{Name: &name}))
		r.settle()
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.must(r.engine.DeleteUser(r.ctx, u.ID, nil))
		r.settle()
		r.paused(func() { r.create("grace@example.org") })
		keys, err := r.store.Client.Keys(r.ctx, "*").Result()
		r.must(err)
		if len(keys) < 10 {
			t.Fatalf("only %v", keys)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, r.store.Base+":") {
				t.Errorf("%s lies outside of %s", key, r.store.Base)
			}
		}
	})
}
