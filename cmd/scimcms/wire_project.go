package main

import (
	"context"
	"strings"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/proxy/scim"
	"github.com/scimcms/scimcms/queue"
)

// part is one project: its engine, and what the engine's calls go through.
type part struct {
	engine *reconcile.Engine
	pacer  *queue.Pacer // nil: not paced
	cms    *cmsclient.Client
	meter  *reconcile.Meter
	quota  int // calls to the CMS a month; 0: not known
}

// part builds one project. base has the Redis client, whose type has its home elsewhere.
func (w wiring) part(p *ProjectConfig, base queue.Options, metrics *proxy.Metrics, wake func()) (*part, error) {
	observer := metrics.ForProject(p.Name)
	q, err := queue.New(w.queueOptions(p, base, observer))
	if err != nil {
		return nil, err
	}
	pacer, err := queue.NewPacer(queue.PacerOptions{
		Redis: base.Redis, Base: paceBase(w.config.Redis.Prefix, p.CMS.Token.Value()), Limit: p.CMS.Rate.Count, Window: p.CMS.Rate.Window,
	})
	if err != nil {
		return nil, err
	}
	rules, err := mapping.NewRules(rulesConfig(p))
	if err != nil {
		return nil, err
	}
	dir, err := directory.New(directory.Options{
		Redis: base.Redis, Queue: q, Base: queue.Base(w.config.Redis.Prefix, p.Name), Project: p.Name, Lease: q.LeaseFor(),
		CallTimeout: p.CMS.Timeout, UnknownMembers: p.Groups.UnknownMembers, NewID: newID(p.Name), Fold: mapping.Fold,
		Brake: p.Brake.of(),
	})
	if err != nil {
		return nil, err
	}
	meter := reconcile.NewMeter(dir, observer)
	cms, err := cmsclient.New(cmsclient.Options{
		BaseURL: p.CMS.BaseURL, Token: p.CMS.Token.Value(), Environment: p.CMS.Environment, Version: buildVersion(),
		Timeout: p.CMS.Timeout, Gate: reconcile.Gate{Pacer: pacer}, Observer: meter, Logger: w.log,
	})
	if err != nil {
		return nil, err
	}
	o := w.engineOptions(p)
	o.Directory, o.Queue, o.CMS, o.Rules, o.Observer, o.Wake = dir, q, cms, rules, observer, wake
	engine, err := reconcile.New(o)
	if err != nil {
		return nil, err
	}
	return &part{engine: engine, pacer: pacer, cms: cms, meter: meter, quota: p.CMS.MonthlyQuota}, nil
}

func (w wiring) queueOptions(p *ProjectConfig, o queue.Options, observer queue.Observer) queue.Options {
	o.Base = queue.Base(w.config.Redis.Prefix, p.Name)
	o.CallTimeout, o.Attempts = p.CMS.Timeout, w.config.Queue.Attempts
	o.Backoff = queue.Backoff{Base: w.config.Queue.Backoff, Max: w.config.Queue.MaxBackoff}
	o.Logger, o.Observer, o.Harmless = w.log, observer, reconcile.HarmlessKeys()
	return o
}

// engineOptions is what the configuration says to the engine. For the engine 0 means its own default, here it means
// none.
func (w wiring) engineOptions(p *ProjectConfig) reconcile.Options {
	set := engineSettings(&w.config, p, nil)
	o := reconcile.Options{
		Project: p.Name, Attributes: attributes, Document: document, ProfileAttributes: set.ProfileAttributes, Adopt: set.Adopt,
		Wait: set.Wait, CallTimeout: p.CMS.Timeout, ImportEvery: set.ImportEvery, MaxAge: set.MaxAge, Drift: set.Drift, Resend: set.Resend, DryRun: set.DryRun, Logger: w.log,
	}
	if w.idle {
		o.ListingWait = 1 // nobody would bring the picture that a listing waits for
	}
	return o
}

// engineSettings is the part of it that a running engine takes over.
func engineSettings(c *Config, p *ProjectConfig, rules *mapping.Rules) reconcile.Settings {
	return reconcile.Settings{
		Rules: rules, ProfileAttributes: p.CMS.ProfileAttributes, Adopt: p.Users.Adopt, Wait: max(c.Sync.Wait, 1),
		ImportEvery: p.Import.Interval, MaxAge: max(p.Import.MaxAge, 1), Drift: p.Drift, Resend: p.Invitations.Resend, DryRun: p.DryRun,
	}
}

func (b BrakeConfig) of() directory.Brake {
	return directory.Brake{Percent: b.Percent, Min: b.Min, Window: b.Window}
}

func rulesConfig(p *ProjectConfig) mapping.Config {
	c := mapping.Config{
		Default: p.Roles.Default, Create: p.Roles.Create, Template: p.Roles.Template, Privileged: p.Roles.Privileged, Adopt: p.Roles.Adopt,
		Link: p.Roles.Link, EntitlementsOrder: p.Roles.EntitlementsOrder, Compile: compile, Protected: p.Protected, OnDelete: p.OnDelete, OnEmailChange: p.OnEmailChange,
	}
	if p.ContentOwner.ID != "" {
		c.ContentOwner = &mapping.Destination{Type: p.ContentOwner.Type, ID: p.ContentOwner.ID}
	}
	for _, r := range p.Roles.Rules {
		c.Rules = append(c.Rules, mapping.Rule{Group: r.Group, When: r.When, Role: r.Role})
	}
	return c
}

// compile makes a predicate of a rule's filter, by the parser of the protocol.
func compile(text string) (mapping.Predicate, error) {
	f, err := scim.ParseFilter(scim.UserType, text)
	if err != nil {
		return nil, err
	}
	return func(a mapping.Attributes) bool {
		r, ok := a.(*scim.Resource)
		return ok && f.Match(r.Attributes)
	}, nil
}

// attributes reads a stored document for rules.
func attributes(doc []byte) (mapping.Attributes, error) {
	r, err := scim.FromJSON(doc)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// document writes the SCIM document of somebody found in the CMS.
func document(p reconcile.Person) ([]byte, error) {
	r := scim.Resource{Attributes: map[string]any{"userName": p.UserName, "active": p.Active}}
	if p.GivenName != "" && p.FamilyName != "" {
		r.Attributes["name"] = map[string]any{"givenName": p.GivenName, "familyName": p.FamilyName}
	}
	if p.GivenName != p.FamilyName { // else they stand in for a name that is not known
		r.Attributes["displayName"] = strings.TrimSpace(p.GivenName + " " + p.FamilyName)
	}
	if p.Email != "" {
		r.Attributes["emails"] = []any{map[string]any{"value": p.Email, "type": "work", "primary": true}}
	}
	return r.JSON(), nil
}

// newID gives the ids of a project.
func newID(project string) func(resource, key string, uses int64) string {
	return func(resource, key string, uses int64) string { return mapping.ID(project, resource, key, int(uses)) }
}

// watched is what Prometheus asks of a project at every scrape.
func (p *part) watched() proxy.Source {
	pacer := func(context.Context) (float64, error) { return p.pacer.Factor(), nil }
	return proxy.Source{Queue: p.engine.Queue(), Pacer: pacer, ETA: p.pacer.ETA, Engine: p.engine, Quota: p.quota}
}

// operated is the project as operators see it.
func (p *part) operated() admin.Project {
	return admin.Project{Name: p.engine.Name(), Queue: p.engine.Queue(), Brake: p.engine, Drift: p.engine, Explainer: p.engine, Planner: p.engine, Ready: p.engine.Ready, ETA: p.pacer.ETA}
}
