package mapping

import "testing"

// A group that a rule names gives the rule's role, whatever it was linked to before: a changed rule takes that away.
func TestRoleOf_RoleThatAChangedRuleTakesIsALoss(t *testing.T) {
	t.Parallel()
	roles := NewRoleSet([]Role{{ID: "1", Name: "Admin"}, {ID: "2", Name: "Editor"}}, nil)
	rules, err := NewRules(Config{Default: "Editor", Rules: []Rule{{Group: "Staff", Role: "Editor"}}})
	if err != nil {
		t.Fatal(err)
	}
	staff := GroupRef{ID: "g", Name: "Staff", RoleID: "1"}
	if d := rules.RoleOf(Person{Groups: []GroupRef{staff}, Current: "1"}, roles); d.RoleID != "2" || !d.Takes {
		t.Errorf("changed rule: %+v", d)
	}
	other := GroupRef{ID: "h", Name: "Others", RoleID: "1"}
	if d := rules.RoleOf(Person{Groups: []GroupRef{staff, other}, Current: "1"}, roles); d.RoleID != "2" || d.Takes {
		t.Errorf("another group still gives it: %+v", d)
	}
}
