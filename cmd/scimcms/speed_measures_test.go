//go:build speed && unix

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// speedOfConverging: a CMS without a limit, one process, and ten thousand changes that wait.
func speedOfConverging(t *testing.T, s stage) {
	w, m := newSpeedWorld(t, s, cmstest.Options{SeedUsers: people}, 0, "none")
	serve := w.serve()
	o := oktaOf(w, serve)
	backlog(t, w, o, everybody(t, o, people)[:people])
	before, began := m.calls.Load(), time.Now()
	spent := w.spending(serve)
	w.drained(5 * time.Minute)
	took := time.Since(began)
	cost := spent(people)
	w.settle(time.Minute)
	t.Logf("converging: %d changes of role by one process, CMS without a limit: %.0f changes a second (aim: 1000), %d calls", people,
		people/took.Seconds(), m.calls.Load()-before)
	t.Logf("a change costs %s", cost)
	t.Logf("writes: %s", m.endpoints())
}

// The conditions of hazard 12: 300 ms a call, at most five leavers a second.
const (
	leavers     = 300
	leaverEvery = 250 * time.Millisecond
	sample      = 90 * time.Second
)

// speedOfLeavers: two processes work off ten thousand changes at the CMS's pace, while people leave; then without leavers;
// then while somebody else uses a quarter of the limit.
func speedOfLeavers(t *testing.T, s stage) {
	w, m := newSpeedWorld(t, s, cmstest.Options{SeedUsers: people + leavers, Rate: 60, Window: 3 * time.Second}, 300*time.Millisecond, speedRate)
	o := oktaOf(w, w.serve(), w.serve())
	all := everybody(t, o, people+leavers)
	gone, stay := all[len(all)-leavers:], all[:len(all)-leavers]
	backlog(t, w, o, stay)
	pause(3 * time.Second)

	waits := make([]time.Duration, len(gone))
	calls := m.during(func() {
		tick := time.NewTicker(leaverEvery)
		defer tick.Stop()
		inParallel(t, 32, len(gone), func(ctx context.Context, i int) error {
			<-tick.C
			sent := time.Now()
			body := patch(op("replace", nil, map[string]any{"active": false}))
			if err := o.want(ctx, http.StatusOK, request{http.MethodPatch, "/Users/" + gone[i].ID, body}, nil); err != nil {
				return err
			}
			waits[i] = m.lockedAt(t, gone[i].Sync.CMSID).Sub(sent)
			return nil
		})
	})
	t.Logf("leavers: %d of them, %s apart, %d other changes waiting, CMS %s with %s a call, two processes: locked out after %s (aim: p99 1s); %s",
		leavers, leaverEvery, w.backlogged(), speedRate, m.latency, spread(waits), calls)
	t.Logf("backlog: %s (aim: 95 %% of the limit, no 429)", m.during(func() { pause(sample) }))

	ctx, cancel := context.WithCancel(t.Context())
	go m.borrow(ctx, 5)
	pause(5 * time.Second)
	t.Logf("backlog while somebody else takes a quarter of the limit: %s (aim: at most 3 %% 429)", m.during(func() { pause(sample) }))
	cancel()
	if w.backlogged() == 0 {
		t.Error("the backlog was worked off before the measurement ended")
	}
}

// during says what the program asked of the CMS meanwhile.
func (m *meter) during(do func()) string {
	calls, limited, began := m.calls.Load(), m.limited.Load(), time.Now()
	do()
	took := time.Since(began).Seconds()
	calls, limited = m.calls.Load()-calls, m.limited.Load()-limited
	return fmt.Sprintf("%d calls in %.0f s: %.1f %% of the limit, %d answered 429 (%.1f %%)", calls, took,
		100*float64(calls-limited)/took/quotaPerSec, limited, 100*float64(limited)/float64(max(calls, 1)))
}

// backlogged is how many keys wait.
func (w *world) backlogged() int64 {
	w.t.Helper()
	s, err := w.queue.Stats(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Backlog()
}

// teams is how many groups there are; each person is in three.
const teams = 30

// callsOfAPush: Okta assigns ten thousand people, each is looked for and created; then it pushes thirty groups, the newest
// first, so that each person's role changes three times, in changes of a hundred members. The CMS allows 60 calls in 3 s.
func callsOfAPush(t *testing.T, s stage) {
	w, m := newSpeedWorld(t, s, cmstest.Options{SeedUsers: 5, Rate: 60, Window: 3 * time.Second}, 50*time.Millisecond, speedRate)
	o := oktaOf(w, w.serve(), w.serve())
	everybody(t, o, 5)
	ids := make([]string, people)
	took := inParallel(t, 16, people, func(ctx context.Context, i int) error {
		name := fmt.Sprintf("person-%05d", i)
		found, err := o.find(ctx, name+"@example.com")
		if err != nil {
			return err
		}
		if len(found) != 0 {
			return fmt.Errorf("%s is there before it was pushed", name)
		}
		var u user
		err = o.want(ctx, http.StatusCreated, request{http.MethodPost, "/Users", newUser(name)}, &u)
		ids[i] = u.ID
		return err
	})
	t.Logf("%d people assigned in %s", people, took.Round(time.Second))
	groups := make([]string, teams)
	for i := range groups {
		var g group
		body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": fmt.Sprintf("Team %02d", i), "members": []any{}}
		if err := o.want(t.Context(), http.StatusCreated, request{http.MethodPost, "/Groups", body}, &g); err != nil {
			t.Fatal(err)
		}
		groups[i] = g.ID
	}
	for i := teams - 1; i >= 0; i-- {
		pushMembers(t, o, groups[i], membersOf(ids, i))
	}
	pushed := time.Now()
	t.Logf("%d groups pushed; invited by now: %d", teams, len(m.server.State().Invitations))
	w.settle(30 * time.Minute)
	t.Logf("okta: %d people in three of %d groups each: the CMS agreed %s after the last push; writes: %s, %d calls answered 429; asked for again:%s", people, teams,
		time.Since(pushed).Round(time.Second), m.endpoints(), m.limited.Load(), m.askedAgain())
	if n := len(m.server.State().Invitations); n != people {
		t.Errorf("%d invitations, want %d", n, people)
	}
}

// membersOf is who is in a team: each person is in three.
func membersOf(ids []string, team int) (out []string) {
	for i, id := range ids {
		if d := (team - i%teams + teams) % teams; d < 3 {
			out = append(out, id)
		}
	}
	return out
}

// pushMembers adds people to a group, a hundred with each request.
func pushMembers(t *testing.T, o okta, group string, add []string) {
	t.Helper()
	for len(add) > 0 {
		n := min(len(add), 100)
		got, err := o.do(t.Context(), http.MethodPatch, "/Groups/"+group, members(nil, add[:n]))
		if err != nil || (got.status != http.StatusOK && got.status != http.StatusNoContent) {
			t.Fatalf("%d %s, %v", got.status, got.body, err)
		}
		add = add[n:]
	}
}
