package directory

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

// named finds the group of a name.
func (r *rig) named(name string) Group {
	r.Helper()
	p := must(r.d.FindGroups(r.ctx, ByDisplayName, name, Window{1, 1}, 0))(r)
	if len(p.Items) != 1 {
		r.Fatalf("no group %s", name)
	}
	return p.Items[0]
}

func TestRoles_UnknownOnesBecomeUnmanagedGroups(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"}, RoleEntry{ID: "r2", Name: "Publisher"})
		g := r.named("EDITOR")
		if g.ID != mapping.ID("site", "Group", "editor", 0) || g.Managed || !g.Imported || g.Owned || g.RoleID != "r1" || g.Sync.State != Synced {
			r.Errorf("%+v", g)
		}
		r.equal("listed", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, 2)
		roles, version, err := r.d.Roles(r.ctx)
		r.ok(err)
		r.equal("published", string(roles)+" "+version, "[] 1")
		r.picture(RoleEntry{ID: "r1", Name: "Editor"}, RoleEntry{ID: "r2", Name: "Publisher"})
		_, version, _ = r.d.Roles(r.ctx)
		r.equal("the same again", version, "1")
	})
}

func TestRoles_ARenameInTheCMSRenamesAnUnmanagedGroupOnly(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"}, RoleEntry{ID: "r2", Name: "Publisher"})
		editor, publisher := r.named("Editor"), r.named("Publisher")
		r.change(publisher.ID, MemberChange{})
		r.picture(RoleEntry{ID: "r1", Name: "Author"}, RoleEntry{ID: "r2", Name: "Boss"})
		now := r.group(editor.ID)
		if now.Name != "Author" || now.RoleName != "Author" || now.Gen != editor.Gen+1 {
			r.Errorf("%+v", now)
		}
		r.equal("a group that Okta linked", r.group(publisher.ID).Name, "Publisher")
		r.picture(RoleEntry{ID: "r1", Name: "publisher"}, RoleEntry{ID: "r2", Name: "Boss"})
		r.equal("a name that another group has", r.group(editor.ID).Name, "Author")
	})
}

func TestRoles_OnlyTheSecondPictureWithoutOneIsBelieved(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"}, RoleEntry{ID: "r2", Name: "Publisher"})
		editor, linked := r.named("Editor"), r.named("Publisher")
		r.change(linked.ID, MemberChange{})
		r.syncGroup(linked.ID)
		r.picture()
		r.picture(RoleEntry{ID: "r1", Name: "Editor"}, RoleEntry{ID: "r2", Name: "Publisher"})
		r.picture()
		r.equal("after one", r.group(editor.ID).Name, "Editor")
		pic := must(r.d.BeginPicture(r.ctx))(r)
		r.pictureBy(pic)
		r.pictureBy(pic)
		if _, err := r.d.Group(r.ctx, editor.ID, 0); !wants(err, ErrNotFound) {
			r.Errorf("an unmanaged group outlives its role: %v", err)
		}
		now := r.group(linked.ID)
		if now.Sync.State != Failed || now.Sync.Code != "role_missing" || now.RoleID != "r2" {
			r.Errorf("%+v", now)
		}
		r.picture(RoleEntry{ID: "r2", Name: "Publisher"})
		r.equal("found again", r.group(linked.ID).Sync.State, Synced)
	})
}

func TestRoles_OnePictureCountsOnce(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		pic := must(r.d.BeginPicture(r.ctx))(r)
		for range 3 {
			r.pictureBy(pic)
		}
		r.equal("group", r.named("Editor").RoleID, "r1")
	})
}

func TestRoles_ATombstoneHidesItsRoleUntilThatIsGone(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		g := r.named("Editor")
		must(r.d.DeleteGroup(r.ctx, g.ID, nil, ""))(r)
		r.syncGroup(g.ID)
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		r.equal("listed", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, 0)
		r.picture()
		r.picture()
		r.picture(RoleEntry{ID: "r9", Name: "Editor"})
		r.equal("another role of that name", r.named("Editor").ID, mapping.ID("site", "Group", "editor", 1))
	})
}

func TestRoles_AnIDThatIsInUseIsPassedOver(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Editor")
		r.rename(g.ID, "Author")
		r.picture(RoleEntry{ID: "r1", Name: "Editor"}, RoleEntry{ID: "r2", Name: "Other"})
		r.equal("id", r.named("Editor").ID, mapping.ID("site", "Group", "editor", 1))
		r.equal("count", r.hash(":x:gcount"), value{"editor": "1"})
		r.equal("groups", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, 3)
	})
}

func TestRoles_AGroupOfThatNameIsNotDoubled(t *testing.T) {
	each(t, func(r *rig) {
		r.createGroup("Editor")
		r.picture(RoleEntry{ID: "r1", Name: "EDITOR"})
		r.equal("groups", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, 1)
	})
}

func TestRoles_APictureNeverOverwritesWhatASyncWroteAfterItBegan(t *testing.T) {
	each(t, func(r *rig) {
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		editor := r.named("Editor")
		g := r.createGroup("Authors")
		r.owning(g.ID, "r8", "Authors")
		_, version, err := r.d.Roles(r.ctx)
		r.ok(err)
		old := must(r.d.BeginPicture(r.ctx))(r)
		r.owning(g.ID, "r9", "Authors") // made after the picture, which has r8 instead
		r.equal("saved", must(r.d.SaveRoles(r.ctx, []byte(`["with r9"]`), version))(r), true)
		r.equal("read before that, saved after", must(r.d.SaveRoles(r.ctx, []byte(`["without"]`), version))(r), false)
		stale := RolesPicture{Version: version, JSON: []byte(`["without"]`), Entries: []RoleEntry{{ID: "r1", Name: "Editor"}, {ID: "r8", Name: "Deleted"}}}
		for range 3 {
			r.ok(r.d.ImportRoles(r.ctx, old, stale))
		}
		roles, version, err := r.d.Roles(r.ctx)
		r.ok(err)
		r.equal("published", string(roles)+" "+version, `["with r9"] 2`)
		r.equal("groups", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, 2)
		r.equal("role", r.group(g.ID).RoleID, "r9")
		r.equal("the other group", r.group(editor.ID).Name, "Editor")
		r.ok(r.d.ImportRoles(r.ctx, must(r.d.BeginPicture(r.ctx))(r), RolesPicture{Version: version, JSON: []byte(`["newer"]`),
			Entries: []RoleEntry{{ID: "r1", Name: "Editor"}, {ID: "r9", Name: "Authors"}}}))
		roles, _, _ = r.d.Roles(r.ctx)
		r.equal("a newer picture", string(roles), `["newer"]`)
	})
}

func TestRoles_OneThatIsToBeDeletedIsNotListedAsAGroup(t *testing.T) {
	each(t, func(r *rig) {
		g := r.createGroup("Editors")
		r.owning(g.ID, "r7", "Editors")
		r.rename(g.ID, "Ruled")
		drop := "r7"
		_, err := r.settleGroup(g.ID, GroupResult{Role: &Role{ID: "r1", Name: "Admin"}, Drop: &drop})
		r.ok(err)
		r.picture(RoleEntry{ID: "r7", Name: "Editors"})
		r.equal("groups", must(r.d.ListGroups(r.ctx, Window{1, 1}, 0))(r).Total, 1)
	})
}
