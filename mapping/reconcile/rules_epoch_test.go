package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// byHand is somebody who changes the CMS past the engine.
func (r *rig) byHand() *cmsclient.Client {
	r.t.Helper()
	c, err := cmsclient.New(cmsclient.Options{BaseURL: "http://cms.example", Token: "demo-cms-token", Transport: r.cms.Transport()})
	r.must(err)
	return c
}

func (r *rig) renameRole(id, name string) {
	r.t.Helper()
	_, err := r.byHand().UpdateRole(r.ctx, id, cmsclient.RoleAttributes{Name: name})
	r.must(err)
}

// replica is another process with rules of its own on the rig's store and CMS.
func (r *rig) replica(s setup) *rig {
	r.t.Helper()
	other := &rig{t: r.t, ctx: r.ctx, clock: r.clock, store: r.store, cms: r.cms}
	other.build(s)
	return other
}

// chiefs are rules by which a Chief gets this role.
func chiefs(role string) setup {
	s := byTitle()
	s.rules.Rules = []mapping.Rule{{When: "Chief", Role: role}}
	return s
}

func (r *rig) roleOf(id string) string { return r.user(id).Link.RoleID }

func TestRoleOfARuleIsKeptByIDWhenItIsRenamed(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		admin := r.roleID("Admin")
		before := r.update(r.create("ada@example.org").ID, person("ada@example.org", titled("Chief")))
		r.renameRole(admin, "Boss")
		r.importAll()
		after := r.update(r.create("grace@example.org").ID, person("grace@example.org", titled("Chief")))
		r.update(before.ID, person("ada@example.org", titled("Chief"), named("ada", "00uA")))
		if a, b := r.roleOf(before.ID), r.roleOf(after.ID); a != admin || b != admin {
			t.Errorf("roles %s and %s, want %s", a, b, admin)
		}
	})
}

// A role that is gone gives way to nothing: its people keep what they have, new ones wait, and a role of that name takes
// its place.
func TestRoleThatCannotBeResolvedNeverFallsThrough(t *testing.T) {
	each(t, chiefs("Writer"), func(t *testing.T, r *rig) {
		made, err := r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: "Writer"})
		r.must(err)
		r.importAll()
		ada := r.update(r.create("ada@example.org").ID, person("ada@example.org", titled("Chief")))
		if got := r.roleOf(ada.ID); got != made.ID {
			t.Fatalf("role %s", got)
		}
		r.must(r.cms.Withdraw(ada.Link.ID)) // else the CMS would not delete the role
		r.must(r.byHand().DeleteRole(r.ctx, made.ID))
		r.importAll()
		ada = r.update(ada.ID, person("ada@example.org", titled("Chief"), named("ada", "00uA")))
		grace := person("grace@example.org", titled("Chief"))
		res, err := r.engine.CreateUser(r.ctx, grace)
		r.must(err)
		r.settle()
		for _, u := range []directory.User{r.user(ada.ID), r.user(res.Item.ID)} {
			if u.Sync.State != directory.Failed || u.Sync.Code != mapping.CodeRoleMissing {
				t.Errorf("%s: %+v", u.UserName, u.Sync)
			}
		}
		if n := len(r.invitations()); n != 0 {
			t.Errorf("%d invitations with another role", n)
		}
		made, err = r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: "Writer"})
		r.must(err)
		r.importAll()
		r.settle()
		for _, id := range []string{ada.ID, res.Item.ID} {
			if u := r.user(id); u.Link.RoleID != made.ID || u.Sync.State != directory.Synced {
				t.Errorf("%s: role %s, %+v", u.UserName, u.Link.RoleID, u.Sync)
			}
		}
	})
}

func TestNewRulesQueueEverybodyOnceOverReplicas(t *testing.T) {
	each(t, chiefs("Admin"), func(t *testing.T, r *rig) {
		var ids []string
		for i := range 3 {
			address := fmt.Sprintf("u%d@example.org", i)
			ids = append(ids, r.update(r.create(address).ID, person(address, titled("Chief"))).ID)
		}
		gone := r.create("gone@example.org")
		r.must(r.engine.DeleteUser(r.ctx, gone.ID, nil))
		r.settle()
		a, b := r.replica(chiefs("Editor")), r.replica(chiefs("Editor"))
		r.must(a.engine.Bind(r.ctx))
		r.must(b.engine.Bind(r.ctx))
		before := r.calls(false)["PUT /site-invitations/:id"]
		l, err := a.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		if l == nil || l.Key != directory.RulesKey || l.Lane != queue.Background {
			t.Fatalf("%+v", l)
		}
		a.finish(l)
		if n := r.queued(queue.Background); n != 3 {
			t.Errorf("%d keys queued", n)
		}
		b.work()
		a.settle()
		if n := r.calls(false)["PUT /site-invitations/:id"] - before; n != 3 {
			t.Errorf("%d roles given", n)
		}
		for _, id := range ids {
			if got := r.roleOf(id); got != r.roleID("Editor") {
				t.Errorf("role %s", got)
			}
		}
	})
}

// A process that dies in the middle of the sweep is followed by one that goes on there.
func TestSweepOfNewRulesGoesOnWhereItStopped(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.createGroup("Writers")
		u := r.create("ada@example.org")
		r.settle()
		other := r.replica(chiefs("Admin"))
		r.must(other.engine.Bind(r.ctx))
		l, err := other.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		more, err := other.dir.SweepRules(r.ctx, l) // the groups
		r.must(err)
		if !more || other.entry("user/"+u.ID).State != queue.Idle {
			t.Fatalf("more %v", more)
		}
		r.clock.Advance(20 * time.Second) // the lease runs out
		if _, err := other.dir.SweepRules(r.ctx, l); err == nil {
			t.Error("a lost lease swept")
		}
		taken, err := other.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		for taken != nil && taken.Key != directory.RulesKey {
			other.finish(taken)
			taken, err = other.queue.Take(r.ctx, queue.TakeOptions{})
			r.must(err)
		}
		other.finish(taken)
		if e := other.entry("user/" + u.ID); e.State != queue.Queued {
			t.Errorf("%+v", e)
		}
	})
}

func TestReplicaWithOlderRulesAcceptsAndSyncsNothing(t *testing.T) {
	each(t, chiefs("Admin"), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		newer := r.replica(chiefs("Editor"))
		r.must(newer.engine.Bind(r.ctx))
		newer.settle()
		calls := r.cms.Calls().Total
		// The request's sync finds the newer rules; from then on nothing is even tried here.
		for _, title := range []string{"Chief", "Cook", "Chief"} {
			got := r.update(u.ID, person("ada@example.org", titled(title)))
			if got.Sync.State != directory.Pending {
				t.Errorf("%s: %+v", title, got.Sync)
			}
		}
		r.work()
		if r.engine.Bound() || r.cms.Calls().Total != calls {
			t.Errorf("the older replica works: %d calls", r.cms.Calls().Total-calls)
		}
		if ready := r.engine.Ready(r.ctx); len(ready.Notes) == 0 || !ready.OK {
			t.Errorf("%+v", ready)
		}
		r.clock.Advance(2 * time.Second)
		newer.settle()
		if got := r.user(u.ID); got.Sync.State != directory.Synced || got.Link.RoleID != r.roleID("Editor") {
			t.Errorf("%+v", got)
		}
	})
}

// A replica that restarts with the former rules during a roll-out does not undo it; when nobody runs the newer ones any
// more, the former ones are in force again.
func TestFormerRulesComeBackOnlyWhenNobodyRunsTheNewerOnes(t *testing.T) {
	each(t, chiefs("Admin"), func(t *testing.T, r *rig) {
		u := r.update(r.create("ada@example.org").ID, person("ada@example.org", titled("Chief")))
		newer := r.replica(chiefs("Editor"))
		r.must(newer.engine.Bind(r.ctx))
		newer.settle()
		r.clock.Advance(20 * time.Second)
		r.must(newer.engine.Bind(r.ctx)) // a sign of life
		r.clock.Advance(20 * time.Second)
		restarted := r.replica(chiefs("Admin"))
		r.must(restarted.engine.Bind(r.ctx))
		if restarted.engine.Bound() {
			t.Fatal("a restart brought the former rules back")
		}
		r.clock.Advance(31 * time.Second)
		r.must(restarted.engine.Bind(r.ctx))
		restarted.settle()
		if got := r.roleOf(u.ID); !restarted.engine.Bound() || got != r.roleID("Admin") {
			t.Errorf("role %s", got)
		}
	})
}

func TestReloadedRulesAreInForceAtOnce(t *testing.T) {
	each(t, chiefs("Admin"), func(t *testing.T, r *rig) {
		u := r.update(r.create("ada@example.org").ID, person("ada@example.org", titled("Chief")))
		rules, err := mapping.NewRules(chiefs("Editor").rules)
		r.must(err)
		r.must(r.engine.Reload(context.WithoutCancel(r.ctx), reconcile.Settings{Rules: rules, Adopt: true}))
		r.settle()
		if got := r.roleOf(u.ID); got != r.roleID("Editor") {
			t.Errorf("role %s", got)
		}
	})
}
