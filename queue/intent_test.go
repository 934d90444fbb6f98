package queue

import (
	"strconv"
	"testing"
	"time"
)

// intend is what a script does right before a CMS write; look "" or ms.
func (f *fixture) intend(l *Lease, intent, look string) {
	f.t.Helper()
	f.eval(`q_intent(p, ARGV[1], ARGV[2], ARGV[3])`, l.Key, intent, look)
}

// at is d after the start of the clock, as scripts get it.
func at(d time.Duration) string { return strconv.FormatInt(ms(d), 10) }

func TestKeyWithAnOpenIntentIsNotAgreed(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		f.intend(l, `{"call":"POST"}`, at(13*time.Second))
		f.finish(l, Verdict{Outcome: Done}, ResultRetry)
		f.takeNothing()
		f.clock.Advance(13 * time.Second)
		next := f.take()
		equal(f.t, "next lease", []any{next.Intent, next.Look, next.Attempts}, []any{`{"call":"POST"}`, ms(13 * time.Second), 0})
		f.finish(next, Verdict{Outcome: Done}, ResultRetry) // not looked for: still open
		f.clock.Advance(time.Second)
		next = f.take()
		f.intend(next, "", "0") // looked: the call was applied, and its last moment is over
		f.finish(next, Verdict{Outcome: Done}, ResultDone)
	})
}

func TestKeyWithAnOpenIntentOfNoTimeIsNotAgreed(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		f.intend(l, "POST", "")
		f.finish(l, Verdict{Outcome: Done}, ResultRetry)
		equal(f.t, "due", f.show("user/1").Due, ms(time.Second))
	})
}

func TestAnswerClearsItsIntentAndItsLook(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		f.intend(l, "PUT", at(13*time.Second))
		f.intend(l, "", "0")
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
	})
}

func TestUnknownOutcomeKeepsItsLook(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		f.intend(l, "POST", at(13*time.Second))
		f.intend(l, "", "") // looked, nothing there yet; the call may still be running
		f.intend(l, "PUT", at(5*time.Second))
		f.intend(l, "", "0")
		f.finish(l, Verdict{Outcome: Done}, ResultRetry)
		equal(f.t, "due", f.show("user/1").Due, ms(13*time.Second))
		f.clock.Advance(13 * time.Second)
		f.finish(f.take(), Verdict{Outcome: Done}, ResultDone)
	})
}

func TestIntentOfADeadHolderIsLookedForUntilItsCallMustHaveEnded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		clear func(f *fixture, l *Lease)
	}{
		{"cleared at once", func(f *fixture, l *Lease) { f.intend(l, "", "0") }},
		{"replaced by a call of its own", func(f *fixture, l *Lease) {
			f.intend(l, "PUT", at(20*time.Second))
			f.intend(l, "", "0")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Interactive)
				dead := f.take()
				f.intend(dead, "POST", at(60*time.Second)) // a job that runs for long
				f.clock.Advance(15 * time.Second)
				next := f.take()
				equal(f.t, "next lease", []any{next.Intent, next.Look}, []any{"POST", ms(60 * time.Second)})
				tt.clear(f, next)
				f.finish(next, Verdict{Outcome: Done}, ResultRetry)
				equal(f.t, "due", f.show("user/1").Due, ms(60*time.Second))
			})
		})
	}
}

func TestVerdictCanAskForALook(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		f.finish(f.take(), Verdict{Outcome: Done, Look: ms(20 * time.Second)}, ResultRetry)
		equal(f.t, "due", f.show("user/1").Due, ms(20*time.Second))
		f.clock.Advance(20 * time.Second)
		f.finish(f.take(), Verdict{Outcome: Done}, ResultDone)
	})
}

func TestLookSurvivesRetryParkReleaseAndNewerWishes(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		l := f.take()
		f.intend(l, "POST", at(time.Minute))
		f.push("user/1", Interactive)
		f.finish(l, Verdict{Outcome: Retry}, ResultAgain)
		for _, v := range []Verdict{{Outcome: Retry, After: time.Millisecond}, {Outcome: Wait, After: time.Millisecond}, {Outcome: Park}} {
			l = f.take()
			equal(f.t, "lease", []any{l.Intent, l.Look}, []any{"POST", ms(time.Minute)})
			if _, err := f.Finish(ctx, l, v); err != nil {
				f.t.Fatal(err)
			}
			f.clock.Advance(time.Millisecond)
		}
		f.push("user/1", Interactive)
		l = f.take()
		ok(f.t, f.Release(ctx, l))
		l = f.take()
		equal(f.t, "lease", []any{l.Intent, l.Look}, []any{"POST", ms(time.Minute)})
	})
}

func TestIdentityHasOneHolder(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Interactive)
		f.push("user/2", Interactive)
		a, b := f.take(), f.take()
		equal(f.t, "free", f.ident(a, "mail:a@x"), true)
		equal(f.t, "own", f.ident(a, "mail:a@x"), true)
		equal(f.t, "second of the same key", f.ident(a, "role:editor"), true)
		equal(f.t, "held", f.ident(b, "mail:a@x"), false)
		f.clock.Advance(10 * time.Second)
		ok(f.t, f.Renew(ctx, a))
		ok(f.t, f.Renew(ctx, b))
		f.clock.Advance(10 * time.Second)
		equal(f.t, "held as long as the lease is renewed", f.ident(b, "mail:a@x"), false)
		f.finish(a, Verdict{Outcome: Retry}, ResultRetry)
		equal(f.t, "freed", f.ident(b, "mail:a@x"), true)
		equal(f.t, "look", f.show("user/2").Look, int64(0))
		f.finish(b, Verdict{Outcome: Done}, ResultDone)
		n, err := f.store.Client.Exists(ctx, f.keys.idents()).Result()
		ok(f.t, err)
		equal(f.t, "identities left behind", n, int64(0))
	})
}

func TestIdentityOfALostLeaseIsTakenWithALook(t *testing.T) {
	t.Parallel()
	for _, reclaimed := range []bool{false, true} {
		t.Run(map[bool]string{false: "nobody has noticed", true: "taken back"}[reclaimed], func(t *testing.T) {
			t.Parallel()
			each(t, func(f *fixture) {
				f.push("user/1", Normal)
				lost := f.take()
				equal(f.t, "first holder", f.ident(lost, "mail:a@x"), true)
				f.clock.Advance(15 * time.Second)
				f.push("user/2", Interactive)
				if reclaimed {
					f.push("user/1", Background)
					equal(f.t, "taken back", f.take().Key, "user/2")
				} else {
					f.leaseFor("user/2", "tok")
				}
				taker := &Lease{Key: "user/2", Token: f.tokenOf("user/2")}
				equal(f.t, "taken over", f.ident(taker, "mail:a@x"), true)
				if look := f.show("user/2").Look; look < ms(31*time.Second) {
					f.t.Fatalf("a late call of the first holder may meet the new one: look %d", look-start)
				}
				equal(f.t, "not given back by the first key", f.identOwner("mail:a@x"), taker.Token+" user/2")
			})
		})
	}
}

func (f *fixture) tokenOf(key string) string {
	f.t.Helper()
	token, err := f.store.Client.HGet(ctx, f.keys.record(key), "token").Result()
	ok(f.t, err)
	return token
}

func (f *fixture) identOwner(ident string) string {
	f.t.Helper()
	owner, err := f.store.Client.HGet(ctx, f.keys.idents(), ident).Result()
	ok(f.t, err)
	return owner
}
