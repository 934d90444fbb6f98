package reconcile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// dry is a setup of which nothing is to be sent.
func dry(s setup) setup {
	s.engine.DryRun = true
	return s
}

// dryRun switches the dry run of the rig's replica on or off, as a reload does.
func (r *rig) dryRun(s setup, on bool) {
	r.t.Helper()
	rules, err := mapping.NewRules(s.rules)
	r.must(err)
	r.must(r.engine.Reload(r.ctx, reconcile.Settings{Rules: rules, Adopt: true, Drift: s.engine.Drift, Resend: s.engine.Resend, DryRun: on}))
}

func (r *rig) stats() queue.Stats {
	r.t.Helper()
	s, err := r.queue.Stats(r.ctx)
	r.must(err)
	return s
}

func TestDryRun_KeepsEverythingAndSendsNothing(t *testing.T) {
	s := braked()
	s.cms.SeedUsers = 3
	s.engine.Drift = "repair"
	each(t, dry(s), func(t *testing.T, r *rig) {
		began := time.Now()
		u := r.create("ada@example.org")
		if u.Sync.State != directory.Pending {
			t.Errorf("created: %+v", u.Sync)
		}
		g := r.createGroup("Writers", u.ID)
		var seeds []string
		for _, c := range r.cms.State().Users {
			p, err := r.dir.FindUsers(r.ctx, directory.ByEmail, fmt.Sprint(c.Attributes["email"]), directory.Window{Start: 1, Count: 1})
			r.must(err)
			seeds = append(seeds, p.Items[0].ID)
		}
		r.off(u.ID)
		for _, id := range seeds {
			r.must(r.engine.DeleteUser(r.ctx, id, nil))
		}
		for range 20 {
			r.work()
			r.clock.Advance(time.Minute)
			r.importAll()
			r.must(r.engine.Bind(r.ctx)) // repeats the mark
		}
		r.engine.ProbeSeats(r.ctx)
		if w := r.writes(); w != 0 {
			t.Errorf("%d writes: %v", w, r.calls(false))
		}
		if r.calls(true)["GET /users"] < 20 {
			t.Errorf("the CMS is read as before: %v", r.calls(true))
		}
		st := r.stats()
		if st.Parked+st.Held+st.Leased != 0 || st.Backlog() != 5 {
			t.Errorf("nothing is parked or held, and everything waits: %+v", st)
		}
		for _, key := range []string{directory.UserKey(u.ID), directory.GroupKey(g.ID), directory.UserKey(seeds[0])} {
			if e := r.entry(key); e.State != queue.Queued || e.Attempts != 0 {
				t.Errorf("%s: %+v", key, e)
			}
		}
		counts, err := r.engine.Brake(r.ctx)
		r.must(err)
		if counts[0].People != 0 {
			t.Errorf("the brake has counted: %+v", counts)
		}
		if waited := time.Since(began); waited > 2*time.Minute {
			t.Errorf("requests waited: %s", waited)
		}
	})
}

func TestDryRun_SwitchedOffExecutesTheDifference(t *testing.T) {
	each(t, dry(editors()), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		gone := r.create("grace@example.org")
		r.createGroup("Writers", u.ID)
		r.off(gone.ID)
		r.work()
		r.dryRun(editors(), false)
		r.settle()
		if got := r.calls(false); got["POST /site-invitations"] != 1 || got["POST /roles"] != 1 || len(got) != 2 {
			t.Errorf("calls: %v", got)
		}
		if now := r.user(u.ID); now.Sync.State != directory.Synced || now.Link.RoleID != r.roleID("Writers") {
			t.Errorf("after the dry run: %+v", now)
		}
		if now := r.user(gone.ID); now.Sync.State != directory.Synced {
			t.Errorf("who came and went in the dry run costs nothing: %+v", now.Sync)
		}
	})
}

func TestDryRun_SwitchedOnStopsASyncBeforeItsNextCall(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		on := false
		r.gate.wait = func() {
			if on {
				r.dryRun(editors(), true)
			}
		}
		on = true
		u := r.create("ada@example.org")
		on = false
		if w := r.writes(); w != 0 {
			t.Errorf("sent: %v", r.calls(false))
		}
		if u.Sync.State != directory.Pending {
			t.Errorf("status: %+v", u.Sync)
		}
		if e := r.entry(directory.UserKey(u.ID)); e.State != queue.Queued || e.Attempts != 0 || e.Code != "dry_run" || e.Intent != "" {
			t.Errorf("entry: %+v", e)
		}
		r.dryRun(editors(), false)
		r.clock.Advance(10 * time.Second)
		r.settle()
		if got := r.calls(false); got["POST /site-invitations"] != 1 || len(got) != 1 {
			t.Errorf("calls: %v", got)
		}
	})
}

func TestDryRun_OneReplicaStopsTheOthers(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		other := r.replica(dry(editors()))
		r.must(other.engine.Bind(r.ctx))
		if u := r.create("ada@example.org"); u.Sync.State != directory.Pending {
			t.Errorf("status: %+v", u.Sync)
		}
		if n := r.work(); n != 0 || r.writes() != 0 {
			t.Errorf("%d keys, %v", n, r.calls(false))
		}
		if notes := r.engine.Ready(r.ctx).Notes; !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "another replica is in a dry run") }) {
			t.Errorf("notes: %q", notes)
		}
		r.clock.Advance(31 * time.Second) // the other one is gone
		r.settle()
		if r.writes() != 1 {
			t.Errorf("calls: %v", r.calls(false))
		}
	})
}

// The repetition of the mark, which runs by itself, never lands over its end.
func TestDryRun_ItsEndIsNotOvertakenByARepetition(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		for range 40 {
			r.dryRun(editors(), true)
			var repeats sync.WaitGroup
			for range 3 {
				repeats.Go(func() {
					if err := r.engine.Bind(r.ctx); err != nil {
						t.Error(err)
					}
				})
			}
			r.dryRun(editors(), false)
			repeats.Wait()
			if n := r.stats().DryRun; n != 0 {
				t.Fatal("the mark is there after the dry run")
			}
		}
	})
}

// A mark that another replica sets between a sync's reading and its call is seen by the script that notes the call.
func TestDryRun_IsAskedByTheScriptThatNotesACall(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		g := r.createGroup("Writers")
		before := r.writes()
		r.must(r.queue.Pause(r.ctx))
		r.off(u.ID)
		r.must(r.rename(g.ID, "Authors"))
		r.must(r.queue.Resume(r.ctx))
		for range 2 {
			l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
			r.must(err)
			r.must(r.queue.DryRun(r.ctx, "another", time.Minute))
			r.finish(l)
			r.must(r.queue.EndDryRun(r.ctx, "another"))
		}
		if w := r.writes() - before; w != 0 {
			t.Errorf("sent: %v", r.calls(false))
		}
		for _, key := range []string{directory.UserKey(u.ID), directory.GroupKey(g.ID)} {
			if e := r.entry(key); e.State != queue.Queued || e.Attempts != 0 || e.Code != "dry_run" || e.Intent != "" {
				t.Errorf("%s: %+v", key, e)
			}
		}
	})
}

// Even if Redis has lost its mark, and a key is handed out, this replica sends nothing, and does not begin to.
func TestDryRun_NeedsNoRedisToSendNothing(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		before := r.writes()
		r.dryRun(braked(), true)
		r.off(u.ID)
		r.clock.Advance(time.Hour)
		if n := r.work(); n == 0 || r.writes() != before {
			t.Errorf("%d keys taken, calls %v", n, r.calls(false))
		}
		if e := r.entry(directory.UserKey(u.ID)); e.State != queue.Queued || e.Attempts != 0 || e.Code != "dry_run" {
			t.Errorf("entry: %+v", e)
		}
		counts, err := r.engine.Brake(r.ctx)
		r.must(err)
		if counts[0].People != 0 {
			t.Errorf("the brake has counted: %+v", counts)
		}
	})
}

func TestDryRun_TheEnginesClientRefusesWrites(t *testing.T) {
	each(t, dry(editors()), func(t *testing.T, r *rig) {
		if _, err := r.client.CreateInvitation(r.ctx, cmsclient.InvitationCreate{Email: "ada@example.org", RoleID: r.roleID("Editor")}); !errors.Is(err, cmsclient.ErrReadOnly) {
			t.Errorf("a write past the engine: %v", err)
		}
		if w := r.writes(); w != 0 {
			t.Errorf("sent: %v", r.calls(false))
		}
	})
}

func TestDryRun_SurvivesARestart(t *testing.T) {
	each(t, dry(editors()), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		again := r.replica(dry(editors()))
		r.must(again.engine.Bind(r.ctx))
		again.work()
		if again.writes() != 0 {
			t.Errorf("sent: %v", again.calls(false))
		}
		off := r.replica(editors())
		r.must(off.engine.Bind(r.ctx))
		r.clock.Advance(31 * time.Second) // the marks of the processes before
		off.settle()
		if now := r.user(u.ID); now.Sync.State != directory.Synced || off.writes() != 1 {
			t.Errorf("%+v, calls %v", now.Sync, off.calls(false))
		}
	})
}

func TestDryRun_LeaverWithAccessGivenByHandKeepsItUntilTheEnd(t *testing.T) {
	s := editors()
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.off(u.ID)
		r.settle()
		before := r.writes()
		r.dryRun(s, true)
		id := r.user(u.ID).Link.ID
		yes := true
		_, err := r.cms.EditUser(id, cmstest.NewUser{Email: "ada@example.org", Active: &yes})
		r.must(err)
		r.importAll()
		r.work()
		if w := r.writes() - before; w != 0 {
			t.Errorf("sent: %v", r.calls(false))
		}
		r.dryRun(s, false)
		r.settle()
		if r.writes()-before != 1 || r.user(u.ID).Link.Active {
			t.Errorf("repaired afterwards: %v", r.calls(false))
		}
	})
}
