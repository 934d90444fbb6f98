package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// Brake is what keeps mass deprovisioning back in one project.
type Brake interface {
	Brake(ctx context.Context) ([]directory.BrakeCount, error)
	Release(ctx context.Context, keys ...string) (int, error) // no keys: all that are held
	Discard(ctx context.Context, keys ...string) (int, error)
}

// counted is a directory.BrakeCount as JSON.
type counted struct {
	Takes   directory.Taking `json:"takes"`
	People  int              `json:"people"`
	Allowed int              `json:"allowed"`
	Base    int              `json:"base"`
}

func (s *Server) brake(r *http.Request, p *Project) (any, error) {
	if p.Brake == nil {
		return nil, errNoBrake
	}
	counts, err := p.Brake.Brake(r.Context())
	if err != nil {
		return nil, err
	}
	st, err := p.Queue.Stats(r.Context())
	if err != nil {
		return nil, err
	}
	out := make([]counted, len(counts))
	for i, c := range counts {
		out[i] = counted(c)
	}
	return map[string]any{"held": st.Held, "counts": out}, nil
}

var errNoBrake = &failure{http.StatusNotFound, "this project has no brake"}

// held is a request that concerns held keys.
type held struct {
	Keys []string `json:"keys"`
	All  bool     `json:"all"`
}

func (s *Server) heldKeys(r *http.Request, p *Project) ([]string, error) {
	var ask held
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	switch {
	case ask.All == (len(ask.Keys) > 0):
		return nil, &failure{http.StatusBadRequest, `send {"keys":["user/ID"]} or {"all":true}`}
	case p.Brake == nil:
		return nil, errNoBrake
	}
	return ask.Keys, nil
}

func (s *Server) release(r *http.Request, p *Project) (any, error) {
	keys, err := s.heldKeys(r, p)
	if err != nil {
		return nil, err
	}
	n, err := p.Brake.Release(r.Context(), keys...)
	return map[string]int{"released": n}, err
}

func (s *Server) discard(r *http.Request, p *Project) (any, error) {
	keys, err := s.heldKeys(r, p)
	if err != nil {
		return nil, err
	}
	n, err := p.Brake.Discard(r.Context(), keys...)
	return map[string]int{"discarded": n}, taken(err)
}

// taken tells the operator of a wish that cannot be written back.
func taken(err error) error {
	if c, ok := errors.AsType[*directory.ConflictError](err); ok {
		return &failure{http.StatusConflict, "somebody else has this person's " + c.Attribute + " by now: user " + c.ID + ". Release it, or change that one first"}
	}
	return err
}

// isHeld says that dropping a key means to discard what the brake holds.
func isHeld(ctx context.Context, p *Project, key string) (bool, error) {
	if p.Brake == nil {
		return false, nil
	}
	e, found, err := p.Queue.Show(ctx, key)
	return found && e.State == queue.Held, err
}
