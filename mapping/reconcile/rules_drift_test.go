package reconcile_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

func repairing(s setup) setup {
	s.engine.Drift = "repair"
	return s
}

// drift are the kinds found, each with the key that it concerns.
func (r *rig) drift() []string {
	r.t.Helper()
	rep, err := r.engine.Drift(r.ctx)
	r.must(err)
	var out []string
	for _, i := range rep.Items {
		out = append(out, string(i.Kind)+" "+i.Key)
	}
	return out
}

func (r *rig) wantDrift(want ...string) {
	r.t.Helper()
	slices.Sort(want)
	if got := r.drift(); !slices.Equal(got, want) {
		r.t.Errorf("drift %q, want %q", got, want)
	}
}

// viewer is a role without power that somebody made by hand.
func (r *rig) viewer() string { return r.role("Viewer") }

// role is the id of a role, made by hand if there is none.
func (r *rig) role(name string) string {
	r.t.Helper()
	if id := r.roleID(name); id != "" {
		return id
	}
	made, err := r.byHand().CreateRole(r.ctx, cmsclient.RoleAttributes{Name: name})
	r.must(err)
	return made.ID
}

func (r *rig) giveRole(id, role string) {
	r.t.Helper()
	_, err := r.byHand().UpdateUser(r.ctx, id, cmsclient.UserUpdate{RoleID: &role})
	r.must(err)
}

func (r *rig) setActive(id string, active bool) {
	r.t.Helper()
	_, err := r.byHand().UpdateUser(r.ctx, id, cmsclient.UserUpdate{Active: &active})
	r.must(err)
}

// lookAgain imports until what is missing is believed.
func (r *rig) lookAgain() {
	r.t.Helper()
	r.importAll()
	r.importAll()
	r.settle()
}

func TestDriftIsReportedAndKept(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		role, off := r.member("role@example.org"), r.member("off@example.org")
		gone, moved := r.member("gone@example.org"), r.member("moved@example.org")
		withdrawn, expired := r.create("withdrawn@example.org"), r.create("expired@example.org")
		ok := r.create("ok@example.org")
		r.settle()
		r.wantDrift()
		r.giveRole(role.Link.ID, r.viewer())
		r.setActive(off.Link.ID, false)
		r.must(r.cms.RemoveUser(gone.Link.ID))
		_, err := r.cms.EditUser(moved.Link.ID, cmstest.NewUser{Email: "elsewhere@example.org"})
		r.must(err)
		r.must(r.cms.Withdraw(withdrawn.Link.ID))
		_, err = r.cms.Expire(expired.Link.ID)
		r.must(err)
		r.renameRole(r.roleID("Admin"), "Boss")
		calls := fmt.Sprint(r.calls(false))
		r.lookAgain()
		r.wantDrift("address user/"+moved.ID, "collaborator_gone user/"+gone.ID, "inactive user/"+off.ID, "invitation_expired user/"+expired.ID,
			"invitation_gone user/"+withdrawn.ID, "role user/"+role.ID, "role_renamed role/Admin")
		if got := fmt.Sprint(r.calls(false)); got != calls {
			t.Errorf("calls %s, want %s", got, calls)
		}
		if got := r.user(ok.ID); got.Sync.State != directory.Synced {
			t.Errorf("%+v", got.Sync)
		}
		// What is settled is not told any more, before the next import, too.
		r.giveRole(role.Link.ID, r.roleID("Editor"))
		r.update(withdrawn.ID, person("withdrawn@example.org"))
		r.lookAgain()
		if got := strings.Join(r.drift(), " "); strings.Contains(got, "role user/") || strings.Contains(got, "invitation_gone") {
			t.Errorf("drift %q", got)
		}
	})
}

func TestDriftThatWasSettledIsNotListed(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.must(r.cms.Withdraw(u.Link.ID))
		r.create("grace@example.org")
		r.lookAgain()
		r.wantDrift("invitation_gone user/" + u.ID)
		r.update(u.ID, person("ada@example.org"))
		r.wantDrift() // although nothing was imported since
	})
}

func TestDriftOfRolesThatGroupsOwn(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		renamed, deleted := r.createGroup("Writers"), r.createGroup("Readers")
		r.settle()
		r.renameRole(r.roleID("Writers"), "Authors")
		r.must(r.byHand().DeleteRole(r.ctx, r.roleID("Readers")))
		r.lookAgain()
		r.wantDrift("role_gone group/"+deleted.ID, "role_renamed group/"+renamed.ID)
	})
}

// Repair corrects roles and takes access away; it invites nobody, activates nobody and gives nobody power.
func TestDriftRepairOnlyTakesAwayOrCorrectsUnprivilegedRoles(t *testing.T) {
	each(t, repairing(byTitle()), func(t *testing.T, r *rig) {
		role, off := r.member("role@example.org"), r.member("off@example.org")
		gone := r.member("gone@example.org")
		chief := r.member("chief@example.org")
		chief = r.update(chief.ID, person("chief@example.org", titled("Chief")))
		power := r.member("power@example.org")
		withdrawn := r.create("withdrawn@example.org")
		r.settle()
		r.giveRole(role.Link.ID, r.viewer())
		r.giveRole(power.Link.ID, r.roleID("Admin"))
		r.giveRole(chief.Link.ID, r.viewer())
		r.setActive(off.Link.ID, false)
		r.must(r.cms.RemoveUser(gone.Link.ID))
		r.must(r.cms.Withdraw(withdrawn.Link.ID))
		before := r.calls(false)
		other := r.replica(repairing(byTitle()))
		r.must(other.engine.Bind(r.ctx))
		r.importAll()
		other.importAll()
		r.settle()
		other.settle()
		after := r.calls(false)
		if n := after["PUT /users/:id"] - before["PUT /users/:id"]; n != 2 {
			t.Errorf("%d collaborators changed", n)
		}
		if after["POST /site-invitations"] != before["POST /site-invitations"] {
			t.Error("somebody was invited")
		}
		for u, want := range map[string]string{role.ID: "Editor", power.ID: "Editor", chief.ID: "Viewer"} {
			if got := r.roleOf(u); got != r.role(want) {
				t.Errorf("%s has role %s, want %s", r.user(u).UserName, got, want)
			}
		}
		if r.user(off.ID).Link.Active {
			t.Error("somebody was activated")
		}
		r.importAll()
		r.wantDrift("collaborator_gone user/"+gone.ID, "inactive user/"+off.ID, "invitation_gone user/"+withdrawn.ID, "role user/"+chief.ID)
	})
}

// Repair is work of the background, not of the import.
func TestDriftRepairIsQueuedInTheBackground(t *testing.T) {
	each(t, repairing(editors()), func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.settle()
		r.giveRole(u.Link.ID, r.viewer())
		_, err := r.queue.Push(r.ctx, "import/all", queue.Interactive, true)
		r.must(err)
		l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
		r.must(err)
		r.finish(l)
		if e := r.entry("user/" + u.ID); e.State != queue.Queued || e.Lane != queue.Background {
			t.Errorf("%+v", e)
		}
	})
}

func TestDriftRepairStaysOffForANewRecordUntilAnOperatorConfirms(t *testing.T) {
	s := repairing(editors())
	s.cms.SeedUsers = 2
	each(t, s, func(t *testing.T, r *rig) {
		u := r.member("ada@example.org")
		r.settle()
		r.giveRole(u.Link.ID, r.viewer())
		r.lookAgain()
		if got := r.roleOf(u.ID); got != r.viewer() {
			t.Fatalf("repaired: role %s", got)
		}
		if notes := strings.Join(r.engine.Ready(r.ctx).Notes, " "); !strings.Contains(notes, "scimcms drift confirm") {
			t.Errorf("notes: %s", notes)
		}
		if rep, err := r.engine.Drift(r.ctx); err != nil || rep.Confirmed || rep.Repairing {
			t.Errorf("%+v, %v", rep, err)
		}
		r.must(r.engine.ConfirmRepair(r.ctx))
		r.lookAgain()
		if got := r.roleOf(u.ID); got != r.roleID("Editor") {
			t.Errorf("role %s", got)
		}
	})
}

func TestAccessOfALeaverIsRepairedInEitherMode(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setup{"report": editors(), "repair": repairing(editors())} {
		t.Run(name, func(t *testing.T) {
			each(t, s, func(t *testing.T, r *rig) {
				deleted, off := r.member("deleted@example.org"), r.member("off@example.org")
				r.must(r.engine.DeleteUser(r.ctx, deleted.ID, nil))
				r.update(off.ID, person("off@example.org", inactive))
				r.settle()
				for _, u := range []directory.User{deleted, off} {
					r.setActive(u.Link.ID, true)
				}
				_, err := r.queue.Push(r.ctx, "import/all", queue.Interactive, true)
				r.must(err)
				l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
				r.must(err)
				r.finish(l)
				r.wantDrift("leaver_access user/"+deleted.ID, "leaver_access user/"+off.ID)
				r.settle()
				for address, c := range r.collaborators() {
					if c.Attributes["is_active"] != false {
						t.Errorf("%s is active", address)
					}
				}
				r.wantDrift()
			})
		})
	}
}

// vanished makes a user whose invitation was accepted with another account, and gives the id of that.
func (r *rig) acceptedAs(u directory.User, address string) string {
	r.t.Helper()
	c, err := r.cms.AcceptAs(u.Link.ID, "Ada", address)
	r.must(err)
	r.lookAgain()
	return c.ID
}

func TestVanishedInvitationIsNotSentAgainAndNamesCandidates(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.member("old@example.org") // was there before
		u := r.create("ada@example.org")
		other := r.acceptedAs(u, "ada@private.example")
		rep, err := r.engine.Drift(r.ctx)
		r.must(err)
		if len(rep.Items) != 1 || rep.Items[0].Kind != mapping.DriftInvitationGone || fmt.Sprint(rep.Items[0].Candidates) != "["+other+"]" {
			t.Errorf("%+v", rep.Items)
		}
		if got := r.user(u.ID); got.Sync.Code != mapping.CodeInvitationGone || r.calls(false)["POST /site-invitations"] != 2 {
			t.Errorf("%+v, %v", got.Sync, r.calls(false))
		}
		r.update(u.ID, person("ada@example.org"))
		if n := r.calls(false)["POST /site-invitations"]; n != 3 {
			t.Errorf("%d invitations after a write", n)
		}
	})
}

func TestLinkBindsACandidate(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u, grace := r.create("ada@example.org"), r.member("grace@example.org")
		other := r.acceptedAs(u, "ada@private.example")
		var taken *directory.LinkError
		if err := r.engine.Link(r.ctx, u.ID, grace.Link.ID); !errors.As(err, &taken) || taken.ID != grace.ID {
			t.Errorf("somebody else's account: %v", err)
		}
		if err := r.engine.Link(r.ctx, "nobody", other); !errors.Is(err, reconcile.ErrNoUser) {
			t.Errorf("nobody: %v", err)
		}
		if err := r.engine.Link(r.ctx, u.ID, "999999"); !errors.Is(err, reconcile.ErrNoCollaborator) {
			t.Errorf("no collaborator: %v", err)
		}
		if err := r.engine.Link(r.ctx, grace.ID, other); !errors.As(err, &taken) || taken.Code != "linked" {
			t.Errorf("a user with an account: %v", err)
		}
		r.must(r.engine.Link(r.ctx, "ada@example.org", other))
		r.settle()
		got := r.user(u.ID)
		if got.Link.ID != other || got.Sync.State != directory.Synced || got.Link.RoleID != r.roleID("Editor") {
			t.Errorf("%+v", got)
		}
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 9})
		r.must(err)
		if p.Total != 2 {
			t.Errorf("%d people", p.Total)
		}
		r.update(u.ID, person("ada@example.org", inactive))
		if c := r.collaborators()["ada@private.example"]; c.Attributes["is_active"] != false {
			t.Error("the leaver has access")
		}
	})
}

func TestLinkRefusesProtectedAccounts(t *testing.T) {
	s := editors()
	s.rules.Protected = []string{"boss@example.org"}
	each(t, s, func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		boss, err := r.cms.AddUser(cmstest.NewUser{Email: "boss@example.org"})
		r.must(err)
		if err := r.engine.Link(r.ctx, u.ID, boss.ID); !errors.Is(err, reconcile.ErrProtected) {
			t.Errorf("got %v", err)
		}
	})
}

// Who leaves while nobody knows with which account they joined leaves somebody behind: operators are told until it is settled.
func TestUnboundCandidateOfALeaverRaisesAnAlert(t *testing.T) {
	t.Parallel()
	for name, leaveFirst := range map[string]bool{"vanished before": false, "vanished unseen": true} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := editors()
			s.engine.Logger = slog.New(slog.NewTextHandler(&log, nil))
			t.Parallel()
			queueEach(t, s, func(t *testing.T, r *rig) {
				log.Reset()
				r.create("other@example.org")
				u := r.create("ada@example.org")
				var other string
				if leaveFirst {
					c, err := r.cms.AcceptAs(u.Link.ID, "Ada", "ada@private.example")
					r.must(err)
					other = c.ID
				} else {
					other = r.acceptedAs(u, "ada@private.example")
				}
				r.must(r.engine.DeleteUser(r.ctx, u.ID, nil))
				r.settle()
				r.clock.Advance(1e9)
				r.lookAgain()
				r.wantDrift("unbound_candidate user/" + u.ID)
				if !leaveFirst && !strings.Contains(log.String(), "level=WARN msg=\"a leaver's invitation vanished") {
					t.Errorf("no warning: %s", log.String())
				}
				r.must(r.engine.Link(r.ctx, u.ID, other))
				r.settle()
				if c := r.collaborators()["ada@private.example"]; c.Attributes["is_active"] != false {
					t.Error("the leaver has access")
				}
				r.lookAgain()
				r.wantDrift()
			})
		})
	}
}

func TestLeaverWhoseInvitationWasWithdrawnByHandRaisesNoAlert(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.create("grace@example.org")
		r.must(r.cms.Withdraw(u.Link.ID))
		r.must(r.engine.DeleteUser(r.ctx, u.ID, nil))
		r.clock.Advance(1e9)
		r.lookAgain()
		_, err := r.cms.AddUser(cmstest.NewUser{Email: "new@example.org"})
		r.must(err)
		r.lookAgain()
		r.wantDrift()
	})
}

func TestExpiredInvitationIsResentAtMostSoOften(t *testing.T) {
	s := editors()
	s.engine.Resend = 2
	each(t, s, func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		expire := func() {
			_, err := r.cms.Expire(r.user(u.ID).Link.ID)
			r.must(err)
			r.lookAgain()
		}
		const resend = "POST /site-invitations/:id/resend"
		for range 4 {
			expire()
		}
		if n := r.calls(false)[resend]; n != 2 {
			t.Fatalf("sent again %d times", n)
		}
		r.wantDrift("invitation_expired user/" + u.ID)
		r.update(u.ID, person("ada@example.org")) // a write sends it again, and counts for nothing
		if n := r.calls(false)[resend]; n != 3 || len(r.drift()) != 0 {
			t.Errorf("sent again %d times", n)
		}
		r.must(r.cms.Withdraw(r.user(u.ID).Link.ID))
		r.create("grace@example.org")
		r.lookAgain()
		r.update(u.ID, person("ada@example.org")) // a new invitation
		for range 3 {
			expire()
		}
		if n := r.calls(false)[resend]; n != 5 {
			t.Errorf("sent again %d times", n)
		}
	})
}

func TestRoleOfADeletedGroupThatOthersUseIsLeftBehind(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		g := r.createGroup("Writers")
		r.settle()
		role := r.roleID("Writers")
		_, err := r.cms.AddUser(cmstest.NewUser{Email: "other@example.org", Role: "Writers"})
		r.must(err)
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		r.lookAgain()
		r.wantDrift("role_left_behind group/" + g.ID)
		if p, err := r.engine.FindGroups(r.ctx, directory.ByDisplayName, "Writers", directory.Window{Start: 1, Count: 1}, 0); err != nil || p.Total != 0 {
			t.Errorf("the role is listed: %+v, %v", p, err)
		}
		again := r.createGroup("writers")
		r.settle()
		r.lookAgain()
		if got := r.group(again.ID); got.RoleID != role || !got.Owned || got.ID == g.ID {
			t.Errorf("%+v", got)
		}
		r.wantDrift()
	})
}

// An account that was locked keeps its role, and the CMS deletes none that is held: asking it would be a call for nothing.
func TestRoleThatALeaverKeepsIsLeftBehindWithoutACall(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		g, u := r.createGroup("Writers"), r.member("ada@example.org")
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
		r.settle()
		r.update(u.ID, person("ada@example.org", inactive))
		r.settle()
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		if n := r.calls(false)["DELETE /roles/:id"]; n != 0 {
			t.Errorf("%d calls to delete a role that is held", n)
		}
		r.lookAgain()
		r.wantDrift("role_left_behind group/" + g.ID)
		r.update(u.ID, person("ada@example.org"))
		r.settle()
		r.lookAgain()
		r.settle()
		r.lookAgain()
		if n := r.calls(false)["DELETE /roles/:id"]; n != 1 {
			t.Errorf("%d calls to delete a role that nobody holds any more", n)
		}
		r.wantDrift()
	})
}

// A role is asked for when the calls that may be giving it have ended.
func TestRoleWaitsForAMemberWhoWasAtWorkWhenItsGroupWasDeleted(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		g, u := r.createGroup("Writers"), r.member("ada@example.org")
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
		l := r.lease(u.ID) // gives her the role
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		if n := r.calls(false)["DELETE /roles/:id"]; n != 0 {
			t.Errorf("%d calls to delete a role that somebody may be given", n)
		}
		r.must(r.queue.Release(r.ctx, l))
		r.settle()
		if n := r.calls(false)["DELETE /roles/:id"]; n != 1 {
			t.Errorf("%d calls to delete the role", n)
		}
	})
}

// A former account keeps its role, though nobody gets in by it.
func TestRoleOfAFormerAccountIsLeftBehindWithoutACall(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		g, u := r.createGroup("Writers"), r.member("ada@example.org")
		r.update(u.ID, person("ada@example.org", moved("new@example.org")))
		r.accept("new@example.org")
		r.importAll()
		r.settle()
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
		r.settle()
		r.update(u.ID, person("ada@example.org", moved("new@example.org"), inactive))
		r.settle()
		r.update(u.ID, person("ada@example.org")) // has the former account again
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{u.ID}}}))
		r.settle()
		if u = r.user(u.ID); u.Old.RoleID == "" || u.Old.RoleID == u.Link.RoleID {
			t.Fatalf("%+v", u)
		}
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		r.lookAgain()
		if n := r.calls(false)["DELETE /roles/:id"]; n != 0 {
			t.Errorf("%d calls to delete a role that is held", n)
		}
		r.wantDrift("role_left_behind group/" + g.ID)
		r.update(u.ID, person("ada@example.org", moved("new@example.org"))) // has the other one again, with the default's role
		r.lookAgain()
		r.settle()
		if n := r.calls(false)["DELETE /roles/:id"]; n != 1 {
			t.Errorf("%d calls to delete a role that nobody holds any more", n)
		}
	})
}

// A former account that somebody removes by hand is known no more after the second picture without it, and holds no role.
func TestFormerAccountThatIsRemovedByHandHoldsNoRole(t *testing.T) {
	each(t, reinviting(), func(t *testing.T, r *rig) {
		g, u := r.createGroup("Writers"), r.member("ada@example.org")
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Add: []string{u.ID}}}))
		r.settle()
		r.update(u.ID, person("ada@example.org", moved("new@example.org")))
		r.accept("new@example.org")
		r.importAll()
		r.settle()
		u = r.user(u.ID)
		if u.Old.Kind != directory.Collaborator || u.Old.RoleID != r.roleID("Writers") {
			t.Fatalf("%+v", u)
		}
		r.must(r.edit(g.ID, reconcile.GroupEdit{Members: directory.MemberChange{Remove: []string{u.ID}}}))
		r.settle()
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		r.must(r.cms.RemoveUser(u.Old.ID))
		r.importAll()
		if got := r.user(u.ID).Old; got != u.Old {
			t.Errorf("one picture was believed: %+v", got)
		}
		r.importAll()
		if got := r.user(u.ID).Old; got != (directory.Link{}) {
			t.Errorf("still known: %+v", got)
		}
		r.lookAgain()
		r.settle()
		if id := r.roleID("Writers"); id != "" {
			t.Errorf("role %s stays, and nobody holds it", id)
		}
	})
}

// What keeps a role is not always known here: a role that the CMS does not give up is asked for once.
func TestRoleThatTheCMSDoesNotGiveUp_IsAskedForOnce(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		g := r.createGroup("Writers")
		r.settle()
		r.fault(cmstest.Fault{Method: "DELETE", Path: "/roles/:id", Action: "status", Status: 422, Code: "REQUIRED_BY_ASSOCIATION"})
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		for range 5 {
			r.settle()
			r.lookAgain()
		}
		if n := r.calls(false)["DELETE /roles/:id"]; n != 2 {
			t.Errorf("%d calls, want one when the group was deleted and one after the first picture", n)
		}
		r.wantDrift("role_left_behind group/" + g.ID)
	})
}

// queueEach is each for a test that is parallel already.
func queueEach(t *testing.T, s setup, fn func(t *testing.T, r *rig)) {
	t.Helper()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		fn(t, newRig(t, s, store, queuetest.NewClock(1_700_000_000_000)))
	})
}
