package directory

import (
	"errors"
	"testing"
	"time"
)

func TestListUsers_ByWindowInTheOrderOfCreation(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(5)
		r.deleteUser(p[1])
		for _, tt := range []struct {
			w    Window
			want []string
		}{
			{Window{1, 2}, []string{p[0], p[2]}}, {Window{3, 9}, []string{p[3], p[4]}}, {Window{5, 1}, nil}, {Window{0, 1}, p[:1]}, {Window{-3, 1}, p[:1]},
			{Window{1, 0}, nil}, {Window{1, -1}, nil},
		} {
			page := must(r.d.ListUsers(r.ctx, tt.w))(r)
			var got []string
			for _, u := range page.Items {
				got = append(got, u.ID)
			}
			r.equal("window", got, tt.want)
			r.equal("total", page.Total, 4)
		}
	})
}

func TestFindUsers_CountsWithoutReading(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(2)
		for i, by := range []Index{ByID, ByUserName, ByExternalID, ByEmail, ByDisplayName} {
			v := []string{p[1], "user1@x.org", "00u-user1@x.org", "user1@x.org", "Name of user1@x.org"}[i]
			for _, w := range []Window{{1, 0}, {2, 5}} {
				page := must(r.d.FindUsers(r.ctx, by, v, w))(r)
				if page.Total != 1 || len(page.Items) != 0 {
					r.Errorf("%s: %+v", by, page)
				}
			}
			r.equal(string(by), r.find(by, v), []string{p[1]})
		}
		r.equal("externalId is exact", r.find(ByExternalID, "00U-user1@x.org"), []string{})
		r.equal("an index that users do not have", r.find("title", "x"), []string{})
		r.equal("groups have fewer", must(r.d.FindGroups(r.ctx, ByEmail, "x", Window{1, 1}, 0))(r).Total, 0)
	})
}

func TestScan_GivesEveryRecordOnceAndStopsWhenTold(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(2*scanChunk + 50)
		var got []string
		r.ok(r.d.ScanUsers(r.ctx, func(u User) (bool, error) { got = append(got, u.ID); return true, nil }))
		r.equal("users", got, p)
		n := 0
		r.ok(r.d.ScanUsers(r.ctx, func(User) (bool, error) { n++; return n < 3, nil }))
		r.equal("stopped", n, 3)
		boom := errors.New("boom")
		if err := r.d.ScanUsers(r.ctx, func(User) (bool, error) { return true, boom }); !wants(err, boom) {
			r.Errorf("got %v", err)
		}
		a, b := r.createGroup("A", p[0]), r.createGroup("B")
		var groups []string
		r.ok(r.d.ScanGroups(r.ctx, -1, func(g Group) (bool, error) { groups = append(groups, g.ID); return true, nil }))
		r.equal("groups", groups, []string{a.ID, b.ID})
	})
}

func TestGroup_MembersUpToTheLimitOrNone(t *testing.T) {
	each(t, func(r *rig) {
		p := r.seed(3)
		g := r.createGroup("Editors", p...)
		for limit, want := range map[int]int{-1: 3, 0: 0, 2: 0, 3: 3, 100: 3} {
			got := must(r.d.Group(r.ctx, g.ID, limit))(r)
			if len(got.Members) != want || got.Size != 3 {
				r.Errorf("limit %d: %+v", limit, got)
			}
		}
		r.equal("display", r.group(g.ID).Members[0].Display != "", true)
		r.equal("by externalId", must(r.d.FindGroups(r.ctx, ByExternalID, "x", Window{1, 1}, 0))(r).Total, 0)
		r.equal("by id", must(r.d.FindGroups(r.ctx, ByID, g.ID, Window{1, 1}, -1))(r).Items[0].Size, int64(3))
	})
}

func TestDocuments_AreOpaqueBytes(t *testing.T) {
	each(t, func(r *rig) {
		for i, doc := range []string{`{"a":[],"n":12345678901234567890}`, "", "\x00\xff\r\n", "{}"} {
			u := r.create("u"+str(int64(i))+"@x.org", document(doc))
			r.equal("document", string(r.user(u.ID).Doc), doc)
		}
	})
}

func TestMeta_RemembersImportsAndTheProjectItBelongsTo(t *testing.T) {
	each(t, func(r *rig) {
		last := must(r.d.LastImport(r.ctx))(r)
		r.equal("never imported", last.IsZero(), true)
		r.ok(r.d.Imported(r.ctx, ImportEnd{Picture: 1, Began: time.UnixMilli(began), People: 7}))
		r.equal("imported", must(r.d.LastImport(r.ctx))(r).UnixMilli(), int64(began))
		r.equal("bound", must(r.d.Bind(r.ctx, "one"))(r), "one")
		r.equal("bound for good", must(r.d.Bind(r.ctx, "two"))(r), "one")
		r.seed(2)
		r.createGroup("Editors")
		r.equal("counts", must(r.d.Counts(r.ctx))(r), Counts{Users: 2, Groups: 1})
	})
}
