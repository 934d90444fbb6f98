package reconcile_test

import (
	"errors"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

func (r *rig) roleID(name string) string {
	r.t.Helper()
	for _, role := range r.cms.State().Roles {
		if role.Attributes["name"] == name {
			return role.ID
		}
	}
	return ""
}

func (r *rig) findGroup(name string) directory.Group {
	r.t.Helper()
	p, err := r.engine.FindGroups(r.ctx, directory.ByDisplayName, name, directory.Window{Start: 1, Count: 1}, -1)
	r.must(err)
	if len(p.Items) != 1 {
		r.t.Fatalf("%d groups called %s", len(p.Items), name)
	}
	return p.Items[0]
}

func (r *rig) edit(id string, e reconcile.GroupEdit) error {
	_, err := r.engine.UpdateGroup(r.ctx, id, e)
	return err
}

// The first write of the identity provider must not demote people who were in the CMS before it.
func TestAdoptedPersonKeepsTheCMSRole(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 5
	s.rules.Rules = []mapping.Rule{{Group: "Chiefs", Role: "Admin"}}
	each(t, s, func(t *testing.T, r *rig) {
		admin := r.roleID("Admin")
		before := map[string]any{}
		for a, c := range r.collaborators() {
			before[a] = c.Relationships["role"]
			r.create(a)
		}
		for a, c := range r.collaborators() {
			if c.Relationships["role"] != before[a] {
				t.Errorf("%s lost the role", a)
			}
		}
		if got := r.calls(false); len(got) != 0 {
			t.Errorf("adopting cost %v", got)
		}
		// A rule that matches takes over for good.
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		var u directory.User
		for _, u = range p.Items {
			if u.Link.RoleID != admin {
				break
			}
		}
		g := r.createGroup("Chiefs", u.ID)
		r.settle()
		if got := r.user(u.ID); got.Link.RoleID != admin {
			t.Errorf("by rule: %+v", got.Link)
		}
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		if got := r.user(u.ID); got.Link.RoleID == admin || got.Adopted {
			t.Errorf("after the rule: %+v", got)
		}
	})
}

func TestMembersOfAnImportedGroup_OnlyNamedOnesAreTouched(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 5
	each(t, s, func(t *testing.T, r *rig) {
		g := r.findGroup("Editor")
		if g.Managed || len(g.Members) != 4 {
			t.Fatalf("%+v", g)
		}
		one := g.Members[0].ID
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Replace: true, Add: []string{one}}}))
		r.settle()
		if got := r.calls(false); len(got) != 0 {
			t.Errorf("a full push touched people it did not name: %v", got)
		}
		g = r.group(g.ID)
		if len(g.Members) != 1 || !g.Managed || g.RoleID != r.roleID("Editor") {
			t.Errorf("%+v", g)
		}
		if !r.user(one).Managed {
			t.Error("a named member is not managed")
		}
		if u := r.user(r.memberIDs("Editor", one)); u.Managed {
			t.Error("an unnamed member became managed")
		}
	})
}

// memberIDs gives a user other than `not` who has the role in the CMS.
func (r *rig) memberIDs(role, not string) string {
	r.t.Helper()
	p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 100})
	r.must(err)
	for _, u := range p.Items {
		if u.ID != not && u.Link.RoleID == r.roleID(role) {
			return u.ID
		}
	}
	r.t.Fatal("nobody else has the role")
	return ""
}

func TestNobodyGainsPowerByAName(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		var conflict *directory.ConflictError
		_, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "admin"}, nil, 0)
		if !errors.As(err, &conflict) {
			t.Errorf("create: %v", err)
		}
		g := r.createGroup("Harmless")
		name := "ADMIN"
		if err := r.edit(g.ID, reconcile.GroupEdit{Name: &name}); !errors.As(err, &conflict) {
			t.Errorf("rename: %v", err)
		}
		// Linking the imported privileged group gives its role to nobody without a rule.
		u := r.member("ada@example.org")
		r.must(r.edit(r.findGroup("Admin").ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
		r.settle()
		got := r.user(u.ID)
		if got.Link.RoleID == r.roleID("Admin") {
			t.Error("power by a link")
		}
		if got.Sync.Code != mapping.CodePrivilegedRole || got.Sync.State != directory.Failed {
			t.Errorf("%+v", got.Sync)
		}
	})
}

func TestRenameIntoARule_MovesTheMembersAndDropsTheOwnedRole(t *testing.T) {
	s := editors()
	s.rules.Rules = []mapping.Rule{{Group: "Chiefs *", Role: "Admin"}}
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		g := r.createGroup("Writers", u.ID)
		r.settle()
		if got := r.user(u.ID).Link.RoleID; got != r.roleID("Writers") {
			t.Fatalf("role %s", got)
		}
		name := "Chiefs of staff"
		r.must(r.edit(g.ID, reconcile.GroupEdit{Name: &name}))
		r.settle()
		if got := r.user(u.ID).Link.RoleID; got != r.roleID("Admin") {
			t.Errorf("role %s", got)
		}
		if r.roleID("Writers") != "" {
			t.Error("the owned role is still there")
		}
		name = "Writers again"
		r.must(r.edit(g.ID, reconcile.GroupEdit{Name: &name}))
		r.settle()
		if got := r.user(u.ID).Link.RoleID; got != r.roleID("Writers again") || got == "" || r.roleID("Admin") == "" {
			t.Errorf("role %s, Admin %s", got, r.roleID("Admin"))
		}
	})
}

func TestRoleIsMadeByOneCall_AnUnknownOutcomeMakesNoTwin(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Method: "POST", Path: "/roles", Times: 1, Action: "drop_after"})
		g := r.createGroup("Writers")
		r.settle()
		g = r.group(g.ID)
		if g.RoleID != r.roleID("Writers") || !g.Owned || g.Sync.State != directory.Synced {
			t.Errorf("%+v", g)
		}
		if n := len(r.cms.State().Roles); n != 3 || r.calls(false)["POST /roles"] != 1 {
			t.Errorf("%d roles, calls %v", n, r.calls(false))
		}
	})
}

func TestParkedGroup_LeaversDoNotWaitAndMembersGoByTheNextRule(t *testing.T) {
	s := editors()
	s.cms.Roles = 2
	each(t, s, func(t *testing.T, r *rig) {
		stays, leaves := r.member("stays@example.org"), r.member("leaves@example.org")
		_, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "Writers"}, []string{stays.ID, leaves.ID}, -1)
		_ = r.rejected(err)
		r.update(leaves.ID, person("leaves@example.org", inactive))
		r.settle()
		if c := r.collaborators()["leaves@example.org"]; c.Attributes["is_active"] != false {
			t.Error("a leaver waits for a role")
		}
		if got := r.user(stays.ID); got.Sync.State != directory.Synced {
			t.Errorf("%+v", got.Sync)
		}
	})
}

func TestDeletedGroupCreatedAgain_TakesTheRoleOver(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		g := r.createGroup("Writers", u.ID)
		r.settle()
		r.fault(cmstest.Fault{Action: "drop_before"})
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		again := r.createGroup("Writers", u.ID)
		if again.ID == g.ID {
			t.Error("the id was assigned again")
		}
		r.cms.ClearFaults()
		r.settle()
		if got := r.group(again.ID); got.RoleID != r.roleID("Writers") || got.RoleID == "" || got.Sync.State != directory.Synced {
			t.Errorf("%+v", got)
		}
		if got := r.user(u.ID).Link.RoleID; got != r.roleID("Writers") {
			t.Errorf("role %s", got)
		}
	})
}

func TestRemovalOfALeaver_IncludesWhoIsInactiveAndLocksWhoCannotBeRemoved(t *testing.T) {
	s := editors()
	s.rules.OnDelete = mapping.Remove
	each(t, s, func(t *testing.T, r *rig) {
		off := r.member("off@example.org")
		r.update(off.ID, person("off@example.org", inactive))
		r.must(r.engine.DeleteUser(r.ctx, off.ID, nil))
		r.settle()
		if _, there := r.collaborators()["off@example.org"]; there {
			t.Error("the inactive person was not removed")
		}
		owner := r.member("owner2@example.org")
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/users/:id", Action: "status", Status: 422, Code: "INVALID_DESTINATION_USER"})
		if err := r.engine.DeleteUser(r.ctx, owner.ID, nil); err != nil {
			t.Log(err)
		}
		r.settle()
		if c := r.collaborators()["owner2@example.org"]; c.Attributes["is_active"] != false {
			t.Error("who cannot be removed is still active")
		}
		if got := r.user(owner.ID); !got.Sync.Parked {
			t.Errorf("%+v", got.Sync)
		}
	})
}
