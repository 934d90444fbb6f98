package reconcile_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// TestRecordOfAnotherCMSProjectUnderARunningProxy_TakesNoPicture gives a running proxy the record of another project, as a
// restore into the wrong one does.
func TestRecordOfAnotherCMSProjectUnderARunningProxy_TakesNoPicture(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.create("ada@example.org")
		r.importAll()
		r.must(r.store.Client.HSet(r.ctx, r.store.Base+":meta", "site", "4711").Err())
		before, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 10})
		r.must(err)
		if _, err := r.cms.AddUser(cmstest.NewUser{Email: "stranger@example.org"}); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(time.Minute)
		_, err = r.queue.Push(r.ctx, "import/all", queue.Interactive, true)
		r.must(err)
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.finish(l)
		if ready := r.engine.Ready(r.ctx); ready.OK || !strings.Contains(strings.Join(ready.Reasons, ";"), "belongs to CMS project 4711") {
			t.Errorf("%+v", ready)
		}
		after, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 10})
		r.must(err)
		if after.Total != before.Total {
			t.Errorf("%d people were listed, and are %d: a picture of another project was taken", before.Total, after.Total)
		}
		calls := r.calls(false)
		r.create("grace@example.org")
		if !maps.Equal(calls, r.calls(false)) {
			t.Error("somebody was invited for a foreign record")
		}
	})
}
