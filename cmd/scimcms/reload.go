package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
)

// pollConfig is how often the configuration file is looked at for changes.
const pollConfig = 5 * time.Second

// reloader puts a changed configuration in force while the proxy runs: on SIGHUP, or when the file is another one. What is
// wrong with it changes nothing.
type reloader struct {
	app     *app
	path    string
	environ []string
	flags   func(*Config) // what the command line puts in the place of settings
	log     *slog.Logger

	now  Config   // in force
	seen [32]byte // digest of the file as it was last read, valid or not
}

// run reloads until ctx ends.
func (r *reloader) run(ctx context.Context, hangup <-chan os.Signal) {
	tick := time.NewTicker(pollConfig)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			r.reload(ctx)
		case <-tick.C:
			r.poll(ctx)
		}
	}
}

// poll reloads when the file is another one than at the last time. A file that cannot be read at the moment, because it is
// being replaced, is left to the next look.
func (r *reloader) poll(ctx context.Context) {
	source, err := os.ReadFile(r.path)
	if err == nil && len(bytes.TrimSpace(source)) > 0 && sha256.Sum256(source) != r.seen {
		r.reload(ctx)
	}
}

// mark remembers the file as it is.
func (r *reloader) mark() {
	if source, err := os.ReadFile(r.path); err == nil {
		r.seen = sha256.Sum256(source)
	}
}

// reload reads the configuration and puts in force what can be changed. An invalid one is logged with all its problems.
func (r *reloader) reload(ctx context.Context) {
	r.mark()
	next, warnings, err := LoadConfig(r.path, r.environ)
	if err != nil {
		r.refuse(ctx, err)
		return
	}
	r.flags(&next)
	merged, changed, kept := mergeConfig(r.now, next)
	apply, err := r.prepare(merged)
	if err != nil {
		r.refuse(ctx, err)
		return
	}
	for _, w := range warnings {
		r.log.WarnContext(ctx, "configuration", "problem", w.String())
	}
	if len(kept) > 0 {
		r.log.WarnContext(ctx, "these settings keep their value until the next start", "settings", strings.Join(kept, ", "))
	}
	if err := apply(ctx); err != nil {
		// The settings are this process's by now; only whether the rules are in force could not be asked, and is asked again.
		r.log.WarnContext(ctx, "the new rules could not be announced yet", "error", err)
	}
	r.now = merged
	r.log.InfoContext(ctx, "configuration reloaded", "changed", strings.Join(changed, ", "))
}

func (r *reloader) refuse(ctx context.Context, err error) {
	problems := []string{err.Error()}
	if c, ok := errors.AsType[*ConfigError](err); ok {
		problems = problems[:0]
		for _, p := range c.Problems {
			problems = append(problems, p.String())
		}
	}
	r.log.ErrorContext(ctx, "the changed configuration is refused: the old one stays in force", "problems", problems)
}

// prepare makes everything that can fail before anything is changed.
func (r *reloader) prepare(c Config) (apply func(context.Context) error, err error) {
	settings, tokens := make([]reconcile.Settings, len(c.Projects)), make(map[string][]proxy.Token, len(c.Projects))
	for i := range c.Projects {
		p := &c.Projects[i]
		rules, err := mapping.NewRules(rulesConfig(p))
		if err != nil {
			return nil, err
		}
		settings[i] = engineSettings(&c, p, rules)
		tokens[p.Name] = scimTokens(p)
	}
	return func(ctx context.Context) error {
		errs := []error{r.app.scim.SetTokens(tokens)}
		for i, p := range r.app.parts {
			p.engine.SetBrake(c.Projects[i].Brake.of())
			errs = append(errs, p.engine.Reload(ctx, settings[i]))
		}
		return errors.Join(errs...)
	}, nil
}

// mergeConfig is the configuration in force with what can be changed taken from another one. It names what was changed and
// what keeps its value.
func mergeConfig(now, next Config) (merged Config, changed, kept []string) {
	merged = now
	merged.Projects = slices.Clone(now.Projects)
	m := merger{}
	m.merge(reflect.ValueOf(&merged).Elem(), reflect.ValueOf(next), "")
	for i := range merged.Projects {
		p := &merged.Projects[i]
		at := slices.IndexFunc(next.Projects, func(o ProjectConfig) bool { return o.Name == p.Name })
		if at < 0 {
			m.kept = append(m.kept, elementPath("projects", i)+" ("+p.Name+")")
			continue
		}
		m.merge(reflect.ValueOf(p).Elem(), reflect.ValueOf(next.Projects[at]), elementPath("projects", i))
	}
	for _, p := range next.Projects {
		if !slices.ContainsFunc(now.Projects, func(o ProjectConfig) bool { return o.Name == p.Name }) {
			m.kept = append(m.kept, "projects ("+p.Name+" is new)")
		}
	}
	return merged, m.changed, m.kept
}

type merger struct{ changed, kept []string }

// merge takes the fields tagged reload:"live" over. Projects are merged by name.
func (m *merger) merge(into, from reflect.Value, path string) {
	t := into.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if !f.IsExported() || key == "-" || (path == "" && key == "projects") {
			continue
		}
		at, a, b := join(path, key), into.Field(i), from.Field(i)
		same := reflect.DeepEqual(a.Interface(), b.Interface())
		switch {
		case same:
		case f.Tag.Get("reload") == "live":
			a.Set(b)
			m.changed = append(m.changed, at)
		case a.Kind() == reflect.Struct && !isScalar(a.Type()):
			m.merge(a, b, at)
		default:
			m.kept = append(m.kept, at)
		}
	}
}
