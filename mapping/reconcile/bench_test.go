package reconcile_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// BenchmarkRequests measures what each kind of request costs in the record, on a real Redis with work paused, so that no
// CMS call is in the figures. The record grows from 1,000 to 100,000 people: the figures of one kind must not.
func BenchmarkRequests(b *testing.B) {
	r := newBenchRig(b)
	stored := 0
	for _, users := range []int{1_000, 10_000, 100_000} {
		r.seed(b, stored, users)
		stored = users
		for _, k := range r.kinds(users) {
			b.Run(fmt.Sprintf("%s/users=%d", k.name, users), func(b *testing.B) {
				var n atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := k.run(int(n.Add(1))); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

type benchRig struct {
	*rig
	created atomic.Int64
}

func newBenchRig(b *testing.B) *benchRig {
	b.Helper()
	clock := queuetest.NewClock(1_700_000_000_000)
	r := &benchRig{rig: assemble(b, editors(), queuetest.Real(b), clock)}
	r.must(r.engine.Bind(r.ctx))
	r.importAll()
	r.must(r.queue.Pause(r.ctx))
	return r
}

func benchAddress(n int) string { return fmt.Sprintf("user%06d@example.org", n) }

// seed creates the people from one number up to another, and a group of them all.
func (r *benchRig) seed(b *testing.B, from, to int) {
	b.Helper()
	var wg sync.WaitGroup
	const writers = 8
	for w := range writers {
		wg.Go(func() {
			for n := from + w; n < to; n += writers {
				if _, err := r.engine.CreateUser(r.ctx, person(benchAddress(n))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	g := r.createGroup(fmt.Sprintf("everybody %d", to))
	var all []string
	for n := range to {
		all = append(all, r.id(b, n))
	}
	r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: all}}))
}

func (r *benchRig) id(b *testing.B, n int) string {
	b.Helper()
	p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, benchAddress(n), directory.Window{Start: 1, Count: 1})
	if err != nil || len(p.Items) != 1 {
		b.Fatalf("user %d: %v", n, err)
	}
	return p.Items[0].ID
}

type benchKind struct {
	name string
	run  func(n int) error
}

// kinds are the requests of an identity provider, each on the n-th person.
func (r *benchRig) kinds(users int) []benchKind {
	group := r.findGroup(fmt.Sprintf("everybody %d", users)).ID
	ids := make([]string, 100)
	for n := range ids {
		p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, benchAddress(n*users/100), directory.Window{Start: 1, Count: 1})
		r.must(err)
		ids[n] = p.Items[0].ID
	}
	one := directory.Window{Start: 1, Count: 100}
	return []benchKind{
		{"filter", func(n int) error {
			_, err := r.engine.FindUsers(r.ctx, directory.ByUserName, benchAddress(n%users), one)
			return err
		}},
		{"get", func(n int) error {
			_, err := r.engine.User(r.ctx, ids[n%100])
			return err
		}},
		{"page", func(n int) error {
			_, err := r.dir.ListUsers(r.ctx, directory.Window{Start: n * 97 % (users - 100), Count: 100})
			return err
		}},
		{"create", func(int) error {
			_, err := r.engine.CreateUser(r.ctx, person(fmt.Sprintf("new%d@example.net", r.created.Add(1))))
			return err
		}},
		{"update", func(n int) error {
			_, err := r.engine.UpdateUser(r.ctx, ids[n%100], func(u directory.User) (directory.UserWish, error) {
				return person(u.UserName, func(w *directory.UserWish) { w.Active = n%2 == 0 }), nil
			})
			return err
		}},
		{"member", func(n int) error {
			change := directory.MemberChange{Remove: ids[n%100 : n%100+1]}
			if n/100%2 == 0 {
				change = directory.MemberChange{Add: change.Remove}
			}
			_, err := r.engine.UpdateGroup(r.ctx, group, reconcile.GroupEdit{Members: change, Limit: 100})
			return err
		}},
	}
}
