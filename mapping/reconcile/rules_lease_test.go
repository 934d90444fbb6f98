package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// once is a gate's wait that does something before the first call for which due says so.
func (r *rig) once(due func(c cmstest.Calls) bool, do func()) {
	done := false
	r.gate.wait = func() {
		if done || !due(r.cms.Calls()) {
			return
		}
		done = true
		do()
	}
}

// entry is a key as the queue has it.
func (r *rig) entry(key string) queue.Entry {
	r.t.Helper()
	e, _, err := r.queue.Show(r.ctx, key)
	r.must(err)
	return e
}

// A read that takes long leaves too little of the lease for a write.
func TestNoWriteIsSentWithTooLittleOfTheLeaseLeft(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.must(r.queue.Pause(r.ctx))
		r.update(u.ID, person("ada@example.org", inactive))
		r.must(r.queue.Resume(r.ctx))
		r.must(r.queue.Look(r.ctx, directory.UserKey(u.ID), queue.Leavers))
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		reads := r.cms.Calls().Total
		r.once(func(cmstest.Calls) bool { return true }, func() { r.clock.Advance(4900 * time.Millisecond) })
		r.finish(l)
		if c := r.cms.Calls(); c.Total != reads+2 || c.ByEndpoint["PUT /users/:id"] != 1 {
			t.Fatalf("with 10.1s left: %v", c.ByEndpoint)
		}

		r.settle()
		r.must(r.queue.Pause(r.ctx))
		r.update(u.ID, person("ada@example.org"))
		r.must(r.queue.Resume(r.ctx))
		l, err = r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.clock.Advance(5100 * time.Millisecond)
		before := r.calls(false)["PUT /users/:id"]
		r.finish(l)
		if n := r.calls(false)["PUT /users/:id"] - before; n != 0 {
			t.Errorf("%d writes with 9.9s of the lease left", n)
		}
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != true {
			t.Error("the wish was lost")
		}
	})
}

// The sync of a request keeps its lease for as long as it takes.
func TestLeaseOfARequestIsRenewedToTheEndOfItsSync(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := editors()
		s.renew = time.Millisecond
		s.engine.Wait = 10 * time.Millisecond
		entered, release := held(&s)
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Times: 1, Action: "delay", MS: 1})
		u := r.create("ada@example.org")
		<-entered
		key := directory.UserKey(u.ID)
		for range 4 {
			until := r.entry(key).Until
			r.clock.Advance(10 * time.Second)
			r.eventually("the lease is renewed", func() bool { return r.entry(key).Until > until })
		}
		release()
		r.must(r.engine.Drain(r.ctx))
		if got := r.user(u.ID); got.Sync.State != directory.Synced || len(r.invitations()) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// eventually polls until cond holds, for what other goroutines do.
func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-end.C:
			r.t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}

// Whatever is written to the CMS was noted under the lease before.
func TestEveryWriteIsNotedBeforeItIsSent(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		writes := 0
		r.gate.wait = func() {
			entries, _, err := r.queue.List(r.ctx, queue.ListOptions{State: queue.Leased})
			r.must(err)
			for _, e := range entries {
				if e.Key == "import/all" {
					continue
				}
				writes++
				if !strings.Contains(e.Intent, `"op"`) || e.Look != r.clock.Now()+13_000 {
					t.Errorf("call %d: intent %q of %s, look %d", writes, e.Intent, e.Key, e.Look-r.clock.Now())
				}
			}
		}
		u := r.member("ada@example.org")
		g := r.createGroup("Writers", u.ID)
		r.settle()
		r.update(u.ID, person("ada@example.org", inactive))
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.must(r.engine.DeleteGroup(r.ctx, r.createGroup("Readers").ID, nil))
		r.settle()
		// The invitation, the role, the member's role, the deactivation; a role, and its end.
		if writes != 6 {
			t.Errorf("%d writes: %v", writes, r.calls(false))
		}
	})
}

// An answer that is lost says nothing about when the call lands: what a look shows meanwhile is no agreement.
func TestUpdateWithoutAnAnswerIsReadAgainAfterItsLastMoment(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.fault(cmstest.Fault{Method: "PUT", Path: "/users/:id", Times: 1, Action: "drop_after"})
		u = r.update(u.ID, person("ada@example.org", inactive))
		if u.Link.Active || u.Sync.State != directory.Pending {
			t.Errorf("after the look: %+v", u)
		}
		r.clock.Advance(12 * time.Second)
		r.work()
		yes := true
		_, err := r.cms.EditUser(u.Link.ID, cmstest.NewUser{Active: &yes}) // an older call of this sync lands last
		r.must(err)
		r.settle()
		if got := r.user(u.ID); got.Sync.State != directory.Synced || r.collaborators()["ada@example.org"].Attributes["is_active"] != false {
			t.Errorf("%+v", got)
		}
	})
}

// What a call without an answer did is no change by hand: a later wish for what was before must undo it.
func TestWishThatReturnsAfterACallWithoutAnAnswer(t *testing.T) {
	s := byTitle()
	s.engine.Wait = 10 * time.Second
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		editor := u.Link.RoleID
		r.fault(cmstest.Fault{Method: "PUT", Path: "/users/:id", Times: 1, Action: "drop_after"})
		r.update(u.ID, person("ada@example.org", inactive))
		r.update(u.ID, person("ada@example.org"))
		r.settle()
		if c := r.collaborators()["ada@example.org"]; c.Attributes["is_active"] != true {
			t.Errorf("locked out: %+v", r.user(u.ID))
		}
		r.fault(cmstest.Fault{Method: "PUT", Path: "/users/:id", Times: 1, Action: "drop_after"})
		r.update(u.ID, person("ada@example.org", titled("Chief")))
		r.update(u.ID, person("ada@example.org", titled("Clerk")))
		r.settle()
		if got := r.collaborators()["ada@example.org"].RoleID(); got != editor {
			t.Errorf("keeps a role that is no longer wished: %s", got)
		}
	})
}

// A noted call that is held up is not sent any more, even if its lease was renewed meanwhile.
func TestCallHeldUpUnderARenewedLeaseIsNotSent(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.must(r.queue.Pause(r.ctx))
		r.create("ada@example.org")
		r.must(r.queue.Resume(r.ctx))
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.gate.wait = func() {
			r.clock.Advance(6 * time.Second)
			r.must(r.queue.Renew(r.ctx, l))
		}
		r.finish(l)
		if n := r.calls(false)["POST /site-invitations"]; n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}
