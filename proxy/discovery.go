package proxy

import (
	"net/http"

	"github.com/scimcms/scimcms/proxy/scim"
)

func (s *Server) discovery(r *request) scim.Discovery {
	return scim.Discovery{BaseURL: r.base(), MaxResults: s.opts.Limits.Count, ETag: true, Sort: true, CursorTimeout: s.opts.Limits.Cursor,
		BulkOperations: s.opts.Limits.BulkOperations, BulkPayload: s.opts.Limits.BulkPayload}
}

// document answers with a discovery document. They are not to be filtered (RFC 7644 section 4).
func (s *Server) document(build func(scim.Discovery, *request) ([]byte, bool)) handler {
	return func(r *request) error {
		if r.Request.URL.Query().Has("filter") {
			return scim.Errorf(http.StatusForbidden, "", "Discovery documents cannot be filtered.")
		}
		body, ok := build(s.discovery(r), r)
		if !ok {
			return scim.Errorf(http.StatusNotFound, "", "There is no such document; list them without an id.")
		}
		r.write(http.StatusOK, body)
		return nil
	}
}

func serviceProviderConfig(d scim.Discovery, _ *request) ([]byte, bool) {
	return d.ServiceProviderConfig(), true
}

func resourceTypes(d scim.Discovery, _ *request) ([]byte, bool) { return d.ResourceTypes(), true }

func resourceType(d scim.Discovery, r *request) ([]byte, bool) { return d.ResourceType(r.Param("id")) }

func schemas(d scim.Discovery, _ *request) ([]byte, bool) { return d.Schemas(), true }

func schema(d scim.Discovery, r *request) ([]byte, bool) { return d.Schema(r.Param("id")) }

// unsupported answers for parts of the protocol that are left out.
func (s *Server) unsupported(what string) handler {
	return func(*request) error {
		return scim.Errorf(http.StatusNotImplemented, "", "%s is not supported; see /ServiceProviderConfig.", what)
	}
}

func unknownPath(*request) error { return errUnknownPath }

func wrongMethod(*request) error { return errMethod }
