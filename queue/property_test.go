package queue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// model is what a queue must look like after any interleaving of pushes, takes, ends and deaths, over two replicas.
type model struct {
	*fixture
	rt       *rapid.T
	replicas [2]*fixture
	newest   map[string]int64 // ticket of the newest wish, by key
	agreed   map[string]int64 // newest ticket that was agreed
	leases   []*Lease         // given out and not ended, dead holders' too
}

var modelKeys = []string{"user/1", "user/2", "group/1"}

// TestQueue_NoKeyIsLostAndNobodySharesOne drives random interleavings against the model: no key is lost, a key has at
// most one holder, and the newest ticket is always handled.
func TestQueue_NoKeyIsLostAndNobodySharesOne(t *testing.T) {
	t.Parallel()
	queuetest.Everywhere(t, func(t *testing.T, store queuetest.Store) {
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			own := store
			own.Base = Base("t:"+strconv.Itoa(run), store.Base[3:len(store.Base)-1])
			f := newFixture(t, own, Options{Attempts: 3})
			m := &model{fixture: f, rt: rt, replicas: [2]*fixture{f, f.replica()}, newest: map[string]int64{}, agreed: map[string]int64{}}
			rt.Repeat(map[string]func(*rapid.T){
				"push":        m.doPush,
				"take":        m.doTake,
				"request":     m.doRequest,
				"finish":      m.doFinish,
				"release":     m.doRelease,
				"renew":       m.doRenew,
				"die":         m.doDie,
				"wait":        m.doWait,
				"replay":      func(*rapid.T) { _, err := f.ReplayAll(ctx); m.must(err) },
				"replay code": func(*rapid.T) { _, err := f.ReplayCode(ctx, "seats", 1); m.must(err) },
				"":            m.check,
			})
			m.drain()
		})
	})
}

func (m *model) must(err error) {
	if err != nil {
		m.rt.Fatal(err)
	}
}

func (m *model) doPush(rt *rapid.T) {
	key := rapid.SampledFrom(modelKeys).Draw(rt, "key")
	lane := rapid.SampledFrom(Lanes()).Draw(rt, "lane")
	fresh := rapid.Bool().Draw(rt, "fresh")
	before := m.show(key)
	ticket, err := m.Push(ctx, key, lane, fresh)
	m.must(err)
	if !fresh && before.State == Parked {
		if ticket != before.Ticket {
			rt.Fatalf("a touch gave the parked %s ticket %d", key, ticket)
		}
		return
	}
	for _, other := range m.newest {
		if ticket <= other {
			rt.Fatalf("%s got ticket %d, but %d was given before", key, ticket, other)
		}
	}
	m.newest[key] = ticket
}

func (m *model) replica(rt *rapid.T) *fixture {
	return m.replicas[rapid.IntRange(0, 1).Draw(rt, "replica")]
}

func (m *model) doTake(rt *rapid.T) {
	opt := TakeOptions{OnlyLeavers: rapid.Bool().Draw(rt, "only leavers")}
	l, err := m.replica(rt).Take(ctx, opt)
	m.must(err)
	if l == nil {
		return
	}
	if l.Ticket != m.newest[l.Key] || (opt.OnlyLeavers && l.Lane != Leavers) {
		rt.Fatalf("took %+v, newest is %d", l, m.newest[l.Key])
	}
	m.leases = append(m.leases, l)
}

// doRequest is a commit: push and lease in one script.
func (m *model) doRequest(rt *rapid.T) {
	key, token := rapid.SampledFrom(modelKeys).Draw(rt, "key"), NewToken()
	out, err := Script(`local p, now = KEYS[1], q_now(KEYS[1], ARGV[1])
local t = q_push(p, ARGV[2], 'interactive', now, '1')
local held = q_lease(p, ARGV[2], ARGV[3], now, 15000)
local rec = q_record(p, ARGV[2])
table.insert(rec, 1, q_num(t))
table.insert(rec, 2, held and '1' or '')
return rec`).Run(ctx, m.store.Client, []string{m.store.Base}, m.NowArg(), key, token).StringSlice()
	m.must(err)
	m.newest[key] = number(out[0])
	if out[1] == "1" {
		m.leases = append(m.leases, m.Adopt(key, token, out[2:]))
	}
}

// pick chooses a lease that somebody still believes in, perhaps wrongly.
func (m *model) pick(rt *rapid.T) *Lease {
	if len(m.leases) == 0 {
		rt.Skip("no lease")
	}
	return m.leases[rapid.IntRange(0, len(m.leases)-1).Draw(rt, "lease")]
}

func (m *model) forget(l *Lease) {
	m.leases = slices.DeleteFunc(m.leases, func(other *Lease) bool { return other == l })
}

func (m *model) doFinish(rt *rapid.T) {
	l := m.pick(rt)
	v := Verdict{
		Outcome: rapid.SampledFrom([]Outcome{Done, Done, Retry, Wait, Park}).Draw(rt, "outcome"),
		Code:    rapid.SampledFrom([]string{"", "seats", "address"}).Draw(rt, "code"),
		Lane:    rapid.SampledFrom(append(Lanes(), "")).Draw(rt, "lane"),
	}
	held := m.holds(l)
	result, err := m.replica(rt).Finish(ctx, l, v)
	m.must(err)
	m.forget(l)
	switch {
	case held == (result == ResultLost):
		rt.Fatalf("%s: held %v, result %s", l.Key, held, result)
	case result == ResultLost:
		if e := m.show(l.Key); e.Ticket > m.newest[l.Key] {
			m.newest[l.Key] = e.Ticket // it queued a look
		}
	case (result == ResultAgain) != (l.Ticket < m.newest[l.Key]):
		rt.Fatalf("%s: acted on %d, newest is %d, result %s", l.Key, l.Ticket, m.newest[l.Key], result)
	case result == ResultDone:
		m.agreed[l.Key] = l.Ticket
	}
}

func (m *model) doRelease(rt *rapid.T) {
	l := m.pick(rt)
	m.must(m.Release(ctx, l))
	m.forget(l)
	m.newest[l.Key] = max(m.newest[l.Key], m.show(l.Key).Ticket) // a lost one queued a look
}

func (m *model) doRenew(rt *rapid.T) {
	l := m.pick(rt)
	held := m.holds(l)
	if err := m.replica(rt).Renew(ctx, l); held != (err == nil) {
		rt.Fatalf("%s: held %v, renewed: %v", l.Key, held, err)
	}
}

// doDie is a process that ends without a word.
func (m *model) doDie(rt *rapid.T) { m.forget(m.pick(rt)) }

func (m *model) doWait(rt *rapid.T) {
	m.clock.Advance(time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "ms")) * time.Millisecond)
}

// holds says by the record alone whether a lease counts.
func (m *model) holds(l *Lease) bool {
	f, err := m.store.Client.HMGet(ctx, m.keys.record(l.Key), "token", "until").Result()
	m.must(err)
	s := texts(f)
	return s[0] == l.Token && number(s[1]) > m.clock.Now()
}

// check holds after every step.
func (m *model) check(rt *rapid.T) {
	entries, where := m.read()
	m.checkCodes(rt, entries)
	for _, key := range modelKeys {
		e, known := entries[key], entries[key].State != Idle
		if pending := m.newest[key] > m.agreed[key]; known != pending || (known && e.Ticket != m.newest[key]) {
			rt.Fatalf("%s: newest %d, agreed %d, but the queue has %+v", key, m.newest[key], m.agreed[key], e)
		}
		want := map[State]string{Idle: "", Queued: string(e.Lane) + " since", Leased: "leased since", Parked: "parked"}[e.State]
		if where[key] != want {
			rt.Fatalf("%s is %s, but found in %q", key, e.State, where[key])
		}
		holders := 0
		for _, l := range m.leases {
			if l.Key == key && m.holds(l) {
				holders++
			}
		}
		if holders > 1 {
			rt.Fatalf("%s has %d holders", key, holders)
		}
	}
}

// checkCodes compares the counts of parked keys by code with the records.
func (m *model) checkCodes(rt *rapid.T, entries map[string]Entry) {
	want := map[string]int64{}
	for _, e := range entries {
		if e.State == Parked {
			want[cmp.Or(e.Code, "unknown")]++
		}
	}
	s, err := m.Stats(ctx)
	m.must(err)
	if !maps.Equal(s.Codes, want) {
		rt.Fatalf("parked by code %v, want %v", s.Codes, want)
	}
}

// read returns the records, and the names of the sets in which each key is. One round trip: it runs after every step.
func (m *model) read() (entries map[string]Entry, where map[string]string) {
	sets := []string{"leavers", "interactive", "normal", "background", "leased", "parked", "since"}
	pipe := m.store.Client.Pipeline()
	found, records := map[string]*redis.StringSliceCmd{}, map[string]*redis.MapStringStringCmd{}
	for _, set := range sets {
		found[set] = pipe.ZRange(ctx, m.store.Base+":q:"+set, 0, -1)
	}
	for _, key := range modelKeys {
		records[key] = pipe.HGetAll(ctx, m.keys.record(key))
	}
	_, err := pipe.Exec(ctx)
	m.must(err)
	entries, where = map[string]Entry{}, map[string]string{}
	for _, set := range sets {
		for _, key := range found[set].Val() {
			where[key] = strings.TrimSpace(where[key] + " " + set)
		}
	}
	for key, record := range records {
		entries[key] = Entry{Key: key, State: Idle}
		if len(record.Val()) > 0 {
			row := []string{key, ""}
			for field, value := range record.Val() {
				row = append(row, field, value)
			}
			entries[key] = newEntry(row)
		}
	}
	return entries, where
}

// drain works everything off: every newest ticket is handled in the end.
func (m *model) drain() {
	m.leases = nil // everybody dies
	for range 200 {
		m.clock.Advance(30 * time.Minute)
		_, err := m.ReplayAll(ctx)
		m.must(err)
		l, err := m.Take(ctx, TakeOptions{})
		m.must(err)
		if l == nil {
			break
		}
		result, err := m.Finish(ctx, l, Verdict{Outcome: Done})
		m.must(err)
		if result == ResultDone {
			m.agreed[l.Key] = l.Ticket
		}
	}
	if fmt.Sprint(m.agreed) != fmt.Sprint(m.newest) {
		m.rt.Fatalf("handled %v, newest %v", m.agreed, m.newest)
	}
	for _, key := range modelKeys {
		m.wantNoKeyOf(key)
	}
}
