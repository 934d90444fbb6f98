package reconcile_test

import (
	"fmt"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

func (r *rig) createGroup(name string, members ...string) directory.Group {
	r.t.Helper()
	res, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: name}, members, -1)
	r.must(err)
	return res.Item
}

func (r *rig) group(id string) directory.Group {
	r.t.Helper()
	g, err := r.dir.Group(r.ctx, id, -1)
	r.must(err)
	return g
}

func TestFiftyInviteesIntoANewGroup_OneRoleFiftyUpdates(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		var ids []string
		for n := range 50 {
			ids = append(ids, r.create(fmt.Sprintf("user%02d@example.org", n)).ID)
		}
		g := r.createGroup("Writers")
		if g.RoleID == "" || !g.Owned || g.Sync.State != directory.Synced {
			t.Fatalf("group: %+v", g)
		}
		_, err := r.engine.UpdateGroup(r.ctx, g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: ids}, Limit: 100})
		r.must(err)
		r.settle()
		got := r.calls(false)
		if got["POST /roles"] != 1 || got["PUT /site-invitations/:id"] != 50 || got["POST /site-invitations"] != 50 || len(got) != 3 {
			t.Errorf("calls: %v", got)
		}
		if g := r.group(g.ID); len(g.Members) != 50 {
			t.Errorf("%d members", len(g.Members))
		}
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		for _, role := range r.cms.State().Roles {
			if role.Attributes["name"] == "Writers" {
				t.Error("the role is still there")
			}
		}
		for _, i := range r.invitations() {
			if i.Relationships == nil {
				t.Fatal("no role")
			}
		}
		if got := r.calls(false); got["PUT /site-invitations/:id"] != 100 || got["DELETE /roles/:id"] != 1 {
			t.Errorf("calls after deletion: %v", got)
		}
	})
}
