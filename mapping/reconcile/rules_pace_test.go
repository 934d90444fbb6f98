package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
)

// waits lets time pass until an import is due, asking every minute as Run does, and gives how long that took.
func (r *rig) waits() time.Duration {
	r.t.Helper()
	before := r.cms.Calls().ByEndpoint["GET /users"]
	for waited := time.Duration(0); waited <= 2*time.Hour; waited += time.Minute {
		r.engine.ImportIfDue(r.ctx)
		r.work()
		if r.cms.Calls().ByEndpoint["GET /users"] > before {
			return waited
		}
		r.clock.Advance(time.Minute)
	}
	r.t.Fatal("no import for two hours")
	return 0
}

func (r *rig) waitsFor(want ...time.Duration) {
	r.t.Helper()
	for i, w := range want {
		stats, err := r.engine.Stats(r.ctx)
		r.must(err)
		if told, got := stats.ImportWait, r.waits(); got != w || told != w {
			r.t.Errorf("wait %d: %v, told %v, want %v", i+1, got, told, w)
		}
	}
}

const minutes = time.Minute

// An idle CMS is read seldom, a busy one every import.interval.
func TestImportsBecomeRareWhileNothingChanges(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(r *rig){
		"somebody is added in the CMS": func(r *rig) {
			_, err := r.cms.AddUser(cmstest.NewUser{Email: "new@example.org"})
			r.must(err)
			r.waitsFor(30 * minutes) // that picture shows it
		},
		"the identity provider writes": func(r *rig) {
			r.create("ada@example.org")
			r.waitsFor(5 * minutes)
		},
		"it writes what the CMS has already": func(r *rig) {
			r.create(fmt.Sprint(r.cms.State().Users[1].Attributes["email"]))
			if n := len(r.calls(false)); n > 0 {
				r.t.Errorf("calls: %v", r.calls(false))
			}
			r.waitsFor(5 * minutes)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := editors()
			s.cms.SeedUsers = 2
			each(t, s, func(_ *testing.T, r *rig) {
				r.waitsFor(5*minutes, 5*minutes, 10*minutes, 20*minutes, 30*minutes, 30*minutes)
				happens(r)
				r.waitsFor(5*minutes, 5*minutes, 10*minutes)
			})
		})
	}
}

// What one replica has seen counts for all, and a longer interval is never shortened.
func TestRareImportsAreSharedByReplicas(t *testing.T) {
	each(t, editors(), func(_ *testing.T, r *rig) {
		r.waitsFor(5*minutes, 5*minutes, 10*minutes)
		other := &rig{t: r.t, ctx: r.ctx, clock: r.clock, store: r.store, cms: r.cms}
		other.build(editors())
		r.must(other.engine.Bind(r.ctx))
		other.waitsFor(20 * minutes)
		r.waitsFor(30 * minutes)
		slow := editors()
		slow.engine.ImportEvery = time.Hour
		other.build(slow)
		r.must(other.engine.Bind(r.ctx))
		other.waitsFor(time.Hour)
	})
}

// A listing asks for a picture that is no older than import.max_age, however rare imports have become.
func TestFirstPageRefreshesWhileImportsAreRare(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.waitsFor(5*minutes, 5*minutes, 10*minutes)
		r.clock.Advance(time.Minute)
		_, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		if r.work() != 1 {
			t.Error("no import was queued")
		}
	})
}
