//go:build unix

package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// stale is somebody whose last write by the stopped process arrives after a newer wish was accepted by the other.
type stale struct {
	before       []map[string]any // operations that bring the person to where the story begins
	older, newer map[string]any   // a nil older is the create itself
	active       bool             // what is wished in the end
	id           string
}

// proveStoppedProcess stops a process with SIGSTOP while CMS calls are under way, for longer than its leases last. Half of
// the calls arrive while it is stopped; half of them only when it goes on, when the other process has long finished the
// key. In the end the CMS has what was wished last.
func proveStoppedProcess(t *testing.T, s stage) {
	w := newWorld(t, s, "none")
	a, b := w.serve(), w.serve()
	toA, toB := w.okta(a), w.okta(b)
	people := stalePeople()
	for name, p := range people {
		p.begin(w, toA, name)
	}
	w.settle(patience)
	early, late := make(chan struct{}), make(chan struct{})
	releaseEarly, releaseLate := sync.OnceFunc(func() { close(early) }), sync.OnceFunc(func() { close(late) })
	t.Cleanup(releaseEarly)
	t.Cleanup(releaseLate)
	held := w.hold(map[string]<-chan struct{}{"early": early, "late": late})
	var waiting sync.WaitGroup
	t.Cleanup(waiting.Wait)
	for name, p := range people {
		waiting.Go(func() { p.writeOlder(w, toA, name) })
	}
	until(t, patience, func() string {
		if n := held(); n < len(people) {
			return fmt.Sprintf("%d of %d calls are under way", n, len(people))
		}
		return ""
	})
	a.signal(syscall.SIGSTOP)
	stopped := time.Now()
	for name, p := range people {
		waiting.Go(func() { p.writeNewer(w, toB, name) })
	}
	pause(time.Second)
	releaseEarly()
	until(t, leaseTime+lateTime+patience, func() string { return w.waiting(t.Context()) })
	if wrong := disagreeing(w, people); len(wrong) > 0 {
		t.Errorf("while the process is stopped:\n%s", strings.Join(wrong, "\n"))
	}
	releaseLate()
	until(t, patience, func() string {
		if n := len(disagreeing(w, people)); n < len(people)/2 {
			return fmt.Sprintf("%d late calls have arrived", n)
		}
		return ""
	})
	a.signal(syscall.SIGCONT)
	asleep := time.Since(stopped)
	until(t, leaseTime+lateTime+patience, func() string { return strings.Join(disagreeing(w, people), "\n") })
	w.settle(patience)
	if wrong := disagreeing(w, people); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	verdict(t, "%d calls under way at SIGSTOP, half arrived before the leases ran out, half at SIGCONT %s later, over newer writes: "+
		"the CMS has the newest wish of all", len(people), asleep.Round(100*time.Millisecond))
}

func stalePeople() map[string]*stale {
	active := func(v bool) map[string]any { return op("replace", nil, map[string]any{"active": v}) }
	title := func(v string) map[string]any { return op("replace", "title", v) }
	out := map[string]*stale{}
	for _, when := range []string{"early", "late"} {
		out[when+"-activated"] = &stale{before: []map[string]any{active(false)}, older: active(true), newer: active(false)}
		out[when+"-deactivated"] = &stale{older: active(false), newer: active(true), active: true}
		out[when+"-contractor"] = &stale{older: title("Contractor"), newer: title("Engineer"), active: true}
		out[when+"-invited"] = &stale{newer: active(false)}
	}
	return out
}

func (w *world) okta(p *process) okta {
	return okta{client: w.client, base: func() string { return p.scim }}
}

// begin makes somebody a collaborator, unless the story is about the create.
func (p *stale) begin(w *world, o okta, name string) {
	w.t.Helper()
	if p.older == nil {
		return
	}
	var u user
	if err := o.want(w.t.Context(), http.StatusCreated, request{http.MethodPost, "/Users", newUser(name)}, &u); err != nil {
		w.t.Fatal(err)
	}
	p.id = u.ID
	w.cms.accept(func(invited []cmstest.Resource) int {
		for i, r := range invited {
			if r.Text("email") == name+"@example.com" {
				return i
			}
		}
		w.t.Errorf("%s is not invited", name)
		return 0
	})
	if len(p.before) > 0 {
		if err := o.want(w.t.Context(), http.StatusOK, request{http.MethodPatch, "/Users/" + p.id, patch(p.before...)}, nil); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (p *stale) writeOlder(w *world, o okta, name string) {
	r, status := request{http.MethodPost, "/Users", newUser(name)}, http.StatusCreated
	if p.older != nil {
		r, status = request{http.MethodPatch, "/Users/" + p.id, patch(p.older)}, http.StatusOK
	}
	if err := o.want(w.t.Context(), status, r, nil); err != nil {
		w.t.Errorf("%s, by the process that is stopped: %v", name, err)
	}
}

func (p *stale) writeNewer(w *world, o okta, name string) {
	id := p.id
	if id == "" {
		found, err := o.find(w.t.Context(), name+"@example.com")
		if err != nil || len(found) != 1 {
			w.t.Errorf("%s: found %v, %v", name, found, err)
			return
		}
		id = found[0].ID
	}
	if err := o.want(w.t.Context(), http.StatusOK, request{http.MethodPatch, "/Users/" + id, patch(p.newer)}, nil); err != nil {
		w.t.Errorf("%s, by the other process: %v", name, err)
	}
}

// hold keeps the first write to each person from being applied until the channel of the name's first word is closed. The
// function gives how many are kept.
func (w *world) hold(until map[string]<-chan struct{}) (held func() int) {
	var mu sync.Mutex
	seen := map[string]bool{}
	w.cms.behave(func(l *call) manner {
		word, _, _ := strings.Cut(l.who, "-")
		mu.Lock()
		defer mu.Unlock()
		if !l.write() || until[word] == nil || seen[l.who] {
			return manner{}
		}
		seen[l.who] = true
		return manner{held: until[word]}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(seen)
	}
}

// disagreeing says who is not in the CMS as was wished last.
func disagreeing(w *world, people map[string]*stale) (wrong []string) {
	inCMS, viewer := w.cms.people(), w.cms.roles()["Viewer"]
	for name, p := range people {
		if text := inCMS[name+"@example.com"].disagrees(p.active, viewer); text != "" {
			wrong = append(wrong, name+" "+text)
		}
	}
	return wrong
}
