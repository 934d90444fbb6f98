package reconcile_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// A refusal reaches the request whose ticket another holder worked off.
func TestRefusalReachesTheRequestThatWaitsBehindAnotherSync(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := byTitle()
		s.engine.Wait = 30 * time.Second
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		u := r.create("ada@example.org")
		r.fault(cmstest.Fault{Method: "PUT", Path: "/site-invitations/:id", Times: 1, Action: "delay", MS: 1})
		write := func(ctx context.Context, title string) error {
			_, err := r.engine.UpdateUser(ctx, u.ID, func(directory.User) (directory.UserWish, error) {
				return person("ada@example.org", titled(title)), nil
			})
			return err
		}
		ctx, leave := context.WithCancel(r.ctx)
		gone := make(chan error, 1)
		go func() { gone <- write(ctx, "Chief") }()
		<-entered
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the first request: %v", err)
		}
		answered := make(chan error, 1)
		before := r.entry(directory.UserKey(u.ID)).Ticket
		go func() { answered <- write(r.ctx, "Clerk") }()
		r.eventually("the second write is committed", func() bool { return r.entry(directory.UserKey(u.ID)).Ticket > before })
		r.fault(cmstest.Fault{Method: "PUT", Path: "/site-invitations/:id", Action: "status", Status: 422, Code: "INVALID_FIELD"})
		release()
		r.must(r.engine.Drain(r.ctx))
		r.work()
		var rejected *reconcile.RejectedError
		if err := <-answered; !errors.As(err, &rejected) || rejected.Status != 400 {
			t.Errorf("got %v", err)
		}
	})
}
