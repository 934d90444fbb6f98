package reconcile_test

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

func (r *rig) fault(f cmstest.Fault) {
	r.t.Helper()
	r.must(r.cms.Fault(f))
}

func TestDroppedAnswerOfAnInvitation_ExactlyOneInvitation(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "drop_after"})
		u := r.create("ada@example.org")
		if u.Link.Kind != directory.Invitation || u.Sync.State != directory.Synced {
			t.Errorf("after the look: %+v", u)
		}
		r.settle()
		if n := len(r.invitations()); n != 1 {
			t.Errorf("%d invitations", n)
		}
		if got := r.calls(false); got["POST /site-invitations"] != 1 {
			t.Errorf("calls: %v", got)
		}
	})
}

// The invitation lands after its answer was given up and after the person left: an empty plan is not agreement.
func TestUnknownInvitationThenLeaver_NoInvitationIsLeftBehind(t *testing.T) {
	s := editors()
	s.engine.Wait = 10 * time.Millisecond
	each(t, s, func(t *testing.T, r *rig) {
		// The process dies after the call was sent: the intent is noted, the lease held, the result never written.
		r.must(r.queue.Pause(r.ctx))
		u := r.create("ada@example.org")
		r.must(r.queue.Resume(r.ctx))
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		_, err = r.dir.LoadUser(r.ctx, u.ID, l)
		r.must(err)
		r.must(r.dir.Intend(r.ctx, l, directory.Call{Note: `{"op":"invite","address":"ada@example.org"}`, Deadline: 13 * time.Second}, "mail:ada@example.org"))

		r.update(u.ID, person("ada@example.org", inactive))
		r.clock.Advance(16 * time.Second)
		r.work() // looks, sees nothing: must not call it agreed
		if s := r.user(u.ID).Sync.State; s != directory.Pending {
			t.Errorf("agreed on nothing: %v", s)
		}
		// The call lands late.
		r.lateInvitation("ada@example.org")
		r.settle()
		if n := len(r.invitations()); n != 0 {
			t.Errorf("%d invitations are left for a leaver", n)
		}
		if s := r.user(u.ID).Sync.State; s != directory.Synced {
			t.Errorf("state %v", s)
		}
	})
}

// A call that is held up after it was noted, by the CMS's rate say, must not be sent any more: it could land after the
// look that settles it.
func TestCallHeldUpAfterItWasNoted_IsNotSent(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.gate.wait = func() { r.clock.Advance(6 * time.Second) }
		u := r.create("ada@example.org")
		if n := r.calls(false)["POST /site-invitations"]; n != 0 || u.Sync.State != directory.Pending {
			t.Errorf("%d calls, %+v", n, u.Sync)
		}
		r.gate.wait = nil
		r.settle()
		if n := len(r.invitations()); n != 1 {
			t.Errorf("%d invitations", n)
		}
	})
}
