package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// Backup writes the whole project as it is at one moment: writes are refused (503) meanwhile. Memory does not grow with the
// project.
func (a *Archive) Backup(ctx context.Context, w io.Writer, when time.Time) (s ArchiveSummary, err error) {
	gate, err := hold(ctx, a.rdb, queue.GateKey(a.base), "backup "+a.token)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, gate.release(ctx)) }()
	site, err := a.rdb.HGet(ctx, a.base+":meta", "site").Result()
	if err != nil && !isNil(err) {
		return s, err
	}
	s.Header = Header{archiveFormat, archiveVersion, a.prefix, a.project, site, when.UTC()}
	out := &lineWriter{w: w, sum: sha256.New()}
	if err := out.write(s.Header); err != nil {
		return s, err
	}
	err = a.scan(ctx, ":*", func(keys []string) error {
		n, err := a.dump(ctx, out, keys)
		s.Keys += n
		return errors.Join(err, gate.keep(ctx, false))
	})
	if err != nil {
		return s, err
	}
	if s.Counts, err = a.counts(ctx); err != nil {
		return s, err
	}
	if err := gate.keep(ctx, true); err != nil {
		return s, err
	}
	return s, out.write(trailer{End: true, Lines: out.lines, Keys: s.Keys, SHA256: hex.EncodeToString(out.sum.Sum(nil)), Counts: s.Counts})
}

// lineWriter writes lines of JSON, counts and sums them.
type lineWriter struct {
	w     io.Writer
	sum   hash.Hash
	lines int64
}

func (l *lineWriter) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	l.sum.Write(line) // never fails
	l.lines++
	if _, err := l.w.Write(line); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// dump writes a page of keys.
func (a *Archive) dump(ctx context.Context, out *lineWriter, keys []string) (written int64, err error) {
	for len(keys) > 0 {
		n := min(len(keys), archiveBatch)
		types, ttls := make([]*redis.StatusCmd, n), make([]*redis.DurationCmd, n)
		pipe := a.rdb.Pipeline()
		for i, key := range keys[:n] {
			types[i], ttls[i] = pipe.Type(ctx, key), pipe.PTTL(ctx, key)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return written, err
		}
		for i, key := range keys[:n] {
			rest, ok := a.part(key)
			if !ok || types[i].Val() == "none" { // it has expired since
				continue
			}
			line := archived{Key: rest, Type: types[i].Val(), TTL: max(ttls[i].Val().Milliseconds(), 0)}
			if err := a.dumpKey(ctx, out, key, line); err != nil {
				return written, fmt.Errorf("key %s: %w", rest, err)
			}
			written++
		}
		keys = keys[n:]
	}
	return written, nil
}

// dumpKey writes one key, a long one in parts.
func (a *Archive) dumpKey(ctx context.Context, out *lineWriter, key string, line archived) error {
	read, ok := partReaders[line.Type]
	if !ok {
		return fmt.Errorf("a %s is nothing that a project has", line.Type)
	}
	var err error
	if line.Size, err = cardinality(ctx, a.rdb, key, line.Type).Result(); err != nil {
		return err
	}
	for cursor := "0"; ; {
		var values []string
		values, cursor, err = read(ctx, a.rdb, key, cursor)
		if err != nil {
			return err
		}
		line.Values = make([]bytex, len(values))
		for i, v := range values {
			line.Values[i] = bytex(v)
		}
		if err := out.write(line); err != nil || cursor == "" {
			return err
		}
		line.Size, line.TTL, line.Part = 0, 0, true
	}
}

// cardinality asks how many elements a key has.
func cardinality(ctx context.Context, c redis.Cmdable, key, typ string) *redis.IntCmd {
	switch typ {
	case "hash":
		return c.HLen(ctx, key)
	case "set":
		return c.SCard(ctx, key)
	case "zset":
		return c.ZCard(ctx, key)
	case "list":
		return c.LLen(ctx, key)
	case "stream":
		return c.XLen(ctx, key)
	}
	return c.StrLen(ctx, key)
}

// partReaders read a part of a key behind a cursor ("0" at first) and give the next cursor, "" at the end.
var partReaders = map[string]func(ctx context.Context, c redis.Cmdable, key, cursor string) ([]string, string, error){
	"string": func(ctx context.Context, c redis.Cmdable, key, _ string) ([]string, string, error) {
		v, err := c.Get(ctx, key).Result()
		return []string{v}, "", err
	},
	"hash": func(ctx context.Context, c redis.Cmdable, key, cursor string) ([]string, string, error) {
		return scanned(c.HScan(ctx, key, uint64(num(cursor)), "", archivePart).Result())
	},
	"set": func(ctx context.Context, c redis.Cmdable, key, cursor string) ([]string, string, error) {
		return scanned(c.SScan(ctx, key, uint64(num(cursor)), "", archivePart).Result())
	},
	"zset": func(ctx context.Context, c redis.Cmdable, key, cursor string) ([]string, string, error) {
		return scanned(c.ZScan(ctx, key, uint64(num(cursor)), "", archivePart).Result())
	},
	"list":   readList,
	"stream": readStream,
}

func scanned(values []string, next uint64, err error) ([]string, string, error) {
	if next == 0 {
		return values, "", err
	}
	return values, strconv.FormatUint(next, 10), err
}

func readList(ctx context.Context, c redis.Cmdable, key, cursor string) ([]string, string, error) {
	first := num(cursor)
	values, err := c.LRange(ctx, key, first, first+archivePart-1).Result()
	if len(values) < archivePart {
		return values, "", err
	}
	return values, strconv.FormatInt(first+archivePart, 10), err
}

// readStream gives for each entry its id, the number of its fields and values, and these.
func readStream(ctx context.Context, c redis.Cmdable, key, cursor string) (values []string, next string, err error) {
	from := "-"
	if cursor != "0" {
		from = "(" + cursor
	}
	raw, err := redis.NewScript(`return redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])`).
		Run(ctx, c, []string{key}, from, archivePart).Slice()
	if err != nil {
		return nil, "", err
	}
	for _, e := range raw {
		entry := list(e)
		fields := list(at(entry, 1))
		next = str(at(entry, 0))
		values = append(append(values, next, strconv.Itoa(len(fields))), texts(fields)...)
	}
	if len(raw) < archivePart {
		next = ""
	}
	return values, next, nil
}
