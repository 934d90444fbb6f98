//go:build chaos && unix

package main_test

import (
	"context"
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
	began, sum, silent := time.Now(), &outcome{befell: map[string]int{}}, 0
	rounds := 0
	for rounds == 0 || time.Since(began) < total {
		rounds++
		t.Run(fmt.Sprintf("round-%d", rounds), func(t *testing.T) {
			r := &round{t: t, stage: s, outcome: &outcome{}}
			defer func() {
				if r.tell(); !r.outcome.compared {
					silent++
				}
				sum.add(r.outcome)
			}()
			r.run()
		})
		s.seed++
	}
	t.Logf("all %d rounds in %s, %d of them without a verdict: %s", rounds, time.Since(began).Round(time.Second), silent, sum)
}

const (
	chaosClients = 16
	chaosLoad    = 75 * time.Second // of a round; what follows is coming to rest

	// restTime is how long everything may take to come to rest: leases that run out, looks, an open circuit, back-offs.
	restTime = 4 * time.Minute
)

// round is one world in which things befall, and its verdict.
type round struct {
	t       *testing.T
	stage   stage
	chaos   *chaos
	fleet   *fleet
	outcome *outcome
}

func (r *round) run() {
	w := newWorld(r.t, r.stage, "none")
	c := newChaos(w)
	f := newFleet(w, chaosClients, chaosClients*1_000_000)
	r.chaos, r.fleet = c, f
	f.refusedWith, f.teams = http.StatusServiceUnavailable, true
	for n, client := range f.clients {
		client.okta.base = c.through(n)
	}
	had := w.cms.roles()
	seeded := len(w.cms.people())
	f.addGroups()
	stop := make(chan struct{})
	stopped := f.run(func(k *client) error { return c.load(k, stop) })
	c.run(chaosLoad)
	c.end()
	close(stop)
	<-stopped
	began := time.Now()
	left := within(restTime, func() string { return w.waiting(context.WithoutCancel(r.t.Context())) })
	r.outcome = f.compare(r.t, seeded, had)
	r.outcome.rest = time.Since(began)
	if left != "" {
		r.t.Errorf("not at rest after %s: %s", restTime, left)
	}
	f.report(r.t)
	for _, wrong := range r.outcome.wrong[:min(len(r.outcome.wrong), 20)] {
		r.t.Error(wrong)
	}
	f.verify(r.t)
}

// tell prints the verdict, however the round ended, and what befell if it did not end well.
func (r *round) tell() {
	o := r.outcome
	if r.fleet != nil {
		o.writes, o.unanswered, o.kept, o.refused = r.fleet.pushes.Load(), r.fleet.unanswered.Load(), r.fleet.kept.Load(), r.fleet.refused.Load()
		o.seatless, o.befell = r.chaos.seatless.Load(), r.chaos.count
	}
	if r.t.Failed() && r.fleet != nil {
		r.fleet.explain()
		r.t.Logf("seed %d; what befell:\n%s", r.stage.seed, r.chaos.story())
	}
	if !o.compared {
		r.t.Errorf("verdict: seed %d; NONE, the round ended before all was at rest: %s", r.stage.seed, o)
		return
	}
	r.t.Logf("verdict: seed %d; %s", r.stage.seed, o)
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
	odd   bool // the CMS behaves in a manner of its own
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
			err = c.refusedForGood(k)
		}
		if err != nil && !errors.Is(err, errUnanswered) {
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
func (c *chaos) refusedForGood(k *client) error {
	if k.last.aboutTeam() {
		return fmt.Errorf("%s %s was refused", k.last.kind, k.last.name)
	}
	c.seatless.Add(1)
	k.tell("%s of %s was refused", k.last.kind, k.last.h)
	if k.last.kind != "create" {
		k.accepted(k.last)
	}
	return nil
}
