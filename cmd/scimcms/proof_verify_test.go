//go:build unix

package main_test

import "testing"

// verify compares everything that was accepted with the record and with the CMS.
func (f *fleet) verify(t *testing.T) (people int) {
	t.Helper()
	roles, inCMS := f.w.cms.roles(), f.w.cms.people()
	groups := make([]group, 0, len(f.groups))
	for _, id := range f.groups {
		g, err := f.clients[0].group(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, g)
	}
	wished := 0
	for _, c := range f.clients {
		for _, h := range c.people {
			people++
			found, err := c.find(t.Context(), h.address())
			if err != nil || len(found) != 1 || found[0].ID != h.id || found[0].Active != h.active || found[0].Sync.Status != "synced" {
				t.Errorf("%s (id %s, active=%t) is %+v in the record: %v", h.name, h.id, h.active, found, err)
			}
			role := c.role(h)
			for i := range groups {
				if h.groups[i] {
					wished++
				}
				if groups[i].member(h.id) != h.groups[i] {
					t.Errorf("%s: member of %s: %t, accepted was %t", h.name, groupNames[i], !h.groups[i], h.groups[i])
				}
			}
			if wrong := inCMS[h.address()].disagrees(h.active, roles[role]); wrong != "" {
				t.Errorf("%s (active=%t, role %s=%s) %s", h.name, h.active, role, roles[role], wrong)
			}
			delete(inCMS, h.address())
		}
	}
	for _, g := range groups {
		wished -= len(g.Members)
	}
	if wished != 0 {
		t.Errorf("the groups have %d members too many", -wished)
	}
	if len(inCMS) != 5 {
		t.Errorf("the CMS has %d people that nobody pushed, and started with 5", len(inCMS))
	}
	return people
}

// fail ends the test if clients met what they should not have.
func (f *fleet) fail(t *testing.T) {
	t.Helper()
	f.report(t)
	if t.Failed() {
		t.FailNow()
	}
}

// report tells what clients met that they should not have.
func (f *fleet) report(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.problems[:min(len(f.problems), 20)] {
		t.Error(p)
	}
}
