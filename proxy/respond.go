package proxy

import (
	"net/http"
	"strconv"
)

// Headers that are the same on every response; shared, never changed.
var (
	contentType = []string{"application/scim+json; charset=utf-8"}
	noStore     = []string{"no-store"}
	noSniff     = []string{"nosniff"}
)

// write sends a complete SCIM body.
func (r *request) write(status int, body []byte) {
	h := r.Writer.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	r.Writer.WriteHeader(status)
	r.Writer.WriteHeaderNow()
	if _, err := r.Writer.Write(body); err != nil && r.note == "" {
		r.note = noteGone
	}
}

// noContent answers a change that needs no body.
func (r *request) noContent() {
	r.Writer.Header()["Cache-Control"] = noStore
	r.Writer.WriteHeader(http.StatusNoContent)
	r.Writer.WriteHeaderNow()
}
