package proxy

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/scimcms/scimcms/proxy/scim"
)

// body reads the whole request body, if it is JSON and not too large.
func (r *request) body() ([]byte, error) { return r.bodyUpTo(r.srv.opts.Limits.Body) }

// bodyUpTo reads a body of at most so many bytes.
func (r *request) bodyUpTo(limit int64) ([]byte, error) {
	if !jsonType(r.Request.Header.Get("Content-Type")) {
		return nil, errMediaType
	}
	size := r.Request.ContentLength
	if size > limit {
		return nil, r.tooLarge(limit)
	}
	if size < 0 {
		b, err := io.ReadAll(http.MaxBytesReader(r.Writer, r.Request.Body, limit))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, r.tooLarge(limit)
		}
		return b, readError(err)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r.Request.Body, b)
	return b, readError(err)
}

// drained is how many times the limit is read, and thrown away, of a body that is too large: most clients send all of it
// before they look at the answer, and would only see a broken connection.
const drained = 4

func (r *request) tooLarge(limit int64) error {
	_, _ = io.CopyN(io.Discard, r.Request.Body, drained*limit) // the refusal stands whatever comes
	return &http.MaxBytesError{Limit: limit}
}

// readError says that a body did not arrive.
func readError(err error) error {
	if err == nil {
		return nil
	}
	return scim.Errorf(http.StatusBadRequest, scim.InvalidSyntax, "The request body did not arrive completely: repeat the request.").WithCause(err)
}

// jsonType accepts both JSON media types, in any case and with any parameters.
func jsonType(header string) bool {
	switch header {
	case "application/scim+json; charset=utf-8", "application/scim+json", "application/json":
		return true
	}
	mediaType, _, err := mime.ParseMediaType(header)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return strings.EqualFold(mediaType, "application/scim+json") || strings.EqualFold(mediaType, "application/json")
}
