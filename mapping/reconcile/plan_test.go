package reconcile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// plan makes a plan and gives what it says of each key.
func (r *rig) plan() (map[string]reconcile.PlanItem, reconcile.PlanSummary) {
	r.t.Helper()
	items := map[string]reconcile.PlanItem{}
	sum, err := r.engine.Plan(r.ctx, func(i reconcile.PlanItem) error {
		if _, twice := items[i.Key]; twice {
			r.t.Errorf("%s is told twice", i.Key)
		}
		items[i.Key] = i
		return nil
	})
	r.must(err)
	numbers, err := r.engine.Plan(r.ctx, nil)
	r.must(err)
	if diff := cmp.Diff(sum, numbers); diff != "" {
		r.t.Errorf("the numbers alone are others:\n%s", diff)
	}
	return items, sum
}

// endpoints are the calls of a plan as the CMS counts them.
func endpoints(s reconcile.PlanSummary) map[string]int {
	out := map[string]int{}
	for kind, n := range s.Calls {
		switch kind {
		case mapping.CallInvitation:
			out["POST /site-invitations"] += n
		case mapping.CallInvitationRole:
			out["PUT /site-invitations/:id"] += n
		case mapping.CallWithdrawal:
			out["DELETE /site-invitations/:id"] += n
		case mapping.CallActivation, mapping.CallDeactivation, mapping.CallRoleChange:
			out["PUT /users/:id"] += n
		case mapping.CallRoleMade:
			out["POST /roles"] += n
		case mapping.CallRoleRenamed:
			out["PUT /roles/:id"] += n
		case mapping.CallRoleDeleted:
			out["DELETE /roles/:id"] += n
		default:
			out[string(kind)] += n
		}
	}
	return out
}

// The plan of a dry run is what is called when it is switched off: no call more, none less.
func TestPlan_IsWhatIsCalledAfterTheDryRun(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{11, 12, 13, 14, 15, 16} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
				rng := rand.New(rand.NewPCG(seed, 1))
				w := newTwin(t, seeded(), store)
				for range 15 { // what there is when the dry run begins
					w.do(anyOp(rng))
				}
				w.settle()
				w.dryRun(seeded(), true)
				for range 40 {
					w.do(anyOp(rng))
				}
				before := w.calls(false)
				dump := w.dump()
				items, sum := w.plan()
				if diff := cmp.Diff(dump, w.dump()); diff != "" {
					t.Errorf("a plan wrote:\n%s", diff)
				}
				w.dryRun(seeded(), false)
				w.settle()
				got := w.calls(false)
				for endpoint, n := range before {
					if got[endpoint] -= n; got[endpoint] == 0 {
						delete(got, endpoint)
					}
				}
				if diff := cmp.Diff(endpoints(sum), got); diff != "" {
					t.Errorf("seed %d, planned (-) and called (+):\n%s\n%+v", seed, diff, items)
				}
				if _, sum := w.plan(); sum.Total() != 0 || sum.Keys != 0 {
					t.Errorf("afterwards nothing is left to call: %+v", sum)
				}
			})
		})
	}
}

func TestPlan_TellsPeopleAndGroupsInWords(t *testing.T) {
	each(t, dry(editors()), func(t *testing.T, r *rig) {
		ada, grace := r.create("ada@example.org"), r.create("grace@example.org")
		g := r.createGroup("Writers", ada.ID)
		items, sum := r.plan()
		for key, want := range map[string]string{
			directory.UserKey(ada.ID):   `invite ada@example.org with role "Writers"`,
			directory.UserKey(grace.ID): `invite grace@example.org with role "Editor"`,
			directory.GroupKey(g.ID):    `make role "Writers" after "Editor"`,
		} {
			if got := items[key].Calls; !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
		}
		want := map[mapping.CallKind]int{mapping.CallInvitation: 2, mapping.CallRoleMade: 1}
		if diff := cmp.Diff(want, sum.Calls); diff != "" || sum.Keys != 3 || sum.People != 2 || sum.Groups != 1 || !sum.DryRun || !sum.RulesInForce || !sum.RolesKnown {
			t.Errorf("%s\n%+v", diff, sum)
		}
	})
}

func TestPlan_TellsWhatTheBrakeWouldHold(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(25)
		r.off(ids[0])
		r.settle()
		r.dryRun(braked(), true)
		for _, id := range ids[:12] {
			r.off(id)
		}
		_, sum := r.plan()
		b := sum.Brake[0]
		if b.Takes != directory.TakesAccess || b.People != 1 || b.Planned != 11 || b.Allowed != 5 || b.Held != 7 {
			t.Errorf("brake: %+v", b)
		}
		r.dryRun(braked(), false)
		r.settle()
		if n := len(r.heldOf(ids)); n != b.Held {
			t.Errorf("%d are held, planned were %d", n, b.Held)
		}
		items, sum := r.plan()
		if sum.Held != 7 || sum.Total() != 0 || len(items) != 7 {
			t.Errorf("what is held is told, and not called: %+v, %d items", sum, len(items))
		}
		for _, i := range items {
			if i.Status != directory.Held || i.Code != "brake" || len(i.Calls) != 1 {
				t.Errorf("%+v", i)
			}
		}
	})
}

// Rules that are not in force show who would lose a role before anybody does.
func TestPlan_OfOtherRulesShowsRoleLossesAndChangesNothing(t *testing.T) {
	each(t, chiefs("Admin"), func(t *testing.T, r *rig) {
		var ids []string
		for _, name := range []string{"ada", "grace"} {
			res, err := r.engine.CreateUser(r.ctx, person(name+"@example.org", titled("Chief")))
			r.must(err)
			ids = append(ids, res.Item.ID)
		}
		r.settle()
		if items, sum := r.plan(); len(items) != 0 || sum.Total() != 0 {
			t.Fatalf("by the rules in force: %+v", items)
		}
		s := editors()
		s.dir.Brake = directory.Brake{Percent: 20, Min: 1, Window: braked().dir.Brake.Window}
		other := r.replica(s)
		before, writes := r.dump(), r.writes()
		items, sum := other.plan()
		if sum.RulesInForce || sum.Calls[mapping.CallInvitationRole] != 2 || sum.Brake[1].Planned != 2 || sum.Brake[1].Held != 1 {
			t.Errorf("numbers: %+v", sum)
		}
		for _, id := range ids {
			i := items[directory.UserKey(id)]
			if !slices.Equal(i.Takes, []directory.Taking{directory.TakesRole}) || len(i.Calls) != 1 || !strings.HasSuffix(i.Calls[0], `role "Editor"`) {
				t.Errorf("%+v", i)
			}
		}
		if diff := cmp.Diff(before, r.dump()); diff != "" || r.writes() != writes {
			t.Errorf("something changed: %s", diff)
		}
		r.settle()
		if r.writes() != writes {
			t.Error("a plan queued something")
		}
	})
}

func TestPlan_TellsWhatCannotBeCalledAndWhy(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		gone := r.create("gone@example.org")
		g := r.createGroup("Writers", gone.ID)
		r.settle()
		r.cms.SetSeats(1)
		r.inviteByWorkers(1)
		r.must(r.queue.Pause(r.ctx))
		r.must(r.engine.DeleteUser(r.ctx, gone.ID, nil))
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		items, sum := r.plan()
		if i := items[directory.UserKey(gone.ID)]; len(i.Calls) != 1 || !slices.Equal(i.Kinds, []mapping.CallKind{mapping.CallWithdrawal}) {
			t.Errorf("somebody who is deleted: %+v", i)
		}
		if i := items[directory.GroupKey(g.ID)]; !slices.Equal(i.Kinds, []mapping.CallKind{mapping.CallRoleDeleted}) || !strings.Contains(i.Calls[0], `"Writers"`) {
			t.Errorf("a deleted group: %+v", i)
		}
		if sum.Parked["plan_upgrade_required"] != 1 || sum.Stopped == "" {
			t.Errorf("nobody else can be invited: %+v", sum)
		}
		parked := 0
		for _, i := range items {
			if i.Code == "plan_upgrade_required" && i.Reason != "" && i.Status == directory.Failed {
				parked++
			}
		}
		if parked != 1 || sum.Total() != 2 {
			t.Errorf("parked %d: %+v", parked, sum)
		}
	})
}

func TestPlan_EndsWithWhoeverReadsIt(t *testing.T) {
	each(t, dry(editors()), func(t *testing.T, r *rig) {
		r.people(3)
		n := 0
		_, err := r.engine.Plan(r.ctx, func(reconcile.PlanItem) error {
			n++
			return queue.ErrLost
		})
		if !errors.Is(err, queue.ErrLost) || n != 1 {
			t.Errorf("%v after %d items", err, n)
		}
	})
}
