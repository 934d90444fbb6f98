package cmstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// controlPrefix is where the control API lives.
const controlPrefix = "/_emulator/"

// Handler serves the CMA and, under /_emulator/, the control API.
func (s *Server) Handler() http.Handler {
	control := s.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, controlPrefix) {
			control.ServeHTTP(w, r)
			return
		}
		c, err := s.read(r)
		if err != nil {
			abort()
		}
		out := s.serve(r.Context(), c)
		if out.dropped {
			abort()
		}
		out.header(w.Header())
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body)
	})
}

// abort closes the connection without an answer: the way net/http gives a handler to do so.
func abort() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http has no other way, and recovers it itself
}

// Transport is the CMS in memory: a client with it needs no network. A dropped connection is an error that wraps
// io.EOF. The base URL of requests does not matter. Faults that delay are over when the request's context is.
func (s *Server) Transport() http.RoundTripper {
	return &transport{server: s, control: s.control()}
}

type transport struct {
	server  *Server
	control http.Handler
}

// RoundTrip answers the request as the Handler would.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		return t.controlled(r), nil
	}
	c, err := t.server.read(r)
	if err != nil {
		return nil, fmt.Errorf("cmstest: reading the request: %w", err)
	}
	out, err := t.await(r.Context(), c)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	out.header(header)
	return response(r, out.status, header, out.body), nil
}

// await serves the call and stops waiting for it when ctx ends; the call itself ends with ctx too, unless a fault
// makes it late.
func (t *transport) await(ctx context.Context, c *call) (reply, error) {
	done := make(chan reply, 1)
	go func() { done <- t.server.serve(ctx, c) }()
	select {
	case out := <-done:
		switch {
		case out.dropped && ctx.Err() != nil:
			return reply{}, ctx.Err()
		case out.dropped:
			return reply{}, errors.Join(errDropped, io.EOF)
		}
		return out, nil
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

func (t *transport) controlled(r *http.Request) *http.Response {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	t.control.ServeHTTP(w, r)
	return response(r, w.status, w.header, w.body.Bytes())
}

func response(r *http.Request, status int, header http.Header, body []byte) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// recorder is the ResponseWriter of a control request in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// read takes from a request what a call is made of.
func (s *Server) read(r *http.Request) (*call, error) {
	c := &call{method: r.Method, path: r.URL.Path, header: r.Header}
	if c.method == "" {
		c.method = http.MethodGet
	}
	c.template, c.id, c.route = s.router.match(c.method, c.path)
	c.query = url.Values{}
	if r.URL.RawQuery != "" {
		c.query = r.URL.Query()
	}
	if r.Body == nil || r.Body == http.NoBody {
		return c, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	c.raw = raw
	return c, err
}

// header writes the headers every answer has.
func (r *reply) header(h http.Header) {
	h.Set("X-Request-Id", requestID(r.request))
	h.Set("Content-Length", strconv.Itoa(len(r.body)))
	if r.html {
		h.Set("Content-Type", "text/html; charset=utf-8")
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Api-Version", "3")
	h.Set("X-Environment", "main")
	h.Set("X-Runtime", "0.001000")
	h.Set("X-Queue-Time", "0")
	r.quota.header(h, r.noReset)
	if r.status < http.StatusMultipleChoices && r.status != http.StatusAccepted {
		h.Set("Cache-Control", "max-age=0, private, must-revalidate")
		h.Set("Etag", fmt.Sprintf(`W/"%08x%08x"`, crc32.ChecksumIEEE(r.body), len(r.body)))
		return
	}
	h.Set("Cache-Control", "no-cache")
}

// header writes what the limiter has to say.
func (q quota) header(h http.Header, noReset bool) {
	if q.limit > 0 {
		h.Set("X-Ratelimit-Limit", strconv.Itoa(q.limit))
		h.Set("X-Ratelimit-Remaining", strconv.Itoa(q.remaining))
	}
	if q.limited && !noReset {
		h.Set("X-Ratelimit-Reset", strconv.Itoa(q.reset))
	}
}

// requestID is the n-th request's id in the form of a UUID.
func requestID(n uint64) string {
	t := token("request", int(n&(1<<62-1)))
	return t[:8] + "-" + t[8:12] + "-4" + t[13:16] + "-8" + t[17:20] + "-" + t[20:]
}
