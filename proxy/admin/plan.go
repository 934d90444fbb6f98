package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// Planner says what would be called if everything were synced now. fn, if not nil, is given it key by key.
type Planner interface {
	Plan(ctx context.Context, fn func(reconcile.PlanItem) error) (reconcile.PlanSummary, error)
}

// How long a plan may take, how old the numbers may be that are shown without one, and how long a page waits for newer ones.
const (
	planTimeout = 10 * time.Minute
	planFresh   = 30 * time.Second
	planPatient = 2 * time.Second
)

// PlanItem is a reconcile.PlanItem as JSON. It names people.
type PlanItem struct {
	Key    string              `json:"key"`
	Name   string              `json:"name,omitempty"`
	Calls  []string            `json:"calls,omitempty"`
	Kinds  []mapping.CallKind  `json:"kinds,omitempty"`
	Takes  []directory.Taking  `json:"takes,omitempty"`
	Status directory.SyncState `json:"status,omitempty"`
	Code   string              `json:"code,omitempty"`
	Reason string              `json:"reason,omitempty"`
}

// Plan is a reconcile.PlanSummary as JSON. It names nobody.
type Plan struct {
	Project      string                   `json:"project"`
	DryRun       bool                     `json:"dry_run"`
	RulesInForce bool                     `json:"rules_in_force"`
	RolesKnown   bool                     `json:"roles_known"`
	People       int                      `json:"people"`
	Groups       int                      `json:"groups"`
	Keys         int                      `json:"keys"`
	Total        int64                    `json:"total"`
	Calls        map[mapping.CallKind]int `json:"calls"`
	Brake        []PlanBrake              `json:"brake,omitempty"`
	Waiting      map[string]int           `json:"waiting,omitempty"`
	Parked       map[string]int64         `json:"parked,omitempty"`
	Held         int64                    `json:"held"`
	Stopped      string                   `json:"invitations_stopped,omitempty"`
	ETASeconds   float64                  `json:"eta_seconds,omitempty"`
	At           *time.Time               `json:"at,omitempty"` // when it was made
}

// PlanBrake is what the brake would make of a plan.
type PlanBrake struct {
	Takes   directory.Taking `json:"takes"`
	Planned int              `json:"planned"`
	Counted int              `json:"counted"`
	Allowed int              `json:"allowed"`
	Held    int              `json:"held"`
}

// PlanLine is a line of the answer to POST …/plan: an item, or at the end the numbers or why there are none.
type PlanLine struct {
	Item    *PlanItem `json:"item,omitempty"`
	Summary *Plan     `json:"summary,omitempty"`
	Error   string    `json:"error,omitempty"`
}

func (p *Project) newPlan(sum reconcile.PlanSummary) *Plan {
	out := &Plan{
		Project: p.Name, DryRun: sum.DryRun, RulesInForce: sum.RulesInForce, RolesKnown: sum.RolesKnown, People: sum.People, Groups: sum.Groups,
		Keys: sum.Keys, Total: sum.Total(), Calls: sum.Calls, Waiting: sum.Waiting, Parked: sum.Parked, Held: sum.Held, Stopped: sum.Stopped,
	}
	for _, b := range sum.Brake {
		out.Brake = append(out.Brake, PlanBrake{Takes: b.Takes, Planned: b.Planned, Counted: b.People, Allowed: b.Allowed, Held: b.Held})
	}
	if p.ETA != nil {
		out.ETASeconds = p.ETA(out.Total).Seconds()
	}
	return out
}

var errNoPlan = &failure{http.StatusNotFound, "this project cannot plan"}

// planNumbers answers with the numbers of a plan that is a moment old at most.
func (s *Server) planNumbers(r *http.Request, p *Project) (any, error) {
	if p.Planner == nil {
		return nil, errNoPlan
	}
	plan, err := p.plans.get(r.Context(), p, readTimeout)
	if err == nil && plan == nil {
		err = &failure{http.StatusServiceUnavailable, "the plan is being made: ask again in a moment, or send a POST, which waits for it"}
	}
	return plan, err
}

// planStream answers with the plan line by line, as it is made. It names people, and so needs the token like explain.
func (s *Server) planStream(w http.ResponseWriter, r *http.Request) {
	p, err := s.planner(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(planTimeout)) // in memory there is none
	ctx, cancel := context.WithTimeout(r.Context(), planTimeout)
	defer cancel()
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	out := bufio.NewWriterSize(w, 32<<10)
	lines := json.NewEncoder(out)
	sum, err := p.Planner.Plan(ctx, func(i reconcile.PlanItem) error {
		item := PlanItem(i)
		return lines.Encode(PlanLine{Item: &item})
	})
	last := PlanLine{Summary: p.newPlan(sum)}
	if err != nil {
		s.logFailure(r.Context(), r.Pattern, err)
		last = PlanLine{Error: storeSilent}
	}
	_ = lines.Encode(last) // a client that went away is no error of ours
	_ = out.Flush()
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "operator", slog.String("project", p.Name), slog.String("action", "plan"), slog.Bool("ok", err == nil))
}

func (s *Server) planner(r *http.Request) (*Project, error) {
	if err := s.authorise(r); err != nil {
		return nil, err
	}
	p, err := s.project(r)
	if err == nil && p.Planner == nil {
		err = errNoPlan
	}
	return p, err
}

// plans keeps the numbers of the newest plan, so that pages that load every few seconds do not have everything planned anew.
type plans struct {
	mu      sync.Mutex
	running chan struct{} // nil: no plan is being made
	plan    *Plan
	err     error
	ended   time.Time
}

// get gives numbers that are not old, or after patience those that there are; nil when there are none yet.
func (c *plans) get(ctx context.Context, p *Project, patience time.Duration) (*Plan, error) {
	c.mu.Lock()
	if c.running == nil && time.Since(c.ended) >= planFresh {
		c.running = make(chan struct{})
		go c.make(context.WithoutCancel(ctx), p, c.running)
	}
	running := c.running
	c.mu.Unlock()
	if running != nil {
		wait := time.NewTimer(patience)
		defer wait.Stop()
		select {
		case <-running:
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plan, c.err
}

func (c *plans) make(ctx context.Context, p *Project, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	defer close(done)
	sum, err := p.Planner.Plan(ctx, nil)
	now := time.Now().UTC()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running, c.err, c.ended, c.plan = nil, err, now, nil
	if err == nil {
		c.plan = p.newPlan(sum)
		c.plan.At = &now
	}
}
