package reconcile_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// twin is an identity provider's work on one project.
type twin struct {
	*rig
	users, groups map[string]string // name → SCIM id
}

// seeded is a project whose people were in the CMS before; nobody keeps a role for that, so that what is decided depends on the
// wishes alone.
func seeded() setup {
	s := byTitle()
	s.rules.Adopt = mapping.Default
	s.cms.SeedUsers = 4
	s.engine.Drift = "repair"
	return s
}

func newTwin(t *testing.T, s setup, store queuetest.Store) *twin {
	w := &twin{rig: newRig(t, s, store, queuetest.NewClock(1_700_000_000_000)), users: map[string]string{}, groups: map[string]string{}}
	for at := range w.collaborators() {
		p, err := w.dir.FindUsers(w.ctx, directory.ByEmail, at, directory.Window{Start: 1, Count: 1})
		w.must(err)
		if len(p.Items) == 1 {
			w.users[at] = p.Items[0].ID
		}
	}
	return w
}

// accepts takes what an identity provider may be told.
func (w *twin) accepts(err error) {
	w.t.Helper()
	var conflict *directory.ConflictError
	if err != nil && !errors.As(err, &conflict) && !errors.Is(err, directory.ErrNotFound) && !errors.Is(err, reconcile.ErrProtected) {
		w.t.Fatal(err)
	}
}

// op is one write of the identity provider, the same for both twins.
type op struct {
	kind  int
	who   string
	group string
	title string
}

func anyOp(rng *rand.Rand) op {
	people := []string{"ada@example.org", "grace@example.org", "lise@example.org", "user1@example.com", "user2@example.com", "user3@example.com"}
	return op{
		kind: rng.IntN(9), who: people[rng.IntN(len(people))], group: fmt.Sprintf("Group %d", rng.IntN(3)),
		title: []string{"", "Chief"}[rng.IntN(2)],
	}
}

func (w *twin) do(o op) {
	w.t.Helper()
	id, known := w.users[o.who]
	group := w.groups[o.group]
	switch o.kind {
	case 0, 1:
		res, err := w.engine.CreateUser(w.ctx, person(o.who, titled(o.title)))
		w.accepts(err)
		if err == nil {
			w.users[o.who] = res.Item.ID
		}
	case 2:
		if known {
			w.accepts(w.write(id, person(o.who, titled(o.title), inactive)))
		}
	case 3:
		if known {
			w.accepts(w.write(id, person(o.who, titled(o.title))))
		}
	case 4:
		if known {
			w.accepts(w.engine.DeleteUser(w.ctx, id, nil))
			delete(w.users, o.who)
		}
	case 5, 6:
		w.push(o, id, known, group)
	case 7:
		if group != "" && known {
			w.accepts(w.edit(group, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{id}}, Limit: -1}))
		}
	case 8:
		if group != "" {
			w.accepts(w.engine.DeleteGroup(w.ctx, group, nil))
			delete(w.groups, o.group)
		}
	}
}

// push makes the group if need be, and the person a member.
func (w *twin) push(o op, id string, known bool, group string) {
	w.t.Helper()
	var members []string
	if known {
		members = []string{id}
	}
	if group == "" {
		res, err := w.engine.CreateGroup(w.ctx, directory.GroupWish{Name: o.group}, members, -1)
		w.accepts(err)
		if err == nil {
			w.groups[o.group] = res.Item.ID
		}
		return
	}
	w.accepts(w.edit(group, reconcile.GroupEdit{Members: directory.MemberChange{Add: members}, Limit: -1}))
}

func (w *twin) write(id string, wish directory.UserWish) error {
	_, err := w.engine.UpdateUser(w.ctx, id, func(directory.User) (directory.UserWish, error) { return wish, nil })
	return err
}

// has is what the CMS has, without ids: everybody who can get in, or is invited, with their role, and all roles.
func (w *twin) has() map[string]string {
	out := map[string]string{}
	names := map[string]string{}
	state := w.cms.State()
	for _, r := range state.Roles {
		names[r.ID] = fmt.Sprint(r.Attributes["name"])
		out["role "+names[r.ID]] = "there"
	}
	role := func(r cmstest.Resource) string {
		ref, _ := r.Relationships["role"].Data.(cmstest.Ref)
		return names[ref.ID]
	}
	for _, u := range state.Users {
		if u.Attributes["is_active"] == true {
			out[fmt.Sprint(u.Attributes["email"])] = "collaborator, " + role(u)
		} else {
			out[fmt.Sprint(u.Attributes["email"])] = "inactive"
		}
	}
	for _, i := range state.Invitations {
		out[fmt.Sprint(i.Attributes["email"])] = "invitation, " + role(i)
	}
	return out
}

// Whatever the identity provider does in a dry run, and whatever workers, imports and time do with it, nothing is written to the
// CMS; and when it is switched off the CMS becomes what it is without one.
func TestDryRun_WritesNothingAndConvergesToTheSameCMS(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3, 4, 5, 6} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
				rng := rand.New(rand.NewPCG(seed, 0))
				dried := newTwin(t, dry(seeded()), store)
				other := store
				other.Base = "twin:" + store.Base
				live := newTwin(t, seeded(), other)
				ops := 0
				for range 60 {
					o := anyOp(rng)
					for _, w := range []*twin{dried, live} {
						w.do(o)
					}
					ops++
					switch rng.IntN(6) {
					case 0:
						dried.importAll()
					case 1:
						dried.clock.Advance(time.Duration(rng.IntN(40)) * time.Second)
					case 2:
						dried.dryRun(seeded(), true)
					}
					dried.work()
					live.settle()
					if n := dried.writes(); n != 0 {
						t.Fatalf("seed %d, operation %d (%+v): %d writes: %v", seed, ops, o, n, dried.calls(false))
					}
				}
				if !maps.Equal(dried.users, live.users) {
					t.Errorf("the identity provider was told other ids:\n%v\n%v", dried.users, live.users)
				}
				if before := dried.has(); len(before) == 0 || live.writes() == 0 {
					t.Fatalf("seed %d does nothing: %v", seed, before)
				}
				dried.dryRun(seeded(), false)
				dried.settle()
				if diff := cmp.Diff(live.has(), dried.has()); diff != "" {
					t.Errorf("seed %d, without (-) and with (+) a dry run:\n%s", seed, diff)
				}
				if st := dried.stats(); st.Parked+st.Held != 0 {
					t.Errorf("left over: %+v, %v", st, slices.Sorted(maps.Keys(st.Codes)))
				}
			})
		})
	}
}
