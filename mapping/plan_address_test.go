package mapping_test

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

// TestAddressChange: an invitation follows the address; a collaborator by on_email_change.
func TestAddressChange(t *testing.T) {
	t.Parallel()
	before := mapping.Applied{Known: true, Kind: mapping.Collaborator, Address: adas, RoleID: "2", Active: true}
	off := mapping.Applied{Known: true, Kind: mapping.Collaborator, Address: adas, RoleID: "2"}
	for _, tt := range []struct {
		name           string
		applied        mapping.Applied
		seen           mapping.Observed
		keep, reinvite string
	}{
		{"invitation", before, at(adas, invitation("2")), "DELETE invitation; POST invitation role=2", "DELETE invitation; POST invitation role=2"},
		{"expired invitation", before, at(adas, expired("2")), "DELETE invitation; POST invitation role=2", "DELETE invitation; POST invitation role=2"},
		{"invitation, role too", before, at(adas, invitation("3")), "DELETE invitation; POST invitation role=2", "DELETE invitation; POST invitation role=2"},
		{"invitation, nothing known", unknown, at(adas, invitation("2")), "DELETE invitation; POST invitation role=2", "DELETE invitation; POST invitation role=2"},
		{"invitation, inactive before", off, at(adas, invitation("2")), "DELETE invitation; POST invitation role=2", "DELETE invitation; POST invitation role=2"},
		{"invitation, only the case of letters", before, at("ADA@example.com", invitation("2")), "", ""},
		{"collaborator", before, at(adas, collaborator("2", true)), "~address", "POST invitation role=2"},
		{"collaborator, nothing known", unknown, at(adas, collaborator("2", true)), "~address", "POST invitation role=2"},
		{"collaborator, only the case of letters", before, at("ADA@example.com", collaborator("2", true)), "", ""},
		{"collaborator, role drifted", before, at(adas, collaborator("3", true)), "~address ~role", "POST invitation role=2 ~role"},
		{"collaborator, role too", unknown, at(adas, collaborator("3", true)), "PUT role=2 ~address", "PUT role=2; POST invitation role=2"},
		{"collaborator, inactive before", off, at(adas, collaborator("2", false)), "PUT active=true ~address", "POST invitation role=2"},
		{"changed by the person in the CMS", agreedOn, at(adas, collaborator("2", true)), "~address", "~address"},
		{"changed by the person, deactivated", mapping.Applied{Known: true, Kind: mapping.Collaborator, Address: ada, RoleID: "2"}, at(adas, collaborator("2", false)), "PUT active=true ~address", "PUT active=true ~address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mapping.Case{Wish: mapping.Wish{Address: ada, Role: give("2"), Written: true}, Applied: tt.applied, Observed: tt.seen}
			if got := brief(mapping.Make(c)); got != tt.keep {
				t.Errorf("keep: got %q, want %q", got, tt.keep)
			}
			c.Policy.Reinvite = true
			if got := brief(mapping.Make(c)); got != tt.reinvite {
				t.Errorf("reinvite: got %q, want %q", got, tt.reinvite)
			}
		})
	}
}

func oldCollaborator(role string, active bool) mapping.Observed {
	return mapping.Observed{Kind: mapping.Collaborator, ID: "6", Address: adas, RoleID: role, Active: active}
}

func oldInvitation() mapping.Observed {
	return mapping.Observed{Kind: mapping.Invitation, ID: "4", Address: adas, RoleID: "2"}
}

// TestReinviteKeepsTheOldCollaboratorUntilTheNewOneIsIn: no gap in access, and no second access left.
func TestReinviteKeepsTheOldCollaboratorUntilTheNewOneIsIn(t *testing.T) {
	t.Parallel()
	const third = "ada@third.example"
	agreed := mapping.Applied{Known: true, Kind: mapping.Invitation, Address: ada, RoleID: "2", Active: true}
	elsewhere := mapping.Applied{Known: true, Kind: mapping.Collaborator, Address: third, RoleID: "2", Active: true}
	invitedElsewhere := mapping.Applied{Known: true, Kind: mapping.Invitation, Address: third, RoleID: "2", Active: true}
	for _, tt := range []struct {
		name     string
		applied  mapping.Applied
		observed mapping.Observed
		old      mapping.Observed
		want     string
	}{
		{"invited", agreed, invitation("2"), oldCollaborator("2", true), ""},
		{"invited, nothing known", unknown, invitation("2"), oldCollaborator("2", true), ""},
		{"expired", agreed, expired("2"), oldCollaborator("2", true), "resend"},
		{"vanished", agreed, mapping.Observed{}, oldCollaborator("2", true), "POST invitation role=2"},
		{"accepted", agreed, collaborator("2", true), oldCollaborator("2", true), "old: PUT active=false"},
		{"accepted, old one already out", agreed, collaborator("2", true), oldCollaborator("2", false), ""},
		{"accepted, another role", agreedRole, collaborator("1", true), oldCollaborator("1", true), "old: PUT active=false; PUT role=2"},
		{"accepted, deactivated by hand", agreed, collaborator("2", false), oldCollaborator("2", true), "~active"},
		{"accepted, deactivated before", agreedOff, collaborator("2", false), oldCollaborator("2", true), "PUT active=true; old: PUT active=false"},
		{"a new role reaches both, the live one first", agreedRole, invitation("1"), oldCollaborator("1", true), "old: PUT role=2; PUT invitation role=2"},
		{"a new role reaches both, nothing known", unknown, invitation("1"), oldCollaborator("1", true), "old: PUT role=2; PUT invitation role=2"},
		{"no role for an old one that goes with it", unknown, collaborator("1", false), oldCollaborator("1", true), "PUT active=true role=2; old: PUT active=false"},
		{"no role for an old one that goes with an account found", invitedElsewhere, collaborator("1", false), oldCollaborator("1", true), "PUT active=true role=2; old: PUT active=false"},
		{"no role for an old one whose successor moves", elsewhere, at(third, collaborator("2", false)), oldCollaborator("1", true), "old: PUT active=false; POST invitation role=2"},
		{"the old one's role drifted", agreed, invitation("2"), oldCollaborator("3", true), ""},
		{"no role for an old one that is out", agreedRole, invitation("1"), oldCollaborator("1", false), "PUT invitation role=2"},
		{"back to the former address", agreed, collaborator("2", true), oldInvitation(), "old: DELETE invitation"},
		{"a third address while invited", unknown, at(third, invitation("2")), oldCollaborator("2", true), "DELETE invitation; POST invitation role=2"},
		{"a third address when accepted", unknown, at(third, collaborator("2", true)), oldCollaborator("2", true), "old: PUT active=false; POST invitation role=2"},
		{"a third address, new one out", unknown, at(third, collaborator("2", false)), oldCollaborator("2", true), "old: PUT active=false; POST invitation role=2"},
		{"one entity under both names", agreed, collaborator("2", true), collaborator("2", true), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mapping.Case{
				Wish:    mapping.Wish{Address: ada, Role: give("2"), Written: true},
				Applied: tt.applied, Observed: tt.observed, Old: tt.old, Policy: mapping.Policy{Reinvite: true, Remove: true},
			}
			if got := brief(mapping.Make(c)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestLeaverLosesBothAccounts: deactivation and deletion cover the old collaborator, whatever was agreed on.
func TestLeaverLosesBothAccounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                       string
		observed, old              mapping.Observed
		inactive, deleted, removed string
	}{
		{"invited", invitation("2"), oldCollaborator("2", true), "DELETE invitation; old: PUT active=false", "DELETE invitation; old: PUT active=false", "DELETE invitation; old: DELETE"},
		{"accepted", collaborator("2", true), oldCollaborator("2", true), "PUT active=false; old: PUT active=false", "PUT active=false; old: PUT active=false", "DELETE; old: DELETE"},
		{"half done", collaborator("2", false), oldCollaborator("2", true), "old: PUT active=false", "old: PUT active=false", "DELETE; old: DELETE"},
		{"both out", collaborator("2", false), oldCollaborator("2", false), "", "", "DELETE; old: DELETE"},
		{"vanished", mapping.Observed{}, oldCollaborator("2", true), "old: PUT active=false", "old: PUT active=false", "old: DELETE"},
		{"old invitation", collaborator("2", true), oldInvitation(), "PUT active=false; old: DELETE invitation", "PUT active=false; old: DELETE invitation", "DELETE; old: DELETE invitation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := func(s mapping.WishState, remove bool) string {
				return brief(mapping.Make(mapping.Case{
					Wish: mapping.Wish{State: s, Address: ada}, Applied: agreedOn, Observed: tt.observed, Old: tt.old, Policy: mapping.Policy{Remove: remove},
				}))
			}
			if got := plan(mapping.Inactive, true); got != tt.inactive {
				t.Errorf("inactive: got %q, want %q", got, tt.inactive)
			}
			if got := plan(mapping.Deleted, false); got != tt.deleted {
				t.Errorf("deleted: got %q, want %q", got, tt.deleted)
			}
			if got := plan(mapping.Deleted, true); got != tt.removed {
				t.Errorf("removed: got %q, want %q", got, tt.removed)
			}
		})
	}
	// What was agreed on for the one account says nothing of the other.
	c := mapping.Case{Wish: mapping.Wish{State: mapping.Inactive}, Applied: agreedOff, Observed: collaborator("2", false), Old: oldCollaborator("2", true)}
	if got := brief(mapping.Make(c)); got != "old: PUT active=false" {
		t.Errorf("agreed off: got %q", got)
	}
}
