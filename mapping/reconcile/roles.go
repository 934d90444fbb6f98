package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

// errNoRoles means that the CMS's roles were never read: nothing can be planned.
var errNoRoles = errors.New("the roles of the CMS are not known yet")

// roleCache keeps the CMS's roles as the record last published them, for as long as their version is the same.
type roleCache struct {
	dir *directory.Directory

	mu      sync.Mutex
	version string
	roles   []cmsclient.Role
	set     mapping.RoleSet
}

// at gives the roles of a version; another version in the cache is read anew.
func (c *roleCache) at(ctx context.Context, version string) (mapping.RoleSet, []cmsclient.Role, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version == version && version != "0" {
		return c.set, c.roles, nil
	}
	raw, stored, err := c.dir.Roles(ctx)
	if err != nil {
		return mapping.RoleSet{}, nil, err
	}
	if len(raw) == 0 {
		return mapping.RoleSet{}, nil, errNoRoles
	}
	var roles []cmsclient.Role
	if err := json.Unmarshal(raw, &roles); err != nil {
		return mapping.RoleSet{}, nil, fmt.Errorf("stored roles: %w", err)
	}
	c.version, c.roles, c.set = stored, roles, roleSet(roles)
	return c.set, c.roles, nil
}

func roleSet(roles []cmsclient.Role) mapping.RoleSet {
	out := make([]mapping.Role, 0, len(roles))
	for _, r := range roles {
		out = append(out, mapping.Role{ID: r.ID, Name: r.Name, Privileged: r.Privileged()})
	}
	return mapping.NewRoleSet(out, nil)
}

// roleTries is how often roles are read or changed anew when somebody else publishes theirs first.
const roleTries = 20

// readRoles reads the roles from the CMS and publishes them. What somebody changed meanwhile may be newer than what was
// read: then they are read again.
func (e *Engine) readRoles(ctx context.Context) (mapping.RoleSet, []cmsclient.Role, error) {
	for range roleTries {
		_, version, err := e.dir.Roles(ctx)
		if err != nil {
			return mapping.RoleSet{}, nil, err
		}
		roles, err := e.cms.Roles(ctx)
		if err != nil {
			return mapping.RoleSet{}, nil, err
		}
		if saved, err := e.publishRoles(ctx, roles, version); saved || err != nil {
			return roleSet(roles), roles, err
		}
	}
	return mapping.RoleSet{}, nil, directory.ErrStale
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
	if errors.Is(err, errNoRoles) {
		return e.readRoles(ctx)
	}
	return set, roles, err
}

// newest gives the roles that this process knows, without asking whether there are newer ones.
func (c *roleCache) newest(ctx context.Context) (mapping.RoleSet, error) {
	c.mu.Lock()
	version := c.version
	c.mu.Unlock()
	set, _, err := c.at(ctx, version)
	return set, err
}
