package directory

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"
)

// Entity is a collaborator or invitation of a picture of the CMS.
type Entity struct{ Link }

// Finding is what a picture says about one entity.
type Finding struct {
	At   int    // position in the chunk
	What string // new | changed | repair
	ID   string // the record; "" for new
}

// BeginPicture gives a number to a picture of the CMS that is about to be read. A record that a sync writes from now on
// is not changed by that picture.
func (d *Directory) BeginPicture(ctx context.Context) (int64, error) {
	n, err := d.rdb.Incr(ctx, d.keys.picture()).Result()
	return n, unavailable(err)
}

// ImportUsers compares a chunk of a picture (a few hundred entities) with the record.
func (d *Directory) ImportUsers(ctx context.Context, picture int64, chunk []Entity) ([]Finding, error) {
	args := []any{d.now(), picture}
	for i := range chunk {
		args = append(args, d.linkArgs(&chunk[i].Link)...)
	}
	ans, err := d.run(ctx, d.scripts.importUsers, nil, args...)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for i := 0; i+2 < len(ans); i += 3 {
		out = append(out, Finding{At: int(num(ans[i])), What: str(ans[i+1]), ID: str(ans[i+2])})
	}
	return out, nil
}

// ImportNewUser records an unmanaged person. id is the record to rewrite, or "" for a new one. It reports whether it
// wrote: somebody may have the entity or the address by now.
func (d *Directory) ImportNewUser(ctx context.Context, picture int64, id string, e Entity, w UserWish) (bool, error) {
	key := d.naturalKey(w)
	for uses := int64(0); ; {
		rec := id
		if rec == "" {
			rec = d.opts.NewID("User", key, uses)
		}
		wish := d.userArgs(w) // doc, userName, folded, externalId, address, folded, displayName, e-mails, active
		args := []any{d.now(), picture, rec, key, uses, wish[0], wish[1], wish[2], wish[6], wish[7], wish[8]}
		ans, err := d.run(ctx, d.scripts.importNewUser, []string{d.keys.user(rec)}, append(args, d.linkArgs(&e.Link)...)...)
		if err != nil {
			return false, err
		}
		n, again := strings.CutPrefix(str(at(ans, 0)), "count:")
		if !again || id != "" {
			return str(at(ans, 0)) == "ok", nil
		}
		if uses, err = strconv.ParseInt(n, 10, 64); err != nil {
			return false, &UnavailableError{Cause: err}
		}
	}
}

// Missing is an entity that the record knows and a picture lacks.
type Missing struct {
	Entity string // kind letter and CMS id
	ID     string
}

// Linked gives every linked entity to fn in chunks.
func (d *Directory) Linked(ctx context.Context, fn func([]Missing) error) error {
	var cursor uint64
	for {
		kv, next, err := d.rdb.HScan(ctx, d.keys.cms(), cursor, "", 500).Result()
		if err != nil {
			return &UnavailableError{Cause: err}
		}
		chunk := make([]Missing, 0, len(kv)/2)
		for i := 0; i+1 < len(kv); i += 2 {
			chunk = append(chunk, Missing{Entity: kv[i], ID: kv[i+1]})
		}
		if err := fn(chunk); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// EntityKey is how an entity is named in Missing.
func EntityKey(l Link) string { return string(l.Kind[:min(1, len(l.Kind))]) + l.ID }

// CountLinked says how many CMS entities the record knows.
func (d *Directory) CountLinked(ctx context.Context) (int64, error) {
	n, err := d.rdb.HLen(ctx, d.keys.cms()).Result()
	return n, unavailable(err)
}

// ImportMissing counts a chunk as missing once more; what two pictures in a row lack is forgotten or unlinked.
func (d *Directory) ImportMissing(ctx context.Context, picture int64, chunk []Missing) (gone int, err error) {
	if len(chunk) == 0 {
		return 0, nil
	}
	args := []any{d.now(), picture}
	for _, m := range chunk {
		args = append(args, m.Entity, m.ID)
	}
	ans, err := d.run(ctx, d.scripts.importMissing, nil, args...)
	return len(ans) / 2, err
}

// RoleEntry is a CMS role as the import writes it.
type RoleEntry struct{ ID, Name string }

// RolesPicture are the CMS's roles as a picture shows them.
type RolesPicture struct {
	Version string // that Roles gave before the CMS was read
	JSON    []byte // for everybody to read, unless the roles were published anew since
	Entries []RoleEntry
}

// ImportRoles makes unknown roles groups.
func (d *Directory) ImportRoles(ctx context.Context, picture int64, roles RolesPicture) error {
	uses := make([]int64, len(roles.Entries))
	for {
		args := []any{d.now(), picture, roles.JSON, roles.Version}
		for i, e := range roles.Entries {
			key := d.opts.Fold(e.Name)
			args = append(args, e.ID, e.Name, key, d.opts.NewID("Group", key, uses[i]), uses[i])
		}
		ans, err := d.run(ctx, d.scripts.importRoles, nil, args...)
		if err != nil {
			return err
		}
		again := list(at(ans, 3))
		if len(again) == 0 {
			return nil
		}
		for i := 0; i+1 < len(again); i += 2 {
			uses[num(again[i])] = num(again[i+1])
		}
		roles.Version = str(at(ans, 4))
	}
}

// SaveRoles publishes the CMS's roles unless somebody did since Roles gave the version. It reports whether it did.
func (d *Directory) SaveRoles(ctx context.Context, roles []byte, version string) (bool, error) {
	ans, err := d.run(ctx, d.scripts.saveRoles, nil, roles, version)
	return num(at(ans, 0)) == 1, err
}

// Roles reads the CMS's roles as last published, and their version ("0" before the first import).
func (d *Directory) Roles(ctx context.Context) ([]byte, string, error) {
	p := d.rdb.TxPipeline()
	roles, version := p.Get(ctx, d.keys.roles()), p.HGet(ctx, d.keys.meta(), "rolesv")
	if _, err := p.Exec(ctx); err != nil && !isNil(err) {
		return nil, "", &UnavailableError{Cause: err}
	}
	v := version.Val()
	if v == "" {
		v = "0"
	}
	return []byte(roles.Val()), v, nil
}

// PublishedRoles are the CMS's roles as last published, with what names of the rules stand for.
type PublishedRoles struct {
	JSON     []byte
	Version  string // "0" before the first import
	Resolved map[string]string
}

// PublishedRoles reads the CMS's roles and what the rules' names of them stand for.
func (d *Directory) PublishedRoles(ctx context.Context) (PublishedRoles, error) {
	p := d.rdb.TxPipeline()
	roles, version, resolved := p.Get(ctx, d.keys.roles()), p.HGet(ctx, d.keys.meta(), "rolesv"), p.HGetAll(ctx, d.keys.resolved())
	if _, err := p.Exec(ctx); err != nil && !isNil(err) {
		return PublishedRoles{}, &UnavailableError{Cause: err}
	}
	return PublishedRoles{JSON: []byte(roles.Val()), Version: cmp.Or(version.Val(), "0"), Resolved: resolved.Val()}, nil
}

// RolesVersion is the version of the CMS's roles as last published, as Roles gives it.
func (d *Directory) RolesVersion(ctx context.Context) (string, error) {
	v, err := d.rdb.HGet(ctx, d.keys.meta(), "rolesv").Result()
	switch {
	case isNil(err):
		return "0", nil
	case err != nil:
		return "", &UnavailableError{Cause: err}
	}
	return v, nil
}

// NoteBegin notes the first picture of a record that knew nobody, and how many people were in the CMS then.
func (d *Directory) NoteBegin(ctx context.Context, when time.Time, people int) error {
	fresh, err := d.rdb.HSetNX(ctx, d.keys.meta(), "begun", when.UnixMilli()).Result()
	if err == nil && fresh {
		err = d.rdb.HSet(ctx, d.keys.meta(), "begunpeople", people).Err()
	}
	return unavailable(err)
}

// Begun gives what NoteBegin noted.
func (d *Directory) Begun(ctx context.Context) (when time.Time, people int, err error) {
	v, err := d.rdb.HMGet(ctx, d.keys.meta(), "begun", "begunpeople").Result()
	if err != nil {
		return time.Time{}, 0, &UnavailableError{Cause: err}
	}
	return moment(at(v, 0)), int(num(at(v, 1))), nil
}

// Bind ties the record to a CMS project at its first start and gives the project that it is tied to.
func (d *Directory) Bind(ctx context.Context, site string) (string, error) {
	if err := d.rdb.HSetNX(ctx, d.keys.meta(), "site", site).Err(); err != nil {
		return "", &UnavailableError{Cause: err}
	}
	bound, err := d.rdb.HGet(ctx, d.keys.meta(), "site").Result()
	return bound, unavailable(err)
}

// Counts are the sizes of a directory.
type Counts struct{ Users, Groups int64 }

// Counts reads the sizes of the listings.
func (d *Directory) Counts(ctx context.Context) (Counts, error) {
	p := d.rdb.Pipeline()
	users, groups := p.ZCard(ctx, d.keys.listedUsers()), p.ZCard(ctx, d.keys.listedGroups())
	if _, err := p.Exec(ctx); err != nil {
		return Counts{}, &UnavailableError{Cause: err}
	}
	return Counts{Users: users.Val(), Groups: groups.Val()}, nil
}
