package directory

import (
	"strconv"
	"testing"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// sizes runs a benchmark on a real Redis in directories of growing size: what a request costs must not grow with them.
func sizes(b *testing.B, fn func(b *testing.B, r *rig, ids []string)) {
	b.Helper()
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run("users="+strconv.Itoa(n), func(b *testing.B) {
			r := newRig(b.Context(), b, queuetest.Real(b))
			ids := r.commitMany(n)
			defer r.wipe()
			b.ReportAllocs()
			fn(b, r, ids)
		})
	}
}

func BenchmarkCreateUser(b *testing.B) {
	sizes(b, func(b *testing.B, r *rig, _ []string) {
		for n := 0; b.Loop(); n++ {
			r.ok(fails(r.d.CreateUser(r.ctx, wish("new"+strconv.Itoa(n)+"@x.org"), "token")))
		}
	})
}

func BenchmarkFindUser(b *testing.B) {
	sizes(b, func(b *testing.B, r *rig, _ []string) {
		for _, q := range []struct {
			by    Index
			value string
		}{{ByUserName, "user500@x.org"}, {ByExternalID, "00u-user500@x.org"}, {ByEmail, "user500@x.org"}, {ByDisplayName, "name of user500@x.org"}} {
			b.Run(string(q.by), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if p, err := r.d.FindUsers(r.ctx, q.by, q.value, Window{1, 1}); err != nil || p.Total != 1 {
						b.Fatalf("%+v, %v", p, err)
					}
				}
			})
		}
	})
}

func BenchmarkPatchActive(b *testing.B) {
	sizes(b, func(b *testing.B, r *rig, ids []string) {
		for n := 0; b.Loop(); n++ {
			u := must(r.d.User(r.ctx, ids[n%len(ids)]))(r)
			w := wish(u.UserName, func(w *UserWish) { w.Active = !u.Active })
			r.ok(fails(r.d.WriteUser(r.ctx, u, w, "token", "user.write")))
		}
	})
}

func BenchmarkChangeMembers(b *testing.B) {
	sizes(b, func(b *testing.B, r *rig, ids []string) {
		g := r.createGroup("Everybody")
		r.replaced(g.ID, ids)
		r.ok(r.d.drain(r.ctx, g.ID))
		for n := 0; b.Loop(); n++ {
			one := ids[n/2%len(ids) : n/2%len(ids)+1]
			m := MemberChange{Remove: one}
			if n%2 == 1 {
				m = MemberChange{Add: one}
			}
			r.ok(fails(r.d.ChangeMembers(r.ctx, g.ID, m, 100, "token")))
		}
	})
}
