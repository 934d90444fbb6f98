package reconcile_test

import (
	"context"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// Writes that are one request wait no longer than one would alone. What is committed afterwards takes no lease: a thousand
// operations must not become a thousand syncs at once.
func TestWritesOfOneRequest_ShareTheWait(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := editors()
		s.engine.Wait = 50 * time.Millisecond
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
		ctx := reconcile.ShareWait(r.ctx)
		first, err := r.engine.CreateUser(ctx, person("ada@example.org"))
		r.must(err)
		<-entered
		for _, address := range []string{"bob@example.org", "eve@example.org"} {
			res, err := r.engine.CreateUser(ctx, person(address))
			r.must(err)
			if e := r.entry(directory.UserKey(res.Item.ID)); res.Item.Sync.State != directory.Pending || e.State != queue.Queued {
				t.Errorf("%s: %+v %+v", address, res.Item.Sync, e)
			}
		}
		// A second write of the first one's key does not wait for its holder either.
		_, err = r.engine.UpdateUser(ctx, first.Item.ID, func(directory.User) (directory.UserWish, error) { return person("ada@example.org", inactive), nil })
		r.must(err)
		release()
		r.must(r.engine.Drain(context.WithoutCancel(r.ctx)))
		r.settle()
		if n := len(r.invitations()); n != 2 {
			t.Errorf("%d invitations", n)
		}
	})
}
