package reconcile_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

var errCondition = errors.New("not at this version")

// A write with a condition is made of the version that was judged: whatever comes between judgement and commit makes it
// judge again.
func TestConditionIsJudgedOnTheVersionThatIsWritten(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		ada, bob := r.create("ada@example.org"), r.create("bob@example.org")
		g, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "Editors of news"}, []string{ada.ID}, -1)
		r.must(err)
		gen, at := r.user(ada.ID).Gen, g.Item.Version()
		user := func(u directory.User) error {
			r.update(ada.ID, person("ada@example.org", func(w *directory.UserWish) { w.Doc = []byte(`{"n":` + strconv.FormatInt(u.Gen, 10) + `}`) }))
			return unless(u.Gen == gen)
		}
		group := func(now directory.Group) error {
			r.must(r.edit(g.Item.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{bob.ID}}}))
			return unless(now.Version() == at)
		}
		name := "Others"
		for what, write := range map[string]func() error{
			"update a user": func() error {
				_, err := r.engine.UpdateUser(r.ctx, ada.ID, func(u directory.User) (directory.UserWish, error) { return person("new@example.org"), user(u) })
				return err
			},
			"delete a user":  func() error { return r.engine.DeleteUser(r.ctx, ada.ID, user) },
			"delete a group": func() error { return r.engine.DeleteGroup(r.ctx, g.Item.ID, group) },
			"rename a group": func() error {
				_, err := r.engine.UpdateGroup(r.ctx, g.Item.ID, reconcile.GroupEdit{Name: &name, Check: group})
				return err
			},
			"change members": func() error {
				_, err := r.engine.UpdateGroup(r.ctx, g.Item.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{ada.ID}}, Check: group})
				return err
			},
		} {
			r.must(r.edit(g.Item.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{bob.ID}}}))
			gen, at = r.user(ada.ID).Gen, r.group(g.Item.ID).Version()
			if err := write(); !errors.Is(err, errCondition) {
				t.Errorf("%s: %v", what, err)
			}
			if u := r.user(ada.ID); u.State != directory.Live || u.Address != "ada@example.org" {
				t.Errorf("%s: %+v", what, u)
			}
			if now := r.group(g.Item.ID); now.Name != "Editors of news" || !slices.ContainsFunc(now.Members, func(m directory.Member) bool { return m.ID == ada.ID }) {
				t.Errorf("%s: %+v", what, now)
			}
		}
		r.must(r.engine.DeleteUser(r.ctx, ada.ID, func(directory.User) error { return nil }))
		r.must(r.engine.DeleteGroup(r.ctx, g.Item.ID, func(directory.Group) error { return nil }))
	})
}

func unless(ok bool) error {
	if ok {
		return nil
	}
	return errCondition
}
