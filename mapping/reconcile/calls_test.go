package reconcile_test

import (
	"fmt"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

func titled(title string) func(*directory.UserWish) {
	return func(w *directory.UserWish) {
		w.Doc = fmt.Appendf(nil, `{"userName":%q,"title":%q}`, w.UserName, title)
	}
}

func byTitle() setup {
	s := editors()
	s.rules.Rules = []mapping.Rule{{When: "Chief", Role: "Admin"}}
	s.rules.Compile = func(title string) (mapping.Predicate, error) {
		return func(a mapping.Attributes) bool {
			v := a.Values("title")
			return len(v) == 1 && v[0] == title
		}, nil
	}
	return s
}

func TestRoleChangeByRule_OneCallAndAnUnchangedPushNone(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		u = r.update(u.ID, person("ada@example.org", titled("Chief")))
		want := fmt.Sprint(map[string]int{"POST /site-invitations": 1, "PUT /site-invitations/:id": 1})
		if got := fmt.Sprint(r.calls(false)); got != want {
			t.Errorf("role change: %s", got)
		}
		r.update(u.ID, person("ada@example.org", titled("Chief")))
		r.update(u.ID, person("ada@example.org", titled("Chief"), func(w *directory.UserWish) { w.ExternalID = "00u2" }))
		if got := fmt.Sprint(r.calls(false)); got != want {
			t.Errorf("unchanged push: %s", got)
		}
	})
}

func TestTwentyChangesWhileTheCMSIsDown_OneCallAfterwards(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.fault(cmstest.Fault{Action: "drop_before"})
		for n := range 20 {
			title := "Clerk"
			if n%2 == 1 {
				title = "Chief"
			}
			got := r.update(u.ID, person("ada@example.org", titled(title)))
			if title == "Chief" && got.Sync.State != directory.Pending {
				t.Errorf("change %d: %+v", n, got.Sync)
			}
		}
		r.cms.ClearFaults()
		before := r.cms.Calls().ByEndpoint["PUT /site-invitations/:id"]
		r.settle()
		if n := r.cms.Calls().ByEndpoint["PUT /site-invitations/:id"] - before; n != 1 {
			t.Errorf("%d calls after the CMS came back", n)
		}
		if got := r.user(u.ID); got.Sync.State != directory.Synced {
			t.Errorf("%+v", got.Sync)
		}
	})
}
