package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// RestoreOptions say what a restore may do.
type RestoreOptions struct {
	Replace  bool   // a project that is not empty is replaced
	Site     string // CMS site id that the project's token opens; "" when it is not known
	AnySite  bool   // take a backup of another CMS project, and bind the record anew
	Paused   bool   // leave the queue paused
	MaxBytes int    // longest line that is read; default 64 MiB
}

// ErrNotEmpty refuses to restore over a record.
var ErrNotEmpty = errors.New("the project is not empty")

// Restore makes the project what a backup holds. It stages the whole backup beside the record and checks it; only then it
// closes the project and swaps the two. A restore that is broken off leaves either the old record or a closed project, and is
// repaired by doing it again. Afterwards every key looks at the CMS first, which may be newer than the record.
func (a *Archive) Restore(ctx context.Context, r io.Reader, o RestoreOptions) (ArchiveSummary, error) {
	lock, err := hold(ctx, a.rdb, a.base+lockPart, a.token)
	if err != nil {
		return ArchiveSummary{}, err
	}
	s, err := a.restore(ctx, r, o, lock)
	return s, errors.Join(err, lock.release(ctx))
}

func (a *Archive) restore(ctx context.Context, r io.Reader, o RestoreOptions, lock *holding) (s ArchiveSummary, err error) {
	in := newLineReader(r, o.MaxBytes)
	if err := in.read(&s.Header); err != nil {
		return s, err
	}
	if err := checkHeader(s.Header); err != nil {
		return s, err
	}
	if err := a.mayRestore(ctx, s.Header, o); err != nil {
		return s, err
	}
	if err := a.removeAll(ctx, stagedPart+"*", lock, isStaged); err != nil {
		return s, err
	}
	end, err := a.stage(ctx, in, lock)
	if err != nil {
		return s, errors.Join(err, a.removeAll(context.WithoutCancel(ctx), stagedPart+"*", lock, isStaged))
	}
	s.Keys, s.Counts = end.Keys, end.Counts
	return s, a.swap(ctx, s, o, lock)
}

// mayRestore refuses what would overwrite a record, or give it to a CMS that it is not of.
func (a *Archive) mayRestore(ctx context.Context, h Header, o RestoreOptions) error {
	gate, err := a.rdb.Get(ctx, queue.GateKey(a.base)).Result()
	if err != nil && !isNil(err) {
		return err
	}
	if strings.HasPrefix(gate, "backup") {
		return errors.New("a backup of the project is under way: try again when it has ended")
	}
	if gate == "" && !o.Replace { // with a gate, a restore was broken off: what is there is half a record
		if err := a.mustBeEmpty(ctx); err != nil {
			return err
		}
	}
	return a.mustBeOf(ctx, h.Site, o)
}

func (a *Archive) mustBeEmpty(ctx context.Context) error {
	return a.scan(ctx, ":*", func(keys []string) error {
		for _, key := range keys {
			if _, ok := a.part(key); ok {
				return ErrNotEmpty
			}
		}
		return nil
	})
}

// mustBeOf compares the CMS project of a backup with the token's and the record's, as far as they are known.
func (a *Archive) mustBeOf(ctx context.Context, site string, o RestoreOptions) error {
	bound, err := a.rdb.HGet(ctx, a.base+":meta", "site").Result()
	if err != nil && !isNil(err) {
		return err
	}
	if site == "" || o.AnySite {
		return nil
	}
	for _, other := range []string{o.Site, bound} {
		if other != "" && other != site {
			return fmt.Errorf("the backup is of CMS project %s, this one is %s", site, other)
		}
	}
	return nil
}

func isStaged(rest string) bool { return strings.HasPrefix(rest, stagedPart) }

// removeAll deletes the project's keys that match, batch by batch.
func (a *Archive) removeAll(ctx context.Context, pattern string, lock *holding, which func(rest string) bool) error {
	return a.scan(ctx, pattern, func(keys []string) error {
		pipe := a.rdb.Pipeline()
		pipe.Exists(ctx, a.base) // so that it has a command
		for _, key := range keys {
			if which(strings.TrimPrefix(key, a.base)) {
				pipe.Unlink(ctx, key)
			}
		}
		_, err := pipe.Exec(ctx)
		return errors.Join(err, lock.keep(ctx, false))
	})
}

// stage writes every line under a name of its own until the trailer, and checks that nothing is missing.
func (a *Archive) stage(ctx context.Context, in *lineReader, lock *holding) (trailer, error) {
	s := &staging{a: a, lock: lock, pipe: a.rdb.Pipeline(), sizes: map[string]*redis.IntCmd{}, wants: map[string]int64{}}
	for {
		var line archived
		end, err := in.next(&line)
		if err != nil {
			return end, err
		}
		if end.End {
			return end, s.end(ctx, end)
		}
		if err := s.add(ctx, line); err != nil {
			return end, fmt.Errorf("line %d: %w", in.lines, err)
		}
		if s.pipe.Len() >= archiveBatch {
			if err := s.flush(ctx); err != nil {
				return end, err
			}
		}
	}
}

// staging is a backup that is being staged.
type staging struct {
	a    *Archive
	lock *holding
	pipe redis.Pipeliner
	last archived // the first line of the key that is being staged
	keys int64

	sizes map[string]*redis.IntCmd // of keys that are whole, asked for in pipe
	wants map[string]int64
}

// add stages one line.
func (s *staging) add(ctx context.Context, line archived) error {
	if !strings.HasPrefix(line.Key, ":") || len(line.Key) < 2 || line.Part && line.Key != s.last.Key {
		return errors.New("not as a backup has it")
	}
	key := s.a.base + stagedPart + line.Key[1:]
	if !line.Part {
		s.check(ctx)
		s.keys++
		s.pipe.Del(ctx, key)
		s.last = line
	}
	return write(ctx, s.pipe, key, line)
}

// check asks how large the last key has become.
func (s *staging) check(ctx context.Context) {
	if s.last.Key != "" {
		s.sizes[s.last.Key] = cardinality(ctx, s.pipe, s.a.base+stagedPart+s.last.Key[1:], s.last.Type)
		s.wants[s.last.Key] = s.last.Size
	}
}

// flush sends what was added, and compares the sizes that were asked for.
func (s *staging) flush(ctx context.Context) error {
	if s.pipe.Len() > 0 {
		if _, err := s.pipe.Exec(ctx); err != nil {
			return err
		}
	}
	for key, size := range s.sizes {
		if size.Val() != s.wants[key] {
			return fmt.Errorf("key %s has %d elements, the backup says %d", key, size.Val(), s.wants[key])
		}
	}
	clear(s.sizes)
	s.pipe = s.a.rdb.Pipeline()
	return s.lock.keep(ctx, false)
}

// end sends the rest, and compares the number of keys.
func (s *staging) end(ctx context.Context, end trailer) error {
	s.check(ctx)
	if err := s.flush(ctx); err != nil {
		return err
	}
	if end.Keys != s.keys {
		return fmt.Errorf("the backup has %d keys, its end says %d", s.keys, end.Keys)
	}
	return nil
}

// write adds the elements of a line to its key.
func write(ctx context.Context, c redis.Pipeliner, key string, line archived) error {
	if line.Type == "stream" {
		return writeStream(ctx, c, key, line.Values)
	}
	values := make([]any, len(line.Values))
	for i, v := range line.Values {
		values[i] = string(v)
	}
	if err := writeValues(ctx, c, key, line.Type, values); err != nil {
		return err
	}
	if line.TTL > 0 {
		c.PExpire(ctx, key, time.Duration(line.TTL)*time.Millisecond)
	}
	return nil
}

func writeValues(ctx context.Context, c redis.Pipeliner, key, typ string, values []any) error {
	pairs := len(values)%2 == 0
	switch {
	case typ == "string" && len(values) == 1:
		c.Set(ctx, key, values[0], 0)
	case len(values) == 0: // a part may be empty; sizes are compared
	case typ == "hash" && pairs:
		c.HSet(ctx, key, values...)
	case typ == "set":
		c.SAdd(ctx, key, values...)
	case typ == "list":
		c.RPush(ctx, key, values...)
	case typ == "zset" && pairs:
		args := []any{"zadd", key}
		for i := 0; i < len(values); i += 2 {
			args = append(args, values[i+1], values[i])
		}
		c.Do(ctx, args...)
	default:
		return fmt.Errorf("%d values are no %s", len(values), typ)
	}
	return nil
}

func writeStream(ctx context.Context, c redis.Pipeliner, key string, values []bytex) error {
	for len(values) >= 2 {
		n, err := strconv.Atoi(string(values[1]))
		if err != nil || n < 2 || len(values) < 2+n {
			return errors.New("no stream")
		}
		args := []any{"xadd", key, string(values[0])}
		for _, v := range values[2 : 2+n] {
			args = append(args, string(v))
		}
		c.Do(ctx, args...)
		values = values[2+n:]
	}
	return nil
}

// swap closes the project, puts what was staged into the place of the record, and opens the project again.
func (a *Archive) swap(ctx context.Context, s ArchiveSummary, o RestoreOptions, lock *holding) error {
	if err := lock.keep(ctx, true); err != nil {
		return err
	}
	gate := queue.GateKey(a.base)
	if err := a.rdb.Set(ctx, gate, "restore "+a.token, 0).Err(); err != nil {
		return err
	}
	pictures, roles := a.number(ctx, "GET", a.base+":pic"), a.number(ctx, "HGET", a.base+":meta", "rolesv")
	if err := a.removeAll(ctx, ":*", lock, func(rest string) bool {
		_, ok := a.part(a.base + rest)
		return ok || strings.Contains(rest, ":stage:") && !isStaged(rest)
	}); err != nil {
		return err
	}
	if err := a.rename(ctx, lock); err != nil {
		return err
	}
	if err := a.renew(ctx, pictures, roles, o); err != nil {
		return err
	}
	got, err := a.counts(ctx)
	if err != nil {
		return err
	}
	if got != s.Counts {
		return fmt.Errorf("the restored record has %+v, the backup %+v: the project stays closed, restore again", got, s.Counts)
	}
	return a.rdb.Del(ctx, gate).Err()
}

// rename gives the staged keys their names, until there are none.
func (a *Archive) rename(ctx context.Context, lock *holding) error {
	for again := true; again; {
		again = false
		err := a.scan(ctx, stagedPart+"*", func(keys []string) error {
			again = true
			seen := map[string]bool{}
			pipe := a.rdb.Pipeline()
			for _, key := range keys {
				if !seen[key] {
					seen[key] = true
					moved.Eval(ctx, pipe, []string{key, a.base + ":" + strings.TrimPrefix(key, a.base+stagedPart)})
				}
			}
			_, err := pipe.Exec(ctx)
			return errors.Join(err, lock.keep(ctx, false))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moved renames a key unless a page of a scan has had it before.
var moved = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
return 1`)

// number reads a counter that may be absent.
func (a *Archive) number(ctx context.Context, args ...any) int64 {
	n, err := a.rdb.Do(ctx, args...).Int64()
	if err != nil {
		return 0
	}
	return n
}

// renewal makes a restored record the younger one: pictures that were begun before are older than any sync, published roles
// are news to every process, walks over sets begin anew, and every key looks at the CMS first.
// KEYS: 1 base   ARGV: 1 last picture, 2 version of the roles before, 3 '1' = unbind from the CMS project, 4 '1' = pause.
var renewal = redis.NewScript(`
local p, call = KEYS[1], redis.call
local t = call('TIME')
local now = string.format('%.0f', tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000))
local pic = math.max(tonumber(call('GET', p..':pic') or '0'), tonumber(ARGV[1])) + 1
call('SET', p..':pic', string.format('%.0f', pic))
local v = math.max(tonumber(call('HGET', p..':meta', 'rolesv') or '0'), tonumber(ARGV[2])) + 1
call('HSET', p..':meta', 'rolesv', string.format('%.0f', v), 'lookpic', string.format('%.0f', pic))
call('SET', p..':q:look', now)
if ARGV[3] == '1' then call('HDEL', p..':meta', 'site') end
if ARGV[4] == '1' then call('SET', p..':q:paused', '1') end
for _, g in ipairs(call('SMEMBERS', p..':fans')) do
  if (call('HGET', p..':g:'..g, 'fanscan') or '') ~= '' then call('HSET', p..':g:'..g, 'fanscan', '0') end
end
return now`)

// lookFirst marks queued keys: the next holder reads the CMS before it plans.
// KEYS: 1 base   ARGV: 1 ms, then records.
var lookFirst = redis.NewScript(`
for i = 2, #ARGV do
  local look = tonumber(redis.call('HGET', ARGV[i], 'look') or '') or 0
  if redis.call('EXISTS', ARGV[i]) == 1 and look < tonumber(ARGV[1]) then redis.call('HSET', ARGV[i], 'look', ARGV[1]) end
end
return 1`)

func (a *Archive) renew(ctx context.Context, pictures, roles int64, o RestoreOptions) error {
	now, err := renewal.Run(ctx, a.rdb, []string{a.base}, pictures, roles, flag(o.AnySite), flag(o.Paused)).Text()
	if err != nil {
		return err
	}
	return a.scan(ctx, ":k:*", func(keys []string) error {
		return lookFirst.Run(ctx, a.rdb, []string{a.base}, append([]any{now}, anys(keys)...)...).Err()
	})
}
