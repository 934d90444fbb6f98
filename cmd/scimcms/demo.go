package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	listen, adminListen, cmsListen string
	token, cmsToken                string
	redisURL, rate, withoutEmail   string
	seedUsers                      int
	idle                           bool
}

func (p program) demoCommand() *cobra.Command {
	var o demoOptions
	demo := &cobra.Command{
		Use:   "demo",
		Short: "Run emulator, store and proxy in one process, to try things out",
		Long: "Runs a CMS emulator, a store in memory and the proxy in one process and prints how to reach them.\n" +
			"The admin listener takes the same token as SCIM does.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context(), o) },
	}
	f := demo.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address for identity providers")
	f.StringVar(&o.adminListen, "admin-listen", "127.0.0.1:9090", "address for operators: console, metrics, health")
	f.StringVar(&o.cmsListen, "cms-listen", "127.0.0.1:8081", "address of the CMS emulator; on this machine only")
	f.StringVar(&o.token, "token", "demo-token", "bearer token of SCIM, and of the admin listener")
	f.StringVar(&o.cmsToken, "cms-token", "demo-cms-token", "API token of the emulator")
	f.StringVar(&o.redisURL, "redis-url", "", "use this Redis instead of a store in memory")
	f.IntVar(&o.seedUsers, "seed-users", 5, "collaborators that the emulator starts with")
	f.StringVar(&o.rate, "rate", "60/3s", "calls that the emulator takes in a window; 0 = no limit")
	f.StringVar(&o.withoutEmail, "without-email", "refuse", "people without an address: refuse or accept")
	f.BoolVar(&o.idle, "workers-paused", false, idleUsage)
	return demo
}

// demoConfig is the configuration of the demo. The environment that it is read with is the demo's own.
const demoConfig = `
admin: {token: {env: TOKEN}}
redis: {url: {env: REDIS_URL}}
projects:
  - name: demo
    tokens: [{name: demo, env: TOKEN}]
    cms: {token: {env: CMS_TOKEN}}
    roles: {default: Editor, create: true, template: Editor}
    import: {max_age: 2s}   # whoever accepts an invitation in the emulator is soon listed as a collaborator
`

// config is the demo's configuration, validated like that of serve.
func (o demoOptions) config(redisURL, cmsURL string) (Config, error) {
	const project = envPrefix + "PROJECTS_DEMO_"
	c, r, err := parseConfig([]byte(demoConfig), map[string]string{
		"TOKEN": o.token, "CMS_TOKEN": o.cmsToken, "REDIS_URL": redisURL,
		project + "CMS_BASE_URL": cmsURL, project + "CMS_RATE": o.rate, project + "USERS_WITHOUT_EMAIL": o.withoutEmail,
	}, nil)
	if err != nil {
		return Config{}, err
	}
	if len(r.problems) > 0 {
		return Config{}, errors.New(r.problems[0].String())
	}
	return c, nil
}

// check refuses what the flags alone tell to be wrong.
func (o demoOptions) check() error {
	switch {
	case o.token == "":
		return errors.New("--token must not be empty")
	case o.cmsToken == "":
		return errors.New("--cms-token must not be empty")
	case o.seedUsers < 0:
		return errors.New("--seed-users must not be negative")
	case o.withoutEmail != "refuse" && o.withoutEmail != "accept":
		return fmt.Errorf("--without-email %q: must be refuse or accept", o.withoutEmail)
	case !isLoopback(o.cmsListen):
		return fmt.Errorf("--cms-listen %s: anybody may control the emulator, so it stays on this machine (127.0.0.1)", o.cmsListen)
	}
	if _, err := ParseRate(o.rate); err != nil {
		return fmt.Errorf("--rate %q: %w", o.rate, err)
	}
	return nil
}

func (p program) demo(ctx context.Context, o demoOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	l, err := listenBoth(ctx, o.listen, o.adminListen)
	if err != nil {
		return err
	}
	defer func() { _ = l.close() }()
	stopCMS, cms, err := o.startEmulator(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopCMS()) }()
	redisURL := o.redisURL
	if redisURL == "" {
		store, err := startEmbeddedStore()
		if err != nil {
			return err
		}
		defer store.stop()
		redisURL = store.url
	}
	c, err := o.config(redisURL, "http://"+cms)
	if err != nil {
		return err
	}
	w := wiring{config: c, log: slog.New(slog.NewTextHandler(p.stderr, nil)), idle: o.idle, notes: o.notes()}
	a, err := w.build()
	if err != nil {
		return err
	}
	at := endpoints{scim: l.scim.Addr().String(), admin: l.admin.Addr().String(), cms: cms}
	return a.run(ctx, l, func(ctx context.Context) {
		a.firstImport(ctx)
		p.welcome(o, at)
		p.tell(at)
	})
}

// notes are what operators are told as long as the demo runs.
func (o demoOptions) notes() []string {
	var notes []string
	if o.redisURL == "" {
		notes = append(notes, "this is the demo: its store is in memory and not durable")
	}
	if o.idle {
		notes = append(notes, idleNote)
	}
	return notes
}

// startEmulator starts the CMS emulator and gives its address.
func (o demoOptions) startEmulator(ctx context.Context) (stop func() error, address string, err error) {
	rate, err := ParseRate(o.rate)
	if err != nil {
		return nil, "", err
	}
	l, err := listen(ctx, o.cmsListen, "--cms-listen")
	if err != nil {
		return nil, "", err
	}
	cms := cmstest.New(cmstest.Options{Token: o.cmsToken, Rate: rate.Count, Window: rate.Window, SeedUsers: o.seedUsers})
	return serveEmulator(l, cms), l.Addr().String(), nil
}

// serveEmulator answers on the listener until stop is called.
func serveEmulator(l net.Listener, cms *cmstest.Server) (stop func() error) {
	server := &http.Server{Handler: cms.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	return func() error {
		err := server.Close() // who calls an emulator can bear a broken connection
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}

// firstImportWithin is how long the demo waits for the emulator's people before it says that it is ready.
const firstImportWithin = 5 * time.Second

// firstImport returns when the people of the CMS are in the record, so that the first listing has them.
func (a *app) firstImport(ctx context.Context) {
	if a.pool == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstImportWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for _, p := range a.parts {
		for {
			if s, err := p.engine.Stats(ctx); err == nil && s.ImportAge >= 0 {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				a.log.WarnContext(ctx, "the people of the CMS are not here yet", "project", p.engine.Name())
				return
			}
		}
	}
}
