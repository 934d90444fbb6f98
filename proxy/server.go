package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// Server answers SCIM requests for all projects. It is an http.Handler.
type Server struct {
	opts        Options
	log         *slog.Logger
	engine      *gin.Engine
	credentials atomic.Pointer[[]credential]
	tenants     map[string]*tenant
	idPrefix    string
	requests    atomic.Uint64
}

// New checks the options and builds the server.
func New(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("proxy options: %w", err)
	}
	o.Limits = o.Limits.withDefaults()
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: o, log: o.Logger, idPrefix: idPrefix(), tenants: map[string]*tenant{}}
	tokens := map[string][]Token{}
	for i := range o.Projects {
		t := &tenant{Project: o.Projects[i], base: projectPrefix + o.Projects[i].Name + scimBase}
		s.tenants[t.Name], tokens[t.Name] = t, t.Tokens
		o.Metrics.initProject(t.Name)
	}
	s.setTokens(tokens)
	if err := s.buildEngine(); err != nil {
		return nil, err
	}
	return s, nil
}

// SetTokens puts other tokens in the place of those of every project, by its name. It refuses what New would refuse, and a
// project that is not served, and changes nothing then.
func (s *Server) SetTokens(tokens map[string][]Token) error {
	o := s.opts
	o.Projects = slices.Clone(o.Projects)
	for i := range o.Projects {
		o.Projects[i].Tokens = tokens[o.Projects[i].Name]
	}
	if err := o.validate(); err != nil {
		return fmt.Errorf("proxy tokens: %w", err)
	}
	for name := range tokens {
		if s.tenants[name] == nil {
			return fmt.Errorf("proxy tokens: no project %q", name)
		}
	}
	s.setTokens(tokens)
	return nil
}

func (s *Server) setTokens(tokens map[string][]Token) {
	var all []credential
	for name, list := range tokens {
		for _, tok := range list {
			all = append(all, credential{sum: tok.SHA256, name: tok.Name, tenant: s.tenants[name]})
		}
	}
	s.credentials.Store(&all)
}

func (s *Server) buildEngine() error {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	if err := e.SetTrustedProxies(nil); err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	s.engine = e
	s.register(e)
	return nil
}

// ServeHTTP answers one request. A doubled or trailing slash, which comes from a base URL typed with one, is no error.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := r.URL.Path; !clean(p) {
		u := *r.URL
		u.Path, u.RawPath = path.Clean("/"+p), ""
		r2 := *r
		r2.URL = &u
		r = &r2
	}
	s.engine.ServeHTTP(w, r)
}

// clean reports whether path.Clean has nothing to do; it may say no once too often.
func clean(p string) bool {
	return p != "" && p[0] == '/' && (len(p) == 1 || p[len(p)-1] != '/') && !strings.Contains(p, "//") && !strings.Contains(p, "/.")
}

// HTTPServer is an http.Server for the handler with the time and size limits of a server that faces the internet. Okta
// waits 60 seconds for an answer, so nothing needs longer.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    256 << 10, // a hostile filter is to reach the parser, which answers in SCIM
		BaseContext:       func(net.Listener) context.Context { return context.Background() },
	}
	if log != nil {
		srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	}
	return srv
}
