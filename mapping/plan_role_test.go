package mapping_test

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

// planCase is one case and its plan in brief.
type planCase struct {
	name    string
	role    mapping.RoleDecision
	applied mapping.Applied
	seen    mapping.Observed
	written bool
	want    string
}

func runPlans(t *testing.T, cases []planCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wish := mapping.Wish{State: mapping.Active, Address: ada, Role: tt.role, Written: tt.written}
			if got := brief(mapping.Make(mapping.Case{Wish: wish, Applied: tt.applied, Observed: tt.seen})); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOnlyInvitationsAndRoleChangesWaitForARole: access comes and goes without it.
func TestOnlyInvitationsAndRoleChangesWaitForARole(t *testing.T) {
	t.Parallel()
	wait := mapping.RoleDecision{Wait: true}
	runPlans(t, []planCase{
		{"a new person waits", wait, unknown, mapping.Observed{}, true, "waits"},
		{"an invitation keeps its role", wait, agreedOn, invitation("3"), true, "waits"},
		{"an expired one does not go out with the former role", wait, agreedOn, expired("3"), true, "waits"},
		{"a collaborator keeps the role", wait, agreedOn, collaborator("3", true), true, "waits"},
		{"reactivation does not wait", wait, agreedOff, collaborator("3", false), true, "PUT active=true waits"},
		{"an invitation to a former address is withdrawn", wait, agreedRole, at(adas, invitation("1")), true, "~address waits"},
		{"and the new one waits", wait, unknown, at(adas, invitation("1")), true, "DELETE invitation waits"},
		{"still without a role when it is gone", wait, mapping.Applied{Known: true, Kind: mapping.Invitation, Address: adas, Active: true}, mapping.Observed{}, false, "waits"},
	})
}

// TestPresentRoleStaysWhenItsSuccessorCannotBeGiven: nobody falls back, nobody new is let in.
func TestPresentRoleStaysWhenItsSuccessorCannotBeGiven(t *testing.T) {
	t.Parallel()
	missing := mapping.RoleDecision{Failed: mapping.CodeRoleMissing, Because: "rule 1"}
	power := mapping.RoleDecision{Failed: mapping.CodePrivilegedRole, Because: "group"}
	runPlans(t, []planCase{
		{"a new person waits", missing, unknown, mapping.Observed{}, true, "!role_missing waits"},
		{"a new person waits for a lesser role", power, unknown, mapping.Observed{}, true, "!privileged_role waits"},
		{"an invitation", missing, agreedOn, invitation("3"), true, "!role_missing"},
		{"an expired one is resent", missing, agreedOn, expired("3"), true, "resend !role_missing"},
		{"a collaborator", missing, unknown, collaborator("3", true), true, "!role_missing"},
		{"a collaborator, power", power, unknown, collaborator("3", true), true, "!privileged_role"},
		{"reactivation goes on", missing, agreedOff, collaborator("3", false), true, "PUT active=true !role_missing"},
		{"vanished is what is told first", missing, agreedOn, mapping.Observed{}, false, "~presence !invitation_gone"},
	})
}

// TestKeptRoleIsTheCMSsOwn: it is neither set nor drift.
func TestKeptRoleIsTheCMSsOwn(t *testing.T) {
	t.Parallel()
	keep, power := mapping.RoleDecision{Keep: true, RoleID: "2"}, mapping.RoleDecision{Keep: true, Because: "kept"}
	runPlans(t, []planCase{
		{"a collaborator", keep, unknown, collaborator("3", true), true, ""},
		{"changed by hand", keep, agreedOn, collaborator("3", true), false, ""},
		{"an invitation", keep, unknown, invitation("3"), true, ""},
		{"reactivated", keep, agreedOff, collaborator("3", false), true, "PUT active=true"},
		{"invited again", keep, agreedOn, mapping.Observed{}, true, "POST invitation role=2"},
		{"not invited again with power", power, agreedOn, mapping.Observed{}, true, "!privileged_role waits"},
	})
}

// TestMake_NoRoleAtAll: a decision that says nothing gives nothing.
func TestMake_NoRoleAtAll(t *testing.T) {
	t.Parallel()
	runPlans(t, []planCase{
		{"a new person", mapping.RoleDecision{}, unknown, mapping.Observed{}, true, "!role_missing waits"},
		{"a collaborator", mapping.RoleDecision{}, unknown, collaborator("3", true), true, ""},
	})
}
