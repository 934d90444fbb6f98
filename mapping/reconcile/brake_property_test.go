package reconcile_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// brakeModel remembers who lost access in the CMS, and when, without an operator's release.
type brakeModel struct {
	*rig
	ids      []string
	gone     map[string]int64
	released map[string]bool
	in       map[string]bool
}

// observe compares the CMS with what it was. Whoever is in again counts no more.
func (m *brakeModel) observe() (within int) {
	m.t.Helper()
	invited := m.invitations()
	for i, id := range m.ids {
		_, in := invited[address(i)]
		switch {
		case in:
			delete(m.gone, id)
			delete(m.released, id)
		case m.in[id] && !m.released[id]:
			m.gone[id] = m.clock.Now()
		}
		m.in[id] = in
	}
	for _, at := range m.gone {
		if at > m.clock.Now()-time.Hour.Milliseconds() {
			within++
		}
	}
	return within
}

// step does something at random, as an identity provider, an operator or time does.
func (m *brakeModel) step(rng *rand.Rand) {
	m.t.Helper()
	id := m.ids[rng.IntN(len(m.ids))]
	switch rng.IntN(12) {
	case 0:
		m.clock.Advance(time.Duration(rng.IntN(50)) * time.Minute)
	case 1:
		m.on(id)
	case 2:
		if m.isHeld(id) {
			_, err := m.engine.Release(m.ctx, directory.UserKey(id))
			m.must(err)
			m.released[id] = true
			m.settle()
		}
	case 3:
		_, err := m.engine.Discard(m.ctx, directory.UserKey(id))
		m.must(err)
	case 4:
		m.importAll()
	case 5:
		m.must(m.queue.Pause(m.ctx))
		for range 3 {
			m.off(m.ids[rng.IntN(len(m.ids))])
		}
		m.must(m.queue.Resume(m.ctx))
	default:
		m.off(id)
	}
	if rng.IntN(2) == 0 {
		m.settle()
	}
}

// However writes, releases, discards and time follow each other, no more different people than allowed lose their access
// in a window without an operator's release.
func TestBrake_NeverLetsMoreThanTheAllowedPeopleGo(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3, 4, 5, 6, 7, 8} {
		queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
			rng := rand.New(rand.NewPCG(seed, 0))
			m := &brakeModel{
				rig:  newRig(t, braked(), store, queuetest.NewClock(1_700_000_000_000)),
				gone: map[string]int64{}, released: map[string]bool{}, in: map[string]bool{},
			}
			m.ids = m.people(20)
			m.observe()
			heldOnce := false
			for n := range 120 {
				m.step(rng)
				if within := m.observe(); within > 4 {
					t.Fatalf("seed %d, step %d: %d people within an hour, 4 are allowed", seed, n, within)
				}
				heldOnce = heldOnce || len(m.heldOf(m.ids)) > 0
			}
			if !heldOnce {
				t.Errorf("seed %d: nobody was ever held", seed)
			}
		})
	}
}
