package directory

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
)

func TestSettle_UnderALostLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	lost := map[string]func(r *rig, key string, l *queue.Lease){
		"it ran out":      func(r *rig, key string, l *queue.Lease) { r.clock.Advance(16 * time.Second) },
		"another took it": func(r *rig, key string, l *queue.Lease) { r.clock.Advance(16 * time.Second); r.take(key) },
		"never held":      func(r *rig, key string, l *queue.Lease) { l.Token = "another" },
		"no token":        func(r *rig, key string, l *queue.Lease) { l.Token = "" },
	}
	for name, lose := range lost {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada, editors := r.create("ada@x.org"), r.createGroup("Editors")
				lu, lg := r.hold(UserKey(ada.ID)), r.hold(GroupKey(editors.ID))
				lose(r, UserKey(ada.ID), lu)
				lg.Token = lu.Token
				link := collaborator("7", "ada@x.org")
				r.untouched("a lost lease", func() {
					for what, err := range map[string]error{
						"settle user":  fails(r.d.SettleUser(r.ctx, ada.ID, lu, UserResult{Link: &link, Intent: ClearIntent, End: done})),
						"settle group": fails(r.d.SettleGroup(r.ctx, editors.ID, lg, GroupResult{Role: &Role{ID: "r9"}, End: done})),
						"load user":    fails(r.d.LoadUser(r.ctx, ada.ID, lu)),
						"load group":   fails(r.d.LoadGroup(r.ctx, editors.ID, lg)),
						"intend":       r.d.Intend(r.ctx, lu, Call{Note: "call", Deadline: time.Second}, "mail:ada@x.org"),
					} {
						if !wants(err, ErrLost) {
							r.Errorf("%s: %v", what, err)
						}
					}
					if lg.Token == "" {
						return // a fan-out without a token is a request's
					}
					if _, err := r.d.FanOut(r.ctx, editors.ID, lg.Token); !wants(err, ErrLost) {
						r.Errorf("fan-out: %v", err)
					}
				})
			})
		})
	}
}

// take takes leases as workers do until it has the key's.
func (r *rig) take(key string) *queue.Lease {
	r.Helper()
	for range 100 {
		l := must(r.q.Take(r.ctx, queue.TakeOptions{}))(r)
		if l == nil {
			break
		}
		if l.Key == key {
			return l
		}
	}
	r.Fatalf("%s is not to be had", key)
	return nil
}

func TestLoadUser_BringsTheLeaseUpToDate(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		l := r.hold(UserKey(ada.ID))
		r.write(ada.ID, wish("ada@x.org", inactive))
		w := must(r.d.LoadUser(r.ctx, ada.ID, l))(r)
		if !w.Found || w.Item.Active || w.Now != began || w.RolesVersion != "0" || l.Ticket != 2 {
			r.Errorf("%+v %+v", w, l)
		}
		if result := must(r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Intent: ClearIntent, End: done}))(r); result != queue.ResultAgain {
			// The wish that was loaded is the newest, but the lane that was asked for while it was leased is still owed.
			r.Errorf("%s", result)
		}
	})
}

// Whoever is handed a user by the queue has what a sync needs to know of them, as of the moment of the lease.
func TestLoadUser_ComesWithTheLease(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.createGroup("Team", ada.ID)
		l := r.take(UserKey(ada.ID))
		asked := must(r.d.LoadUser(r.ctx, ada.ID, r.q.Adopt(l.Key, l.Token, nil)))(r)
		r.equal("groups", len(asked.Item.Groups), 1)
		r.write(ada.ID, wish("ada@x.org", inactive))
		r.equal("as of the lease", must(r.d.LoadUser(r.ctx, ada.ID, l))(r), asked)
		r.equal("what was read is older than the newest wish", l.Ticket < r.entry(UserKey(ada.ID)).Ticket, true)
		if w := must(r.d.LoadUser(r.ctx, ada.ID, l))(r); w.Item.Active || l.Ticket != r.entry(UserKey(ada.ID)).Ticket {
			r.Errorf("the second look does not see the newest wish: %+v, ticket %d", w.Item, l.Ticket)
		}
	})
}

func TestSettle_WritesLinkAppliedAndStatus(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		l := r.hold(UserKey(ada.ID))
		link := invitation("3", "ada@x.org")
		applied := Applied{Known: true, Kind: Invitation, Address: "ada@x.org", RoleID: "r1", Active: true, Writes: 1}
		if result := must(r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Link: &link}))(r); result != "" {
			r.Errorf("the sync goes on, but %s", result)
		}
		r.equal("under way", r.user(ada.ID).Sync.State, Pending)
		must(r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Applied: &applied, Unadopt: true, Intent: ClearIntent, End: done}))(r)
		u := r.user(ada.ID)
		r.equal("link", u.Link, link)
		r.equal("applied", u.Applied, applied)
		r.equal("sync", u.Sync, Sync{State: Synced, LastSynced: moment("1700000000000")})
		r.equal("holders", r.dump()[":ru:r1"], value{ada.ID: "1"})
	})
}

func TestSettle_AnAcceptedInvitationRelinks(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.linked(ada.ID, invitation("3", "ada@x.org"))
		r.linked(ada.ID, collaborator("3", "Ada@x.org").with(role("r2"))) // ids of the two kinds may coincide
		r.equal("entities", r.hash(":x:cms"), value{"c3": ada.ID})
		r.equal("holders of the former role", r.dump()[":ru:r1"], value(nil))
	})
}

func TestSettle_AnEntityOrAddressOfSomebodyElseIsTaken(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]Link{
		"the entity":      collaborator("7", "other@x.org"),
		"its address":     collaborator("8", "bob@x.org"),
		"its CMS address": collaborator("8", "robert@x.org"),
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada, bob := r.create("ada@x.org"), r.create("bob@x.org")
				r.linked(bob.ID, collaborator("7", "robert@x.org"))
				l := r.hold(UserKey(ada.ID))
				r.untouched("a taken entity", func() {
					_, err := r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Link: &link, Applied: &Applied{Known: true}, Intent: ClearIntent, End: done})
					if e, ok := as[*TakenError](err); !ok || e.ID != bob.ID {
						r.Errorf("got %v", err)
					}
				})
			})
		})
	}
}

func TestSettle_ATombstoneWithWorkLeftGivesNothingUpAndOneWithoutDoes(t *testing.T) {
	each(t, func(r *rig) {
		old := r.leaver("old@x.org", collaborator("7", "moved@x.org"))
		ada := r.create("ada@x.org")
		link := collaborator("7", "moved@x.org")
		l := r.hold(UserKey(ada.ID))
		if _, err := r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Link: &link}); err == nil {
			r.Fatal("taken from a leaver whose access is not gone yet")
		}
		r.rest(old.ID)
		must(r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Link: &link}))(r)
		r.equal("the leaver's link", r.user(old.ID).Link, Link{})
		r.equal("entities", r.hash(":x:cms"), value{"c7": ada.ID})
		r.equal("addresses", r.hash(":x:addr"), value{"old@x.org": old.ID, "ada@x.org": ada.ID, "moved@x.org": ada.ID})
	})
}

func TestSettle_LinkingAnEntityMergesItsUnmanagedTwin(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]Link{
		"the same entity":     invitation("3", "ada.l@x.org"),
		"accepted meanwhile":  collaborator("9", "ada.l@x.org"),
		"its address changed": invitation("3", "changed@x.org"),
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				twin := r.found(invitation("3", "ada.l@x.org"))
				ada := r.create("ada@x.org")
				r.linked(ada.ID, link)
				if _, err := r.d.UserRecord(r.ctx, twin.ID); !wants(err, ErrNotFound) {
					r.Errorf("the twin is still there: %v", err)
				}
				r.equal("listed", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Total, 1)
				r.equal("found by the twin's userName", r.find(ByUserName, "ada.l@x.org"), []string{})
			})
		})
	}
}

// found is somebody whom an import found in the CMS.
func (r *rig) found(l Link) User {
	r.Helper()
	pic := must(r.d.BeginPicture(r.ctx))(r)
	w := UserWish{Doc: []byte(`{"found":true}`), UserName: l.Address, DisplayName: l.Name, Emails: []string{l.Address}, Address: l.Address, Active: l.Active}
	if !must(r.d.ImportNewUser(r.ctx, pic, "", Entity{l}, w))(r) {
		r.Fatalf("%s was not imported", l.Address)
	}
	ids := r.find(ByUserName, l.Address)
	if len(ids) != 1 {
		r.Fatalf("%s is not found: %v", l.Address, ids)
	}
	return r.user(ids[0])
}

func TestSettle_ARefusedCreationIsTakenBackAndFoundByFilterOnly(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.rejected("ada@x.org")
		if ada.State != Rejected || ada.Active || ada.Sync.State != Failed || r.entry(UserKey(ada.ID)).State != queue.Idle {
			r.Errorf("%+v", ada)
		}
		r.equal("listed", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Total, 0)
		r.equal("found", r.find(ByUserName, "ada@x.org"), []string{ada.ID})
		again := r.write(ada.ID, wish("ada@x.org"))
		if again.State != Live || !again.Active || r.entry(UserKey(ada.ID)).State != queue.Queued {
			r.Errorf("a later write is no fresh attempt: %+v", again)
		}
		r.equal("listed again", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Total, 1)
	})
}

func TestSettle_ACreationIsNotTakenBackWhenANewerWishCameMeanwhile(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		l := r.hold(UserKey(ada.ID))
		must(r.d.LoadUser(r.ctx, ada.ID, l))(r)
		r.write(ada.ID, wish("ada@x.org", address("right@x.org")))
		end := End{Verdict: &queue.Verdict{Outcome: queue.Done, Code: "invalid", Text: "bad address"}, Reject: ada.Writes}
		result := must(r.d.SettleUser(r.ctx, ada.ID, l, UserResult{Intent: ClearIntent, End: end}))(r)
		u := r.user(ada.ID)
		if result != queue.ResultAgain || u.State != Live || !u.Active || u.Sync.State != Pending || u.Sync.Code != "" {
			r.Errorf("%s %+v", result, u)
		}
	})
}

func TestIntend_NotesTheCallAndLeasesItsIdentities(t *testing.T) {
	each(t, func(r *rig) {
		ada, bob := r.create("ada@x.org"), r.create("bob@x.org")
		la, lb := r.hold(UserKey(ada.ID)), r.hold(UserKey(bob.ID))
		r.ok(r.d.Intend(r.ctx, la, Call{Note: "invite", Deadline: 13 * time.Second}, "mail:shared@x.org"))
		if e := r.entry(UserKey(ada.ID)); e.Intent != "invite" || e.Look != began+13_000 || la.Intent != "invite" {
			r.Errorf("%+v", e)
		}
		if err := r.d.Intend(r.ctx, lb, Call{Note: "invite", Deadline: 13 * time.Second}, "mail:shared@x.org"); !wants(err, ErrBusy) {
			r.Errorf("two keys act on one CMS identity: %v", err)
		}
		if e := r.entry(UserKey(bob.ID)); e.Intent != "" {
			r.Errorf("%+v", e)
		}
		must(r.d.SettleUser(r.ctx, ada.ID, la, UserResult{Intent: ClearIntent, End: done}))(r)
		r.ok(r.d.Intend(r.ctx, lb, Call{Note: "invite", Deadline: 13 * time.Second}, "mail:shared@x.org"))
		must(r.d.SettleUser(r.ctx, bob.ID, lb, UserResult{Intent: DoubtfulIntent, End: done}))(r)
		if e := r.entry(UserKey(bob.ID)); e.State != queue.Queued || e.Look == 0 || e.Intent != "" {
			r.Errorf("a doubtful call is not looked for: %+v", e)
		}
	})
}
