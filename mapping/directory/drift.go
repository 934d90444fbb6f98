package directory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// driftChunk bounds the fields of one write of drift.
const driftChunk = 1000

// Drift reads what the last review found: field → value, both the engine's. The time is that of the picture; zero: none.
func (d *Directory) Drift(ctx context.Context) (map[string]string, time.Time, error) {
	p := d.rdb.Pipeline()
	found, at := p.HGetAll(ctx, d.keys.drift()), p.HGet(ctx, d.keys.meta(), string(driftAt))
	if _, err := p.Exec(ctx); err != nil && !isNil(err) {
		return nil, time.Time{}, &UnavailableError{Cause: err}
	}
	return found.Val(), moment(at.Val()), nil
}

// SaveDrift puts what a review found in the place of what the one before found.
func (d *Directory) SaveDrift(ctx context.Context, at time.Time, found map[string]string) error {
	p := d.rdb.TxPipeline()
	p.Del(ctx, d.keys.drift())
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(found)), driftChunk) {
		values := make([]any, 0, 2*len(chunk))
		for _, field := range chunk {
			values = append(values, field, found[field])
		}
		p.HSet(ctx, d.keys.drift(), values...)
	}
	p.HSet(ctx, d.keys.meta(), string(driftAt), at.UnixMilli())
	_, err := p.Exec(ctx)
	return unavailable(err)
}

// DriftFields reads the fields of what the last review found.
func (d *Directory) DriftFields(ctx context.Context) ([]string, error) {
	fields, err := d.rdb.HKeys(ctx, d.keys.drift()).Result()
	return fields, unavailable(err)
}

// RepairConfirmed reports whether drift may be repaired: the record was begun in an empty CMS, or an operator has confirmed
// it since. begun is false before the first import.
func (d *Directory) RepairConfirmed(ctx context.Context) (confirmed, begun bool, err error) {
	v, err := d.rdb.HMGet(ctx, d.keys.meta(), "begun", "begunpeople", string(driftConfirmed)).Result()
	if err != nil {
		return false, false, &UnavailableError{Cause: err}
	}
	begun = str(at(v, 0)) != ""
	return begun && (num(at(v, 1)) == 0 || str(at(v, 2)) != ""), begun, nil
}

// ConfirmRepair notes that an operator finds the record fit to repair the CMS by.
func (d *Directory) ConfirmRepair(ctx context.Context, when time.Time) error {
	return d.setNote(ctx, driftConfirmed, when.UnixMilli())
}

// ScanUserRecords gives all of every listed user to fn, oldest first, until fn says no more.
func (d *Directory) ScanUserRecords(ctx context.Context, fn func(User) (bool, error)) error {
	return scan(fn, seqOf, func(r Range) (Page[User], error) {
		total, records, err := d.read(ctx, query{kind: "u", how: "records", value: str(r.From), w: Window{1, r.Count}})
		return page(total, records, userRecord), err
	})
}

// ScanUsersSince gives every listed user who was made after the sequence number to fn, with what a listing shows.
func (d *Directory) ScanUsersSince(ctx context.Context, seq int64, fn func(User) (bool, error)) error {
	return scan(fn, seqOf, func(r Range) (Page[User], error) {
		r.From = max(r.From, seq)
		return d.RangeUsers(ctx, r)
	})
}

func seqOf(u User) int64 { return u.Seq }

// NoteUnbound remembers a leaver whose invitation vanished: somebody may have joined with another account through it.
func (d *Directory) NoteUnbound(ctx context.Context, id string, when time.Time) error {
	return unavailable(d.rdb.ZAdd(ctx, d.keys.unbound(), redis.Z{Score: float64(when.UnixMilli()), Member: id}).Err())
}

// Unbound gives those leavers, each with the time of the note.
func (d *Directory) Unbound(ctx context.Context) (map[string]time.Time, error) {
	found, err := d.rdb.ZRangeWithScores(ctx, d.keys.unbound(), 0, -1).Result()
	if err != nil {
		return nil, &UnavailableError{Cause: err}
	}
	out := make(map[string]time.Time, len(found))
	for _, m := range found {
		out[str(m.Member)] = time.UnixMilli(int64(m.Score))
	}
	return out, nil
}

// ForgetUnbound takes a leaver out: nobody has joined in their place, or an operator has seen to it.
func (d *Directory) ForgetUnbound(ctx context.Context, id string) (bool, error) {
	n, err := d.rdb.ZRem(ctx, d.keys.unbound(), id).Result()
	return n > 0, unavailable(err)
}

// LeftBehind gives the roles of deleted groups that others still use: CMS id → id of the group.
func (d *Directory) LeftBehind(ctx context.Context) (map[string]string, error) {
	left, err := d.rdb.HGetAll(ctx, d.keys.leftBehind()).Result()
	return left, unavailable(err)
}

// LinkError refuses to link a user to an entity.
type LinkError struct{ Code, ID string }

// Error implements error. It names ids, never addresses.
func (e *LinkError) Error() string {
	switch e.Code {
	case "taken":
		return "the CMS account belongs to user " + e.ID
	case "linked":
		return "the user has an account in the CMS already"
	case "busy":
		return "the user is being synced at the moment: try again"
	}
	return "no such managed user"
}

// LinkUser binds a managed user, whose own invitation vanished, to a collaborator, and queues the user.
func (d *Directory) LinkUser(ctx context.Context, id string, l Link) error {
	args := append([]any{d.now(), id}, d.linkArgs(&l)...)
	ans, err := d.run(ctx, d.scripts.linkUser, []string{d.keys.user(id)}, args...)
	if err != nil {
		return err
	}
	if code := str(at(ans, 0)); code != "ok" {
		return &LinkError{Code: code, ID: str(at(ans, 1))}
	}
	return nil
}
