package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/scimcms/scimcms/proxy/admin"
)

// localOperator reaches the projects of a configuration through an admin server of its own, in this process.
func (p program) localOperator(ctx context.Context, f operatorFlags) (*operator, error) {
	c, _, err := LoadConfig(f.config, p.environ)
	if err != nil {
		return nil, err
	}
	a, err := wiring{config: c, log: slog.New(slog.DiscardHandler), idle: true}.build()
	if err != nil {
		return nil, err
	}
	stop := func() { _ = a.close() }
	if err := a.ping(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("redis does not answer: %w", err)
	}
	token := rand.Text()
	sum := sha256.Sum256([]byte(token))
	o := admin.Options{Token: &sum}
	for _, p := range a.parts {
		operated := p.operated()
		operated.Ready = nil // nothing runs here that could be ready
		o.Projects = append(o.Projects, operated)
	}
	server, err := admin.New(o)
	if err != nil {
		stop()
		return nil, err
	}
	client := &http.Client{Transport: inProcess{server}, Timeout: callWithin}
	return &operator{base: "http://redis", token: token, project: f.project, client: client, close: stop}, nil
}

// inProcess is a RoundTripper that calls a handler, whose answer is read while it is written.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body, in := io.Pipe()
	w := &piped{header: http.Header{}, body: in, begun: make(chan struct{})}
	go func() {
		t.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		_ = in.Close()
	}()
	<-w.begun
	return &http.Response{
		StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header.Clone(), Body: body, ContentLength: -1, Request: r,
	}, nil
}

// piped is an answer on its way. A reader that stops ends the writing.
type piped struct {
	header http.Header
	status int
	body   *io.PipeWriter
	begun  chan struct{}
}

// Header implements http.ResponseWriter.
func (w *piped) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *piped) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		close(w.begun)
	}
}

// Write implements http.ResponseWriter.
func (w *piped) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
