package reconcile_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

func TestOutageOpensTheCircuit_BurnsNothingAndEndsByItself(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Action: "status", Status: 503})
		for n := range 6 {
			r.create(fmt.Sprintf("p%d@example.org", n))
		}
		for range 6 {
			r.work()
			r.clock.Advance(20 * time.Second)
		}
		s, err := r.queue.Stats(r.ctx)
		r.must(err)
		if s.Circuit == "" {
			t.Fatal("the circuit is closed")
		}
		before := r.cms.Calls().Total
		for range 20 { // ten minutes of an outage cost a probe each half minute, and no attempt
			r.work()
			r.clock.Advance(30 * time.Second)
		}
		if n := r.cms.Calls().Total - before; n > 40 {
			t.Errorf("%d calls in ten minutes of an open circuit", n)
		}
		entries, _, err := r.queue.List(r.ctx, queue.ListOptions{})
		r.must(err)
		for _, e := range entries {
			if e.State == queue.Parked || e.Attempts > 3 {
				t.Errorf("%s is %s after %d attempts", e.Key, e.State, e.Attempts)
			}
		}
		r.cms.ClearFaults()
		r.clock.Advance(time.Minute)
		r.settle()
		if n := len(r.invitations()); n != 6 {
			t.Errorf("%d invitations, want 6", n)
		}
	})
}

func TestUnlistedRefusalOfManyPeople_ParksNobodyAndEndsByItself(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		var ids []string
		for n := range 8 {
			ids = append(ids, r.create(fmt.Sprintf("p%d@example.org", n)).ID)
			r.accept(fmt.Sprintf("p%d@example.org", n))
		}
		r.importAll()
		r.fault(cmstest.Fault{Method: "PUT", Action: "status", Status: 422, Code: "NEWS_TO_US"})
		for n, id := range ids {
			w := person(fmt.Sprintf("p%d@example.org", n))
			w.Active = false
			_, err := r.engine.UpdateUser(r.ctx, id, func(directory.User) (directory.UserWish, error) { return w, nil })
			if rejected := (*reconcile.RejectedError)(nil); err != nil && !errors.As(err, &rejected) {
				t.Fatal(err)
			}
		}
		for range 10 {
			r.work()
			r.clock.Advance(time.Minute)
		}
		s, err := r.queue.Stats(r.ctx)
		r.must(err)
		if s.Parked != 0 || s.Circuit == "" {
			t.Errorf("%d parked, circuit %q", s.Parked, s.Circuit)
		}
		r.cms.ClearFaults()
		r.clock.Advance(2 * time.Minute)
		r.settle()
		for _, u := range r.collaborators() {
			if u.Attributes["is_active"] != false {
				t.Errorf("%v is active", u.Attributes["email"])
			}
		}
	})
}

func TestHistoryNamesTheCallAndTheAnswer(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.fault(cmstest.Fault{Method: "POST", Action: "status", Status: 503, Times: 1})
		u := r.create("ada@example.org")
		r.settle()
		got, err := r.queue.History(r.ctx, directory.UserKey(u.ID))
		r.must(err)
		if len(got) != 2 || got[0].Result != queue.ResultDone || got[1].Code == "" || got[1].Call != "invite" || got[1].Text == "" {
			t.Errorf("history %+v", got)
		}
	})
}
