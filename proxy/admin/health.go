package admin

import (
	"context"
	"net/http"
)

// ready is the body of /readyz. Reasons and notes are whole sentences for people.
type ready struct {
	Ready    bool           `json:"ready"`
	Notes    []string       `json:"notes,omitempty"`
	Projects []projectReady `json:"projects"`
}

type projectReady struct {
	Name    string   `json:"name"`
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// healthz says that the process answers; it asks nothing of anybody else.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.opts.Version})
}

// readyz is 200 when every project can work, 503 with the reasons when one cannot.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer := ready{Ready: true, Notes: s.opts.Notes, Projects: make([]projectReady, 0, len(s.opts.Projects))}
	for i := range s.opts.Projects {
		p := s.opts.Projects[i].ready(ctx)
		answer.Ready = answer.Ready && p.Ready
		answer.Projects = append(answer.Projects, p)
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, answer)
}

func (p *Project) ready(ctx context.Context) projectReady {
	if p.Ready == nil {
		return projectReady{Name: p.Name, Ready: true}
	}
	r := p.Ready(ctx)
	return projectReady{Name: p.Name, Ready: r.OK, Reasons: r.Reasons, Notes: r.Notes}
}
