package modeltest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/queue/queuetest"
)

var runs atomic.Int64

// play runs a scenario in a bubble of its own.
func play(t *testing.T, store queuetest.Store, s scenario, m mutant) (out report) {
	t.Helper()
	w := &world{
		t: t, url: store.URL, base: fmt.Sprintf("%s%d}", store.Base[:len(store.Base)-1], runs.Add(1)), calm: s.Calm, setup: s.Setup,
		scripts: allScripts(t), mutant: m, touched: map[string]bool{}, edited: map[string]bool{}, dropped: map[string]bool{},
		released: map[string]bool{}, initial: map[string]bool{}, taken: map[string]time.Time{}, sent: map[string]*lateCall{},
	}
	w.report.faults = map[string]int{}
	synctest.Test(t, func(*testing.T) {
		w.play(s)
		synctest.Wait()
	})
	return w.report
}

func (w *world) play(s scenario) {
	w.seed(0)
	w.begin()
	for _, o := range s.Ops {
		w.perform(o.N, o)
	}
	w.heal()
	w.converge()
	w.finish()
}

// heal ends every trouble.
func (w *world) heal() {
	w.cms.ClearFaults()
	w.cms.SetToken(true)
	for _, r := range w.replicas {
		r.doomed = 0
	}
	w.gates.thaw()
	w.mu.Lock()
	w.note("no more faults")
	w.mu.Unlock()
	_ = w.side.Del(context.Background(), w.base+":q:paused").Err()
}

// converge lets the engine come to rest, has an operator replay what is parked, and takes pictures of the CMS.
func (w *world) converge() {
	for _, what := range []string{"", "replay", "release", "import", "import", "replay", "release", "release", "import"} {
		r := w.alive()[0]
		switch what {
		case "release":
			w.letGo(r)
		case "import":
			w.pushImport(r)
		case "replay":
			w.running.Go(func() { _, _ = r.queue.ReplayAll(as(r.ctx, "operator")) })
		}
		if !w.quiet() {
			w.mu.Lock()
			w.violation("nothing vanishes: the queue does not come to rest: %v", w.queued())
			w.mu.Unlock()
			return
		}
		if parked := w.parked(); w.calm && len(parked) > 0 {
			w.mu.Lock()
			w.violation("nothing vanishes: parked without a fault: %v", parked)
			w.mu.Unlock()
		}
	}
	w.check()
}

// letGo has an operator release whatever the brake holds.
func (w *world) letGo(r *replica) {
	keys := w.side.ZRange(context.Background(), w.base+":q:held", 0, -1).Val()
	if len(keys) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count("held at the end")
	w.release(as(r.ctx, "operator"), r, keys)
}

// parked are the keys that are kept aside, but for those whose address a leaver has whom the brake holds.
func (w *world) parked() (out []string) {
	ctx := context.Background()
	for _, k := range w.side.ZRange(ctx, w.base+":q:parked", 0, -1).Val() {
		why := w.side.HMGet(ctx, w.base+":k:"+k, "code", "text").Val()
		_, id, _ := strings.Cut(k, "/")
		leaver := w.leaverAt(w.side.HGet(ctx, w.base+":u:"+id, "addr").Val())
		if why[0] == "address_taken" && leaver != "" && w.side.ZScore(ctx, w.base+":q:held", "user/"+leaver).Err() == nil {
			continue
		}
		out = append(out, k+fmt.Sprint(why))
	}
	return out
}

// leaverAt is the deleted record that has something in the CMS under an address; "" when there is none.
func (w *world) leaverAt(address string) string {
	ctx := context.Background()
	keys := w.side.Keys(ctx, w.base+":u:*").Val()
	slices.Sort(keys)
	for _, key := range keys {
		u := w.side.HMGet(ctx, key, "state", "caddr", "oaddr").Val()
		for _, has := range u[1:] {
			if a, ok := has.(string); ok && u[0] == "deleted" && address != "" && strings.EqualFold(a, address) {
				return strings.TrimPrefix(key, w.base+":u:")
			}
		}
	}
	return ""
}

func (w *world) queued() (out []string) {
	for _, set := range []string{"leavers", "interactive", "normal", "background", "leased"} {
		for _, k := range w.side.ZRange(context.Background(), w.base+":q:"+set, 0, 3).Val() {
			fields := w.side.HGetAll(context.Background(), w.base+":k:"+k).Val()
			delete(fields, "token") // is drawn
			out = append(out, set+" "+k+fmt.Sprint(fields))
		}
	}
	return out
}

// finish ends all processes.
func (w *world) finish() {
	for _, r := range w.replicas {
		w.gates.kill(r)
		r.stop()
	}
	for _, g := range w.waiting() {
		w.gates.release(g, refused)
	}
	w.running.Wait()
	let(10 * time.Minute) // reads that nobody waits for any more, and that pause before they try again
	for _, r := range w.replicas {
		_ = r.engine.Drain(context.Background())
		_ = r.redis.Close()
	}
	keys, _ := w.side.Keys(context.Background(), w.base+"*").Result()
	if len(keys) > 0 {
		_ = w.side.Del(context.Background(), keys...).Err()
	}
	_ = w.side.Close()
}

// smaller leaves out whatever operations a violation does not need.
func smaller(t *testing.T, store queuetest.Store, s scenario, m mutant, tries int) (scenario, report) {
	t.Helper()
	worst := play(t, store, s, m)
	for size := len(s.Ops) / 2; size > 0 && tries > 0; {
		shrunk := false
		for at := 0; at < len(s.Ops) && tries > 0; at += size {
			try := s
			try.Ops = append(slices.Clone(s.Ops[:at]), s.Ops[min(at+size, len(s.Ops)):]...)
			tries--
			if r := play(t, store, try, m); len(r.violations) > 0 {
				s, worst, shrunk = try, r, true
				at -= size
			}
		}
		if !shrunk || size > len(s.Ops) {
			size /= 2
		}
	}
	return s, worst
}

// tellSmaller is how often a failing run is repeated to find what it needs, unless MODEL_SMALLER says otherwise.
const tellSmaller = 300

// number is what an environment variable says.
func number(t *testing.T, name string, fallback int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// seeds are those of this run: MODEL_SEED is one, MODEL_SEEDS a number of them, from MODEL_FROM on.
func seeds(t *testing.T, few int) (from, n int) {
	t.Helper()
	if one := number(t, "MODEL_SEED", 0); one > 0 {
		return one, 1
	}
	return number(t, "MODEL_FROM", 1), number(t, "MODEL_SEEDS", few)
}

// scenarioOf is what a seed stands for.
func scenarioOf(t *testing.T, seed int, draw func(*rapid.T) scenario) (out scenario) {
	t.Helper()
	for name, value := range map[string]string{"rapid.checks": "1", "rapid.seed": strconv.Itoa(seed), "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(quietly{t}, func(rt *rapid.T) { out = draw(rt) })
	return out
}

// quietly leaves out that rapid is content.
type quietly struct{ *testing.T }

func (quietly) Logf(string, ...any) {}

// Failed says no: an earlier seed's violation is not this one's.
func (quietly) Failed() bool { return false }

// totals are the figures of many runs.
type totals struct {
	seeds, operations, writes, violations int
	faults                                map[string]int
}

func (a *totals) add(r report) {
	if a.faults == nil {
		a.faults = map[string]int{}
	}
	a.seeds++
	a.operations += r.operations
	a.writes += r.writes
	if len(r.violations) > 0 {
		a.violations++
	}
	for what, n := range r.faults {
		a.faults[what] += n
	}
}

func (a *totals) String() string {
	out := a.summary() + fmt.Sprintf("; %d CMS writes; faults:", a.writes)
	for _, what := range slices.Sorted(maps.Keys(a.faults)) {
		out += fmt.Sprintf(" %s %d,", what, a.faults[what])
	}
	return strings.TrimSuffix(out, ",")
}

func (a *totals) summary() string {
	return fmt.Sprintf("%s seeds, %s operations, %s violations", thousands(a.seeds), thousands(a.operations), thousands(a.violations))
}

// thousands is a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// The engine does what the model says, whatever happens to it and around it.
func TestEngineAgreesWithTheModelUnderFaults(t *testing.T) { agrees(t, draw, 20) }

// Nor does it matter for how long a process stands still, and at which line.
func TestEngineAgreesWithTheModelWhileReplicasStandStill(t *testing.T) { agrees(t, drawFrozen, 10) }

// A seed is the whole description of a run: whatever is found can be replayed, on any machine and however busy that is.
func TestSeedTellsAllOfARun(t *testing.T) {
	store := queuetest.Real(t)
	for seed := range 3 {
		for _, draw := range []func(*rapid.T) scenario{draw, drawFrozen} {
			s := scenarioOf(t, seed+1, draw)
			once, again := play(t, store, s, mutant{}).trace, play(t, store, s, mutant{}).trace
			same := 0
			for same < min(len(once), len(again)) && once[same] == again[same] {
				same++
			}
			if same < max(len(once), len(again)) {
				t.Errorf("seed %d: the runs part after\n%s", seed+1, strings.Join(once[:same], "\n"))
			}
		}
	}
}

func agrees(t *testing.T, draw func(*rapid.T) scenario, few int) {
	t.Helper()
	store := queuetest.Real(t)
	from, n := seeds(t, few)
	var all totals
	for seed := from; seed < from+n; seed++ {
		s := scenarioOf(t, seed, draw)
		r := play(t, store, s, mutant{})
		all.add(r)
		if n > 100 && all.seeds%100 == 0 {
			t.Log(&all)
		}
		if len(r.violations) == 0 {
			continue
		}
		if tries := number(t, "MODEL_SMALLER", tellSmaller); tries > 0 {
			s, r = smaller(t, store, s, mutant{}, tries)
		}
		t.Errorf("MODEL_SEED=%d go test ./mapping/reconcile/modeltest -run %s: %s\n%s\ntrace:\n%s", seed, t.Name(), s, strings.Join(r.violations, "\n"),
			strings.Join(r.trace, "\n"))
	}
	t.Log(&all)
	t.Log(all.summary())
}
