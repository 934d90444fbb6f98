package reconcile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// entitled assigns roles of the CMS by id.
func entitled(ids ...string) func(*directory.UserWish) {
	return func(w *directory.UserWish) {
		w.Doc, _ = json.Marshal(flat{"userName": w.UserName, "active": w.Active, "roles.value": ids})
	}
}

// inCMS makes the calls of somebody who changes roles in the CMS, and has the proxy read it twice, as it takes to miss one.
func (r *rig) inCMS(change func(c *cmsclient.Client) error) {
	r.t.Helper()
	c, err := cmsclient.New(cmsclient.Options{BaseURL: "http://cms.example", Token: "demo-cms-token", Transport: r.cms.Transport()})
	r.must(err)
	r.must(change(c))
	r.importAll()
	r.importAll()
}

// cmsRole makes a role in the CMS like Editor.
func (r *rig) cmsRole(name string) (id string) {
	r.t.Helper()
	r.inCMS(func(c *cmsclient.Client) error {
		editor, err := c.Role(r.ctx, r.roleID("Editor"))
		if err != nil {
			return err
		}
		role, err := c.CreateRole(r.ctx, editor.Template(name))
		id = role.ID
		return err
	})
	return id
}

// costs checks the changing calls since it was asked last.
func (r *rig) costs(what string, before map[string]int, want map[string]int) map[string]int {
	r.t.Helper()
	now, got := r.calls(false), map[string]int{}
	for k, n := range now {
		if d := n - before[k]; d != 0 {
			got[k] = d
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("%s cost %v, want %v", what, got, want)
	}
	return now
}

func TestEntitlement_EachChangeIsOneCallAndAnUnchangedPushNone(t *testing.T) {
	s := editors()
	s.rules.Rules = []mapping.Rule{{Group: "Staff", Role: "Editor"}}
	each(t, s, func(t *testing.T, r *rig) {
		reviewer, author := r.cmsRole("Reviewer"), r.cmsRole("Author")
		const ada = "ada@example.org"
		n := r.calls(false)
		put := map[string]int{"PUT /site-invitations/:id": 1}
		u := r.create(ada)
		r.createGroup("Staff", u.ID)
		r.settle()
		n = r.costs("creation", n, map[string]int{"POST /site-invitations": 1})
		check := func(what, role string) {
			t.Helper()
			if got := r.user(u.ID); got.Link.RoleID != role || got.Sync.State != directory.Synced {
				t.Errorf("%s: %+v %+v", what, got.Link, got.Sync)
			}
		}
		r.update(u.ID, person(ada, entitled(author)))
		n = r.costs("assignment", n, put)
		check("assignment, above the rule", author)
		r.update(u.ID, person(ada, entitled(author)))
		r.settle()
		n = r.costs("an unchanged push", n, map[string]int{})
		r.update(u.ID, person(ada, entitled(author, reviewer)))
		n = r.costs("a second one, earlier in the CMS's order", n, put)
		check("two", reviewer)
		r.update(u.ID, person(ada, entitled(author)))
		n = r.costs("replacement", n, put)
		r.update(u.ID, person(ada, inactive, entitled(author)))
		n = r.costs("deactivation", n, map[string]int{"DELETE /site-invitations/:id": 1})
		r.update(u.ID, person(ada, entitled(author)))
		n = r.costs("reactivation", n, map[string]int{"POST /site-invitations": 1})
		check("reactivation", author)
		r.update(u.ID, person(ada))
		r.costs("removal", n, put)
		check("removal: the rule decides", r.roleID("Editor"))
		events := map[string]int{}
		entries, err := r.store.Client.XRange(r.ctx, r.store.Base+":audit", "-", "+").Result()
		r.must(err)
		for _, e := range entries {
			events[fmt.Sprint(e.Values["event"])]++
		}
		if events["user.write"] != 6 {
			t.Errorf("audit: %v", events)
		}
	})
}

func TestEntitlement_RenamedRoleIsStillMeant(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		id := r.cmsRole("Reviewer")
		u := r.create("ada@example.org")
		r.update(u.ID, person("ada@example.org", entitled(id)))
		r.inCMS(func(c *cmsclient.Client) error {
			_, err := c.UpdateRole(r.ctx, id, cmsclient.RoleAttributes{Name: "Inspector"})
			return err
		})
		n := r.calls(false)
		r.update(u.ID, person("ada@example.org", entitled(id)))
		r.settle()
		r.costs("a push after the renaming", n, map[string]int{})
		catalog, err := r.engine.Roles(r.ctx, false)
		r.must(err)
		if got := r.user(u.ID); got.Link.RoleID != id || catalog.Name(id) != "Inspector" {
			t.Errorf("got %+v, the role is called %q", got.Link, catalog.Name(id))
		}
	})
}

// A role that is gone, or that nobody may be given without a rule, leaves people what they have.
func TestEntitlementThatCannotBeGiven_LeavesThePresentRole(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		gone := r.cmsRole("Reviewer")
		r.inCMS(func(c *cmsclient.Client) error { return c.DeleteRole(r.ctx, gone) })
		for code, id := range map[string]string{mapping.CodeRoleMissing: gone, mapping.CodePrivilegedRole: r.roleID("Admin")} {
			address := code + "@example.org"
			u := r.create(address)
			n := r.calls(false)
			r.update(u.ID, person(address, entitled(id)))
			r.settle()
			r.costs(code, n, map[string]int{})
			got := r.user(u.ID)
			if got.Link.RoleID != r.roleID("Editor") || got.Sync.State != directory.Failed || got.Sync.Code != code {
				t.Errorf("%s: %+v %+v", code, got.Link, got.Sync)
			}
			r.update(u.ID, person(address))
			if got := r.user(u.ID); got.Sync.State != directory.Synced {
				t.Errorf("%s, taken back: %+v", code, got.Sync)
			}
		}
	})
}

// Whoever was found in the CMS and got an entitlement is not left with it when it is taken away.
func TestEntitlementTakenFromAnAdoptedPerson_TheNextRuleDecides(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 2
	each(t, s, func(t *testing.T, r *rig) {
		id := r.cmsRole("Reviewer")
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		u := p.Items[0]
		w := person(u.UserName)
		r.update(u.ID, person(u.UserName, entitled(id)))
		if got := r.user(u.ID); got.Link.RoleID != id || got.Adopted {
			t.Errorf("assigned: %+v", got)
		}
		r.update(u.ID, w)
		if got := r.user(u.ID); got.Link.RoleID != r.roleID("Editor") {
			t.Errorf("taken away: %+v", got.Link)
		}
	})
}

// The catalog is what the record has, whichever replica published it, and costs the CMS nothing.
func TestRolesComeFromTheRecord(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		r := assemble(t, editors(), store, queuetest.NewClock(1_700_000_000_000))
		if _, err := r.engine.Roles(r.ctx, false); !errors.Is(err, reconcile.ErrNoRoles) {
			t.Errorf("before the first import: %v", err)
		}
		r.must(r.engine.Bind(r.ctx))
		r.importAll()
		other := r.engine
		names := func(e *reconcile.Engine) string {
			catalog, err := e.Roles(r.ctx, true)
			r.must(err)
			return fmt.Sprint(catalog.Offered())
		}
		before := names(other)
		r.build(editors()) // a second replica
		r.must(r.engine.Bind(r.ctx))
		r.cmsRole("Reviewer")
		calls := fmt.Sprint(r.calls(true))
		if now := names(other); now == before || now != names(r.engine) {
			t.Errorf("before %s, now %s, the other replica %s", before, now, names(r.engine))
		}
		if now := fmt.Sprint(r.calls(true)); now != calls {
			t.Errorf("reading the roles cost calls: %s, before %s", now, calls)
		}
	})
}
