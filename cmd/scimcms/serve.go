package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	config, listen, adminListen string
	idle                        bool
}

func (p program) serveCommand() *cobra.Command {
	var o serveOptions
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Run the proxy",
		Long: "Runs the proxy as its configuration says, until SIGTERM or SIGINT: then requests and syncs in flight are finished\n" +
			"and leases handed back. A changed configuration is read again, at once on SIGHUP. Logs are JSON lines on standard error.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), o) },
	}
	f := serve.Flags()
	f.StringVar(&o.config, "config", defaultConfig, "configuration file")
	f.StringVar(&o.listen, "listen", "", "address for identity providers, instead of listen")
	f.StringVar(&o.adminListen, "admin-listen", "", "address for operators, instead of admin.listen")
	f.BoolVar(&o.idle, "workers-paused", false, idleUsage)
	return serve
}

const idleUsage = "accept and keep writes, but call no CMS: nothing is synced or imported by this process"

// idleNote is what operators are told of such a process.
const idleNote = "workers are paused (--workers-paused): this process accepts writes and syncs none"

func (p program) serve(ctx context.Context, o serveOptions) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	r := &reloader{path: o.config, environ: p.environ}
	r.mark()
	c, warnings, err := LoadConfig(o.config, p.environ)
	if err != nil {
		return err
	}
	flags := func(c *Config) {
		replace(&c.Listen, o.listen)
		replace(&c.Admin.Listen, o.adminListen)
	}
	flags(&c)
	log := slog.New(slog.NewJSONHandler(p.stderr, nil))
	for _, w := range warnings {
		log.WarnContext(ctx, "configuration", "problem", w.String())
	}
	w := wiring{config: c, log: log, idle: o.idle}
	if o.idle {
		w.notes = append(w.notes, idleNote)
	}
	l, err := listenBoth(ctx, c.Listen, c.Admin.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = l.close() }()
	a, err := w.build()
	if err != nil {
		return err
	}
	a.background = append(a.background, func(ctx context.Context) { adviseOnRedis(ctx, log, c.Redis) })
	r.app, r.flags, r.log, r.now = a, flags, log, c
	a.background = append(a.background, func(ctx context.Context) { r.run(ctx, hangup) })
	return a.run(ctx, l, func(ctx context.Context) {
		log.InfoContext(ctx, "ready", "version", buildVersion(), "listen", l.scim.Addr().String(), "admin", l.admin.Addr().String(),
			"projects", len(c.Projects), "workers_paused", o.idle)
		p.tell(endpoints{scim: l.scim.Addr().String(), admin: l.admin.Addr().String()})
	})
}

// replace puts the flag, if it was given, in the place of the setting.
func replace(setting *string, flag string) {
	if flag != "" {
		*setting = flag
	}
}

// adviseOnRedis logs what an operator should change about Redis. serve works with any that answers.
func adviseOnRedis(ctx context.Context, log *slog.Logger, c RedisConfig) {
	for _, f := range inspectRedis(ctx, c) {
		if f.level == levelOK || ctx.Err() != nil {
			continue
		}
		level := slog.LevelWarn
		if f.level == levelError {
			level = slog.LevelError
		}
		log.Log(ctx, level, "startup check", "subject", f.subject, "problem", f.text)
	}
}
