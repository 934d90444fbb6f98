package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// Each operation of a bulk request goes the way of the single request that it stands for, with its own checks, commit, audit
// entry, log line and metrics. Only authentication and the time to wait for the CMS are the whole request's.

const bulkPath = "/Bulk"

// bulkPart is what an operation inherits from the request it came in.
type bulkPart struct {
	tenant *tenant
	token  string
	id     string
	failed *error // what it was answered with, if that was an error
}

type bulkKey struct{}

func partOf(ctx context.Context) (bulkPart, bool) {
	p, ok := ctx.Value(bulkKey{}).(bulkPart)
	return p, ok
}

func (s *Server) bulk(r *request) error {
	body, err := r.bodyUpTo(s.opts.Limits.BulkPayload)
	if err != nil {
		return err
	}
	b, err := scim.ParseBulk(body, s.opts.Limits.BulkOperations)
	if err != nil {
		return err
	}
	j := &bulkJob{server: s, request: r, ctx: reconcile.ShareWait(r.Request.Context())}
	response, gaveUp := b.Run(r.base(), j.do)
	r.note = fmt.Sprintf("%d operations, %d refused", j.count, j.refused)
	if gaveUp {
		return j.gaveUp // nothing was done at all: the request is repeated as a whole
	}
	r.syncHeader(j.sync)
	r.write(http.StatusOK, response)
	return nil
}

// bulkJob does the operations of one request.
type bulkJob struct {
	server         *Server
	request        *request
	ctx            context.Context //nolint:containedctx // that of the request, for as long as the request
	count, refused int
	gaveUp         error
	sync           directory.SyncState // pending or held when an operation is
}

func (j *bulkJob) do(c scim.BulkCall) scim.BulkResult {
	j.count++
	w := &answer{header: http.Header{}}
	var failed error
	j.server.engine.ServeHTTP(w, j.single(c, &failed))
	res := scim.BulkResult{Status: w.status, Location: w.header.Get("Location"), Version: w.header.Get("Etag"), Body: w.body.Bytes()}
	switch {
	case j.away(failed):
		res.GiveUp, j.gaveUp = true, errBulkUnavailable
	case c.Method == http.MethodPost && w.status == http.StatusCreated:
		res.ID = res.Location[strings.LastIndexByte(res.Location, '/')+1:]
	}
	if state := w.header.Get("X-Sync-Status"); state != "" && j.sync != directory.Held {
		j.sync = directory.SyncState(state)
	}
	if w.status >= http.StatusBadRequest {
		j.refused++
	}
	return res
}

// away tells whether nothing more can be done: the store does not answer, or the client did not wait. That one resource is busy
// is no such reason.
func (j *bulkJob) away(failed error) bool {
	_, unavailable := errors.AsType[*directory.UnavailableError](failed)
	return unavailable || failed != nil && j.ctx.Err() != nil
}

// single is the operation as a request of its own.
func (j *bulkJob) single(c scim.BulkCall, failed *error) *http.Request {
	outer := j.request
	part := bulkPart{tenant: outer.tenant, token: outer.token, id: outer.id + "." + strconv.Itoa(j.count), failed: failed}
	r := outer.Request.Clone(context.WithValue(j.ctx, bulkKey{}, part))
	r.Method = c.Method
	r.URL = &url.URL{Path: strings.TrimSuffix(outer.Request.URL.Path, bulkPath) + c.Path, RawQuery: c.Query}
	r.Header = http.Header{"Content-Type": contentType}
	if proto := outer.Request.Header["X-Forwarded-Proto"]; proto != nil {
		r.Header["X-Forwarded-Proto"] = proto
	}
	if c.Version != "" {
		r.Header["If-Match"] = []string{c.Version}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(c.Body)), int64(len(c.Body))
	return r
}

// answer keeps the response to an operation.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
