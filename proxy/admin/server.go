package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/scimcms/scimcms/mapping/reconcile"
)

// Options is what a Server is made of.
type Options struct {
	Projects []Project
	// Token is the SHA-256 of the token that state-changing requests carry. Nil: they are all refused.
	Token *[sha256.Size]byte
	// Metrics answers GET /metrics. Nil: 404.
	Metrics http.Handler
	// Version is shown on the page.
	Version string
	// Notes are lines that readiness and the page show whatever the projects say, such as "the store is not durable".
	Notes []string
	// Logger gets one line for each change an operator makes. Nil: nothing is logged.
	Logger *slog.Logger
}

// Project is one CMS project as operators see it.
type Project struct {
	Name  string
	Queue Queue
	// Brake is what keeps mass deprovisioning back. Nil: there is none.
	Brake Brake
	// Explainer tells how a user stands. Nil: nobody does.
	Explainer Explainer
	// Planner says what would be called. Nil: nobody does.
	Planner Planner
	// Drift is what was changed by hand in the CMS. Nil: nobody looks for it.
	Drift Drift
	// Ready says whether the project can work. Nil: it always can.
	Ready func(context.Context) reconcile.Readiness
	// ETA is how long a backlog of so many keys takes at the CMS's pace. Nil: not known.
	ETA func(backlog int64) time.Duration

	plans *plans
}

// Server answers the operators' requests. It is an http.Handler.
type Server struct {
	opts     Options
	projects map[string]*Project
	mux      *http.ServeMux
	origin   *http.CrossOriginProtection
	log      *slog.Logger
}

// readTimeout bounds what one page or answer waits for Redis.
const readTimeout = 5 * time.Second

// New checks the options and builds the server.
func New(o Options) (*Server, error) {
	s := &Server{opts: o, projects: map[string]*Project{}, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), log: o.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for i := range o.Projects {
		p := &o.Projects[i]
		if p.Name == "" || p.Queue == nil {
			return nil, errors.New("admin options: every project needs a name and a queue")
		}
		if s.projects[p.Name] != nil {
			return nil, errors.New("admin options: project " + p.Name + " is given twice")
		}
		p.plans = &plans{}
		s.projects[p.Name] = p
	}
	s.register()
	return s, nil
}

// register is the route table.
func (s *Server) register() {
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /style.css", s.style)
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	if s.opts.Metrics != nil {
		s.mux.Handle("GET /metrics", s.opts.Metrics)
	}
	s.mux.HandleFunc("GET /api/projects", s.read(s.listProjects))
	s.mux.HandleFunc("GET /api/projects/{project}/queue", s.read(s.listQueue))
	s.mux.HandleFunc("GET /api/projects/{project}/queue/{key...}", s.read(s.showKey))
	s.mux.HandleFunc("POST /api/projects/{project}/queue/replay", s.change(s.replay))
	s.mux.HandleFunc("POST /api/projects/{project}/queue/drop", s.change(s.drop))
	s.mux.HandleFunc("POST /api/projects/{project}/queue/pause", s.change(s.pause))
	s.mux.HandleFunc("POST /api/projects/{project}/queue/resume", s.change(s.resume))
	s.mux.HandleFunc("GET /api/projects/{project}/drift", s.read(s.drift))
	s.mux.HandleFunc("POST /api/projects/{project}/drift/confirm", s.change(s.confirmDrift))
	s.mux.HandleFunc("POST /api/projects/{project}/drift/dismiss", s.change(s.dismissDrift))
	s.mux.HandleFunc("POST /api/projects/{project}/link", s.change(s.link))
	s.mux.HandleFunc("GET /api/projects/{project}/brake", s.read(s.brake))
	s.mux.HandleFunc("POST /api/projects/{project}/brake/release", s.change(s.release))
	s.mux.HandleFunc("POST /api/projects/{project}/brake/discard", s.change(s.discard))
	s.mux.HandleFunc("POST /api/projects/{project}/explain", s.change(s.explain))
	s.mux.HandleFunc("GET /api/projects/{project}/plan", s.read(s.planNumbers))
	s.mux.HandleFunc("POST /api/projects/{project}/plan", s.planStream)
	s.mux.HandleFunc("/", s.unknown)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	s.mux.ServeHTTP(w, r)
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, &failure{http.StatusNotFound, "nothing is served under this path with this method"})
}

// authorise lets a state-changing request pass if it carries the admin token and no foreign web page sent it.
func (s *Server) authorise(r *http.Request) error {
	if err := s.origin.Check(r); err != nil {
		return &failure{http.StatusForbidden, "refused: the request comes from a web page of another origin"}
	}
	if s.opts.Token == nil {
		return &failure{http.StatusForbidden, "refused: no admin token is configured (admin.token), so nothing can be changed here"}
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(sum[:], s.opts.Token[:]) != 1 || !strings.EqualFold(scheme, "bearer") {
		return &failure{http.StatusUnauthorized, "the admin token is missing or wrong: send Authorization: Bearer TOKEN"}
	}
	return nil
}
