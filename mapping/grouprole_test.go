package mapping_test

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

func TestPlanGroup(t *testing.T) {
	t.Parallel()
	roles := mapping.NewRoleSet([]mapping.Role{{ID: "1", Name: "Admin", Privileged: true}, {ID: "2", Name: "Editor"}}, nil)
	config := mapping.Config{Default: "Editor", Create: true, Template: "Editor", Rules: []mapping.Rule{{Group: "Admins", Role: "Admin"}, {Group: "Ghosts", Role: "Ghost"}}}
	without, lost := config, config
	without.Create, lost.Template = false, "Gone"
	for _, tt := range []struct {
		name   string
		config mapping.Config
		group  mapping.GroupCase
		want   mapping.GroupAction
		role   string
	}{
		{"a rule names the role", config, mapping.GroupCase{Name: "Admins"}, mapping.LinkRole, "1"},
		{"and it has it", config, mapping.GroupCase{Name: "Admins", RoleID: "1"}, mapping.LeaveRole, ""},
		{"a rule takes the place of an own role", config, mapping.GroupCase{Name: "Admins", RoleID: "9", RoleName: "Admins", Owned: true}, mapping.LinkRole, "1"},
		{"even of one that it now names", config, mapping.GroupCase{Name: "Admins", RoleID: "1", RoleName: "Admin", Owned: true}, mapping.LinkRole, "1"},
		{"a rule names no role of the CMS", config, mapping.GroupCase{Name: "Ghosts", RoleID: "2"}, mapping.FailRole, ""},
		{"an imported group keeps its role", config, mapping.GroupCase{Name: "Editor", RoleID: "2", RoleName: "Editor", Imported: true}, mapping.LeaveRole, ""},
		{"a rule matches no more", config, mapping.GroupCase{Name: "Writers", RoleID: "1"}, mapping.LinkRole, ""},
		{"a role is to be made", config, mapping.GroupCase{Name: "Writers"}, mapping.CreateRole, "2"},
		{"after a role that is gone", lost, mapping.GroupCase{Name: "Writers"}, mapping.FailRole, ""},
		{"none is to be made", without, mapping.GroupCase{Name: "Writers"}, mapping.LeaveRole, ""},
		{"the role follows the name", config, mapping.GroupCase{Name: "Authors", RoleID: "9", RoleName: "Writers", Owned: true}, mapping.RenameRole, ""},
		{"all is as it should be", config, mapping.GroupCase{Name: "Writers", RoleID: "9", RoleName: "Writers", Owned: true}, mapping.LeaveRole, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := mapping.NewRules(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			got := r.PlanGroup(tt.group, roles)
			if got.Action != tt.want || got.Role.ID != tt.role || (got.Failed.Code != "") != (tt.want == mapping.FailRole) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestStep_Kind(t *testing.T) {
	t.Parallel()
	role := "1"
	for want, s := range map[mapping.CallKind]mapping.Step{
		mapping.CallInvitation:     {Op: mapping.Invite, RoleID: &role},
		mapping.CallInvitationRole: {Op: mapping.SetInvitationRole, RoleID: &role},
		mapping.CallWithdrawal:     {Op: mapping.Withdraw},
		mapping.CallResend:         {Op: mapping.Resend},
		mapping.CallActivation:     {Op: mapping.UpdateUser, Active: new(true), RoleID: &role},
		mapping.CallDeactivation:   {Op: mapping.UpdateUser, Active: new(false)},
		mapping.CallRoleChange:     {Op: mapping.UpdateUser, RoleID: &role},
		mapping.CallProfile:        {Op: mapping.UpdateUser},
		mapping.CallDeletion:       {Op: mapping.DeleteUser},
	} {
		if got := s.Kind(); got != want {
			t.Errorf("%+v: got %s, want %s", s, got, want)
		}
	}
	if got := (mapping.Step{Op: mapping.SetInvitationRole}).Kind(); got != mapping.CallProfile {
		t.Errorf("an invitation whose profile changes: %s", got)
	}
}
