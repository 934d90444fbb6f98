package mapping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	rules := mustRules(t, testConfig())
	byRule := rules.RoleOf(mapping.Person{Groups: []mapping.GroupRef{editors}}, testRoles())
	missing := rules.RoleOf(mapping.Person{Attributes: attrs{"title": {"Contractor"}}}, testRoles())
	for _, tt := range []struct {
		name string
		c    mapping.Case
		want string
	}{
		{
			"role change",
			mapping.Case{Wish: mapping.Wish{Address: ada, Role: byRule, Written: true}, Applied: agreedRole, Observed: collaborator("1", true)},
			`
wished:   active, ada@example.com, role "Editor" (written since the last agreement)
agreed:   invitation ada@example.com, role "Viewer"
in CMS:   active collaborator 7, ada@example.com, role "Viewer"
role:     rule 2 (group "Editors *", by "Editors DE") gives role "Editor"
step 1:   give collaborator 7 (ada@example.com) role "Editor"`,
		},
		{
			"new person without a role",
			mapping.Case{Wish: mapping.Wish{Address: ada, Role: missing}},
			`
wished:   active, ada@example.com
agreed:   nothing yet
in CMS:   nothing there
role:     rule 3 (when title eq "Contractor") gives role "Contributor", but the CMS has no such role: the present role stays
failed:   role_missing: rule 3 (when title eq "Contractor") gives role "Contributor", but the CMS has no such role: the present role stays
waits:    invitations and role changes, until the role can be given`,
		},
		{
			"drift",
			mapping.Case{Wish: mapping.Wish{Address: ada, Role: byRule}, Applied: agreedOn, Observed: at(adas, collaborator("77", true))},
			`
wished:   active, ada@example.com, role "Editor"
agreed:   active collaborator ada@example.com, role "Editor"
in CMS:   active collaborator 7, ada@old.example, role 77
role:     rule 2 (group "Editors *", by "Editors DE") gives role "Editor"
drift:    address: wished ada@example.com, the CMS has ada@old.example; somebody changed it there
drift:    role: wished "Editor", the CMS has 77; somebody changed it there
nothing to do`,
		},
		{
			"leaver with two accounts",
			mapping.Case{Wish: mapping.Wish{State: mapping.Deleted, Address: ada}, Applied: agreedOff, Observed: expired("2"), Old: oldCollaborator("1", true)},
			`
wished:   deleted, ada@example.com
agreed:   inactive collaborator ada@example.com, role "Viewer"
in CMS:   expired invitation 5, ada@example.com, role "Editor"
replaced: active collaborator 6, ada@old.example, role "Viewer"
step 1:   deactivate collaborator 6 (ada@old.example)
drift:    presence: wished nothing there, the CMS has expired invitation; somebody changed it there`,
		},
		{
			"agreed",
			mapping.Case{Wish: mapping.Wish{State: mapping.Inactive, Address: ada}, Applied: mapping.Applied{Known: true, Kind: mapping.Invitation}},
			`
wished:   inactive, ada@example.com
agreed:   nothing there
in CMS:   nothing there
nothing to do`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := "\n" + strings.Join(mapping.Explain(tt.c, mapping.Make(tt.c), testRoles()), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestStep_String(t *testing.T) {
	t.Parallel()
	role := "2"
	for _, tt := range []struct {
		step mapping.Step
		want string
	}{
		{mapping.Step{Op: mapping.Invite, Address: ada, RoleID: &role}, "invite ada@example.com with role 2"},
		{mapping.Step{Op: mapping.SetInvitationRole, ID: "5", Address: ada, RoleID: &role}, "give invitation 5 (ada@example.com) role 2"},
		{mapping.Step{Op: mapping.Withdraw, ID: "5"}, "withdraw invitation 5"},
		{mapping.Step{Op: mapping.Resend, ID: "5", Address: ada}, "resend invitation 5 (ada@example.com)"},
		{mapping.Step{Op: mapping.UpdateUser, ID: "7", RoleID: &role}, "give collaborator 7 role 2"},
		{mapping.Step{Op: mapping.UpdateUser, ID: "7", Active: new(true)}, "activate collaborator 7"},
		{mapping.Step{Op: mapping.UpdateUser, ID: "7", Active: new(true), RoleID: &role}, "activate collaborator 7 with role 2"},
		{mapping.Step{Op: mapping.UpdateUser, ID: "7", Active: new(false)}, "deactivate collaborator 7"},
		{mapping.Step{Op: mapping.UpdateUser, ID: "7"}, "leave collaborator 7"},
		{mapping.Step{Op: mapping.DeleteUser, ID: "7"}, "remove collaborator 7"},
		{mapping.Step{Op: mapping.DeleteUser, ID: "7", Destination: &mapping.Destination{Type: "access_token", ID: "9"}}, "remove collaborator 7, content to access token 9"},
		{mapping.Step{Op: 77, ID: "7"}, "unknown 7"},
	} {
		if got := tt.step.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		mapping.Active.String():            "active",
		mapping.Inactive.String():          "inactive",
		mapping.Deleted.String():           "deleted",
		mapping.WishState(9).String():      "unknown",
		mapping.Invitation.String():        "invitation",
		mapping.Collaborator.String():      "collaborator",
		mapping.Kind(9).String():           "",
		mapping.Op(-1).String():            "unknown",
		mapping.Invite.String():            "invite",
		mapping.DeleteUser.String():        "delete_user",
		mapping.UpdateUser.String():        "update_user",
		mapping.Withdraw.String():          "withdraw",
		mapping.SetInvitationRole.String(): "set_invitation_role",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
