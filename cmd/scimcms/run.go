package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/scimcms/scimcms/proxy"
)

// The stop: requests and the syncs that they began may take drainBudget, and all of it, the workers' grace included,
// takes no longer than stopBudget.
const (
	drainBudget = 25 * time.Second
	stopBudget  = 38 * time.Second
)

// listeners are where an app answers.
type listeners struct{ scim, admin net.Listener }

// listen opens an address for the flag or setting that names it.
func listen(ctx context.Context, address, name string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another process: choose another address with %s", address, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// listenBoth opens both addresses of an app, or none.
func listenBoth(ctx context.Context, scim, admin string) (listeners, error) {
	l, err := listen(ctx, scim, "--listen")
	if err != nil {
		return listeners{}, err
	}
	a, err := listen(ctx, admin, "--admin-listen")
	if err != nil {
		return listeners{}, errors.Join(err, l.Close())
	}
	return listeners{scim: l, admin: a}, nil
}

func (l listeners) close() error {
	return errors.Join(ignoreClosed(l.scim.Close()), ignoreClosed(l.admin.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// running is an app at work.
type running struct {
	*app
	scimHTTP, adminHTTP *http.Server
	failed              chan error // a listener broke
	stopWork            context.CancelFunc
	goroutines          sync.WaitGroup
}

// run answers and works until ctx ends or a listener breaks, stops gracefully, and closes the app. ready is called once
// requests are answered.
func (a *app) run(ctx context.Context, l listeners, ready func(context.Context)) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	r := &running{
		app: a, stopWork: stopWork, failed: make(chan error, 2),
		scimHTTP: proxy.HTTPServer(a.scim, a.log), adminHTTP: proxy.HTTPServer(a.console, a.log),
	}
	r.start(work, l)
	ready(ctx)
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-r.failed:
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopBudget)
	defer cancel()
	return errors.Join(broken, r.stop(stop))
}

func (r *running) start(ctx context.Context, l listeners) {
	if r.pool != nil {
		r.goroutines.Go(func() { r.pool.Run(ctx) })
		for _, p := range r.parts {
			r.goroutines.Go(func() { p.engine.Run(ctx) })
		}
	}
	for _, p := range r.parts {
		r.goroutines.Go(func() { p.meter.Run(ctx) })
	}
	for _, run := range r.background {
		r.goroutines.Go(func() { run(ctx) })
	}
	r.goroutines.Go(func() { r.serve(r.scimHTTP, l.scim) })
	r.goroutines.Go(func() { r.serve(r.adminHTTP, l.admin) })
}

func (r *running) serve(s *http.Server, l net.Listener) {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		r.failed <- fmt.Errorf("listener %s: %w", l.Addr(), err)
	}
}

// stop ends everything in order: no new requests, those in flight finish, then the syncs that they began, then the
// workers, who give back their leases, and last Redis. What is not done when ctx ends is left to the next process,
// which looks at the CMS first.
func (r *running) stop(ctx context.Context) error {
	r.log.InfoContext(ctx, "stopping")
	drain, cancel := context.WithTimeout(ctx, drainBudget)
	defer cancel()
	unfinished := r.scimHTTP.Shutdown(drain)
	for _, p := range r.parts {
		unfinished = errors.Join(unfinished, p.engine.Drain(drain))
	}
	if unfinished != nil {
		r.log.WarnContext(ctx, "requests or their syncs did not finish in time", "error", unfinished)
	}
	r.stopWork()
	unfinished = errors.Join(r.scimHTTP.Close(), r.adminHTTP.Shutdown(drain), r.adminHTTP.Close(), r.wait(ctx))
	if unfinished != nil {
		r.log.WarnContext(ctx, "not everything could be stopped in time", "error", unfinished)
	}
	r.flush(ctx)
	err := r.close()
	r.log.InfoContext(ctx, "stopped")
	return err
}

// flushBudget is how long the last counts may take to be written.
const flushBudget = 2 * time.Second

// flush writes down the calls that nobody has written yet.
func (r *running) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushBudget)
	defer cancel()
	for _, p := range r.parts {
		if err := p.meter.Flush(ctx); err != nil {
			r.log.WarnContext(ctx, "the last calls to the CMS are missing in this month's count", "project", p.engine.Name(), "error", err)
		}
	}
}

// wait returns when every goroutine has ended, or with the context's error.
func (r *running) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		r.goroutines.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
