package reconcile_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

func oneSeat() setup {
	s := editors()
	s.cms.Seats = 1
	return s
}

func (r *rig) rejected(err error) *reconcile.RejectedError {
	r.t.Helper()
	var rejected *reconcile.RejectedError
	if !errors.As(err, &rejected) {
		r.t.Fatalf("not rejected: %v", err)
	}
	return rejected
}

// A create that the CMS refuses leaves no wish behind: nobody is invited later whom the identity provider was told failed.
func TestRejectedCreateIsNoWish(t *testing.T) {
	each(t, oneSeat(), func(t *testing.T, r *rig) {
		r.create("first@example.org")
		_, err := r.engine.CreateUser(r.ctx, person("second@example.org"))
		if got := r.rejected(err); got.Status != 403 || got.Text == "" {
			t.Errorf("%+v", got)
		}
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 10})
		r.must(err)
		if p.Total != 1 {
			t.Errorf("%d listed", p.Total)
		}
		p, err = r.engine.FindUsers(r.ctx, directory.ByUserName, "second@example.org", directory.Window{Start: 1, Count: 10})
		r.must(err)
		if p.Total != 1 || p.Items[0].Active || p.Items[0].Sync.State != directory.Failed || p.Items[0].Sync.Text == "" {
			t.Fatalf("%+v", p)
		}
		r.cms.SetSeats(0)
		_, err = r.queue.ReplayAll(r.ctx)
		r.must(err)
		r.settle()
		if _, invited := r.invitations()["second@example.org"]; invited {
			t.Error("a replay invited somebody whose creation had failed")
		}
		// The admin tries again: Okta finds the record, links it and sends the same data.
		u := r.update(p.Items[0].ID, person("second@example.org"))
		if u.Sync.State != directory.Synced || u.Link.Kind != directory.Invitation {
			t.Errorf("fresh attempt: %+v", u)
		}
	})
}

func TestRejectedCreate_APostOfItIsAFreshAttemptUnderTheSameID(t *testing.T) {
	each(t, oneSeat(), func(t *testing.T, r *rig) {
		r.create("first@example.org")
		_, err := r.engine.CreateUser(r.ctx, person("second@example.org"))
		_ = r.rejected(err)
		_, err = r.engine.CreateUser(r.ctx, person("second@example.org"))
		_ = r.rejected(err)
		r.cms.SetSeats(2)
		u := r.create("second@example.org")
		if u.Sync.State != directory.Synced || u.State != directory.Live {
			t.Errorf("%+v", u)
		}
		p, err := r.engine.ListUsers(r.ctx, directory.Window{Start: 1, Count: 10})
		r.must(err)
		if p.Total != 2 {
			t.Errorf("%d listed", p.Total)
		}
	})
}

// An update that the CMS refuses stays the newest wish, parked; any write unparks it, an identical one too.
func TestRejectedUpdateIsParked_AnIdenticalWriteUnparksIt(t *testing.T) {
	each(t, byTitle(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		refuse := cmstest.Fault{Method: "PUT", Path: "/site-invitations/:id", Action: "status", Status: 422, Code: "INVALID_FIELD"}
		r.fault(refuse)
		chief := person("ada@example.org", titled("Chief"))
		edit := func(directory.User) (directory.UserWish, error) { return chief, nil }
		for range 2 {
			_, err := r.engine.UpdateUser(r.ctx, u.ID, edit)
			if got := r.rejected(err); got.Status != 400 || got.ScimType != "invalidValue" {
				t.Errorf("%+v", got)
			}
		}
		if got := r.user(u.ID); !got.Sync.Parked || got.Sync.State != directory.Failed || !bytes.Equal(got.Doc, chief.Doc) {
			t.Errorf("%+v", got)
		}
		r.cms.ClearFaults()
		if got := r.update(u.ID, chief); got.Sync.State != directory.Synced {
			t.Errorf("%+v", got.Sync)
		}
	})
}

// A refused creation stays failed while the queue still has to look at the CMS for it, and after that look.
func TestRejectedCreateStaysFailedWhileALookIsOwed(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		name, path string
		create     func(*rig) error
		sync       func(*rig) (key string, sync directory.Sync)
	}{
		{
			"user", "/site-invitations",
			func(r *rig) error { _, err := r.engine.CreateUser(r.ctx, person("ada@example.org")); return err },
			func(r *rig) (string, directory.Sync) {
				p, err := r.engine.FindUsers(r.ctx, directory.ByUserName, "ada@example.org", directory.Window{Start: 1, Count: 1})
				r.must(err)
				return directory.UserKey(p.Items[0].ID), p.Items[0].Sync
			},
		},
		{
			"group", "/roles",
			func(r *rig) error {
				_, err := r.engine.CreateGroup(r.ctx, directory.GroupWish{Name: "Writers"}, nil, -1)
				return err
			},
			func(r *rig) (string, directory.Sync) {
				g := r.findGroup("Writers")
				return directory.GroupKey(g.ID), g.Sync
			},
		},
	} {
		t.Run(kind.name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				r.fault(cmstest.Fault{Method: "POST", Path: kind.path, Action: "status", Status: 422, Code: "INVALID_FIELD"})
				r.gate.wait = func() {
					key, _ := kind.sync(r)
					r.must(r.queue.Look(r.ctx, key, queue.Interactive))
				}
				_ = r.rejected(kind.create(r))
				r.gate.wait = nil
				key, sync := kind.sync(r)
				if sync.State != directory.Failed || sync.Text == "" || r.entry(key).State != queue.Queued {
					t.Errorf("while a look is owed: %+v, %+v", sync, r.entry(key))
				}
				r.settle()
				if _, sync = kind.sync(r); sync.State != directory.Failed || sync.Text == "" || r.entry(key).State != queue.Idle {
					t.Errorf("after it: %+v, %+v", sync, r.entry(key))
				}
			})
		})
	}
}
