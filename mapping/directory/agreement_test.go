package directory

import (
	"bytes"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
)

// agreed is a user and a group of whom everything is agreed on.
func (r *rig) agreed() (User, Group) {
	r.Helper()
	ada, g := r.create("ada@x.org"), r.createGroup("Editors")
	r.owning(g.ID, "r7", "Editors")
	return r.linked(ada.ID, collaborator("7", "ada@x.org")), r.group(g.ID)
}

func TestIntend_WhatACallChangesIsAgreedOnNoMore(t *testing.T) {
	each(t, func(r *rig) {
		ada, g := r.agreed()
		r.ok(r.d.Intend(r.ctx, r.hold(UserKey(ada.ID)), Call{Note: "call", Deadline: time.Second, Changes: Changes{Role: true}}, "mail:ada@x.org"))
		if a := r.user(ada.ID).Applied; a.RoleID != "" || !a.Active || !a.Known {
			r.Errorf("%+v", a)
		}
		l := r.hold(GroupKey(g.ID))
		r.ok(r.d.Intend(r.ctx, l, Call{Note: "rename", Changes: Changes{Name: true}}))
		r.equal("name of the role", r.group(g.ID).RoleName, "")
	})
}

func TestLost_QueuesALookAndAgreesOnNothingThatTheCallChanges(t *testing.T) {
	each(t, func(r *rig) {
		ada, _ := r.agreed()
		l := &queue.Lease{Key: UserKey(ada.ID), Token: "gone", Lane: queue.Leavers}
		r.ok(r.d.Lost(r.ctx, l, Changes{Access: true}))
		if e := r.entry(UserKey(ada.ID)); e.State != queue.Queued || e.Look != began+16_000 || e.Lane != queue.Leavers {
			r.Errorf("%+v", e)
		}
		if a := r.user(ada.ID).Applied; a.Active || a.RoleID != "r1" {
			r.Errorf("%+v", a)
		}
		r.ok(r.d.Lost(r.ctx, &queue.Lease{Key: UserKey("nobody")}, Changes{Role: true}))
		r.equal("record of nobody", r.hash(":u:nobody"), value{})
	})
}

func TestSettle_AgreesOnNothingWhileALookIsOwed(t *testing.T) {
	each(t, func(r *rig) {
		ada, _ := r.agreed()
		l := r.hold(UserKey(ada.ID))
		must(r.q.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Retry, Look: began + 60_000}))(r)
		r.clock.Advance(time.Second)
		off := collaborator("7", "ada@x.org").with(deactivated)
		result, err := r.settle(ada.ID, UserResult{Link: &off, Applied: &Applied{Known: true, Kind: Collaborator, Writes: 9}, Intent: ClearIntent, End: done})
		r.ok(err)
		u := r.user(ada.ID)
		if result != queue.ResultRetry || u.Link.Active || !u.Applied.Active || u.Applied.Writes != 1 {
			r.Errorf("%s %+v %+v", result, u.Link, u.Applied)
		}
	})
}

func TestUserView_ShowsWhatListingsShow(t *testing.T) {
	each(t, func(r *rig) {
		ada, g := r.agreed()
		r.change(g.ID, MemberChange{Add: []string{ada.ID}})
		v := must(r.d.UserView(r.ctx, ada.ID))(r)
		if v.ID != ada.ID || !bytes.Equal(v.Doc, ada.Doc) || v.Gen != ada.Gen || !v.Managed || v.Link.ID != "7" || v.Link.RoleID != "r1" ||
			v.Sync.State != Pending || len(v.Groups) != 1 || v.Groups[0].Name != "Editors" {
			r.Errorf("%+v", v)
		}
		r.deleteUser(ada.ID)
		if _, err := r.d.UserView(r.ctx, ada.ID); !wants(err, ErrNotFound) {
			r.Errorf("got %v", err)
		}
	})
}

func TestBegun_RemembersTheFirstPictureOnly(t *testing.T) {
	each(t, func(r *rig) {
		when, n, err := r.d.Begun(r.ctx)
		if err != nil || !when.IsZero() || n != 0 {
			r.Errorf("%v %d %v", when, n, err)
		}
		r.ok(r.d.NoteBegin(r.ctx, time.UnixMilli(began), 7))
		r.ok(r.d.NoteBegin(r.ctx, time.UnixMilli(began+1), 9))
		when, n, err = r.d.Begun(r.ctx)
		if err != nil || when.UnixMilli() != began || n != 7 {
			r.Errorf("%v %d %v", when, n, err)
		}
	})
}
