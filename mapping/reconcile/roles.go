package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// roleCache keeps the CMS's roles as the record last published them, for as long as their version is the same.
type roleCache struct {
	dir   *directory.Directory
	rules func() *live

	mu      sync.Mutex
	version string
	names   string // fingerprint of the rules whose names the set resolves
	roles   []cmsclient.Role
	set     mapping.RoleSet
}

// at gives the roles of a version; another version in the cache is read anew.
func (c *roleCache) at(ctx context.Context, version string) (mapping.RoleSet, []cmsclient.Role, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rules := c.rules()
	if c.version == version && version != "0" && c.names == rules.fingerprint {
		return c.set, c.roles, nil
	}
	stored, err := c.dir.PublishedRoles(ctx)
	if err != nil {
		return mapping.RoleSet{}, nil, err
	}
	if len(stored.JSON) == 0 {
		return mapping.RoleSet{}, nil, ErrNoRoles
	}
	var roles []cmsclient.Role
	if err := json.Unmarshal(stored.JSON, &roles); err != nil {
		return mapping.RoleSet{}, nil, fmt.Errorf("stored roles: %w", err)
	}
	if err := c.resolve(ctx, rules, roles, &stored); err != nil {
		return mapping.RoleSet{}, nil, err
	}
	c.version, c.names, c.roles, c.set = stored.Version, rules.fingerprint, roles, roleSet(roles, stored.Resolved)
	return c.set, c.roles, nil
}

// resolve stores which roles the names of the rules stand for: of names that stood for none before, and of those whose role
// is gone while another one has the name.
func (c *roleCache) resolve(ctx context.Context, rules *live, roles []cmsclient.Role, stored *directory.PublishedRoles) error {
	set := roleSet(roles, stored.Resolved)
	names := directory.RoleNames{Fingerprint: rules.fingerprint, All: rules.Rules.RoleNames(), Found: map[string]string{}}
	for _, name := range names.All {
		if role, ok := set.Named(name); ok && stored.Resolved[name] != role.ID {
			names.Found[name] = role.ID
		}
	}
	stale := slices.ContainsFunc(slices.Collect(maps.Keys(stored.Resolved)), func(n string) bool { return !slices.Contains(names.All, n) })
	if len(names.Found) == 0 && !stale {
		return nil
	}
	version, ok, err := c.dir.ResolveRoles(ctx, stored.Version, names)
	if err != nil || !ok {
		return err // not stored: the roles are another version by now, or other rules are in force
	}
	stored.Version = version
	if stored.Resolved == nil {
		stored.Resolved = map[string]string{}
	}
	maps.Copy(stored.Resolved, names.Found)
	return nil
}

func roleSet(roles []cmsclient.Role, resolved map[string]string) mapping.RoleSet {
	out := make([]mapping.Role, 0, len(roles))
	for _, r := range roles {
		out = append(out, mapping.Role{ID: r.ID, Name: r.Name, Privileged: r.Privileged()})
	}
	return mapping.NewRoleSet(out, resolved)
}

// roleTries is how often roles are read or changed anew when somebody else publishes theirs first.
const roleTries = 20

// readRoles reads the roles from the CMS and publishes them. What somebody changed meanwhile may be newer than what was
// read: then they are read again.
func (e *Engine) readRoles(ctx context.Context) error {
	for range roleTries {
		_, version, err := e.dir.Roles(ctx)
		if err != nil {
			return err
		}
		roles, err := e.cms.Roles(ctx)
		if err != nil {
			return err
		}
		if saved, err := e.publishRoles(ctx, roles, version); saved || err != nil {
			return err
		}
	}
	return directory.ErrStale
}

// changeRoles publishes what the proxy did to a role itself: to the roles as they are published by now, which others may
// have changed since this sync read them.
func (e *Engine) changeRoles(ctx context.Context, change func([]cmsclient.Role) []cmsclient.Role) error {
	for range roleTries {
		raw, version, err := e.dir.Roles(ctx)
		if err != nil {
			return err
		}
		if len(raw) == 0 {
			return nil // whoever needs them first reads them all
		}
		var roles []cmsclient.Role
		if err := json.Unmarshal(raw, &roles); err != nil {
			return fmt.Errorf("stored roles: %w", err)
		}
		if saved, err := e.publishRoles(ctx, change(roles), version); saved || err != nil {
			return err
		}
	}
	return directory.ErrStale
}

func (e *Engine) publishRoles(ctx context.Context, roles []cmsclient.Role, version string) (saved bool, err error) {
	raw, err := json.Marshal(roles)
	if err != nil {
		return false, fmt.Errorf("roles: %w", err)
	}
	return e.dir.SaveRoles(ctx, raw, version)
}

// without is the roles but one.
func without(roles []cmsclient.Role, id string) []cmsclient.Role {
	return slices.DeleteFunc(roles, func(r cmsclient.Role) bool { return r.ID == id })
}

// rolesFor gives the roles that a sync plans with; a project that never imported reads them first.
func (e *Engine) rolesFor(ctx context.Context, version string) (mapping.RoleSet, []cmsclient.Role, error) {
	set, roles, err := e.roles.at(ctx, version)
	if !errors.Is(err, ErrNoRoles) {
		return set, roles, err
	}
	if err := e.readRoles(ctx); err != nil {
		return mapping.RoleSet{}, nil, err
	}
	return e.roles.at(ctx, "0")
}

// newest gives the roles that this process knows, without asking whether there are newer ones.
func (c *roleCache) newest(ctx context.Context) (mapping.RoleSet, error) {
	c.mu.Lock()
	version := c.version
	c.mu.Unlock()
	set, _, err := c.at(ctx, version)
	return set, err
}

// retryForRoles takes up what was parked for want of a role when the CMS has other roles than at the time before.
func (e *Engine) retryForRoles(ctx context.Context) error {
	_, version, err := e.dir.Roles(ctx)
	if err != nil {
		return err
	}
	if done, err := e.dir.RetriedRoles(ctx); err != nil || done == version {
		return err
	}
	var keys []string
	for cursor := ""; ; {
		page, next, err := e.queue.List(ctx, queue.ListOptions{State: queue.Parked, Limit: 500, Cursor: cursor})
		if err != nil {
			return &directory.UnavailableError{Cause: err}
		}
		for _, entry := range page {
			if entry.Code == mapping.CodeRoleMissing || entry.Code == mapping.CodePrivilegedRole {
				keys = append(keys, entry.Key)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if _, err := e.queue.Replay(ctx, keys...); err != nil {
		return &directory.UnavailableError{Cause: err}
	}
	return e.dir.NoteRetriedRoles(ctx, version)
}
