package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
)

// cmsCheck checks the CMS of one project.
type cmsCheck struct {
	findings
	project *ProjectConfig
	client  *cmsclient.Client
	site    cmsclient.Site
	me      cmsclient.Identity
}

// inspectProject finds out whether the CMS lets the proxy do its work.
func inspectProject(ctx context.Context, p *ProjectConfig) []finding {
	ctx, cancel := context.WithTimeout(ctx, cmsWithin)
	defer cancel()
	c := &cmsCheck{findings: findings{subject: "project " + p.Name}, project: p}
	client, err := cmsclient.New(cmsclient.Options{
		BaseURL: p.CMS.BaseURL, Token: p.CMS.Token.Value(), Environment: p.CMS.Environment, Version: buildVersion(), Timeout: p.CMS.Timeout,
	})
	if err != nil {
		c.error("%s", err)
		return c.all
	}
	defer client.CloseIdle()
	c.client = client
	if c.token(ctx) {
		c.roles(ctx)
		c.seats(ctx)
		c.contentOwner(ctx)
	}
	return c.all
}

// token finds out whether the token is valid, and what it may do.
func (c *cmsCheck) token(ctx context.Context) bool {
	var err error
	if c.site, err = c.client.Site(ctx); err != nil {
		c.error("%s: %s", c.project.CMS.BaseURL, reason(err))
		return false
	}
	if c.me, err = c.client.Me(ctx); err != nil {
		c.error("%s", reason(err))
		return false
	}
	switch {
	case c.me.Role != nil && !c.me.Role.Can("can_manage_users"):
		c.error("the token's role %q may not manage users (can_manage_users)", c.me.Role.Name)
		return false
	case c.me.Role != nil:
		c.ok("the token opens CMS project %q (%s) with the role %q, which may manage users", c.site.Name, c.site.ID, c.me.Role.Name)
	case c.me.Type == "account" || c.me.Type == "organization":
		c.warning("the token is the owner's own: it may do everything in CMS project %q (%s)", c.site.Name, c.site.ID)
	default:
		c.error("the CMS does not tell the role of the token (%s), so it is not known whether it may manage users", c.me.Type)
	}
	if c.me.Type == "user" {
		c.warning("the token is that of a person, who is never written to: use one of the project's own")
	}
	return true
}

// roles finds out whether the CMS has the roles that the configuration names, and may give them.
func (c *cmsCheck) roles(ctx context.Context) {
	all, err := c.client.Roles(ctx)
	if err != nil {
		c.error("%s", reason(err))
		return
	}
	names := make([]string, 0, len(all))
	known := make([]mapping.Role, 0, len(all))
	for _, r := range all {
		names = append(names, r.Name)
		known = append(known, mapping.Role{ID: r.ID, Name: r.Name, Privileged: r.Privileged()})
	}
	set := mapping.NewRoleSet(known, nil)
	found := 0
	for _, named := range c.namedRoles() {
		r, ok := set.Named(named.name)
		switch {
		case !ok:
			c.error("%s: the CMS has no role %q, it has %s", named.path, named.name, strings.Join(names, ", "))
			continue
		case r.Privileged && !named.rule && c.project.Roles.Privileged == mapping.ByRule:
			c.error("%s: the role %q is privileged, and only a rule may give such a role (roles.privileged: by_rule)", named.path, named.name)
			continue
		}
		found++
	}
	if found == len(c.namedRoles()) {
		c.ok("the CMS has every role that the configuration names")
	}
}

// namedRole is a role as the configuration names it.
type namedRole struct {
	path, name string
	rule       bool
}

func (c *cmsCheck) namedRoles() []namedRole {
	r := c.project.Roles
	named := []namedRole{{path: "roles.default", name: r.Default}}
	if r.Create {
		named = append(named, namedRole{path: "roles.template", name: r.Template})
	}
	for i, rule := range r.Rules {
		named = append(named, namedRole{path: elementPath("roles.rules", i), name: rule.Role, rule: true})
	}
	return named
}

// seats warns when nobody could be invited. Not every plan tells.
func (c *cmsCheck) seats(ctx context.Context) {
	limits, err := c.client.SubscriptionLimits(ctx)
	if err != nil {
		return
	}
	for _, l := range limits {
		if l.Code == "users" && l.Max != nil && l.Usage >= *l.Max {
			c.warning("all %d seats are taken: new people cannot be invited", *l.Max)
		}
	}
}

// contentOwner finds out whether removed people's content has somewhere to go.
func (c *cmsCheck) contentOwner(ctx context.Context) {
	owner := c.project.ContentOwner
	if c.project.OnDelete != mapping.Remove {
		return
	}
	verified, err := c.ownerExists(ctx, owner)
	switch {
	case err != nil:
		c.error("content_owner: %s", err)
	case verified:
		c.ok("content_owner: %s %s can take over content", owner.Type, owner.ID)
	default:
		c.warning("content_owner: cannot be verified: nothing tells whether there is a %s %s", owner.Type, owner.ID)
	}
}

func (c *cmsCheck) ownerExists(ctx context.Context, owner ContentOwnerConfig) (verified bool, err error) {
	if owner.Type == c.me.Type && owner.ID == c.me.ID {
		return true, nil
	}
	switch owner.Type {
	case "account":
		if c.site.OwnerType != "account" || c.site.OwnerID == "" {
			return false, nil
		}
		if owner.ID != c.site.OwnerID {
			return false, fmt.Errorf("account %s is not the owner of the project", owner.ID)
		}
		return true, nil
	case "user":
		return true, c.activeUser(ctx, owner.ID)
	}
	return false, nil
}

func (c *cmsCheck) activeUser(ctx context.Context, id string) error {
	u, err := c.client.User(ctx, id)
	switch {
	case cmsclient.Classify(err) == cmsclient.Gone:
		return fmt.Errorf("there is no user %s", id)
	case err != nil:
		return errors.New(reason(err))
	case !u.Active:
		return fmt.Errorf("user %s is deactivated", id)
	}
	return nil
}

// reason is why a call to the CMS did not succeed, in words for an operator.
func reason(err error) string {
	var ce *cmsclient.Error
	if !errors.As(err, &ce) {
		return err.Error()
	}
	text := ce.Reason()
	if ce.Status != 0 {
		text += fmt.Sprintf(" (%s %s was answered %d %s)", ce.Method, ce.Endpoint, ce.Status, ce.Code())
	}
	return text
}
