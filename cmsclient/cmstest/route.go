package cmstest

import (
	"net/http"
	"strings"
)

// route is one endpoint of the CMA.
type route struct {
	run    func(*store, *call) (answer, error)
	body   schema // nil: whatever body comes is ignored
	people bool   // needs a role that may manage users
	open   bool   // answers without a token too
	writes bool
}

// router finds the route of a request.
type router struct {
	routes map[string]map[string]*route // by template, then method
}

func newRouter(b bodies) *router {
	r := &router{routes: map[string]map[string]*route{}}
	people := func(method, template string, body schema, run func(*store, *call) (answer, error)) {
		r.add(method, template, route{run: run, body: body, people: true})
	}
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

	people(get, "/users", nil, (*store).listUsers)
	people(get, "/users/:id", nil, (*store).getUser)
	people(put, "/users/:id", b.userUpdate, (*store).updateUser)
	people(del, "/users/:id", nil, (*store).deleteUser)

	people(get, "/site-invitations", nil, (*store).listInvitations)
	people(post, "/site-invitations", b.invitationCreate, (*store).createInvitation)
	people(get, "/site-invitations/:id", nil, (*store).getInvitation)
	people(put, "/site-invitations/:id", b.invitationUpdate, (*store).updateInvitation)
	people(del, "/site-invitations/:id", nil, (*store).deleteInvitation)
	people(post, "/site-invitations/:id/resend", nil, (*store).resendInvitation)

	people(get, "/roles", nil, (*store).listRoles)
	people(post, "/roles", b.roleCreate, (*store).createRole)
	people(get, "/roles/:id", nil, (*store).getRole)
	people(put, "/roles/:id", b.roleUpdate, (*store).updateRole)
	people(del, "/roles/:id", nil, (*store).deleteRole)
	people(post, "/roles/:id/duplicate", nil, (*store).duplicateRole)

	r.add(get, "/users/me", route{run: (*store).me})
	r.add(get, "/site", route{run: (*store).site})
	r.add(get, "/public-info", route{run: (*store).publicInfo, open: true})
	r.add(get, "/subscription-limits", route{run: (*store).listLimits})
	r.add(get, "/subscription-limits/:id", route{run: (*store).getLimit})
	r.add(get, "/subscription-features", route{run: (*store).listFeatures})
	r.add(get, "/access_tokens", route{run: (*store).listTokens})
	r.add(get, "/access_tokens/:id", route{run: (*store).getToken})
	r.add(get, "/job-results/:id", route{}) // answered by the Server, which keeps the jobs
	r.singleSignOn()
	return r
}

// singleSignOn adds the endpoints of a feature this project's plan does not have: lists are empty, writes refused.
func (r *router) singleSignOn() {
	refused := route{run: func(*store, *call) (answer, error) { return answer{}, needsEnterprise("sso") }}
	missing := route{run: func(*store, *call) (answer, error) { return answer{}, notFound() }}
	none := route{run: func(*store, *call) (answer, error) { return ok([]any{}) }}
	r.add(http.MethodGet, "/sso-users", none)
	r.add(http.MethodGet, "/sso-users/:id", missing)
	r.add(http.MethodDelete, "/sso-users/:id", missing)
	r.add(http.MethodPost, "/sso-users/copy-users", refused)
	r.add(http.MethodGet, "/sso-groups", none)
	r.add(http.MethodPut, "/sso-groups/:id", missing)
	r.add(http.MethodDelete, "/sso-groups/:id", missing)
	r.add(http.MethodPost, "/sso-groups/:id/copy-roles", missing)
	r.add(http.MethodGet, "/sso-settings", route{run: (*store).ssoSettings})
	r.add(http.MethodPut, "/sso-settings", refused)
	r.add(http.MethodPut, "/sso-settings/generate-token", refused)
}

func (r *router) add(method, template string, to route) {
	to.writes = method != http.MethodGet
	if r.routes[template] == nil {
		r.routes[template] = map[string]*route{}
	}
	r.routes[template][method] = &to
}

// match finds the template of a path, the id in it, and the route of the method; the route is nil when the method does
// not fit, the template empty when the path does not. A literal path wins over one with an id, except where only the
// latter has the method.
func (r *router) match(method, path string) (template, id string, to *route) {
	byMethod, literal := r.routes[path]
	if literal && byMethod[method] != nil {
		return path, "", byMethod[method]
	}
	rest, isPath := strings.CutPrefix(path, "/")
	collection, rest, _ := strings.Cut(rest, "/")
	id, action, _ := strings.Cut(rest, "/")
	template = "/" + collection + "/:id"
	if action != "" {
		template += "/" + action
	}
	byID, found := r.routes[template]
	switch {
	case found && isPath && id != "" && !strings.HasSuffix(path, "/"):
		return template, id, byID[method]
	case literal:
		return path, "", nil
	default:
		return "", "", nil
	}
}
