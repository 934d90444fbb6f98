package directory

import (
	"context"
)

// note is a field of :meta that the engine keeps for all replicas.
type note string

// The notes.
const (
	driftAt        note = "drift"        // ms of the picture that drift was last looked for in
	driftConfirmed note = "driftok"      // ms at which an operator confirmed that the record may repair the CMS
	retriedRoles   note = "rolesretried" // version of the roles after which parked keys were tried again
)

func (d *Directory) note(ctx context.Context, n note) (string, error) {
	v, err := d.rdb.HGet(ctx, d.keys.meta(), string(n)).Result()
	if isNil(err) {
		return "", nil
	}
	return v, unavailable(err)
}

func (d *Directory) setNote(ctx context.Context, n note, v any) error {
	return unavailable(d.rdb.HSet(ctx, d.keys.meta(), string(n), v).Err())
}

// RetriedRoles gives the version of the roles after which keys that were parked for a role were tried again.
func (d *Directory) RetriedRoles(ctx context.Context) (string, error) {
	return d.note(ctx, retriedRoles)
}

// NoteRetriedRoles notes that they were.
func (d *Directory) NoteRetriedRoles(ctx context.Context, version string) error {
	return d.setNote(ctx, retriedRoles, version)
}
