package cmsclient

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// turned changes its mind about writes while a call waits for its turn.
type turned struct {
	openGate
	turn func()
}

func (g *turned) Wait(context.Context) error {
	g.turn()
	return nil
}

func TestReadOnlyClientSendsReadsAndNoWrite(t *testing.T) {
	t.Parallel()
	for _, o := range ops() {
		r := &recorder{}
		f := scriptedWith(t, Options{Gate: r, Observer: r}, o.ok)
		f.SetReadOnly(true)
		err := o.call(t.Context(), f.Client)
		if o.method == http.MethodGet {
			if err != nil || len(f.cms.requests()) != 1 {
				t.Errorf("%s: %v after %d requests", o.name, err, len(f.cms.requests()))
			}
			continue
		}
		e := asError(t, err)
		if e.Sent || e.Unknown || !errors.Is(e, ErrReadOnly) || len(f.cms.requests()) != 0 || len(r.events) != 0 {
			t.Errorf("%s: %v, %q, %d requests", o.name, e, r.events, len(f.cms.requests()))
		}
		f.SetReadOnly(false)
		if err := o.call(t.Context(), f.Client); err != nil {
			t.Errorf("%s, allowed again: %v", o.name, err)
		}
	}
}

func TestReadOnlyIsAskedAfterAllWaiting(t *testing.T) {
	t.Parallel()
	gate := &turned{}
	f := scriptedWith(t, Options{Gate: gate}, reply{status: 200, body: userJSON})
	gate.turn = func() { f.SetReadOnly(true) }
	e := asError(t, byMethod("PUT").call(t.Context(), f.Client))
	if e.Sent || e.Unknown || !errors.Is(e, ErrReadOnly) || len(f.cms.requests()) != 0 {
		t.Fatalf("got %v after %d requests", e, len(f.cms.requests()))
	}
}
