package queue

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// start is where the fake clock of the tests stands.
const start = int64(1_700_000_000_000)

// fixture is a queue on one store with a clock that the test moves.
type fixture struct {
	*Queue
	t     *testing.T
	store queuetest.Store
	clock *queuetest.Clock
}

// each runs fn on both stores with a queue of its own.
func each(t *testing.T, fn func(f *fixture)) {
	t.Helper()
	eachWith(t, Options{}, fn)
}

func eachWith(t *testing.T, opt Options, fn func(f *fixture)) {
	t.Helper()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		fn(newFixture(t, store, opt))
	})
}

func newFixture(t *testing.T, store queuetest.Store, opt Options) *fixture {
	t.Helper()
	clock := queuetest.NewClock(start)
	opt.Redis, opt.Base, opt.Now = store.Client, store.Base, clock.Now
	if opt.Rand == nil {
		opt.Rand = func() float64 { return 0.5 }
	}
	q, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Queue: q, t: t, store: store, clock: clock}
}

// replica is another process on the same project and clock.
func (f *fixture) replica() *fixture {
	f.t.Helper()
	q, err := New(f.opt)
	if err != nil {
		f.t.Fatal(err)
	}
	return &fixture{Queue: q, t: f.t, store: f.store, clock: f.clock}
}

func (f *fixture) push(key string, lane Lane) int64 {
	f.t.Helper()
	return f.pushed(key, lane, true)
}

func (f *fixture) touch(key string, lane Lane) int64 {
	f.t.Helper()
	return f.pushed(key, lane, false)
}

func (f *fixture) pushed(key string, lane Lane, fresh bool) int64 {
	f.t.Helper()
	ticket, err := f.Push(context.Background(), key, lane, fresh)
	if err != nil {
		f.t.Fatal(err)
	}
	return ticket
}

// take returns the next lease and fails the test when there is none.
func (f *fixture) take() *Lease {
	f.t.Helper()
	l := f.tryTake(TakeOptions{})
	if l == nil {
		f.t.Fatal("nothing to take")
	}
	return l
}

func (f *fixture) takeNothing() {
	f.t.Helper()
	if l := f.tryTake(TakeOptions{}); l != nil {
		f.t.Fatalf("took %s, want nothing", l.Key)
	}
}

func (f *fixture) tryTake(opt TakeOptions) *Lease {
	f.t.Helper()
	l, err := f.Take(context.Background(), opt)
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

func (f *fixture) finish(l *Lease, v Verdict, want string) {
	f.t.Helper()
	got, err := f.Finish(context.Background(), l, v)
	if err != nil {
		f.t.Fatal(err)
	}
	if got != want {
		f.t.Fatalf("finish %s: %q, want %q", l.Key, got, want)
	}
}

func (f *fixture) show(key string) Entry {
	f.t.Helper()
	e, _, err := f.Show(context.Background(), key)
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

func (f *fixture) wantState(key string, want State) {
	f.t.Helper()
	if got := f.show(key).State; got != want {
		f.t.Fatalf("%s is %s, want %s", key, got, want)
	}
}

// eval runs a script of another package: the fragment and body.
func (f *fixture) eval(body string, args ...any) any {
	f.t.Helper()
	out, err := Script("local p = KEYS[1]\n"+body).Run(context.Background(), f.store.Client, []string{f.store.Base}, args...).Result()
	if err != nil && err.Error() != "redis: nil" {
		f.t.Fatal(err)
	}
	return out
}

// leaseFor is what a commit script does for its request; "" when it did not get the lease.
func (f *fixture) leaseFor(key, token string) string {
	f.t.Helper()
	ticket, _ := f.eval(`local t = q_lease(p, ARGV[2], ARGV[3], q_now(p, ARGV[1]), 15000)
return t and q_num(t) or ''`, f.NowArg(), key, token).(string)
	return ticket
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ms is d in Unix ms after the start of the clock.
func ms(d time.Duration) int64 { return start + d.Milliseconds() }

func contains(s, part string) bool { return strings.Contains(s, part) }
