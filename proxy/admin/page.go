package admin

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

//go:embed page.html style.css
var files embed.FS

// shownKeys is how many parked keys of a project the page lists, and how many held ones.
const shownKeys = 50

// view is what the page shows.
type view struct {
	Version  string
	Writable bool // an admin token is configured
	Notes    []string
	Projects []projectView
}

type projectView struct {
	project
	Lanes     []laneView
	Oldest    string
	ETA       string
	Parked    []Entry
	Drift     []reconcile.DriftItem
	MoreDrift int
	More      int64 // parked keys beyond those listed
	Held      []Entry
	Plan      *Plan // in a dry run, when one has been made
	PlanETA   string
	Kinds     []kindView // of its calls
	Others    int64      // held keys beyond those listed
}

type kindView struct {
	Name mapping.CallKind
	N    int
}

type laneView struct {
	Name  queue.Lane
	Depth int64
}

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{"when": when}).ParseFS(files, "page.html"))

// when is a time as people read it.
func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	v := view{Version: s.opts.Version, Writable: s.opts.Token != nil, Notes: s.opts.Notes}
	for i := range s.opts.Projects {
		v.Projects = append(v.Projects, s.projectView(ctx, &s.opts.Projects[i]))
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Refresh", "10")
	_, _ = w.Write(b.Bytes()) // a client that went away is no error of ours
}

func (s *Server) projectView(ctx context.Context, p *Project) projectView {
	v := projectView{project: s.overview(ctx, p)}
	if v.Queue == nil {
		return v
	}
	for _, lane := range queue.Lanes() {
		v.Lanes = append(v.Lanes, laneView{lane, v.Queue.Depth[lane]})
	}
	if err := v.addDrift(ctx, p); err != nil {
		s.logFailure(ctx, "GET /", err)
		v.Error = storeSilent
	}
	if err := v.addPlan(ctx, p); err != nil {
		s.logFailure(ctx, "GET /", err)
		v.Error = storeSilent
	}
	v.Oldest = (time.Duration(v.Queue.OldestAgeSeconds) * time.Second).String()
	v.ETA = (time.Duration(v.Queue.ETASeconds) * time.Second).String()
	parked, err := shown(ctx, p, queue.Parked)
	if err == nil {
		v.Held, err = shown(ctx, p, queue.Held)
	}
	if err != nil {
		s.logFailure(ctx, "GET /", err)
		v.Error = storeSilent
		return v
	}
	v.Parked = parked
	v.More, v.Others = max(v.Queue.Parked-int64(len(v.Parked)), 0), max(v.Queue.Held-int64(len(v.Held)), 0)
	return v
}

// shown are the first keys in a state.
func shown(ctx context.Context, p *Project, state queue.State) (out []Entry, err error) {
	found, _, err := p.Queue.List(ctx, queue.ListOptions{State: state, Limit: shownKeys})
	for _, e := range found {
		out = append(out, newEntry(e))
	}
	return out, err
}

// addDrift lists what was changed by hand, without the names of people.
func (v *projectView) addDrift(ctx context.Context, p *Project) error {
	if p.Drift == nil {
		return nil
	}
	rep, err := p.Drift.Drift(ctx)
	v.Drift = rep.Items[:min(len(rep.Items), shownKeys)]
	v.MoreDrift = len(rep.Items) - len(v.Drift)
	return err
}

// addPlan tells in a dry run what is held back, in numbers. A page waits only a little for it.
func (v *projectView) addPlan(ctx context.Context, p *Project) (err error) {
	if p.Planner == nil || !v.Queue.DryRun {
		return nil
	}
	v.Plan, err = p.plans.get(ctx, p, planPatient)
	if v.Plan == nil {
		return err
	}
	v.PlanETA = (time.Duration(v.Plan.ETASeconds) * time.Second).String()
	for _, kind := range mapping.CallKinds() {
		if n := v.Plan.Calls[kind]; n > 0 {
			v.Kinds = append(v.Kinds, kindView{kind, n})
		}
	}
	return err
}

func (s *Server) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "style.css")
}
