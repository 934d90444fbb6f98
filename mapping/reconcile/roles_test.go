package reconcile_test

import (
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// givesItsRole creates somebody in a group and expects the group's own role.
func (r *rig) givesItsRole(group string) {
	r.t.Helper()
	address := group + "@example.org"
	u := r.create(address)
	g := r.findGroup(group)
	r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
	r.settle()
	if got := r.user(u.ID); got.Sync.State != directory.Synced || r.invitations()[address].RoleID() != r.roleID(group) {
		r.t.Errorf("%s: %+v", group, got)
	}
}

// A picture of the roles that was read before a role was made must not make everybody forget that role.
func TestRoleMadeWhileAPictureIsRead_IsKnown(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.once(func(c cmstest.Calls) bool { return c.ByEndpoint["GET /roles"] == 2 }, func() { r.createGroup("Writers") })
		r.importAll()
		if r.roleID("Writers") == "" {
			t.Fatal("no role was made during the import")
		}
		r.givesItsRole("Writers")
	})
}

// Two groups whose roles are made at the same moment know of each other's.
func TestRolesMadeAtTheSameMoment_AreBothKnown(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.once(func(c cmstest.Calls) bool { return c.ByEndpoint["POST /roles"] == 0 }, func() { r.createGroup("Readers") })
		r.createGroup("Writers")
		r.givesItsRole("Readers")
		r.givesItsRole("Writers")
	})
}
