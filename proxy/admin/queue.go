package admin

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/scimcms/scimcms/queue"
)

// QueueReader shows what waits.
type QueueReader interface {
	List(ctx context.Context, opt queue.ListOptions) (entries []queue.Entry, next string, err error)
	Show(ctx context.Context, key string) (queue.Entry, bool, error)
	History(ctx context.Context, key string) ([]queue.Attempt, error)
	Stats(ctx context.Context) (queue.Stats, error)
}

// QueueWriter is what an operator may do about it.
type QueueWriter interface {
	Replay(ctx context.Context, keys ...string) (int, error)
	ReplayCode(ctx context.Context, code string, limit int) (int, error)
	Drop(ctx context.Context, key string) (bool, error)
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// Queue is the work queue of one project.
type Queue interface {
	QueueReader
	QueueWriter
}

var _ Queue = (*queue.Queue)(nil)

// Entry is a queue.Entry as JSON. The intent itself is not shown: it may name an address.
type Entry struct {
	Key         string      `json:"key"`
	State       queue.State `json:"state"`
	Lane        queue.Lane  `json:"lane,omitempty"`
	Ticket      int64       `json:"ticket"`
	Attempts    int         `json:"attempts"`
	Code        string      `json:"code,omitempty"`
	Reason      string      `json:"reason,omitempty"`
	Since       *time.Time  `json:"since,omitempty"`
	Due         *time.Time  `json:"due,omitempty"`
	LeasedUntil *time.Time  `json:"leased_until,omitempty"`
	Held        *time.Time  `json:"held,omitempty"`
	Parked      *time.Time  `json:"parked,omitempty"`
	IntentOpen  bool        `json:"intent_open,omitempty"`
	History     []Attempt   `json:"history,omitempty"` // of one key only; the newest first
}

// Attempt is a queue.Attempt as JSON.
type Attempt struct {
	At       *time.Time `json:"at"`
	Result   string     `json:"result"`
	Attempts int        `json:"attempts"`
	Call     string     `json:"call,omitempty"`
	Code     string     `json:"code,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

func newEntry(e queue.Entry) Entry {
	return Entry{
		Key: e.Key, State: e.State, Lane: e.Lane, Ticket: e.Ticket, Attempts: e.Attempts, Code: e.Code, Reason: e.Text,
		Since: moment(e.Since), Due: moment(e.Due), LeasedUntil: moment(e.Until), Parked: moment(e.Parked), Held: moment(e.Held),
		IntentOpen: e.Intent != "",
	}
}

func moment(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

// numbers is queue.Stats as JSON.
type numbers struct {
	Depth            map[queue.Lane]int64 `json:"depth"`
	Leased           int64                `json:"leased"`
	Parked           int64                `json:"parked"`
	ParkedByCode     map[string]int64     `json:"parked_by_code,omitempty"`
	Held             int64                `json:"held"`
	OldestAgeSeconds float64              `json:"oldest_age_seconds"`
	ETASeconds       float64              `json:"eta_seconds,omitempty"` // until what is queued is worked off, at a call for each key
	Paused           bool                 `json:"paused"`
	Circuit          string               `json:"circuit,omitempty"`
	DryRun           bool                 `json:"dry_run,omitempty"`
}

// project is one project in GET /api/projects.
type project struct {
	projectReady
	Queue *numbers `json:"queue,omitempty"`
	Error string   `json:"error,omitempty"`
}

// overview reads one project; what the store does not answer is said, not left out.
func (s *Server) overview(ctx context.Context, p *Project) project {
	out := project{projectReady: p.ready(ctx)}
	st, err := p.Queue.Stats(ctx)
	if err != nil {
		s.logFailure(ctx, "GET /api/projects", err)
		out.Error = storeSilent
		return out
	}
	out.Queue = &numbers{
		Depth: st.Depth, Leased: st.Leased, Parked: st.Parked, ParkedByCode: st.Codes, Held: st.Held, OldestAgeSeconds: st.OldestAge.Seconds(),
		DryRun: st.DryRun > 0, Paused: st.Paused, Circuit: st.Circuit,
	}
	if p.ETA != nil {
		out.Queue.ETASeconds = p.ETA(st.Backlog()).Seconds()
	}
	return out
}

func (s *Server) listProjects(r *http.Request, _ *Project) (any, error) {
	all := make([]project, 0, len(s.opts.Projects))
	for i := range s.opts.Projects {
		all = append(all, s.overview(r.Context(), &s.opts.Projects[i]))
	}
	return map[string]any{"projects": all}, nil
}

var cursorForm = regexp.MustCompile(`^\d{1,9}:\d{1,15}$`)

func (s *Server) listQueue(r *http.Request, p *Project) (any, error) {
	opt, err := listOptions(r)
	if err != nil {
		return nil, err
	}
	found, next, err := p.Queue.List(r.Context(), opt)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(found))
	for i, e := range found {
		entries[i] = newEntry(e)
	}
	answer := map[string]any{"entries": entries}
	if next != "" {
		answer["cursor"] = next
	}
	return answer, nil
}

func listOptions(r *http.Request) (queue.ListOptions, error) {
	q := r.URL.Query()
	opt := queue.ListOptions{State: queue.State(q.Get("state")), Lane: queue.Lane(q.Get("lane")), Code: q.Get("code"), Cursor: q.Get("cursor")}
	switch opt.State {
	case "", queue.Queued, queue.Leased, queue.Parked, queue.Held:
	default:
		return opt, &failure{http.StatusBadRequest, "state is queued, leased, parked or held"}
	}
	if opt.Code != "" && (opt.Lane != "" || opt.State != "" && opt.State != queue.Parked) {
		return opt, &failure{http.StatusBadRequest, "code chooses among parked keys: leave lane out, and state too"}
	}
	if opt.Lane != "" && !opt.Lane.Valid() {
		return opt, &failure{http.StatusBadRequest, "lane is leavers, interactive, normal or background"}
	}
	if opt.Cursor != "" && !cursorForm.MatchString(opt.Cursor) {
		return opt, &failure{http.StatusBadRequest, "cursor is what an earlier answer gave"}
	}
	var err error
	opt.Limit, err = limitOf(q.Get("limit"))
	return opt, err
}

// limitOf reads how many entries are asked for; 0 when it is not said.
func limitOf(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, &failure{http.StatusBadRequest, "limit is a number from 1"}
	}
	return n, nil
}

func (s *Server) showKey(r *http.Request, p *Project) (any, error) {
	key := r.PathValue("key")
	e, found, err := p.Queue.Show(r.Context(), key)
	if err != nil {
		return nil, err
	}
	past, err := p.Queue.History(r.Context(), key)
	if err != nil {
		return nil, err
	}
	if !found && len(past) == 0 {
		return nil, &failure{http.StatusNotFound, "the queue does not know this key: the CMS agrees, or nobody ever wrote it"}
	}
	out := newEntry(e)
	for _, a := range past {
		out.History = append(out.History, Attempt{At: moment(a.At), Result: a.Result, Attempts: a.Attempts, Call: a.Call, Code: a.Code, Reason: a.Text})
	}
	return out, nil
}

func (s *Server) replay(r *http.Request, p *Project) (any, error) {
	var ask struct {
		Keys []string `json:"keys"`
		All  bool     `json:"all"`
		Code string   `json:"code"`
	}
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	if !exactlyOne(ask.All, len(ask.Keys) > 0, ask.Code != "") {
		return nil, &failure{http.StatusBadRequest, `send {"keys":["user/ID"]} or {"code":"CODE"} or {"all":true}`}
	}
	var n int
	var err error
	if len(ask.Keys) == 0 {
		n, err = p.Queue.ReplayCode(r.Context(), ask.Code, -1)
	} else {
		n, err = p.Queue.Replay(r.Context(), ask.Keys...)
	}
	return map[string]int{"replayed": n}, err
}

func exactlyOne(given ...bool) bool {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n == 1
}

func (s *Server) drop(r *http.Request, p *Project) (any, error) {
	var ask struct {
		Key string `json:"key"`
	}
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	if ask.Key == "" {
		return nil, &failure{http.StatusBadRequest, `send {"key":"user/ID"}`}
	}
	if braked, err := isHeld(r.Context(), p, ask.Key); err != nil || braked {
		if err == nil {
			_, err = p.Brake.Discard(r.Context(), ask.Key)
		}
		return map[string]bool{"dropped": true}, taken(err)
	}
	dropped, err := p.Queue.Drop(r.Context(), ask.Key)
	switch {
	case errors.Is(err, queue.ErrLeased):
		return nil, &failure{http.StatusConflict, "the key is being worked on right now: try again in a moment"}
	case err != nil:
		return nil, err
	case !dropped:
		return nil, &failure{http.StatusNotFound, "the queue does not know this key"}
	}
	return map[string]bool{"dropped": true}, nil
}

func (s *Server) pause(r *http.Request, p *Project) (any, error) {
	return map[string]bool{"paused": true}, p.Queue.Pause(r.Context())
}

func (s *Server) resume(r *http.Request, p *Project) (any, error) {
	return map[string]bool{"paused": false}, p.Queue.Resume(r.Context())
}
