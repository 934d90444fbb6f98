package modeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// fate is what becomes of a call that waits at a gate.
type fate int

const (
	pass       fate = iota // carried out and answered
	refused                // not carried out
	unanswered             // carried out, but the answer is lost
	held                   // given up by its caller; it is on its way still (CMS only)
)

// gate is one call that waits for its turn.
type gate struct {
	who  *replica
	cms  bool
	name string
	turn int
	give chan fate
}

// gates are the calls that wait, over all replicas.
type gates struct {
	mu   sync.Mutex
	open []*gate
	turn int
	cold map[*replica]bool // stand still: their calls are not carried out
}

var errDead = errors.New("the process is dead")

// wait holds a call until its turn comes, its caller gives up or its process dies.
func (g *gates) wait(ctx context.Context, who *replica, cms bool, name string) (fate, error) {
	g.mu.Lock()
	if who.dead {
		g.mu.Unlock()
		return refused, errDead
	}
	g.turn++
	me := &gate{who: who, cms: cms, name: fmt.Sprintf("%s %s: %s", who.name, actor(ctx), name), turn: g.turn, give: make(chan fate, 1)}
	g.open = append(g.open, me)
	g.mu.Unlock()
	select {
	case f := <-me.give:
		return f, nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open = slices.DeleteFunc(g.open, func(o *gate) bool { return o == me })
		select {
		case f := <-me.give:
			return f, nil
		default:
		}
		return held, context.Cause(ctx)
	}
}

// step is how much time passes with each call, so that no two of those who wait for a time ever wake at the same: which of them
// went on first would be the scheduler's to say, and a seed no whole description of a run.
const step = time.Microsecond

// waiting are the calls that can go on, in an order that does not depend on who was scheduled first.
func (g *gates) waiting() []*gate {
	let(step)
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(g.open), func(o *gate) bool { return g.cold[o.who] })
	slices.SortStableFunc(out, func(a, b *gate) int { return strings.Compare(a.name, b.name) })
	return out
}

func (g *gates) release(o *gate, f fate) {
	g.mu.Lock()
	g.open = slices.DeleteFunc(g.open, func(x *gate) bool { return x == o })
	g.mu.Unlock()
	o.give <- f
	let(step)
	synctest.Wait()
}

// freeze has a process stand still.
func (g *gates) freeze(who *replica) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cold == nil {
		g.cold = map[*replica]bool{}
	}
	g.cold[who] = true
}

// thaw has all go on that stand still.
func (g *gates) thaw() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.cold)
}

// kill ends a process: whatever it does from now on is not carried out.
func (g *gates) kill(who *replica) {
	g.mu.Lock()
	defer g.mu.Unlock()
	who.dead = true
}

type actorKey struct{}

func as(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, actorKey{}, name)
}

func actor(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

// let has time pass in the bubble.
func let(d time.Duration) { <-time.NewTimer(d).C }
