package directory

import "testing"

// A long list is staged before it is swapped in: the version it is for is compared by the script that swaps.
func TestLongListOfAnotherVersionIsNotSwappedIn(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(1300)
		g := r.createGroup("Editors", p[0])
		at := g.Version()
		long := MemberChange{Replace: true, Add: p, At: &at}
		s := must(r.d.stage(r.ctx, g.ID, sorted(p...)))(r)
		renamed := must(r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: "Authors"}}, ""))(r).Item
		r.equal("swap", str(at0(must(r.d.swap(r.ctx, g, s, &at, askedOf{}))(r))), "stale")
		r.equal("staged lists left behind", r.staged(), 0)
		if _, err := r.d.ChangeMembers(r.ctx, g.ID, long, 0, ""); !wants(err, ErrStale) {
			r.Errorf("got %v", err)
		}
		r.equal("size", r.group(g.ID).Size, int64(1))
		at = renamed.Version()
		must(r.d.ChangeMembers(r.ctx, g.ID, long, 0, ""))(r)
		r.equal("size", r.group(g.ID).Size, int64(1300))
		// A delta in several commits: the version counts for the first of them.
		at = r.group(g.ID).Version()
		must(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Remove: p[:1200], At: &at}, 0, ""))(r)
		r.equal("size", r.group(g.ID).Size, int64(100))
		if _, err := r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Remove: p[1200:], At: &at}, 0, ""); !wants(err, ErrStale) {
			r.Errorf("got %v", err)
		}
	})
}

func at0(a answer) any { return at(a.list, 0) }
