package directory

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// ImportEnd is what an import that was carried out leaves to the next one, of whatever replica.
type ImportEnd struct {
	Picture int64
	Began   time.Time
	People  int
	Look    string // fingerprint of everything that the picture showed
	Mark    string // what WriteMark gave before the picture was begun
}

// Imported notes the end of an import. After a restore, a picture that was begun since has shown the CMS as it is: keys need
// no longer be looked at one by one.
func (d *Directory) Imported(ctx context.Context, e ImportEnd) error {
	_, err := d.run(ctx, d.scripts.imported, nil, e.Picture, e.Began.UnixMilli(), e.People, e.Look, e.Mark)
	return err
}

// ImportState is what the last import has left.
type ImportState struct {
	Last    time.Time // when its picture was begun; zero: there was none
	Changed time.Time // when the last picture was begun that differed from the one before it, or came after a write
	Written bool      // whether something was written since Last
}

// ImportState reads it, for all replicas the same.
func (d *Directory) ImportState(ctx context.Context) (ImportState, error) {
	p := d.rdb.Pipeline()
	meta := p.HMGet(ctx, d.keys.meta(), "import", "changed", "importmark")
	latest := p.XRevRangeN(ctx, d.keys.audit(), "+", "-", 1)
	if _, err := p.Exec(ctx); err != nil && !isNil(err) {
		return ImportState{}, &UnavailableError{Cause: err}
	}
	v := meta.Val()
	s := ImportState{Last: moment(at(v, 0)), Changed: moment(at(v, 1))}
	s.Written = !s.Last.IsZero() && str(at(v, 2)) != mark(latest.Val())
	return s, nil
}

// WriteMark is another one after each write of the identity provider or of an operator.
func (d *Directory) WriteMark(ctx context.Context) (string, error) {
	latest, err := d.rdb.XRevRangeN(ctx, d.keys.audit(), "+", "-", 1).Result()
	if err != nil && !isNil(err) {
		return "", &UnavailableError{Cause: err}
	}
	return mark(latest), nil
}

func mark(latest []redis.XMessage) string {
	if len(latest) == 0 {
		return ""
	}
	return latest[0].ID
}

// LastImport says when the last picture was imported; zero when never.
func (d *Directory) LastImport(ctx context.Context) (time.Time, error) {
	n, err := d.rdb.HGet(ctx, d.keys.meta(), "import").Int64()
	switch {
	case isNil(err):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, &UnavailableError{Cause: err}
	}
	return time.UnixMilli(n), nil
}

// pruneChunk bounds one script that forgets tombstones.
const pruneChunk = 200

// Pruned says how many tombstones a picture has taken away.
type Pruned struct{ Users, Groups int }

// Prune forgets users and groups that were deleted and of which the CMS has nothing any more, as this picture and one before it
// have shown; the record must have been compared with the picture. It looks at most at so many, those first that were not
// looked at for longest. Their ids are not given again.
func (d *Directory) Prune(ctx context.Context, picture int64, most int) (p Pruned, err error) {
	for most > 0 {
		n := min(most, pruneChunk)
		ans, err := d.run(ctx, d.scripts.prune, nil, picture, n)
		if err != nil {
			return p, err
		}
		p.Users += int(num(at(ans, 1)))
		p.Groups += int(num(at(ans, 2)))
		if num(at(ans, 0)) < int64(n) {
			return p, nil
		}
		most -= n
	}
	return p, nil
}
