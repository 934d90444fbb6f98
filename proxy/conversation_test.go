package proxy_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/proxy/scim"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// patience bounds every wait of these tests. Nothing waits for it to pass: it is what a loaded machine may need.
const patience = 60 * time.Second

const cmsToken = "demo-cms-token"

// site is the whole proxy as a process runs it: an HTTP server, the engine of one project with its workers, a store of
// its own and an emulated CMS. The clock is the real one.
type site struct {
	t      *testing.T
	ctx    context.Context
	store  queuetest.Store
	cms    *cmstest.Server
	line   *line // to the CMS
	client *cmsclient.Client
	queue  *queue.Queue
	engine *reconcile.Engine
	http   *http.Client
	base   string // URL of SCIM
}

// siteOptions says what differs from an empty CMS project behind a proxy that gives each group a role.
type siteOptions struct {
	cms      cmstest.Options
	cmsRoles []string // further roles like Editor's that the CMS has from the start
	rules    mapping.Config
	profile  map[string]string
	maxAge   time.Duration // of the picture that a first page shows; 0: a year, so that only tests import
	listing  time.Duration // how long a first page waits for a newer one; 0: as long as it takes
	limits   proxy.Limits
	idle     bool // the store has people already: nothing is imported
}

// newSite starts a site, which ends with the test. The CMS is imported when it returns.
func newSite(t *testing.T, store queuetest.Store, o siteOptions) *site {
	t.Helper()
	s := &site{t: t, ctx: t.Context(), store: store, cms: cmstest.New(o.cms)}
	s.line = &line{to: s.cms.Transport()}
	logs := &logBuffer{}
	log := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of the proxy:\n%.4000s", logs.String())
		}
	})
	var pool *queue.Pool
	s.build(o, log, func() { pool.Wake() })
	for _, name := range o.cmsRoles {
		s.addRole(name)
	}
	pool, err := queue.NewPool(queue.PoolOptions{
		Sources: []queue.Source{{Queue: s.queue, Handle: s.engine.Handle}}, Poll: 50 * time.Millisecond, Logger: log,
	})
	s.must(err)
	s.serve(o, log)
	if o.idle {
		s.must(s.engine.Bind(s.ctx))
		s.run(pool.Run)
		return s
	}
	s.run(pool.Run, s.engine.Run)
	s.eventually("the first import", func() error {
		stats, err := s.engine.Stats(s.ctx)
		if err == nil && stats.ImportAge < 0 {
			return fmt.Errorf("nothing imported yet")
		}
		return err
	})
	s.rest()
	return s
}

// build makes the engine and what it stands on.
func (s *site) build(o siteOptions, log *slog.Logger, wake func()) {
	s.t.Helper()
	const project = "site"
	var err error
	s.queue, err = queue.New(queue.Options{Redis: s.store.Client, Base: s.store.Base, Logger: log,
		Backoff: queue.Backoff{Base: 20 * time.Millisecond, Max: 200 * time.Millisecond}, Attempts: 1000})
	s.must(err)
	dir, err := directory.New(directory.Options{
		Redis: s.store.Client, Queue: s.queue, Base: s.store.Base, Project: project, Fold: mapping.Fold,
		NewID: func(kind, key string, uses int64) string { return mapping.ID(project, kind, key, int(uses)) },
	})
	s.must(err)
	s.client, err = cmsclient.New(cmsclient.Options{BaseURL: "http://cms.example", Token: cmsToken, Transport: s.line, Logger: log})
	s.must(err)
	if o.rules.Default == "" {
		o.rules.Default, o.rules.Create, o.rules.Template = "Editor", true, "Editor"
	}
	o.rules.Compile = compileFilter
	rules, err := mapping.NewRules(o.rules)
	s.must(err)
	o.maxAge, o.listing = cmp.Or(o.maxAge, 365*24*time.Hour), cmp.Or(o.listing, patience)
	s.engine, err = reconcile.New(reconcile.Options{
		Project: project, Directory: dir, Queue: s.queue, CMS: s.client, Rules: rules, Adopt: true,
		Attributes: proxy.DocumentAttributes, Document: proxy.PersonDocument, ProfileAttributes: o.profile,
		Wait: patience, ListingWait: o.listing, MaxAge: o.maxAge, Wake: wake, Logger: log,
	})
	s.must(err)
}

// compileFilter makes a predicate of a rule's filter, as the program does.
func compileFilter(text string) (mapping.Predicate, error) {
	f, err := scim.ParseFilter(scim.UserType, text)
	if err != nil {
		return nil, err
	}
	return func(a mapping.Attributes) bool {
		r, ok := a.(*scim.Resource)
		return ok && f.Match(r.Attributes)
	}, nil
}

// serve puts the HTTP server in front.
func (s *site) serve(o siteOptions, log *slog.Logger) {
	s.t.Helper()
	handler, err := proxy.New(proxy.Options{
		Projects: []proxy.Project{{Name: "site", Tokens: []proxy.Token{tok(token)}, Users: s.engine, Groups: s.engine}},
		Limits:   o.limits, Logger: log,
	})
	s.must(err)
	server := httptest.NewUnstartedServer(handler)
	server.Config = proxy.HTTPServer(handler, nil)
	server.Start()
	s.t.Cleanup(server.Close)
	s.http, s.base = server.Client(), server.URL+"/scim/v2"
}

// run starts loops and ends them, and the syncs that requests began, before the store goes.
func (s *site) run(loops ...func(context.Context)) {
	ctx, stop := context.WithCancel(context.WithoutCancel(s.ctx))
	var running sync.WaitGroup
	for _, loop := range loops {
		running.Go(func() { loop(ctx) })
	}
	s.t.Cleanup(func() {
		stop()
		running.Wait()
		drained, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.engine.Drain(drained); err != nil {
			s.t.Errorf("syncs of requests still run: %v", err)
		}
	})
}

// with is the site for a subtest.
func (s *site) with(t *testing.T) *site {
	t.Helper()
	own := *s
	own.t, own.ctx = t, t.Context()
	return &own
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits until check has nothing to say any more.
func (s *site) eventually(what string, check func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// rest waits until no key is queued or being worked on. The figures are not read in one moment, so that a key may move
// past them once; not twice.
func (s *site) rest() {
	s.t.Helper()
	quiet := 0
	s.eventually("the queue at rest", func() error {
		stats, err := s.queue.Stats(s.ctx)
		if err != nil {
			return err
		}
		busy := stats.Leased
		for _, n := range stats.Depth {
			busy += n
		}
		if quiet++; busy > 0 {
			quiet = 0
		}
		if quiet < 2 {
			return fmt.Errorf("%d keys wait or are leased: %+v", busy, stats)
		}
		return nil
	})
}

// importCMS has the workers read the CMS anew.
func (s *site) importCMS() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.must(s.engine.ImportNow(ctx))
}

// addRole gives the CMS a role with the permissions of Editor.
func (s *site) addRole(name string) {
	s.t.Helper()
	roles, err := s.client.Roles(s.ctx)
	s.must(err)
	for _, r := range roles {
		if r.Name == "Editor" {
			_, err := s.client.CreateRole(s.ctx, r.Template(name))
			s.must(err)
		}
	}
}

// writes counts the changing calls that the CMS has had so far.
func (s *site) writes() map[string]int {
	n := maps.Clone(s.cms.Calls().ByEndpoint)
	maps.DeleteFunc(n, func(endpoint string, _ int) bool { return strings.HasPrefix(endpoint, "GET ") })
	return n
}

// answer is a response as it arrived.
type answer struct {
	status int
	header http.Header
	body   []byte
	head   bool // to a HEAD, so without body
}

// send makes a request with exactly these headers. path is what follows the base URL of SCIM.
func (s *site) send(method, path string, header http.Header, body []byte) (answer, error) {
	var reader io.Reader
	if body != nil {
		reader = strings.NewReader(string(body))
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, reader)
	if err != nil {
		return answer{}, err
	}
	req.Header = header
	resp, err := s.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: b, head: method == http.MethodHead}, err
}
