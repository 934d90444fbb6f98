package directory

import (
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

func TestCreateUser_KeepsTheWishAndQueuesItInOneCommit(t *testing.T) {
	each(t, func(r *rig) {
		c := must(r.d.CreateUser(r.ctx, wish("Ada@Example.org"), "token"))(r)
		want := User{ID: mapping.ID("site", "User", "ada@example.org", 0), State: Live, Managed: true, Doc: []byte(`{"userName":"Ada@Example.org"}`),
			UserName: "Ada@Example.org", External: "00u-Ada@Example.org", Address: "Ada@Example.org", Active: true, Seq: 1, Gen: 1, Writes: 1,
			Created: moment("1700000000000"), Modified: moment("1700000000000"), Sync: Sync{State: Pending, Ticket: 1, Leased: true}}
		r.equal("the answer", c.Item, want)
		if c.Lease == nil || c.Lease.Token != "token" || c.Lease.Ticket != 1 || c.Lease.Look != 0 || c.Lease.Intent != "" {
			r.Errorf("lease %+v", c.Lease)
		}
		r.equal("the record", r.user(c.Item.ID), want)
		e := r.entry(UserKey(c.Item.ID))
		if e.State != "leased" || e.Lane != "interactive" {
			r.Errorf("queue entry %+v", e)
		}
		r.equal("audit", r.events(), map[string]int{"user.create": 1})
	})
}

func TestCreateUser_OfSomebodyInactiveGoesIntoTheLeaversLane(t *testing.T) {
	each(t, func(r *rig) {
		if e := r.entry(UserKey(r.create("ada@x.org", inactive).ID)); e.Lane != "leavers" || e.State != "queued" {
			r.Errorf("%+v", e)
		}
	})
}

func TestCreateUser_NamesWhoHasTheUserNameTheAddressOrTheExternalID(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		w         UserWish
		attribute string
	}{
		"userName":                  {wish("new@x.org", named("ADA@X.org")), "userName"},
		"address":                   {wish("new@x.org", address("Ada@x.ORG")), "emails"},
		"address that is linked":    {wish("new@x.org", address("former@x.org")), "emails"},
		"externalId":                {wish("new@x.org", external("00u-ada@x.org")), "externalId"},
		"userName before all":       {wish("ada@x.org"), "userName"},
		"address before externalId": {wish("new@x.org", address("ada@x.org"), external("00u-ada@x.org")), "emails"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ada := r.create("ada@x.org")
				r.linked(ada.ID, collaborator("7", "former@x.org"))
				r.untouched("a refused create", func() {
					_, err := r.d.CreateUser(r.ctx, tt.w, "token")
					if e, ok := as[*ExistsError](err); !ok || e.ID != ada.ID || e.Attribute != tt.attribute {
						r.Errorf("got %v, want %s of %s", err, tt.attribute, ada.ID)
					}
				})
			})
		})
	}
}

func TestCreateUser_FindsARejectedRecordToo(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.rejected("ada@x.org")
		_, err := r.d.CreateUser(r.ctx, wish("ada@x.org"), "")
		if e, ok := as[*ExistsError](err); !ok || e.ID != ada.ID {
			r.Errorf("got %v", err)
		}
	})
}

// rejected is a user whose creation the CMS refused.
func (r *rig) rejected(address string) User {
	r.Helper()
	u := r.create(address)
	end := done
	end.Reject = u.Writes
	_, err := r.settle(u.ID, UserResult{Intent: ClearIntent, End: end})
	r.ok(err)
	return r.user(u.ID)
}

func TestCreateUser_ThatMatchesTwoRecordsIsAConflict(t *testing.T) {
	each(t, func(r *rig) {
		ada, bob := r.create("ada@x.org"), r.create("bob@x.org")
		for _, w := range []UserWish{
			wish("ada@x.org", address("bob@x.org")),
			wish("ada@x.org", address("new@x.org"), external("00u-bob@x.org")),
			wish("new@x.org", address("ada@x.org"), external("00u-bob@x.org")),
		} {
			r.untouched("a refused create", func() {
				_, err := r.d.CreateUser(r.ctx, w, "token")
				if e, ok := as[*ConflictError](err); !ok || e.ID != ada.ID || e.Other != bob.ID {
					r.Errorf("got %v", err)
				}
			})
		}
	})
}

func TestCreateUser_OfAnEmptyAddressOrExternalIDMeetsNobody(t *testing.T) {
	each(t, func(r *rig) {
		nobody := []func(*UserWish){address(""), external(""), emails()}
		r.create("ada", nobody...)
		r.create("bob", nobody...)
		r.equal("externalIds", r.hash(":x:ext"), value{})
		r.equal("addresses", r.hash(":x:addr"), value{})
	})
}

func TestIDs_AreMadeFromTheAddressAndTheFoldedUserNameWhereThereIsNone(t *testing.T) {
	each(t, func(r *rig) {
		r.equal("by address", r.create("jdoe", address("Ada@X.org")).ID, mapping.ID("site", "User", "ada@x.org", 0))
		r.equal("by userName", r.create("Grace", address("")).ID, mapping.ID("site", "User", "grace", 0))
	})
}

func TestIDs_TheCountRisesOnlyWhenADeletedKeyReturnsAsSomebodyElse(t *testing.T) {
	each(t, func(r *rig) {
		first := r.create("ada@x.org")
		r.deleteUser(first.ID)
		_, err := r.d.CreateUser(r.ctx, wish("ada@x.org"), "")
		if e, ok := as[*ExistsError](err); !ok || e.ID != first.ID || e.Attribute != "externalId" {
			r.Fatalf("the same person: %v", err)
		}
		r.equal("count", r.hash(":x:count"), value{})

		second := r.create("ada@x.org", external("00u-another"))
		r.equal("second id", second.ID, mapping.ID("site", "User", "ada@x.org", 1))
		r.equal("count", r.hash(":x:count"), value{"ada@x.org": "1"})
		r.deleteUser(second.ID)
		third := r.create("ada@x.org", external("00u-third"))
		r.equal("third id", third.ID, mapping.ID("site", "User", "ada@x.org", 2))
	})
}

func TestIDs_AnIDThatIsInUseIsPassedOver(t *testing.T) {
	each(t, func(r *rig) {
		ada := r.create("ada@x.org")
		r.write(ada.ID, wish("ada@y.org", external("00u-ada@x.org")))
		r.equal("id of a key that was renamed away", r.create("ada@x.org", external("00u-new")).ID, mapping.ID("site", "User", "ada@x.org", 1))
	})
}

func TestIDs_AKnownCountIsNotUsedAgainAfterALossOfTheRecords(t *testing.T) {
	each(t, func(r *rig) {
		r.ok(r.store.Client.HSet(r.ctx, r.store.Base+":x:count", "ada@x.org", 3).Err())
		r.equal("id", r.create("ada@x.org").ID, mapping.ID("site", "User", "ada@x.org", 3))
		r.ok(r.store.Client.HSet(r.ctx, r.store.Base+":x:gcount", "editors", 2).Err())
		r.equal("group id", r.createGroup("Editors").ID, mapping.ID("site", "Group", "editors", 2))
	})
}

func TestFolding_TheKelvinSignIsNoK(t *testing.T) {
	each(t, func(r *rig) {
		kim := r.create("kim@x.org", displayed("Kim"))
		other := r.create("\u212Aim@x.org", displayed("\u212Aim"))
		if kim.ID == other.ID {
			r.Fatal("two people share an id")
		}
		for _, tt := range []struct {
			by    Index
			value string
			want  string
		}{
			{ByUserName, "KIM@X.ORG", kim.ID}, {ByUserName, "\u212Aim@X.org", other.ID}, {ByEmail, "KIM@x.org", kim.ID}, {ByEmail, "\u212AIM@x.org", other.ID},
			{ByDisplayName, "KIM", kim.ID}, {ByDisplayName, "\u212AIM", other.ID},
		} {
			r.equal(string(tt.by)+" "+tt.value, r.find(tt.by, tt.value), []string{tt.want})
		}
	})
}

// find gives the ids of who is found in an index.
func (r *rig) find(by Index, val string) []string {
	r.Helper()
	p := must(r.d.FindUsers(r.ctx, by, val, Window{1, 100}))(r)
	ids := make([]string, 0, len(p.Items))
	for _, u := range p.Items {
		ids = append(ids, u.ID)
	}
	if p.Total != len(ids) {
		r.Errorf("total %d for %d users", p.Total, len(ids))
	}
	return ids
}
