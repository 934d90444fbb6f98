package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// retryAfter is what a client is told to wait while Redis is away: Okta honours whole seconds only.
const retryAfter = "5"

// maxNamedIDs bounds how many unknown member ids an error names.
const maxNamedIDs = 10

// The refusals that no request gets past.
var (
	errUnauthorized = scim.Errorf(http.StatusUnauthorized, "",
		"The token is missing or wrong, or is not one of this project: check the base URL and the API token in the app's provisioning settings.")
	errUnknownPath = scim.Errorf(http.StatusNotFound, "",
		"Nothing is served under this path: the SCIM base URL ends in /scim/v2 or /projects/NAME/scim/v2.")
	errMethod = scim.Errorf(http.StatusMethodNotAllowed, "",
		"This method is not supported here; the Allow header lists those that are.")
	errMediaType = scim.Errorf(http.StatusUnsupportedMediaType, "",
		"Send the body as application/scim+json or application/json.")
	errBulkUnavailable = scim.Errorf(http.StatusServiceUnavailable, "",
		"The proxy's store does not answer: repeat the whole request, which is harmless even if some of it was kept.")
	errInternal = scim.Errorf(http.StatusInternalServerError, "",
		"Internal error; the server's log has the cause under the id in the X-Request-Id header.")
)

// writeError is the only place where an error becomes a response.
func (s *Server) writeError(r *request, err error) {
	r.err = err
	if part, ok := partOf(r.Request.Context()); ok {
		*part.failed = err
	}
	e := s.public(r, err)
	h := r.Writer.Header()
	switch e.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter)
		s.countStoreFailure(r, err)
	}
	r.write(e.Status, e.Body())
}

// countStoreFailure counts what Redis did not answer, unless it is the client that did not wait.
func (s *Server) countStoreFailure(r *request, err error) {
	if _, ok := errors.AsType[*directory.UnavailableError](err); ok && r.note != noteGone {
		s.opts.Metrics.storeFailed()
	}
}

// public is what the client is told of an error: a status, and a text that tells an administrator what to do.
func (s *Server) public(r *request, err error) *scim.Error {
	if r.Request.Context().Err() != nil {
		r.note = noteGone
		return scim.Errorf(http.StatusServiceUnavailable, "", "The request was given up before it was answered: repeat it.").WithCause(err)
	}
	for _, translate := range []func(error) *scim.Error{ofProtocol, ofRecord, ofEngine, ofStore} {
		if e := translate(err); e != nil {
			return e
		}
	}
	return errInternal
}

// noteGone marks a request whose client did not wait for the answer.
const noteGone = "client went away"

// ofProtocol knows what is wrong with the request itself.
func ofProtocol(err error) *scim.Error {
	if own, ok := errors.AsType[*scim.Error](err); ok {
		return own
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return scim.Errorf(http.StatusRequestEntityTooLarge, "",
			"The body is larger than the %d bytes that are accepted: send fewer members or operations at a time.", tooLarge.Limit)
	}
	return nil
}

// ofRecord knows what does not fit to the record.
func ofRecord(err error) *scim.Error {
	if conflict, ok := errors.AsType[*directory.ConflictError](err); ok {
		return conflictError(conflict)
	}
	if members, ok := errors.AsType[*directory.UnknownMembersError](err); ok {
		return membersError(members)
	}
	if errors.Is(err, directory.ErrNotFound) {
		return scim.Errorf(http.StatusNotFound, "", "There is no such resource.")
	}
	return nil
}

// ofEngine knows what the CMS, or the configuration, does not allow.
func ofEngine(err error) *scim.Error {
	if rejected, ok := errors.AsType[*reconcile.RejectedError](err); ok {
		return scim.Errorf(rejected.Status, scim.ScimType(rejected.ScimType), "%s", rejected.Text)
	}
	if errors.Is(err, reconcile.ErrProtected) {
		return scim.Errorf(http.StatusForbidden, "",
			"This account is protected, the proxy never changes it: unassign it from the app, or take it off the protected list in the proxy's configuration.")
	}
	return nil
}

// ofStore knows what may work a little later.
func ofStore(err error) *scim.Error {
	if _, ok := errors.AsType[*directory.UnavailableError](err); ok {
		return scim.Errorf(http.StatusServiceUnavailable, "", "The proxy's store does not answer: repeat the request, which is harmless even if it was kept.")
	}
	if errors.Is(err, directory.ErrStale) || errors.Is(err, directory.ErrBusy) {
		return scim.Errorf(http.StatusServiceUnavailable, "", "The resource is being changed by many requests at the same moment: repeat this one.")
	}
	if errors.Is(err, reconcile.ErrNoRoles) {
		return scim.Errorf(http.StatusServiceUnavailable, "", "The roles of the CMS are not known yet: repeat the request.")
	}
	return nil
}

func conflictError(e *directory.ConflictError) *scim.Error {
	if e.Other != "" {
		return scim.Errorf(http.StatusConflict, scim.Uniqueness,
			"The attributes match two resources, %s and %s: give one of them another value, or link the person to the right one.", e.ID, e.Other)
	}
	return scim.Errorf(http.StatusConflict, scim.Uniqueness,
		"Another resource, %s, already has this %s: import or link it, or give one of the two another value.", e.ID, e.Attribute)
}

func membersError(e *directory.UnknownMembersError) *scim.Error {
	ids, more := e.IDs, ""
	if len(ids) > maxNamedIDs {
		ids, more = ids[:maxNamedIDs], ", …"
	}
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
		"These members are not users of this server: %s%s. Assign the people to the app first, then push the group again.", strings.Join(ids, ", "), more)
}

// notFound names the id that the client asked for.
func notFound(kind scim.Type, id string) error {
	return scim.Errorf(http.StatusNotFound, "", "There is no %s with the id %q.", kind, shorten(id)).WithCause(directory.ErrNotFound)
}

// named turns "no such record" into a refusal that names the id.
func named(err error, kind scim.Type, id string) error {
	if errors.Is(err, directory.ErrNotFound) {
		return notFound(kind, id)
	}
	return err
}

// unreadable is a stored document that cannot be read. The cause is one of scim's refusals; wrapped, it would be taken for
// a refusal of the request.
func unreadable(id string, cause error) error {
	return fmt.Errorf("the stored document of %s cannot be read: %v", id, cause) //nolint:errorlint // see above
}

// shorten keeps a client's own text in an error short.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
