//go:build unix

package main_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

const (
	churnClients = 48
	churnWrites  = 8 // of each client
	churnPeople  = 12
)

// churn is many clients that delete the same few people and create them anew, through two processes.
type churn struct {
	w        *world
	a, b     okta
	accepted atomic.Int64
}

// proveChurn has 48 clients delete and create the same 12 people through two processes, under new externalIds and old
// ones, while invitations are accepted. Whoever is created takes over what a deletion may be at work on. In the end the CMS
// has exactly who was created last, and the log of calls shows one write at a time to each person.
func proveChurn(t *testing.T, s stage) {
	w := newWorld(t, s, "none")
	a, b := w.serveBound(), w.serveBound()
	c := &churn{w: w, a: w.okta(a), b: w.okta(b)}
	rng := s.rng(3)
	w.cms.behave(func(*call) manner { return manner{delay: time.Duration(2+rng.IntN(20)) * time.Millisecond} })
	began := time.Now()
	errs := make([]error, churnClients)
	var running sync.WaitGroup
	for n := range churnClients {
		running.Go(func() { errs[n] = c.client(n) })
	}
	running.Wait()
	writing := time.Since(began)
	for n, err := range errs {
		if err != nil {
			t.Errorf("client %d: %v", n, err)
		}
	}
	took := w.settle(lateTime + patience)
	here := c.verify()
	violations, writes, _ := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	verdict(t, "%d clients, %d creates and deletions of %d people accepted by two processes in %s; %d CMS writes; queue empty %s later; "+
		"%d people are left, and the CMS has them and nobody else; no two writes to one person at a time, none without effect",
		churnClients, c.accepted.Load(), churnPeople, writing.Round(100*time.Millisecond), writes, took.Round(100*time.Millisecond), here)
}

func churnName(n int) string { return fmt.Sprintf("churn-%02d", n) }

func (c *churn) client(n int) error {
	rng := c.w.stage.rng(uint64(300 + n))
	for i := range churnWrites {
		o := c.a
		if rng.IntN(2) == 0 {
			o = c.b
		}
		if err := c.write(o, churnName(rng.IntN(churnPeople)), fmt.Sprintf("%02d-%02d", n, i), rng); err != nil {
			return err
		}
	}
	return nil
}

// write deletes whoever has the name, or creates them.
func (c *churn) write(o okta, name, mark string, rng *rand.Rand) error {
	found, err := o.find(c.w.t.Context(), name+"@example.com")
	if err != nil {
		return err
	}
	r, good, meanwhile := request{http.MethodPost, "/Users", nil}, http.StatusCreated, http.StatusConflict
	if len(found) > 0 {
		r, good, meanwhile = request{http.MethodDelete, "/Users/" + found[0].ID, nil}, http.StatusNoContent, http.StatusNotFound
	} else {
		body := newUser(name)
		if rng.IntN(2) == 0 {
			body["externalId"] = "00u" + name + "-" + mark
		}
		r.body = body
	}
	got, err := o.do(c.w.t.Context(), r.method, r.path, r.body)
	switch {
	case err != nil:
		return err
	case got.status == meanwhile: // another client was faster
		return nil
	case got.status != good:
		return &refusal{request: r, reply: got}
	}
	c.accepted.Add(1)
	if rng.IntN(3) == 0 {
		c.w.cms.accept(func(all []cmstest.Resource) int { return rng.IntN(len(all)) })
	}
	return nil
}

// verify compares the CMS with who is there, and counts them.
func (c *churn) verify() (here int) {
	t, people, role := c.w.t, c.w.cms.people(), c.w.cms.roles()["Viewer"]
	t.Helper()
	for n := range churnPeople {
		name := churnName(n)
		found, err := c.b.find(t.Context(), name+"@example.com")
		if err != nil || len(found) > 1 {
			t.Fatalf("%s: %v, %d found", name, err, len(found))
		}
		here += len(found)
		if wrong := people[name+"@example.com"].disagrees(len(found) == 1, role); wrong != "" {
			t.Errorf("%s %s\n%s", name, wrong, c.w.cms.story(name+"@example.com"))
		}
	}
	return here
}
