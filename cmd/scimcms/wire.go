package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/queue"
)

// poolGrace is how long workers may finish what they are at after the stop.
const poolGrace = 10 * time.Second

// wiring is what the proxy is built from.
type wiring struct {
	config Config
	log    *slog.Logger
	// idle makes a process that accepts and keeps writes, and calls no CMS.
	idle bool
	// notes are told to operators as long as the process runs.
	notes []string
}

// app is the proxy, built and not yet running.
type app struct {
	log     *slog.Logger
	parts   []*part
	pool    *queue.Pool // nil in an idle process
	scim    *proxy.Server
	console *admin.Server
	// background is what else runs from the start to the stop; each ends with its context.
	background []func(context.Context)
	closers    []func() error
	ping       func(context.Context) error // asks Redis whether it is there
}

// build makes every part from the configuration. It makes no calls: Redis and the CMS may be away.
func (w wiring) build() (*app, error) {
	rdb, err := queue.Open(w.config.Redis.URL.Value())
	if err != nil {
		return nil, err
	}
	if w.config.Redis.Durability == durableReplica {
		queue.WaitForReplica(rdb)
	}
	a := &app{log: w.log, closers: []func() error{rdb.Close}, ping: func(ctx context.Context) error { return rdb.Ping(ctx).Err() }}
	registry := proxy.NewRegistry()
	metrics, err := proxy.NewMetrics(registry, buildVersion())
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	wake := func() {
		if a.pool != nil {
			a.pool.Wake()
		}
	}
	for i := range w.config.Projects {
		p, err := w.part(&w.config.Projects[i], queue.Options{Redis: rdb}, metrics, wake)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("project %s: %w", w.config.Projects[i].Name, err), a.close())
		}
		a.parts = append(a.parts, p)
	}
	if err := errors.Join(w.addPool(a), w.addServers(a, metrics, proxy.MetricsHandler(registry))); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// addPool adds one pool of workers over all projects.
func (w wiring) addPool(a *app) error {
	if w.idle {
		return nil
	}
	o := queue.PoolOptions{Workers: w.config.Sync.Workers, Grace: poolGrace, Logger: w.log}
	for _, p := range a.parts {
		o.Sources = append(o.Sources, queue.Source{Queue: p.engine.Queue(), Pacer: p.pacer, Handle: p.engine.Handle, Ready: p.engine.Bound})
	}
	pool, err := queue.NewPool(o)
	a.pool = pool
	return err
}

// of are the limits as the SCIM server takes them.
func (l LimitsConfig) of() proxy.Limits {
	return proxy.Limits{Body: int64(l.Body), Count: l.Page, Cursor: l.CursorTimeout, BulkOperations: l.BulkOperations, BulkPayload: int64(l.BulkPayload)}
}

// addServers adds what answers identity providers and operators.
func (w wiring) addServers(a *app, metrics *proxy.Metrics, scrape http.Handler) error {
	scim := proxy.Options{
		Limits: w.config.Limits.of(), Logger: w.log, Metrics: metrics,
	}
	console := admin.Options{Metrics: scrape, Version: buildVersion(), Notes: w.notes, Logger: w.log}
	if t := w.config.Admin.Token; t.IsSet() {
		sum := sha256.Sum256([]byte(t.Value()))
		console.Token = &sum
	}
	for i, p := range a.parts {
		scim.Projects = append(scim.Projects, served(&w.config.Projects[i], p.engine))
		console.Projects = append(console.Projects, p.operated())
		metrics.Watch(p.engine.Name(), p.watched())
	}
	var errScim, errConsole error
	a.scim, errScim = proxy.New(scim)
	a.console, errConsole = admin.New(console)
	return errors.Join(errScim, errConsole)
}

// served is a project as the SCIM server sees it.
func served(p *ProjectConfig, e *reconcile.Engine) proxy.Project {
	out := proxy.Project{Name: p.Name, Users: e, Groups: e, WithoutEmail: proxy.EmailPolicy(p.Users.WithoutEmail)}
	out.Tokens, out.DryRun = scimTokens(p), e.DryRun
	return out
}

func scimTokens(p *ProjectConfig) []proxy.Token {
	out := make([]proxy.Token, 0, len(p.Tokens))
	for _, t := range p.Tokens {
		out = append(out, proxy.Token{Name: t.Name, SHA256: t.Digest})
	}
	return out
}

// close gives back what build took.
func (a *app) close() error {
	var errs []error
	for _, c := range a.closers {
		errs = append(errs, c())
	}
	for _, p := range a.parts {
		p.cms.CloseIdle()
	}
	return errors.Join(errs...)
}

// paceBase names the pacer of a CMS token: all who use the token share it, and nobody learns it from the key.
func paceBase(prefix, token string) string {
	sum := sha256.Sum256([]byte(token))
	return queue.Base(prefix, "cms:"+hex.EncodeToString(sum[:8]))
}
