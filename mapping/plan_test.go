package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping"
)

const (
	ada  = "ada@example.com" // the wished address
	adas = "ada@old.example"
)

func give(role string) mapping.RoleDecision {
	return mapping.RoleDecision{RoleID: role, Because: "a rule"}
}

func invitation(role string) mapping.Observed {
	return mapping.Observed{Kind: mapping.Invitation, ID: "5", Address: ada, RoleID: role}
}

func expired(role string) mapping.Observed {
	return mapping.Observed{Kind: mapping.Invitation, ID: "5", Address: ada, RoleID: role, Expired: true}
}

func collaborator(role string, active bool) mapping.Observed {
	return mapping.Observed{Kind: mapping.Collaborator, ID: "7", Address: ada, RoleID: role, Active: active}
}

func at(address string, o mapping.Observed) mapping.Observed {
	o.Address = address
	return o
}

// brief is a plan in a few words: steps with ";" between them, ~attribute for drift, !code for failures.
func brief(p mapping.Plan) string {
	steps := make([]string, 0, len(p.Steps))
	for _, s := range p.Steps {
		steps = append(steps, briefStep(s))
	}
	words := []string{strings.Join(steps, "; ")}
	for _, d := range p.Drift {
		words = append(words, "~"+string(d.Attr))
	}
	if p.Failed.Code != "" {
		words = append(words, "!"+p.Failed.Code)
	}
	if p.Wait {
		words = append(words, "waits")
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

func briefStep(s mapping.Step) string {
	text := map[mapping.Op]string{
		mapping.Invite: "POST invitation", mapping.SetInvitationRole: "PUT invitation", mapping.Withdraw: "DELETE invitation",
		mapping.Resend: "resend", mapping.UpdateUser: "PUT", mapping.DeleteUser: "DELETE",
	}[s.Op]
	if s.Old {
		text = "old: " + text
	}
	if s.Active != nil {
		text += fmt.Sprintf(" active=%t", *s.Active)
	}
	if s.RoleID != nil {
		text += " role=" + *s.RoleID
	}
	return text
}

// Columns of the table: what was agreed on before.
var (
	unknown    = mapping.Applied{}
	agreedOn   = mapping.Applied{Known: true, Kind: mapping.Collaborator, Address: ada, RoleID: "2", Active: true}
	agreedRole = mapping.Applied{Known: true, Kind: mapping.Invitation, Address: ada, RoleID: "1", Active: true}
	agreedOff  = mapping.Applied{Known: true, Kind: mapping.Collaborator, Address: ada, RoleID: "1"}
	agreedNone = mapping.Applied{Known: true}
)

type column struct {
	name    string
	applied mapping.Applied
	written bool
}

type row struct {
	name     string
	observed mapping.Observed
	want     []string // by column
}

func runTable(t *testing.T, wish mapping.Wish, policy mapping.Policy, columns []column, rows []row) {
	t.Helper()
	for _, r := range rows {
		if len(r.want) != len(columns) {
			t.Fatalf("%s: %d cells for %d columns", r.name, len(r.want), len(columns))
		}
		for i, c := range columns {
			t.Run(fmt.Sprintf("%s × %s, agreed on %s", wish.State, r.name, c.name), func(t *testing.T) {
				t.Parallel()
				w := wish
				w.Written = c.written
				plan := mapping.Make(mapping.Case{Wish: w, Applied: c.applied, Observed: r.observed, Policy: policy})
				if got := brief(plan); got != r.want[i] {
					t.Errorf("got %q, want %q", got, r.want[i])
				}
				checkTargets(t, plan, r.observed)
			})
		}
	}
}

// checkTargets: a step names the entity there is, an invitation the wished address.
func checkTargets(t *testing.T, p mapping.Plan, o mapping.Observed) {
	t.Helper()
	for _, s := range p.Steps {
		want := mapping.Step{ID: o.ID, Address: o.Address}
		if s.Op == mapping.Invite {
			want = mapping.Step{Address: ada}
		}
		if s.ID != want.ID || s.Address != want.Address {
			t.Errorf("%s is for %q at %s, want %q at %s", s.Op, s.ID, s.Address, want.ID, want.Address)
		}
	}
}

// TestTable_Active is the first row of the sync table. The wish is role 2.
func TestTable_Active(t *testing.T) {
	t.Parallel()
	wish := mapping.Wish{State: mapping.Active, Address: ada, Role: give("2")}
	columns := []column{
		{"nothing", unknown, false}, {"nothing, written", unknown, true},
		{"the same", agreedOn, false}, {"the same, written", agreedOn, true},
		{"another role", agreedRole, false}, {"another role, written", agreedRole, true},
		{"inactive", agreedOff, false}, {"absent", agreedNone, true},
	}
	const post, gone, put = "POST invitation role=2", "~presence !invitation_gone", "PUT invitation role=2"
	runTable(t, wish, mapping.Policy{}, columns, []row{
		{"nothing there", mapping.Observed{}, []string{post, post, gone, post, gone, post, post, post}},
		{"invitation", invitation("2"), []string{"", "", "", "", "", "", "", ""}},
		{"invitation, role differs", invitation("3"), []string{put, put, "~role", "~role", put, put, put, put}},
		{"expired invitation", expired("2"), []string{"resend", "resend", "~presence", "resend", "~presence", "resend", "resend", "resend"}},
		{"expired invitation, role differs", expired("3"), []string{
			put + "; resend", put + "; resend", "~role ~presence", "resend ~role", put + " ~presence", put + "; resend", put + "; resend", put + "; resend",
		}},
		{"active collaborator", collaborator("2", true), []string{"", "", "", "", "", "", "", ""}},
		{"active collaborator, role differs", collaborator("3", true), []string{
			"PUT role=2", "PUT role=2", "~role", "~role", "PUT role=2", "PUT role=2", "PUT role=2", "PUT role=2",
		}},
		{"inactive collaborator", collaborator("2", false), []string{
			"PUT active=true", "PUT active=true", "~active", "~active", "~active", "~active", "PUT active=true", "PUT active=true",
		}},
		{"inactive collaborator, role differs", collaborator("3", false), []string{
			"PUT active=true role=2", "PUT active=true role=2", "~role ~active", "~role ~active", "PUT role=2 ~active", "PUT role=2 ~active",
			"PUT active=true role=2", "PUT active=true role=2",
		}},
	})
}

func revokeColumns() []column {
	return []column{
		{"nothing", unknown, false}, {"nothing, written", unknown, true},
		{"active", agreedOn, false}, {"invited, written", agreedRole, true},
		{"inactive", agreedOff, false}, {"inactive, written", agreedOff, true},
		{"absent", agreedNone, false}, {"absent, written", agreedNone, true},
	}
}

// TestTable_Inactive is the second row. No role is ever asked for.
func TestTable_Inactive(t *testing.T) {
	t.Parallel()
	for _, role := range []mapping.RoleDecision{give("2"), {Wait: true}, {Failed: mapping.CodeRoleMissing}, {Keep: true}} {
		wish := mapping.Wish{State: mapping.Inactive, Address: ada, Role: role}
		runTable(t, wish, mapping.Policy{}, revokeColumns(), deactivateRows())
	}
	wish := mapping.Wish{State: mapping.Inactive, Address: ada, Role: give("2")}
	runTable(t, wish, mapping.Policy{Remove: true, Reinvite: true}, revokeColumns(), deactivateRows())
}

// TestTable_Deleted is the third row, with on_delete: deactivate.
func TestTable_Deleted(t *testing.T) {
	t.Parallel()
	wish := mapping.Wish{State: mapping.Deleted, Address: ada, Role: mapping.RoleDecision{Wait: true}}
	runTable(t, wish, mapping.Policy{}, revokeColumns(), deactivateRows())
}

func deactivateRows() []row {
	const withdraw, put = "DELETE invitation", "PUT active=false"
	return []row{
		{"nothing there", mapping.Observed{}, []string{"", "", "", "", "", "", "", ""}},
		{"invitation", invitation("3"), []string{withdraw, withdraw, withdraw, withdraw, withdraw, withdraw, withdraw, withdraw}},
		{"expired invitation", expired("3"), []string{withdraw, withdraw, withdraw, withdraw, "~presence", withdraw, "~presence", withdraw}},
		{"active collaborator", collaborator("3", true), []string{put, put, put, put, put, put, put, put}},
		{"inactive collaborator", collaborator("3", false), []string{"", "", "", "", "", "", "", ""}},
	}
}

// TestTable_DeletedAndRemoved is the third row, with on_delete: remove. An inactive collaborator is removed as well.
func TestTable_DeletedAndRemoved(t *testing.T) {
	t.Parallel()
	wish := mapping.Wish{State: mapping.Deleted, Address: ada}
	const withdraw, del = "DELETE invitation", "DELETE"
	runTable(t, wish, mapping.Policy{Remove: true}, revokeColumns(), []row{
		{"nothing there", mapping.Observed{}, []string{"", "", "", "", "", "", "", ""}},
		{"invitation", invitation("3"), []string{withdraw, withdraw, withdraw, withdraw, withdraw, withdraw, withdraw, withdraw}},
		{"expired invitation", expired("3"), []string{withdraw, withdraw, withdraw, withdraw, withdraw, withdraw, "~presence", withdraw}},
		{"active collaborator", collaborator("3", true), []string{del, del, del, del, del, del, del, del}},
		{"inactive collaborator", collaborator("3", false), []string{del, del, del, del, del, del, "~presence", del}},
	})
}

func TestRemoval_Destination(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy mapping.Policy
		want   *mapping.Destination
	}{
		{"none", mapping.Policy{}, nil},
		{"named", mapping.Policy{Destination: &mapping.Destination{Type: "user", ID: "8"}}, &mapping.Destination{Type: "user", ID: "8"}},
		{"the person: the token instead", mapping.Policy{Destination: &mapping.Destination{Type: "user", ID: "7"}, Token: "99"}, &mapping.Destination{Type: "access_token", ID: "99"}},
		{"the person, token unknown", mapping.Policy{Destination: &mapping.Destination{Type: "user", ID: "7"}}, nil},
		{"another type of the same id", mapping.Policy{Destination: &mapping.Destination{Type: "account", ID: "7"}, Token: "99"}, &mapping.Destination{Type: "account", ID: "7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.policy.Remove = true
			plan := mapping.Make(mapping.Case{Wish: mapping.Wish{State: mapping.Deleted}, Observed: collaborator("1", true), Policy: tt.policy})
			if len(plan.Steps) != 1 {
				t.Fatalf("plan: %s", brief(plan))
			}
			if diff := cmp.Diff(tt.want, plan.Steps[0].Destination); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
