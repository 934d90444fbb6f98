package directory

import "testing"

// A page says of each user what the script says that reads one alone, whatever is queued and while a fan-out is open.
func TestListUsers_SaysWhatTheScriptSaysOfEach(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(6)
		small, big := r.createGroup("Small", p[0], p[1]), r.createGroup("Big")
		r.deleteUser(p[5])
		r.ok(r.store.Client.SAdd(r.ctx, r.store.Base+":fans", big.ID).Err())
		r.ok(r.store.Client.SAdd(r.ctx, r.store.Base+":gm:"+big.ID, p[1], p[2]).Err())
		r.ok(r.store.Client.SAdd(r.ctx, r.store.Base+":ug:"+p[3], big.ID).Err()) // the index lags behind
		var want []User
		for _, id := range p[:5] {
			want = append(want, must(r.d.UserView(r.ctx, id))(r))
		}
		r.equal("groups", len(want[1].Groups), 2)
		r.equal("groups of one who left", len(want[3].Groups), 0)
		r.equal("list", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r), Page[User]{Total: 5, Items: want})
		r.equal("by id", must(r.d.UsersByID(r.ctx, []string{p[4], "nobody", p[5], p[0]}))(r), []User{want[4], want[0]})
		r.ok(r.store.Client.SRem(r.ctx, r.store.Base+":fans", big.ID).Err())
		r.ok(r.store.Client.Del(r.ctx, r.store.Base+":gm:"+big.ID, r.store.Base+":ug:"+p[3]).Err())
		_ = small
	})
}

func TestRangeUsers_ByPlaceInBothDirections(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(5)
		seqs := make([]int64, len(p))
		for i, id := range p {
			seqs[i] = r.user(id).Seq
		}
		r.deleteUser(p[1])
		for _, tt := range []struct {
			r    Range
			want []string
		}{
			{Range{From: -1, Count: 2}, []string{p[0], p[2]}}, {Range{From: seqs[1], Count: 9}, []string{p[2], p[3], p[4]}},
			{Range{From: seqs[4], Count: 9}, nil}, {Range{From: -1}, nil}, {Range{From: seqs[3], Back: true, Count: 2}, []string{p[2], p[0]}},
			{Range{From: 1<<63 - 1, Back: true, Count: 1}, p[4:]}, {Range{From: seqs[0], Back: true, Count: 1}, nil},
		} {
			for _, omit := range []Omit{{}, {Groups: true}, {Sync: true}, {true, true}} {
				tt.r.Omit = omit
				page := must(r.d.RangeUsers(r.ctx, tt.r))(r)
				var got []string
				for _, u := range page.Items {
					got = append(got, u.ID)
				}
				r.equal("range", got, tt.want)
				r.equal("total", page.Total, 4)
			}
		}
	})
}

func TestRangeGroups_ByPlaceInBothDirections(t *testing.T) {
	each(t, func(r *rig) {
		a, b, c := r.createGroup("A"), r.createGroup("B"), r.createGroup("C")
		names := func(p Page[Group]) (s string) {
			r.equal("total", p.Total, 3)
			for _, g := range p.Items {
				s += g.Name
			}
			return s
		}
		r.equal("on", names(must(r.d.RangeGroups(r.ctx, Range{From: a.Seq, Count: 9}, 0))(r)), "BC")
		r.equal("back", names(must(r.d.RangeGroups(r.ctx, Range{From: c.Seq, Back: true, Count: 9}, 0))(r)), "BA")
		r.equal("none", names(must(r.d.RangeGroups(r.ctx, Range{From: -1}, 0))(r)), "")
		groups := must(r.d.GroupsByID(r.ctx, []string{c.ID, "nobody", b.ID}, 0))(r)
		r.equal("by id", names(Page[Group]{Total: 3, Items: groups}), "CB")
	})
}
