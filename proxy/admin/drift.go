package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// Drift is what somebody changed by hand in the CMS of one project, and what an operator may do about it.
type Drift interface {
	Drift(ctx context.Context) (reconcile.DriftReport, error)
	ConfirmRepair(ctx context.Context) error
	Link(ctx context.Context, user, cmsID string) error
	DismissUnbound(ctx context.Context, user string) error
}

// driftItem is a reconcile.DriftItem as JSON. Whom it concerns is named to those who have the admin token.
type driftItem struct {
	reconcile.DriftItem
	Name string `json:"name,omitempty"`
}

// driftState is the drift of a project as JSON.
type driftState struct {
	Mode          string                    `json:"mode"`
	Repairing     bool                      `json:"repairing"`
	NeedsConfirm  bool                      `json:"needs_confirm,omitempty"`
	Reviewed      *time.Time                `json:"reviewed,omitempty"`
	Kinds         map[mapping.DriftKind]int `json:"kinds"`
	Items         []driftItem               `json:"items"`
	NamesWithheld bool                      `json:"names_withheld,omitempty"`
}

var errNoDrift = &failure{http.StatusNotFound, "this project has no list of drift"}

func (s *Server) drift(r *http.Request, p *Project) (any, error) {
	if p.Drift == nil {
		return nil, errNoDrift
	}
	return p.driftState(r.Context(), s.authorise(r) == nil)
}

func (p *Project) driftState(ctx context.Context, names bool) (driftState, error) {
	rep, err := p.Drift.Drift(ctx)
	if err != nil {
		return driftState{}, err
	}
	out := driftState{
		Mode: rep.Mode, Repairing: rep.Repairing, NeedsConfirm: rep.Mode == "repair" && !rep.Confirmed, Kinds: map[mapping.DriftKind]int{},
		Items: make([]driftItem, 0, len(rep.Items)), NamesWithheld: !names,
	}
	if !rep.Reviewed.IsZero() {
		out.Reviewed = &rep.Reviewed
	}
	for _, i := range rep.Items {
		item := driftItem{DriftItem: i}
		if names {
			item.Name = i.Name
		}
		out.Kinds[i.Kind]++
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func (s *Server) confirmDrift(r *http.Request, p *Project) (any, error) {
	if p.Drift == nil {
		return nil, errNoDrift
	}
	return map[string]bool{"confirmed": true}, p.Drift.ConfirmRepair(r.Context())
}

func (s *Server) dismissDrift(r *http.Request, p *Project) (any, error) {
	var ask struct {
		User string `json:"user"`
	}
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	if p.Drift == nil || ask.User == "" {
		return nil, &failure{http.StatusBadRequest, `send {"user":"ID"}`}
	}
	return map[string]bool{"dismissed": true}, linkFailure(p.Drift.DismissUnbound(r.Context(), ask.User))
}

func (s *Server) link(r *http.Request, p *Project) (any, error) {
	var ask struct {
		User  string `json:"user"`
		CMSID string `json:"cms_id"`
	}
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	if p.Drift == nil || ask.User == "" || ask.CMSID == "" {
		return nil, &failure{http.StatusBadRequest, `send {"user":"ID, userName or e-mail","cms_id":"ID of the collaborator"}`}
	}
	return map[string]bool{"linked": true}, linkFailure(p.Drift.Link(r.Context(), ask.User, ask.CMSID))
}

// linkFailure tells an operator why somebody cannot be linked.
func linkFailure(err error) error {
	var refused *directory.LinkError
	switch {
	case errors.As(err, &refused):
		return &failure{http.StatusConflict, refused.Error()}
	case errors.Is(err, reconcile.ErrNoUser), errors.Is(err, reconcile.ErrNoCollaborator):
		return &failure{http.StatusNotFound, err.Error()}
	case errors.Is(err, reconcile.ErrProtected):
		return &failure{http.StatusForbidden, err.Error()}
	}
	return err
}
