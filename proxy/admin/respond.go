package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path"
)

// maxBody bounds the body of an operator's request.
const maxBody = 1 << 20

// failure is an error as the operator sees it.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

// read wraps a handler that changes nothing.
func (s *Server) read(h func(*http.Request, *Project) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := s.project(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
		defer cancel()
		answer, err := h(r.WithContext(ctx), p)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

// change wraps a handler that changes something: it needs the token, and is logged.
func (s *Server) change(h func(*http.Request, *Project) (any, error)) http.HandlerFunc {
	inner := s.read(func(r *http.Request, p *Project) (any, error) {
		answer, err := h(r, p)
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "operator", slog.String("project", p.Name),
			slog.String("action", path.Base(r.URL.Path)), slog.Bool("ok", err == nil))
		return answer, err
	})
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.authorise(r); err != nil {
			s.fail(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		inner(w, r)
	}
}

// project is the project that the path names; nil where the path has none.
func (s *Server) project(r *http.Request) (*Project, error) {
	name := r.PathValue("project")
	if name == "" {
		return nil, nil
	}
	p := s.projects[name]
	if p == nil {
		return nil, &failure{http.StatusNotFound, "there is no such project"}
	}
	return p, nil
}

// fail is the only place where an error becomes a response.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		s.logFailure(r.Context(), r.Pattern, err)
		f = &failure{http.StatusServiceUnavailable, storeSilent}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, f.status, map[string]string{"error": f.text})
}

// storeSilent is all that is told of an error behind us.
const storeSilent = "the store did not answer; the log has the cause"

func (s *Server) logFailure(ctx context.Context, what string, err error) {
	s.log.LogAttrs(ctx, slog.LevelError, "operator request failed", slog.String("route", what), slog.String("error", err.Error()))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // a client that went away is no error of ours
}

// decode reads a small JSON object; unknown members are refused, so that a typing error is no silent success.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &failure{http.StatusBadRequest, "the body is not the JSON object expected here"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &failure{http.StatusBadRequest, "the body has data after the JSON object"}
	}
	return nil
}
