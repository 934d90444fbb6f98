package modeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

const project = "site"

// report is what a run came to.
type report struct {
	violations []string
	operations int
	writes     int
	faults     map[string]int
	trace      []string
}

// world is one run: replicas on one store, one CMS, and the identity provider's view of both.
type world struct {
	t       testing.TB
	url     string
	base    string
	calm    bool // no faults and no edits by hand: every write must have an effect
	setup   setup
	scripts *scripts
	mutant  mutant
	gates   gates
	rng     *rand.Rand

	cms          *cmstest.Server
	cmsTransport http.RoundTripper
	admin        *cmsclient.Client // an administrator of the CMS, past the proxy
	side         *redis.Client     // looks at the store, past the replicas
	replicas     []*replica
	running      sync.WaitGroup

	mu       sync.Mutex
	onTheWay []*lateCall
	clients  int
	answers  []answer // that are not noted yet
	tick     int
	reads    int
	report   report
	history  history
	touched  map[string]bool      // addresses that somebody edited by hand
	edited   map[string]bool      // addresses whose role or activity somebody edited by hand
	dropped  map[string]bool      // keys that an operator discarded
	released map[string]bool      // keys that an operator released
	byHand   bool                 // somebody edited roles by hand
	initial  map[string]bool      // ids of the entities that were there at the begin
	taken    map[string]time.Time // when a call last took a person's access, by record
	sent     map[string]*lateCall // the call that is under way, by what it changes
}

// replica is one process.
type replica struct {
	w       *world
	name    string
	dead    bool
	doomed  int // dies at so many calls from now; 0: lives
	workers int
	redis   *redis.Client
	queue   *queue.Queue
	dir     *directory.Directory
	engine  *reconcile.Engine
	stop    context.CancelFunc
	ctx     context.Context
}

// setup is a project's configuration in a run.
type setup struct {
	Remove   bool
	Reinvite bool
	Repair   bool // drift is repaired, not only reported
	Brake    bool // few may lose their access at a time
	Replicas int
}

// brakeLeast people may lose their access within brakeWindow.
const (
	brakeLeast  = 2
	brakeWindow = 30 * time.Second
)

func (s setup) brake() directory.Brake {
	if !s.Brake {
		return directory.Brake{}
	}
	return directory.Brake{Percent: 1, Min: brakeLeast, Window: brakeWindow}
}

func (s setup) drift() string {
	if s.Repair {
		return "repair"
	}
	return "report"
}

func (s setup) rules() mapping.Config {
	c := mapping.Config{
		Default: "Viewer", Create: true, Template: "Viewer", Protected: []string{protected},
		Rules: []mapping.Rule{{Group: "Chiefs", Role: "Chief"}, {When: "boss", Role: "Author"}},
		Compile: func(string) (mapping.Predicate, error) {
			return func(a mapping.Attributes) bool { return strings.Join(a.Values("title"), "") == "boss" }, nil
		},
	}
	if s.Remove {
		c.OnDelete = mapping.Remove
	}
	if s.Reinvite {
		c.OnEmailChange = mapping.Reinvite
	}
	return c
}

func (w *world) note(format string, args ...any) {
	w.report.trace = append(w.report.trace, fmt.Sprintf("%8d  ", time.Now().UnixMilli()%100_000_000)+fmt.Sprintf(format, args...))
}

func (w *world) violation(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	w.report.violations = append(w.report.violations, v)
	w.note("VIOLATION %s", v)
}

// count is called with w.mu held.
func (w *world) count(fault string) { w.report.faults[fault]++ }

func (w *world) must(err error) {
	if err != nil {
		panic(err)
	}
}

// begin makes the CMS and the first replicas, and has them know it.
func (w *world) begin() {
	w.cms = cmstest.New(cmstest.Options{SeedUsers: 2, Owner: "owner@example.com", Now: time.Now})
	w.cmsTransport = w.cms.Transport()
	var err error
	w.admin, err = cmsclient.New(cmsclient.Options{BaseURL: "http://cms.example", Token: "demo-cms-token", Transport: w.cmsTransport})
	w.must(err)
	roles, err := w.admin.Roles(context.Background())
	w.must(err)
	for _, r := range roles {
		if r.Name == "Editor" {
			for _, name := range []string{"Viewer", "Author", "Chief"} {
				_, err := w.admin.CreateRole(context.Background(), r.Template(name))
				w.must(err)
			}
		}
	}
	for _, address := range []string{stranger, protected, addresses[0]} {
		_, err := w.cms.AddUser(cmstest.NewUser{Email: address, Role: "Editor"})
		w.must(err)
	}
	s := w.cms.State()
	for _, r := range slices.Concat(s.Users, s.Invitations) {
		w.initial[r.ID] = true
	}
	w.side = openRedis(w.t, w.url)
	for range w.setup.Replicas {
		w.start()
	}
	w.pushImport(w.replicas[0])
	w.quiet()
	r := w.replicas[0]
	w.running.Go(func() { _ = r.engine.ConfirmRepair(as(r.ctx, "operator")) })
	w.quiet()
}

type flat map[string]any

func (f flat) Values(path string) []string {
	if v, ok := f[path]; ok {
		return []string{fmt.Sprint(v)}
	}
	return nil
}

// start adds a process.
func (w *world) start() *replica {
	r := &replica{w: w, name: fmt.Sprintf("r%d", len(w.replicas))}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.redis = openRedis(w.t, w.url)
	r.redis.AddHook(hook{w, r})
	now := func() int64 { return time.Now().UnixMilli() }
	var err error
	r.queue, err = queue.New(queue.Options{Redis: r.redis, Base: w.base, Now: now, Rand: func() float64 { return 0.5 }})
	w.must(err)
	r.dir, err = directory.New(directory.Options{
		Redis: r.redis, Queue: r.queue, Base: w.base, Project: project, Fold: mapping.Fold, Clock: time.Now, Brake: w.setup.brake(),
		NewID: func(kind, key string, uses int64) string { return mapping.ID(project, kind, key, int(uses)) },
	})
	w.must(err)
	client, err := cmsclient.New(cmsclient.Options{
		BaseURL: "http://cms.example", Token: "demo-cms-token", Transport: &transport{w, r}, Rand: func() float64 { return 0.5 },
	})
	w.must(err)
	rules, err := mapping.NewRules(w.setup.rules())
	w.must(err)
	r.engine, err = reconcile.New(reconcile.Options{
		Project: project, Directory: r.dir, Queue: r.queue, CMS: client, Rules: rules, Adopt: true, Drift: w.setup.drift(),
		Attributes: func(doc []byte) (mapping.Attributes, error) {
			f := flat{}
			if len(doc) == 0 {
				return f, nil
			}
			err := json.Unmarshal(doc, &f)
			return f, err
		},
		Document: func(p reconcile.Person) ([]byte, error) { return json.Marshal(flat{"imported": p.UserName}) },
	})
	w.must(err)
	w.replicas = append(w.replicas, r)
	w.running.Go(func() { r.bind() })
	return r
}

func (r *replica) bind() {
	for r.ctx.Err() == nil {
		if err := r.engine.Bind(as(r.ctx, "bind")); err == nil || errors.Is(err, errDead) {
			return
		}
		select {
		case <-time.NewTimer(2 * time.Second).C:
		case <-r.ctx.Done():
		}
	}
}

// work takes one key and handles it, as a worker of the pool does.
func (r *replica) work(n int) {
	ctx := as(r.ctx, fmt.Sprintf("w%d", n))
	l, err := r.queue.Take(ctx, queue.TakeOptions{})
	if err != nil || l == nil {
		return
	}
	kept, stop := r.queue.KeepAlive(ctx, l)
	v := r.engine.Handle(kept, l)
	stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = r.queue.Finish(ctx, l, v)
}

// employ starts a worker on a replica.
func (w *world) employ(r *replica) {
	w.tick++
	n := w.tick
	r.workers++
	w.running.Go(func() {
		r.work(n)
		w.mu.Lock()
		defer w.mu.Unlock()
		r.workers--
	})
}

func (w *world) alive() (out []*replica) {
	for _, r := range w.replicas {
		if !r.dead {
			out = append(out, r)
		}
	}
	return out
}

// waiting are the calls that can go on. Whoever has been answered meanwhile is noted as such.
func (w *world) waiting() []*gate {
	out := w.gates.waiting()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.answers, func(a, b answer) int { return a.n - b.n })
	for _, a := range w.answers {
		w.clients--
		w.tick++
		a.end, a.outcome = w.tick, outcomeOf(a.err)
		w.note("op%d: %s %v", a.n, a.outcome, a.err)
	}
	w.answers = nil
	return out
}

// turn lets one thing happen.
func (w *world) turn() {
	waiting := w.waiting()
	w.mu.Lock()
	onTheWay := len(w.onTheWay)
	w.mu.Unlock()
	switch x := w.rng.IntN(100); {
	case onTheWay > 0 && x < 10:
		w.land(w.rng.IntN(onTheWay))
	case len(waiting) > 0 && x < 75:
		w.open(waiting[w.rng.IntN(len(waiting))])
	default:
		if !w.hire() {
			if len(waiting) > 0 {
				w.open(waiting[w.rng.IntN(len(waiting))])
			} else {
				let(time.Duration(50+w.rng.IntN(400)) * time.Millisecond)
			}
		}
	}
}

// hire starts a worker somewhere, unless all are at work.
func (w *world) hire() bool {
	alive := w.alive()
	r := alive[w.rng.IntN(len(alive))]
	w.mu.Lock()
	busy := r.workers >= 3
	w.mu.Unlock()
	if busy || !r.engine.Bound() {
		return false
	}
	w.employ(r)
	return true
}

// open lets a call go on, or ends its process.
func (w *world) open(g *gate) {
	w.mu.Lock()
	w.note("    %s", g.name)
	w.mu.Unlock()
	if g.who.doomed > 0 {
		if g.who.doomed--; g.who.doomed == 0 {
			w.die(g)
			return
		}
	}
	w.gates.release(g, pass)
}

// die ends a process at a call, which may still be carried out, as may what else it has sent.
func (w *world) die(g *gate) {
	w.mu.Lock()
	w.note("%s dies at %s", g.who.name, g.name)
	w.count("process death")
	w.mu.Unlock()
	w.gates.kill(g.who)
	for _, o := range w.waiting() {
		if o.who == g.who {
			w.gates.release(o, w.lot(o.cms))
		}
	}
	g.who.stop()
	if len(w.alive()) == 0 {
		w.start()
	}
}

// lot is what becomes of a call whose connection breaks.
func (w *world) lot(cms bool) fate {
	all := []fate{refused, unanswered}
	if cms {
		all = append(all, held)
	}
	return all[w.rng.IntN(len(all))]
}

// restartRedis breaks all connections to the store, which forgets its scripts.
func (w *world) restartRedis() {
	w.mu.Lock()
	w.note("Redis restarts")
	w.count("Redis restart")
	w.mu.Unlock()
	for _, g := range w.waiting() {
		if !g.cms {
			w.gates.release(g, w.lot(false))
		}
	}
	if w.mutant.scripts == nil {
		_ = w.side.ScriptFlush(context.Background()).Err()
	}
}

// land has a call arrive that nobody waits for any more.
func (w *world) land(i int) {
	w.mu.Lock()
	c := w.onTheWay[i]
	w.onTheWay = append(w.onTheWay[:i:i], w.onTheWay[i+1:]...)
	w.mu.Unlock()
	if time.Now().After(c.until) {
		return
	}
	w.mu.Lock()
	w.note("late: %s", c.name)
	w.count("late call landed")
	w.mu.Unlock()
	if resp, err := w.apply(c); err == nil {
		_ = resp.Body.Close()
	}
}

// pushImport queues a picture of the CMS.
func (w *world) pushImport(r *replica) {
	w.running.Go(func() { _, _ = r.queue.Push(as(r.ctx, "import"), "import/all", queue.Interactive, true) })
}

// depth says how many keys are queued or leased, but for what waits until an operator releases what the brake holds.
func (w *world) depth() (queued int) {
	ctx := context.Background()
	braked := w.side.ZCard(ctx, w.base+":q:held").Val() > 0
	for _, set := range []string{"leavers", "interactive", "normal", "background", "leased"} {
		for _, key := range w.side.ZRange(ctx, w.base+":q:"+set, 0, -1).Val() {
			if !braked || set == "leased" || w.side.HGet(ctx, w.base+":k:"+key, "code").Val() != "members_held" {
				queued++
			}
		}
	}
	return queued
}

// quiet goes on without faults until nothing is queued. It reports whether that came about.
func (w *world) quiet() bool {
	for n := range 20_000 {
		if waiting := w.waiting(); len(waiting) > 0 {
			w.open(waiting[w.rng.IntN(len(waiting))])
			continue
		}
		w.mu.Lock()
		onTheWay, clients, workers := len(w.onTheWay), w.clients, 0
		for _, r := range w.replicas {
			workers += r.workers
		}
		w.mu.Unlock()
		if onTheWay > 0 && w.rng.IntN(4) == 0 {
			w.land(w.rng.IntN(onTheWay))
			continue
		}
		_ = w.side.Del(context.Background(), w.base+":q:paused").Err() // an operator's pause may have come late
		if w.depth() == 0 && clients == 0 && workers == 0 && onTheWay == 0 {
			return true
		}
		if n%3 != 0 || !w.hire() {
			let(250 * time.Millisecond)
		}
	}
	return false
}

func (w *world) seed(n uint64) { w.rng = rand.New(rand.NewPCG(n, 0)) }
