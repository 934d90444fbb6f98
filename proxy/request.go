package proxy

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/scimcms/scimcms/mapping"
)

// request is one request on its way: what gin knows, and what the log line and the metrics are made of.
type request struct {
	*gin.Context
	srv    *Server
	tenant *tenant           // nil until authenticated
	token  string            // the token's name
	digest [sha256.Size]byte // the token's
	id     string
	start  time.Time

	catalog  *mapping.Catalog // roles of the CMS, once read; see roles
	resource string           // id of the resource read or written
	sync     string           // its sync state after a write
	note     string           // what an operator may wonder about, in a word or two; never personal data
	err      error            // what was answered with an error
}

// handler answers one request, or says why it cannot.
type handler func(*request) error

// handle wraps a handler with everything that all requests share: request id, authentication, panic recovery, the error
// response, one log line and the metrics.
func (s *Server) handle(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := &request{Context: c, srv: s, start: s.opts.Now()}
		defer s.finish(r)
		s.identify(r)
		if err := s.serve(r, h); err != nil {
			s.writeError(r, err)
		}
	}
}

func (s *Server) serve(r *request, h handler) error {
	if part, ok := partOf(r.Request.Context()); ok {
		r.tenant, r.token = part.tenant, part.token
		return h(r)
	}
	t, cred := s.authenticate(r.Request.Header.Get("Authorization"), r.Request.URL.Path)
	if t == nil {
		return errUnauthorized
	}
	r.tenant, r.token, r.digest = t, cred.name, cred.sum
	return h(r)
}

// finish turns a panic into a response and reports the request, once.
func (s *Server) finish(r *request) {
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) //nolint:forbidigo // net/http's own way to drop a connection
		}
		s.log.LogAttrs(r.Request.Context(), slog.LevelError, "panic in a request",
			slog.String("request_id", r.id), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		s.opts.Metrics.panicked(r.project())
		r.note = "panic"
		if !r.Writer.Written() {
			s.writeError(r, errInternal)
		}
	}
	took := s.opts.Now().Sub(r.start)
	s.opts.Metrics.request(r.project(), r.route(), r.method(), r.Writer.Status(), took)
	s.logRequest(r, took)
}

// identify gives the request the id that the client sent, if it is a sane one, or a new one.
func (s *Server) identify(r *request) {
	r.id = r.Request.Header.Get("X-Request-Id")
	if part, ok := partOf(r.Request.Context()); ok {
		r.id = part.id
	} else if !saneID(r.id) {
		r.id = s.idPrefix + strconv.FormatUint(s.requests.Add(1), 36)
	}
	r.Writer.Header()["X-Request-Id"] = []string{r.id}
}

// idBytes are what a request id may be made of.
const idBytes = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_."

func saneID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, idBytes) == ""
}

// logRequest writes the one line of a request. Names, addresses, filters and tokens have no place in it; the cause of an
// error of ours has.
func (s *Server) logRequest(r *request, took time.Duration) {
	status := r.Writer.Status()
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx := r.Request.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 11)
	attrs = append(attrs, slog.String("project", r.project()), slog.String("method", r.method()), slog.String("route", r.route()),
		slog.Int("status", status), slog.Float64("duration_ms", float64(took.Microseconds())/1000), slog.String("request_id", r.id))
	for _, a := range [...]struct{ key, value string }{{"token", r.token}, {"resource", r.resource}, {"sync", r.sync}, {"note", r.note}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if level == slog.LevelError && r.err != nil {
		attrs = append(attrs, slog.String("error", r.err.Error()))
	}
	s.log.LogAttrs(ctx, level, "request", attrs...)
}

// noProject labels requests that no token opened a project for.
const noProject = ""

func (r *request) project() string {
	if r.tenant == nil {
		return noProject
	}
	return r.tenant.Name
}

// otherRoute labels paths that nothing is served at.
const otherRoute = "other"

// route is the template of the route, the same for both bases.
func (r *request) route() string {
	full := r.FullPath()
	if full == "" {
		return otherRoute
	}
	return strings.TrimPrefix(full, projectPrefix+":project")
}

// method is the HTTP method, from a closed set. HEAD does what GET does.
func (r *request) method() string {
	switch m := r.Request.Method; m {
	case http.MethodHead:
		return http.MethodGet
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}

// base is the URL under which this client reaches SCIM, for locations.
func (r *request) base() string {
	root := r.srv.opts.BaseURL
	if root == "" {
		scheme := "http"
		if r.Request.TLS != nil || strings.EqualFold(r.Request.Header.Get("X-Forwarded-Proto"), "https") {
			scheme = "https"
		}
		root = scheme + "://" + r.Request.Host
	}
	if _, named := projectOf(r.Request.URL.Path); named {
		return root + r.tenant.base
	}
	return root + scimBase
}
