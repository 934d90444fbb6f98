package reconcile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping/directory"
)

func TestCreateUpdateDeactivateReactivate_FewestCalls(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		before := r.calls(true)
		_ = before
		u := r.create("ada@example.org")
		if u.Sync.State != directory.Synced || u.Link.Kind != directory.Invitation {
			t.Fatalf("after create: %+v", u)
		}
		if got := r.calls(false); got["POST /site-invitations"] != 1 || len(got) != 1 {
			t.Errorf("create cost %v", got)
		}
		r.accept("ada@example.org")
		r.importAll()
		u = r.user(u.ID)
		if u.Link.Kind != directory.Collaborator {
			t.Fatalf("after acceptance: %+v", u)
		}
		u = r.update(u.ID, person("ada@example.org", inactive))
		if u.Link.Active || u.Sync.State != directory.Synced {
			t.Errorf("after deactivation: %+v", u)
		}
		if got := r.calls(false); got["PUT /users/:id"] != 1 || len(got) != 2 {
			t.Errorf("deactivation cost %v", got)
		}
		u = r.update(u.ID, person("ada@example.org"))
		if !u.Link.Active {
			t.Errorf("after reactivation: %+v", u)
		}
		want := map[string]int{"POST /site-invitations": 1, "PUT /users/:id": 2}
		r.update(u.ID, person("ada@example.org"))
		if diff := cmp.Diff(want, r.calls(false)); diff != "" {
			t.Error(diff)
		}
	})
}
