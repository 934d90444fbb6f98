package reconcile

import (
	"context"
	"errors"

	"github.com/scimcms/scimcms/mapping"
)

// ErrNoRoles means that the roles of the CMS are not known yet: they come with the first import.
var ErrNoRoles = errors.New("the roles of the CMS are not known yet")

// Roles are the roles of the CMS as the record has them. Fresh waits a little for a picture of the CMS that is not older
// than import.max_age, like the first page of a listing.
func (e *Engine) Roles(ctx context.Context, fresh bool) (mapping.Catalog, error) {
	if fresh {
		e.freshen(ctx)
	}
	version, err := e.dir.RolesVersion(ctx)
	if err != nil {
		return mapping.Catalog{}, err
	}
	set, _, err := e.roles.at(ctx, version)
	if err != nil {
		return mapping.Catalog{}, err
	}
	return e.set().Rules.Catalog(set), nil
}

// entitlements are the roles that a user's document assigns: ids of the CMS, with the names that they had.
func entitlements(a mapping.Attributes) []mapping.Entitlement {
	ids := a.Values("roles.value")
	if len(ids) == 0 {
		return nil
	}
	names := a.Values("roles.display")
	all := make([]mapping.Entitlement, len(ids))
	for i, id := range ids {
		all[i].ID = id
		if len(names) == len(ids) {
			all[i].Name = names[i]
		}
	}
	return all
}
