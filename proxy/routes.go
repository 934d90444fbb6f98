package proxy

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/scimcms/scimcms/proxy/scim"
)

// route is one row of the route table: a method on a path under the SCIM base, and the status of its success.
type route struct {
	method, path string
	success      int
	handler      func(*Server) handler
}

// routes is everything that is served, under /scim/v2 and under /projects/NAME/scim/v2.
func routes() []route {
	return []route{
		{http.MethodGet, "/Users", http.StatusOK, func(s *Server) handler { return s.list(scim.UserType) }},
		{http.MethodPost, "/Users", http.StatusCreated, func(s *Server) handler { return s.createUser }},
		{http.MethodPost, "/Users/.search", http.StatusOK, func(s *Server) handler { return s.search(scim.UserType) }},
		{http.MethodGet, "/Users/:id", http.StatusOK, func(s *Server) handler { return s.readUser }},
		{http.MethodPut, "/Users/:id", http.StatusOK, func(s *Server) handler { return s.replaceUser }},
		{http.MethodPatch, "/Users/:id", http.StatusOK, func(s *Server) handler { return s.patchUser }},
		{http.MethodDelete, "/Users/:id", http.StatusNoContent, func(s *Server) handler { return s.deleteUser }},

		{http.MethodGet, "/Groups", http.StatusOK, func(s *Server) handler { return s.list(scim.GroupType) }},
		{http.MethodPost, "/Groups", http.StatusCreated, func(s *Server) handler { return s.createGroup }},
		{http.MethodPost, "/Groups/.search", http.StatusOK, func(s *Server) handler { return s.search(scim.GroupType) }},
		{http.MethodGet, "/Groups/:id", http.StatusOK, func(s *Server) handler { return s.readGroup }},
		{http.MethodPut, "/Groups/:id", http.StatusOK, func(s *Server) handler { return s.replaceGroup }},
		{http.MethodPatch, "/Groups/:id", http.StatusOK, func(s *Server) handler { return s.patchGroup }},
		{http.MethodDelete, "/Groups/:id", http.StatusNoContent, func(s *Server) handler { return s.deleteGroup }},

		{http.MethodGet, "/Roles", http.StatusOK, func(s *Server) handler { return s.list(scim.RoleType) }},
		{http.MethodPost, "/Roles/.search", http.StatusOK, func(s *Server) handler { return s.search(scim.RoleType) }},
		{http.MethodGet, "/Roles/:id", http.StatusOK, func(s *Server) handler { return s.readRole }},

		{http.MethodPost, "/.search", http.StatusOK, func(s *Server) handler { return s.searchAll }},

		{http.MethodGet, "/ServiceProviderConfig", http.StatusOK, func(s *Server) handler { return s.document(serviceProviderConfig) }},
		{http.MethodGet, "/ResourceTypes", http.StatusOK, func(s *Server) handler { return s.document(resourceTypes) }},
		{http.MethodGet, "/ResourceTypes/:id", http.StatusOK, func(s *Server) handler { return s.document(resourceType) }},
		{http.MethodGet, "/Schemas", http.StatusOK, func(s *Server) handler { return s.document(schemas) }},
		{http.MethodGet, "/Schemas/:id", http.StatusOK, func(s *Server) handler { return s.document(schema) }},

		{http.MethodGet, "/Me", http.StatusNotImplemented, func(s *Server) handler { return s.unsupported("/Me") }},
		{http.MethodPost, "/Me", http.StatusNotImplemented, func(s *Server) handler { return s.unsupported("/Me") }},
		{http.MethodPut, "/Me", http.StatusNotImplemented, func(s *Server) handler { return s.unsupported("/Me") }},
		{http.MethodPatch, "/Me", http.StatusNotImplemented, func(s *Server) handler { return s.unsupported("/Me") }},
		{http.MethodDelete, "/Me", http.StatusNotImplemented, func(s *Server) handler { return s.unsupported("/Me") }},
		{http.MethodPost, bulkPath, http.StatusOK, func(s *Server) handler { return s.bulk }},
	}
}

// register makes the table known to gin.
func (s *Server) register(e *gin.Engine) {
	for _, base := range []string{scimBase, projectPrefix + ":project" + scimBase} {
		for _, r := range routes() {
			e.Handle(r.method, base+r.path, s.handle(r.handler(s)))
			if r.method == http.MethodGet { // net/http leaves the body out
				e.Handle(http.MethodHead, base+r.path, s.handle(r.handler(s)))
			}
		}
	}
	e.NoRoute(s.handle(unknownPath))
	e.NoMethod(s.handle(wrongMethod))
}
