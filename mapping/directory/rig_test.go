package directory

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// tb is what the tests of this package need of *testing.T and of *rapid.T.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
}

// rig is one project's directory on a store of its own. Time stands still unless a test moves it.
type rig struct {
	tb
	ctx   context.Context
	clock *queuetest.Clock
	store queuetest.Store
	q     *queue.Queue
	d     *Directory
}

const began = 1_700_000_000_000

func newRig(ctx context.Context, t tb, store queuetest.Store, with ...func(*Options)) *rig {
	t.Helper()
	r := &rig{tb: t, ctx: ctx, clock: queuetest.NewClock(began), store: store}
	r.q = must(queue.New(queue.Options{Redis: store.Client, Base: store.Base, Now: r.clock.Now, Rand: func() float64 { return 0.5 }}))(r)
	o := Options{Redis: store.Client, Queue: r.q, Base: store.Base, Project: "site", Fold: mapping.Fold,
		Clock: func() time.Time { return time.UnixMilli(r.clock.Now()) },
		NewID: func(kind, key string, uses int64) string { return mapping.ID("site", kind, key, int(uses)) }}
	for _, f := range with {
		f(&o)
	}
	r.d = must(New(o))(r)
	return r
}

// each runs a test on the embedded store and on a real Redis, and looks afterwards whether every index is right.
func each(t *testing.T, fn func(r *rig), with ...func(*Options)) {
	t.Helper()
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		r := newRig(t.Context(), t, store, with...)
		fn(r)
		r.consistent()
		r.wipe()
	})
}

// wipe leaves the shared Redis as it was: others scan it.
func (r *rig) wipe() {
	r.Helper()
	for chunk := range slices.Chunk(r.keys(), 5000) {
		r.ok(r.store.Client.Unlink(r.ctx, chunk...).Err())
	}
}

func must[T any](v T, err error) func(r *rig) T {
	return func(r *rig) T {
		r.Helper()
		r.ok(err)
		return v
	}
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("unexpected error: %v", err)
	}
}

// equal compares what a test got with what it wants.
func (r *rig) equal(what string, got, want any) {
	r.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		r.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func rejecting(o *Options) { o.UnknownMembers = "reject" }

// wish is what an identity provider wishes of an active person.
func wish(address string, more ...func(*UserWish)) UserWish {
	w := UserWish{Doc: []byte(`{"userName":"` + address + `"}`), UserName: address, ExternalID: "00u-" + address, DisplayName: "Name of " + address,
		Emails: []string{address}, Address: address, Active: true}
	for _, f := range more {
		f(&w)
	}
	return w
}

func inactive(w *UserWish)               { w.Active = false }
func named(name string) func(*UserWish)  { return func(w *UserWish) { w.UserName = name } }
func external(id string) func(*UserWish) { return func(w *UserWish) { w.ExternalID = id } }
func address(addr string) func(*UserWish) {
	return func(w *UserWish) { w.Address, w.Emails = addr, []string{addr} }
}
func emails(list ...string) func(*UserWish) { return func(w *UserWish) { w.Emails = list } }
func document(doc string) func(*UserWish)   { return func(w *UserWish) { w.Doc = []byte(doc) } }
func displayed(name string) func(*UserWish) { return func(w *UserWish) { w.DisplayName = name } }
func collaborator(id, addr string) Link {
	return Link{Kind: Collaborator, ID: id, Address: addr, RoleID: "r1", Active: true}
}
func invitation(id, addr string) Link {
	return Link{Kind: Invitation, ID: id, Address: addr, RoleID: "r1"}
}
func (l Link) with(f func(*Link)) Link        { f(&l); return l }
func deactivated(l *Link)                     { l.Active = false }
func role(id string) func(*Link)              { return func(l *Link) { l.RoleID = id } }
func wants(err error, target error) bool      { return errors.Is(err, target) }
func as[E error](err error) (e E, found bool) { found = errors.As(err, &e); return e, found }

func (r *rig) create(address string, more ...func(*UserWish)) User {
	r.Helper()
	return must(r.d.CreateUser(r.ctx, wish(address, more...), ""))(r).Item
}

func (r *rig) user(id string) User {
	r.Helper()
	return must(r.d.UserRecord(r.ctx, id))(r)
}

// write replaces a user's wish, whatever it was.
func (r *rig) write(id string, w UserWish) User {
	r.Helper()
	return must(r.d.WriteUser(r.ctx, r.user(id), w, "", "user.write"))(r).Item
}

func (r *rig) deleteUser(id string) User {
	r.Helper()
	return must(r.d.DeleteUser(r.ctx, id, 0, ""))(r).Item
}

func (r *rig) createGroup(name string, members ...string) Group {
	r.Helper()
	return must(r.d.CreateGroup(r.ctx, GroupWish{Name: name}, members, 0, ""))(r).Item
}

// group reads a group with all of its members.
func (r *rig) group(id string) Group {
	r.Helper()
	return must(r.d.Group(r.ctx, id, -1))(r)
}

func (r *rig) change(id string, m MemberChange) Committed[Group] {
	r.Helper()
	return must(r.d.ChangeMembers(r.ctx, id, m, -1, ""))(r)
}

// rename gives a group another name.
func (r *rig) rename(id, name string) Group {
	r.Helper()
	return must(r.d.WriteGroup(r.ctx, r.group(id), GroupChange{Wish: GroupWish{Name: name}}, ""))(r).Item
}

func (r *rig) entry(key string) queue.Entry {
	r.Helper()
	e, _, err := r.q.Show(r.ctx, key)
	r.ok(err)
	return e
}

// holdScript queues a key, if it is not, and leases it.
var holdScript = queue.Script(`
local p, key, now = KEYS[1], ARGV[2], q_now(KEYS[1], ARGV[1])
if (q_state(p, key)) == 'idle' then q_push(p, key, 'normal', now, '0') end
if not q_lease(p, key, ARGV[3], now, 15000) then return false end
return q_record(p, key)`)

// hold takes the lease of a key for a sync.
func (r *rig) hold(key string) *queue.Lease {
	r.Helper()
	token := queue.NewToken()
	rec, err := holdScript.Run(r.ctx, r.store.Client, []string{r.store.Base}, r.q.NowArg(), key, token).StringSlice()
	r.ok(err)
	return r.q.Adopt(key, token, rec)
}

// done ends a sync that found nothing to do.
var done = End{Verdict: &queue.Verdict{Outcome: queue.Done}}

// linked is a user whose sync has ended with a link to an entity; nothing is left to do for them.
func (r *rig) linked(id string, l Link) User {
	r.Helper()
	_, err := r.settle(id, UserResult{Link: &l, Applied: &Applied{Known: true, Kind: l.Kind, Address: l.Address, RoleID: l.RoleID, Active: l.Active,
		Writes: r.user(id).Writes}, Intent: ClearIntent, End: done})
	r.ok(err)
	return r.user(id)
}

func (r *rig) settle(id string, res UserResult) (string, error) {
	r.Helper()
	return r.d.SettleUser(r.ctx, id, r.hold(UserKey(id)), res)
}

func (r *rig) settleGroup(id string, res GroupResult) (string, error) {
	r.Helper()
	return r.d.SettleGroup(r.ctx, id, r.hold(GroupKey(id)), res)
}

// owning gives a group a role that the proxy made.
func (r *rig) owning(id, role, name string) Group {
	r.Helper()
	_, err := r.settleGroup(id, GroupResult{Role: &Role{ID: role, Name: name, Owned: true}, End: done})
	r.ok(err)
	return r.group(id)
}

// syncGroup tells a group's members and ends its sync.
func (r *rig) syncGroup(id string) {
	r.Helper()
	l := r.hold(GroupKey(id))
	for more := true; more; {
		more = must(r.d.FanOut(r.ctx, id, l.Token))(r)
	}
	_, err := r.d.SettleGroup(r.ctx, id, l, GroupResult{Intent: ClearIntent, End: done})
	r.ok(err)
}

// rest ends the sync of a user without a change, so that the key leaves the queue.
func (r *rig) rest(ids ...string) {
	r.Helper()
	for _, id := range ids {
		_, err := r.settle(id, UserResult{Intent: ClearIntent, End: done})
		r.ok(err)
	}
}
