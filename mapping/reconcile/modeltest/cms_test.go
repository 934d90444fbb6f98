package modeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// How long a call to the CMS is waited for, and how long after that it may still arrive.
const (
	callTimeout = 8 * time.Second
	afterwards  = 5 * time.Second
)

// lateCall is a call that its caller has given up, and that still can arrive.
type lateCall struct {
	req   *http.Request
	body  []byte
	until time.Time
	name  string
	who   *replica
}

// transport carries the calls of one replica to the CMS.
type transport struct {
	w   *world
	who *replica
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	call := &lateCall{req: req, body: body, until: time.Now().Add(callTimeout + afterwards), name: describe(req, body), who: t.who}
	done := t.w.underWay(call)
	f, err := t.w.gates.wait(req.Context(), t.who, true, call.name)
	done()
	if f == held && (err == nil || req.Context().Err() != nil) {
		t.w.late(call)
	}
	switch {
	case err != nil:
		return nil, err
	case f == refused, f == held:
		return nil, errDropped
	}
	resp, err := t.w.apply(call)
	if f == unanswered {
		return nil, errDropped
	}
	return resp, err
}

// underWay notes a write until it is carried out or given up. What it changes has no other writer meanwhile.
func (w *world) underWay(c *lateCall) (done func()) {
	what := subject(c)
	if what == "" {
		return func() {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.sent[what]; o != nil && !o.who.dead {
		w.violation("one writer: %s while %s is under way", c.name, o.name)
	}
	w.sent[what] = c
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.sent[what] == c {
			delete(w.sent, what)
		}
	}
}

// subject is what a write changes: an entity, or whoever has the address that is invited; "" for reads and new roles.
func subject(c *lateCall) string {
	if c.req.Method == http.MethodGet || strings.HasPrefix(c.name, "POST roles") {
		return ""
	}
	if _, address, ok := strings.Cut(c.name, " email="); ok {
		return "mail:" + strings.ToLower(strings.Fields(address)[0])
	}
	return strings.TrimPrefix(c.req.URL.Path, "/")
}

func describe(req *http.Request, body []byte) string {
	out := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/")
	if len(body) == 0 {
		return out
	}
	var b struct {
		Data struct {
			Attributes    map[string]any                                `json:"attributes"`
			Relationships map[string]struct{ Data struct{ ID string } } `json:"relationships"`
		}
	}
	if json.Unmarshal(body, &b) != nil {
		return out
	}
	for _, k := range []string{"email", "is_active", "name"} {
		if v, ok := b.Data.Attributes[k]; ok {
			out += fmt.Sprintf(" %s=%v", k, v)
		}
	}
	if r, ok := b.Data.Relationships["role"]; ok {
		out += " role=" + r.Data.ID
	}
	return out
}

// late keeps a call that may still arrive. Reads have no effect.
func (w *world) late(c *lateCall) {
	if c.req.Method == http.MethodGet {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onTheWay = append(w.onTheWay, c)
	slices.SortStableFunc(w.onTheWay, func(a, b *lateCall) int { return strings.Compare(a.who.name+a.name, b.who.name+b.name) })
	w.count("late call")
}

// apply carries a call out, and judges it.
func (w *world) apply(c *lateCall) (*http.Response, error) {
	req := c.req.Clone(context.WithoutCancel(c.req.Context()))
	req.Body = io.NopCloser(bytes.NewReader(c.body))
	if req.Method == http.MethodGet {
		w.mu.Lock()
		w.reads++
		w.mu.Unlock()
		return w.cmsTransport.RoundTrip(req)
	}
	before := w.cms.State()
	faults := len(w.cms.Faults())
	resp, err := w.cmsTransport.RoundTrip(req)
	after := w.cms.State()
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	w.judge(write{name: c.name, path: strings.TrimPrefix(req.URL.Path, "/"), method: req.Method, status: status,
		changed: fingerprint(before) != fingerprint(after), before: before, faulty: faults > 0 || err != nil})
	return resp, err
}

// write is a call that may change the CMS, as it was carried out.
type write struct {
	name, path, method string
	status             int
	changed, faulty    bool
	before             cmstest.State
}

func fingerprint(s cmstest.State) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// judge says what is wrong with a write at once.
func (w *world) judge(c write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.writes++
	w.note("CMS %s -> %d", c.name, c.status)
	kind, id, _ := strings.Cut(c.path, "/")
	for _, u := range c.before.Users {
		if kind == "users" && u.ID == id && w.untouchable(u.Text("email")) {
			w.violation("hands off: %s changes %s, whom nobody wishes anything of", c.name, u.Text("email"))
		}
	}
	for _, i := range c.before.Invitations {
		if kind == "site-invitations" && i.ID == id && w.untouchable(i.Text("email")) {
			w.violation("hands off: %s changes the invitation of %s", c.name, i.Text("email"))
		}
	}
	for _, r := range c.before.Roles {
		if kind == "roles" && r.ID == id && builtIn(r.Text("name")) {
			w.violation("hands off: %s changes the role %s", c.name, r.Text("name"))
		}
	}
	w.judgeBrake(c)
	if w.calm && !c.changed && !c.faulty && !w.overtaken(c) {
		w.violation("fewest calls: %s changed nothing (%d)", c.name, c.status)
	}
}

// overtaken says that a write about an invitation changed nothing for a reason that only the CMS could tell: it was accepted
// meanwhile, or whoever is invited has an account that a leaver had, or has until the brake lets go of them.
func (w *world) overtaken(c write) bool {
	switch {
	case !strings.HasPrefix(c.path, "site-invitations"):
		return false
	case c.status == http.StatusNotFound:
		return true
	case c.status != http.StatusUnprocessableEntity:
		return false
	}
	address := invited(c.name)
	for _, u := range c.before.Users {
		if u.Attributes["is_active"] == false && u.Text("email") == address {
			return true
		}
	}
	return w.leaverAt(address) != ""
}

// judgeBrake counts the people who lose their access, unless an operator has let them go: the brake bounds how many.
func (w *world) judgeBrake(c write) {
	ctx := context.Background()
	w.letIn(ctx, c)
	entity := w.takesFrom(c)
	if entity == "" || !w.setup.Brake {
		return
	}
	id := w.side.HGet(ctx, w.base+":x:cms", entity).Val()
	if id == "" || w.released["user/"+id] {
		return
	}
	w.taken[id] = time.Now()
	n, in := 0, w.access()
	for id, at := range w.taken {
		u := w.side.HMGet(ctx, w.base+":u:"+id, "state", "active", "ckind", "cid").Val()
		wished := u[0] == "live" && u[1] == "1"
		if kind, ok := u[2].(string); ok && kind != "" && in[fmt.Sprint(kind[:1], u[3])] {
			delete(w.taken, id) // let in again since
		} else if !wished && !w.released["user/"+id] && time.Since(at) < brakeWindow {
			n++
		}
	}
	if n > brakeLeast {
		w.violation("brake: %s is the %d. person to lose their access", c.name, n)
	}
}

// letIn forgets that somebody lost their access who has it again by a write: another address was invited.
func (w *world) letIn(ctx context.Context, c write) {
	switch kind, id, _ := strings.Cut(c.path, "/"); {
	case !c.changed:
	case kind == "site-invitations" && c.method == http.MethodPost:
		delete(w.taken, w.side.HGet(ctx, w.base+":x:addr", strings.ToLower(invited(c.name))).Val())
	case kind == "users" && strings.Contains(c.name, "is_active=true"):
		delete(w.taken, w.side.HGet(ctx, w.base+":x:cms", "c"+id).Val())
	}
}

// invited is the address in the name of a call that invites.
func invited(name string) string {
	_, address, _ := strings.Cut(name, " email=")
	address, _, _ = strings.Cut(address, " ")
	return address
}

// access are the entities by which somebody gets in.
func (w *world) access() map[string]bool {
	in, s := map[string]bool{}, w.cms.State()
	for _, u := range s.Users {
		in["c"+u.ID] = u.Attributes["is_active"] == true
	}
	for _, i := range s.Invitations {
		in["i"+i.ID] = true
	}
	return in
}

// takesFrom is the entity from which a write has taken access, as the index of links names it; "" when it took none.
func (w *world) takesFrom(c write) string {
	kind, id, _ := strings.Cut(c.path, "/")
	if !c.changed {
		return ""
	}
	for _, u := range c.before.Users {
		if kind == "users" && u.ID == id && u.Attributes["is_active"] == true && (c.method == http.MethodDelete || strings.Contains(c.name, "is_active=false")) {
			return "c" + id
		}
	}
	if kind == "site-invitations" && c.method == http.MethodDelete {
		return "i" + id
	}
	return ""
}
