package mapping_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/mapping"
)

// tinyCMS is a CMS with one person in it: up to three entities, and the links that a record would keep to two of them.
type tinyCMS struct {
	entities  map[string]mapping.Observed // by kind and id
	link, old string
	next      int
}

func entityKey(k mapping.Kind, id string) string { return strconv.Itoa(int(k)) + "/" + id }

func newTinyCMS(observed, old mapping.Observed) *tinyCMS {
	cms := &tinyCMS{entities: map[string]mapping.Observed{}, next: 100}
	cms.link, cms.old = cms.put(observed), cms.put(old)
	return cms
}

func (cms *tinyCMS) put(o mapping.Observed) string {
	if o.Kind == mapping.Nothing {
		return ""
	}
	key := entityKey(o.Kind, o.ID)
	cms.entities[key] = o
	return key
}

// apply carries out a step as the CMS would; false when it asks for what is not there.
func (cms *tinyCMS) apply(s mapping.Step) bool {
	if s.Op == mapping.Invite {
		if _, there := cms.entities[cms.link]; there {
			cms.old = cms.link
		}
		cms.next++
		cms.link = cms.put(mapping.Observed{Kind: mapping.Invitation, ID: strconv.Itoa(cms.next), Address: s.Address, RoleID: *s.RoleID})
		return true
	}
	kind := mapping.Invitation
	if s.Op == mapping.UpdateUser || s.Op == mapping.DeleteUser {
		kind = mapping.Collaborator
	}
	key := entityKey(kind, s.ID)
	o, there := cms.entities[key]
	if !there {
		return false
	}
	if s.RoleID != nil {
		o.RoleID = *s.RoleID
	}
	if s.Active != nil {
		o.Active = *s.Active
	}
	if s.Op == mapping.Resend {
		o.Expired = false
	}
	cms.entities[key] = o
	if s.Op == mapping.Withdraw || s.Op == mapping.DeleteUser {
		delete(cms.entities, key)
	}
	return true
}

func (cms *tinyCMS) observe() (observed, old mapping.Observed) {
	return cms.entities[cms.link], cms.entities[cms.old]
}

func (cms *tinyCMS) open() (ways, accounts int) {
	for _, o := range cms.entities {
		if o.Kind == mapping.Collaborator && o.Active {
			accounts++
		}
		if (o.Kind == mapping.Invitation && !o.Expired) || (o.Kind == mapping.Collaborator && o.Active) {
			ways++
		}
	}
	return ways, accounts
}

func drawEntity(t *rapid.T, label, id string) mapping.Observed {
	o := mapping.Observed{
		Kind:    mapping.Kind(rapid.IntRange(0, 2).Draw(t, label+" kind")),
		ID:      id,
		Address: rapid.SampledFrom([]string{ada, adas, "ADA@example.com"}).Draw(t, label+" address"),
		RoleID:  rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, label+" role"),
	}
	on := rapid.Bool().Draw(t, label+" active")
	switch o.Kind {
	case mapping.Nothing:
		return mapping.Observed{}
	case mapping.Invitation:
		o.Expired = !on
	case mapping.Collaborator:
		o.Active = on
	}
	return o
}

func drawCase(t *rapid.T) mapping.Case {
	role := rapid.SampledFrom([]mapping.RoleDecision{
		give("1"), give("2"), {Keep: true, RoleID: "2"}, {Keep: true}, {Wait: true}, {Failed: mapping.CodeRoleMissing}, {Failed: mapping.CodePrivilegedRole},
	}).Draw(t, "role")
	c := mapping.Case{
		Wish: mapping.Wish{
			State:   mapping.WishState(rapid.IntRange(0, 2).Draw(t, "wish")),
			Address: rapid.SampledFrom([]string{ada, adas}).Draw(t, "address"),
			Role:    role,
			Written: rapid.Bool().Draw(t, "written"),
		},
		Observed: drawEntity(t, "observed", "5"),
		Old:      drawEntity(t, "old", "6"),
		Policy:   mapping.Policy{Remove: rapid.Bool().Draw(t, "remove"), Reinvite: rapid.Bool().Draw(t, "reinvite")},
	}
	if rapid.Bool().Draw(t, "known") {
		was := drawEntity(t, "applied", "")
		c.Applied = mapping.Applied{Known: true, Kind: was.Kind, Address: was.Address, RoleID: was.RoleID, Active: was.Active || was.Kind == mapping.Invitation && !was.Expired}
	}
	return c
}

// TestPlanConverges: carry a plan out, look again, and nothing is left to do; nor after the agreement was noted.
func TestPlanConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		cms := newTinyCMS(c.Observed, c.Old)
		for _, s := range mapping.Make(c).Steps {
			if !cms.apply(s) {
				t.Fatalf("%s: there is no such thing", s)
			}
		}
		c.Observed, c.Old = cms.observe()
		plan := mapping.Make(c)
		if len(plan.Steps) > 0 {
			t.Fatalf("a second plan: %s", brief(plan))
		}
		if !plan.Agreed() {
			return
		}
		c.Applied, c.Wish.Written = mapping.Accepted(c), false
		noted := mapping.Make(c)
		if diff := cmp.Diff(plan, noted); diff != "" {
			t.Fatalf("noting the agreement changes the plan:\n%s", diff)
		}
		if again := mapping.Accepted(c); again != c.Applied {
			t.Fatalf("noted twice: %+v, then %+v", c.Applied, again)
		}
		if len(plan.Drift) == 0 {
			checkAgreement(t, c, cms)
		}
	})
}

// checkAgreement: without drift, agreed means that the CMS has what is wished.
func checkAgreement(t *rapid.T, c mapping.Case, cms *tinyCMS) {
	ways, _ := cms.open()
	switch {
	case c.Wish.State != mapping.Active:
		if ways > 0 {
			t.Fatalf("agreed, and the leaver gets in: %+v", cms.entities)
		}
	case !mapping.SameAddress(c.Observed.Address, c.Wish.Address):
		t.Fatalf("agreed, and the address is %s", c.Observed.Address)
	case !c.Wish.Role.Keep && c.Observed.RoleID != c.Wish.Role.RoleID:
		t.Fatalf("agreed, and the role is %s", c.Observed.RoleID)
	case ways == 0:
		t.Fatalf("agreed, and there is no way in: %+v", cms.entities)
	}
}

// TestPlanNeverLetsALeaverIn: no step gives anything to somebody who is to have nothing, and what is due is taken.
func TestPlanNeverLetsALeaverIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		if c.Wish.State == mapping.Active {
			c.Wish.State = mapping.Inactive
		}
		cms := newTinyCMS(c.Observed, c.Old)
		plan := mapping.Make(c)
		for _, s := range plan.Steps {
			if s.Op == mapping.Invite || s.Op == mapping.Resend || s.RoleID != nil || (s.Active != nil && *s.Active) {
				t.Fatalf("%s, for somebody who is %s", s, c.Wish.State)
			}
			cms.apply(s)
		}
		if plan.Wait || plan.Failed.Code != "" {
			t.Fatalf("a leaver waits: %s", brief(plan))
		}
		ways, _ := cms.open()
		due := c.Wish.Written || !c.Applied.Known || c.Applied.Active
		if due && ways > 0 {
			t.Fatalf("still a way in: %+v", cms.entities)
		}
		if ways > 0 && len(plan.Drift) == 0 {
			t.Fatalf("a way in that nobody reports: %+v", cms.entities)
		}
	})
}

// TestPlanLocksNobodyOut: who is to be active, and has an account that works, keeps one; and at most one where the new
// one works.
func TestPlanLocksNobodyOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		c.Wish.State = mapping.Active
		cms := newTinyCMS(c.Observed, c.Old)
		_, before := cms.open()
		for _, s := range mapping.Make(c).Steps {
			cms.apply(s)
			if s.Op == mapping.DeleteUser {
				t.Fatalf("%s, for somebody who is active", s)
			}
		}
		_, after := cms.open()
		// The exception: a third address while the second account is inactive and the first one works.
		third := c.Observed.Kind == mapping.Collaborator && !c.Observed.Active && c.Policy.Reinvite
		if before > 0 && after == 0 && !third {
			t.Fatalf("locked out: %+v", cms.entities)
		}
		if observed, _ := cms.observe(); observed.Kind == mapping.Collaborator && observed.Active && after > 1 {
			t.Fatalf("two accounts: %+v", cms.entities)
		}
	})
}

// TestFewestCalls: a plan touches an entity once, an expired invitation at most twice, and gives no role but the wished one.
func TestFewestCalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		plan := mapping.Make(c)
		touched, invited := map[string][]mapping.Op{}, 0
		for _, s := range plan.Steps {
			if s.RoleID != nil && (*s.RoleID != c.Wish.Role.RoleID || c.Wish.Role.Wait || c.Wish.Role.Failed != "") {
				t.Fatalf("%s: nobody decided on that role", s)
			}
			if s.Op == mapping.Invite {
				invited++
				continue
			}
			touched[s.ID] = append(touched[s.ID], s.Op)
		}
		for id, ops := range touched {
			renewed := cmp.Equal(ops, []mapping.Op{mapping.SetInvitationRole, mapping.Resend})
			if len(ops) > 1 && !renewed {
				t.Fatalf("%s is touched by %v", id, ops)
			}
		}
		limit := 2
		if c.Old.Kind != mapping.Nothing {
			limit = 3
		}
		if invited > 1 || len(plan.Steps) > limit {
			t.Fatalf("%d calls: %s", len(plan.Steps), brief(plan))
		}
	})
}
