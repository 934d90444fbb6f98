package reconcile_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// skips counts members that were left out.
type skips struct {
	reconcile.Observer
	members int
}

func (s *skips) Skipped(n int) { s.members += n }

func TestMembersThatAreLeftOutAreCountedAndLoggedByID(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		var log bytes.Buffer
		s := editors()
		s.engine.Logger = slog.New(slog.NewTextHandler(&log, nil))
		counted := &skips{Observer: reconcile.Discard}
		s.engine.Observer = counted
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		const stranger = "719c6103-f77a-5cb3-9c69-de362501c769"
		g := r.createGroup("Writers", r.create("ada@example.org").ID, stranger, "Grace Hopper")
		line := "members=2 ids=[" + stranger + "]"
		if counted.members != 2 || g.Size != 1 || !strings.Contains(log.String(), line) || strings.Contains(log.String(), "Grace") {
			t.Errorf("%d members left out, %d are in, logged: %s", counted.members, g.Size, log.String())
		}
	})
}
