//go:build chaos && unix

package main_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestChaos lets an Okta-shaped load run through two processes while everything around them is killed, stopped, cut, delayed,
// filled up and locked at random; then it lets all come to rest and compares what was accepted with what the CMS has.
// SCIMCMS_CHAOS says for how long in all (default 2m), in rounds of a world of their own; SCIMCMS_PROOF_SEED repeats the
// order of things of the first round.
func TestChaos(t *testing.T) { //nolint:paralleltest // it wants the machine
	total := 2 * time.Minute
	if text := os.Getenv("SCIMCMS_CHAOS"); text != "" {
		var err error
		if total, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SCIMCMS_CHAOS: %v", err)
		}
	}
	s := stage{bin: build(t), seed: seedOf(t)}
	began := time.Now()
	for n := 1; n == 1 || time.Since(began) < total; n++ {
		t.Run(fmt.Sprintf("round-%d", n), func(t *testing.T) { chaosRound(t, s) })
		s.seed++
	}
}

const (
	chaosClients = 16
	chaosLoad    = 75 * time.Second // of a round; what follows is coming to rest

	// restTime is how long everything may take to come to rest: leases that run out, looks, an open circuit, back-offs.
	restTime = 4 * time.Minute
)

func chaosRound(t *testing.T, s stage) {
	w := newWorld(t, s, "none")
	c := newChaos(w)
	f := newFleet(w, chaosClients, chaosClients*1_000_000)
	f.refusedWith = http.StatusServiceUnavailable
	for n, client := range f.clients {
		client.okta.base = c.through(n)
	}
	f.addGroups()
	stop := make(chan struct{})
	stopped := f.run(func(k *client) error { return c.load(k, stop) })
	c.run(chaosLoad)
	c.end()
	close(stop)
	<-stopped
	f.fail(t)
	took := w.settle(restTime)
	lost, doubled, stale := f.compare()
	people := f.verify(t)
	if t.Failed() {
		f.explain()
		t.Logf("seed %d; what befell:\n%s", s.seed, c.story())
	}
	t.Logf("verdict: seed %d; accepted %d writes of %d people, in the CMS %d people; lost %d, doubled %d, stale %d; %d writes without an answer (%d kept as a "+
		"whole, the rest absent), %d answers 503, %d creates refused for want of a seat; befell: %s; at rest after %s",
		s.seed, f.pushes.Load(), people, people-lost, lost, doubled, stale, f.unanswered.Load(), f.kept.Load(), f.refused.Load(),
		c.seatless.Load(), c.summary(), took.Round(100*time.Millisecond))
}

// compare counts whom the CMS lacks, has more than once, and has otherwise than was accepted last.
func (f *fleet) compare() (lost, doubled, stale int) {
	roles, inCMS := f.w.cms.roles(), f.w.cms.people()
	for _, c := range f.clients {
		for _, h := range c.people {
			role := "Viewer"
			for i := len(groupNames) - 1; i >= 0; i-- {
				if h.groups[i] {
					role = groupNames[i]
				}
			}
			p := inCMS[h.address()]
			n := len(p.collaborators) + len(p.invitations)
			switch {
			case n > 1:
				doubled++
			case n == 0 && h.active:
				lost++
			case p.disagrees(h.active, roles[role]) != "":
				stale++
			}
		}
	}
	return lost, doubled, stale
}

// explain tells what the CMS was asked for people whom it should not have, and what clients saw of them.
func (f *fleet) explain() {
	pushed := map[string]bool{}
	for _, c := range f.clients {
		for _, h := range c.people {
			pushed[h.address()] = true
		}
	}
	for who := range f.w.cms.people() {
		if strings.HasPrefix(who, "c") && strings.HasSuffix(who, "@example.com") && !pushed[who] {
			found, err := f.clients[0].find(f.w.t.Context(), who)
			f.w.t.Logf("nobody pushed %s; record %+v (%v)\nclients: %v\n%s", who, found, err, f.seen(who), f.w.cms.story(who))
		}
	}
}

// seen is what the client who created somebody was told.
func (f *fleet) seen(who string) (out []string) {
	for _, c := range f.clients {
		for _, line := range c.told {
			if strings.Contains(line, strings.TrimSuffix(who, "@example.com")) {
				out = append(out, line)
			}
		}
	}
	return out
}

// chaos is what befalls a world.
type chaos struct {
	w     *world
	rng   *rand.Rand
	links *links
	sides [2]*side
	ends  []ending
	told  []string
	count map[string]int
	began time.Time

	// steady is held by a client that finds out what became of a write: not while Redis is stopped, when what it has not
	// read yet is carried out later.
	steady   sync.RWMutex
	seatless atomic.Int64
}

// side is one of the two processes and its way to Redis and the CMS.
type side struct {
	n       int
	world   *world // with a configuration of its own
	process *process
	address atomic.Value // of its SCIM server
	busy    bool         // something befalls the process at the moment
}

// ending undoes what befell.
type ending struct {
	at   time.Time
	undo func()
}

// through gives a client's address: one side, and the other when that does not answer.
func (c *chaos) through(n int) func() string {
	var turn atomic.Int64
	turn.Store(int64(n))
	return func() string {
		for range c.sides {
			if s, _ := c.sides[turn.Load()%2].address.Load().(string); s != "" {
				return s
			}
			turn.Add(1)
		}
		return "http://127.0.0.1:1" // nobody is there
	}
}

// load pushes until it is told to stop. A write without an answer is looked after once it cannot come any more.
func (c *chaos) load(k *client, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			if k.open == nil {
				return nil
			}
		default:
		}
		k.left = 1
		if k.open != nil {
			pause(700 * time.Millisecond) // a slow link may still bring it
			k.left = 0
		}
		err := c.pushOnce(k)
		if r, ok := errors.AsType[*refusal](err); ok && r.status == http.StatusForbidden {
			c.refusedForGood(k)
		} else if err != nil && !errors.Is(err, errUnanswered) {
			return err
		}
		pause(time.Duration(10+k.rng.IntN(120)) * time.Millisecond)
	}
}

func (c *chaos) pushOnce(k *client) error {
	if k.open != nil {
		c.steady.RLock()
		defer c.steady.RUnlock()
		err := k.unknown(k.resolve())
		if err == nil {
			k.open = nil
		}
		return err
	}
	return k.push()
}

// refusedForGood is a write that the CMS has no seat for: a person that was to be created is not, and what was to be changed is
// the newest wish all the same.
func (c *chaos) refusedForGood(k *client) {
	c.seatless.Add(1)
	k.tell("%s of %s was refused", k.last.kind, k.last.h)
	if k.last.kind != "create" {
		k.accepted(k.last)
	}
}
