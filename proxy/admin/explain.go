package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
)

// Explainer tells how a user stands.
type Explainer interface {
	Explain(ctx context.Context, who string) (reconcile.Explanation, error)
}

// Explanation is a reconcile.Explanation as JSON, for the API and for those who ask it.
type Explanation struct {
	ID       string   `json:"id"`
	UserName string   `json:"user_name"`
	State    string   `json:"state"`
	Status   string   `json:"status"`
	Code     string   `json:"code,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Lines    []string `json:"lines"`
	Next     []string `json:"next"`
	Queue    Entry    `json:"queue"`
}

// explain is asked by a POST with the token, unlike other reading: it shows personal data, which is not to be in URLs.
func (s *Server) explain(r *http.Request, p *Project) (any, error) {
	var ask struct {
		User string `json:"user"`
	}
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	if ask.User == "" {
		return nil, &failure{http.StatusBadRequest, `send {"user":"ID, userName or address"}`}
	}
	if p.Explainer == nil {
		return nil, &failure{http.StatusNotFound, "this project cannot explain"}
	}
	x, err := p.Explainer.Explain(r.Context(), ask.User)
	if several, ok := errors.AsType[*reconcile.AmbiguousError](err); ok {
		return nil, &failure{http.StatusConflict, several.Error()}
	}
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return nil, &failure{http.StatusNotFound, "there is no user with this id, userName or address"}
	case err != nil:
		return nil, err
	}
	return newExplanation(x), nil
}

func newExplanation(x reconcile.Explanation) Explanation {
	u := x.User
	out := Explanation{
		ID: u.ID, UserName: u.UserName, State: string(u.State), Status: string(u.Sync.State), Code: u.Sync.Code, Reason: u.Sync.Text,
		Lines: x.Lines, Next: append([]string{}, x.Next...), Queue: newEntry(x.Queue),
	}
	for _, g := range u.Groups {
		out.Groups = append(out.Groups, g.Name)
	}
	return out
}
