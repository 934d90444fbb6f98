//go:build unix

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// proveGracefulStop sends SIGTERM (twice: people are impatient) in the middle of pushes, with calls under way, some for
// clients that have hung up, and a backlog. Whatever was accepted is answered, every lease is given back, and the next
// process goes on at once.
func proveGracefulStop(t *testing.T, s stage) {
	w := newWorld(t, s, "300/3s")
	rng, delays := s.rng(1), s.rng(2)
	w.cms.behave(func(l *call) manner {
		if strings.HasPrefix(l.who, "gone-") {
			return manner{delay: 1500 * time.Millisecond}
		}
		return manner{delay: time.Duration(50+delays.IntN(150)) * time.Millisecond}
	})
	f := newFleet(w, 32, 480)
	f.strict = true
	p := w.serveBound()
	f.use(p)
	f.addGroups()
	team := f.hire(160)
	w.settle(patience)
	at := 80 + rng.IntN(80)
	reached := f.after(at)
	stopped := f.run((*client).push)
	select {
	case <-reached:
	case <-stopped:
	}
	team.join(2) // the workers have something to do
	gone := f.hangUp(6)
	began := time.Now()
	p.signal(syscall.SIGTERM)
	pause(20 * time.Millisecond)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("serve does not end")
	}
	stopping := time.Since(began)
	<-stopped
	if p.exit != nil {
		t.Errorf("serve ended with %v", p.exit)
	}
	left, err := w.queue.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left.Leased != 0 {
		t.Errorf("%d leases were not given back", left.Leased)
	}
	waiting := int64(0)
	for _, n := range left.Depth {
		waiting += n
	}

	next := w.serve()
	f.use(next)
	f.take(gone)
	<-f.run((*client).push)
	f.fail(t)
	took := w.settle(patience)
	if n := w.metric(next, `scimcms_queue_reclaimed_total{project="`+project+`"}`); n != 0 {
		t.Errorf("%v leases ran out after the stop", n)
	}
	people := f.verify(t)
	violations, writes, _ := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	verdict(t, "%d pushes of %d people answered, SIGTERM after %d: ended in %s with 0 leases held and %d keys queued; %d requests found nobody, "+
		"0 of them carried out; the next process took over with 0 leases run out; %d CMS writes; queue empty %s after the last push",
		f.pushes.Load(), people, at, stopping.Round(time.Millisecond), waiting, f.unanswered.Load(), writes, took.Round(100*time.Millisecond))
}

// hire creates people at once, for a client that pushes nothing else.
func (f *fleet) hire(n int) *client {
	c := &client{fleet: f, n: len(f.clients), okta: f.clients[0].okta}
	f.clients = append(f.clients, c)
	all := make([]*push, n)
	var hiring sync.WaitGroup
	for i := range all {
		all[i] = &push{kind: "create", h: &human{name: fmt.Sprintf("team-%03d", i)}}
		hiring.Go(func() {
			if err := c.send(all[i]); err != nil {
				f.problem("hire: %v", err)
			}
		})
	}
	hiring.Wait()
	for _, p := range all {
		c.accepted(p)
	}
	return c
}

// join puts all of a client's people into a group.
func (c *client) join(group int) {
	p := &push{kind: "members", group: group, add: c.people}
	if err := c.send(p); err != nil {
		c.problem("join: %v", err)
	}
	c.accepted(p)
}

// hangUp creates people for whom nobody waits: their clients leave while the CMS is being called.
func (f *fleet) hangUp(n int) (names []string) {
	ctx, cancel := context.WithCancel(f.w.t.Context())
	var left sync.WaitGroup
	for i := range n {
		name := fmt.Sprintf("gone-%d", i)
		names = append(names, name)
		left.Go(func() {
			_, _ = f.clients[0].do(ctx, http.MethodPost, "/Users", newUser(name)) // its outcome is nobody's business any more
		})
	}
	until(f.w.t, patience, func() string {
		for _, name := range names {
			if f.w.cms.called(name+"@example.com") == 0 {
				return name + " is not invited"
			}
		}
		return ""
	})
	cancel()
	left.Wait()
	return names
}

// take makes people that were created unheard the first client's: what was accepted of them holds.
func (f *fleet) take(names []string) {
	c := f.clients[0]
	for _, name := range names {
		h := &human{name: name}
		p := &push{kind: "create", h: h}
		done, err := c.wasDone(p)
		if err != nil || !done {
			f.problem("%s was accepted and is not there: %v", name, err)
			continue
		}
		c.accepted(p)
	}
}
