package mapping_test

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

// TestAccepted: what is remembered after an agreement is what was wished where the wish was carried out or has drifted,
// and what the CMS has where the wish says nothing.
func TestAccepted(t *testing.T) {
	t.Parallel()
	keep := mapping.RoleDecision{Keep: true, RoleID: "2"}
	present := func(k mapping.Kind, role string) mapping.Applied {
		return mapping.Applied{Known: true, Kind: k, Address: ada, RoleID: role, Active: true}
	}
	off := func(k mapping.Kind, address, role string) mapping.Applied {
		return mapping.Applied{Known: true, Kind: k, Address: address, RoleID: role}
	}
	for _, tt := range []struct {
		name    string
		state   mapping.WishState
		role    mapping.RoleDecision
		applied mapping.Applied
		seen    mapping.Observed
		want    mapping.Applied
	}{
		{"invited", mapping.Active, give("2"), unknown, invitation("2"), present(mapping.Invitation, "2")},
		{"invitation accepted", mapping.Active, give("2"), present(mapping.Invitation, "2"), collaborator("2", true), present(mapping.Collaborator, "2")},
		{"drift is no agreement on what drifted", mapping.Active, give("2"), agreedOn, at(adas, collaborator("3", false)), present(mapping.Collaborator, "2")},
		{"a kept role is accepted", mapping.Active, keep, unknown, collaborator("3", true), present(mapping.Collaborator, "3")},
		{"a kept address is accepted", mapping.Active, give("2"), unknown, at(adas, collaborator("2", true)), present(mapping.Collaborator, "2")},
		{"no role decided on", mapping.Active, mapping.RoleDecision{Wait: true}, unknown, collaborator("3", true), present(mapping.Collaborator, "3")},
		{"vanished is no agreement", mapping.Active, give("2"), agreedOn, mapping.Observed{}, agreedOn},
		{"withdrawn", mapping.Inactive, give("2"), agreedOn, mapping.Observed{}, mapping.Applied{Known: true}},
		{"deactivated: role and address as last given", mapping.Inactive, give("1"), agreedOn, at(adas, collaborator("3", false)), off(mapping.Collaborator, ada, "2")},
		{"found deactivated", mapping.Inactive, give("1"), unknown, at(adas, collaborator("3", false)), off(mapping.Collaborator, adas, "3")},
		{"deleted, collaborator left inactive", mapping.Deleted, give("1"), agreedOff, collaborator("3", false), off(mapping.Collaborator, ada, "1")},
		{"gone, and added by hand again", mapping.Deleted, give("1"), agreedNone, collaborator("3", true), mapping.Applied{Known: true}},
		{"inactive, and activated by hand", mapping.Inactive, give("1"), agreedOff, collaborator("1", true), off(mapping.Collaborator, ada, "1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mapping.Case{Wish: mapping.Wish{State: tt.state, Address: ada, Role: tt.role}, Applied: tt.applied, Observed: tt.seen}
			if got := mapping.Accepted(c); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
