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
		if err := a.scan(ctx, ":*", func(keys []string) error {
			for _, key := range keys {
				if _, ok := a.part(key); ok {
					return ErrNotEmpty
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	bound, err := a.rdb.HGet(ctx, a.base+":meta", "site").Result()
	if err != nil && !isNil(err) {
		return err
	}
	for _, site := range []string{o.Site, bound} {
		if site != "" && h.Site != "" && site != h.Site && !o.AnySite {
			return fmt.Errorf("the backup is of CMS project %s, this one is %s", h.Site, site)
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
	var keys int64
	sizes := map[string]*redis.IntCmd{}
	wants := map[string]int64{}
	pipe := a.rdb.Pipeline()
	flush := func() error {
		if pipe.Len() > 0 {
			if _, err := pipe.Exec(ctx); err != nil {
				return err
			}
		}
		for key, size := range sizes {
			if size.Val() != wants[key] {
				return fmt.Errorf("key %s has %d elements, the backup says %d", key, size.Val(), wants[key])
			}
		}
		clear(sizes)
		pipe = a.rdb.Pipeline()
		return lock.keep(ctx, false)
	}
	var last archived
	check := func() {
		if last.Key != "" {
			sizes[last.Key], wants[last.Key] = cardinality(ctx, pipe, a.base+stagedPart+last.Key[1:], last.Type), last.Size
		}
	}
	for {
		var line archived
		end, err := in.next(&line)
		if err != nil {
			return end, err
		}
		if end.End {
			check()
			if err := flush(); err != nil {
				return end, err
			}
			if end.Keys != keys {
				return end, fmt.Errorf("the backup has %d keys, its end says %d", keys, end.Keys)
			}
			return end, nil
		}
		if !strings.HasPrefix(line.Key, ":") || len(line.Key) < 2 || line.Part != (line.Key == last.Key && line.Part) {
			return end, fmt.Errorf("line %d: not as a backup has it", in.lines)
		}
		if !line.Part {
			check()
			keys++
			pipe.Del(ctx, a.base+stagedPart+line.Key[1:])
			last = line
		}
		if err := write(ctx, pipe, a.base+stagedPart+line.Key[1:], line); err != nil {
			return end, fmt.Errorf("line %d: %w", in.lines, err)
		}
		if pipe.Len() >= archiveBatch {
			if err := flush(); err != nil {
				return end, err
			}
		}
	}
}

// write adds the elements of a line to its key.
func write(ctx context.Context, c redis.Pipeliner, key string, line archived) error {
	values := make([]any, len(line.Values))
	for i, v := range line.Values {
		values[i] = string(v)
	}
	pairs := len(values)%2 == 0
	switch {
	case line.Type == "string" && len(values) == 1:
		c.Set(ctx, key, values[0], 0)
	case len(values) == 0: // a part may be empty; sizes are compared
	case line.Type == "hash" && pairs:
		c.HSet(ctx, key, values...)
	case line.Type == "set":
		c.SAdd(ctx, key, values...)
	case line.Type == "list":
		c.RPush(ctx, key, values...)
	case line.Type == "zset" && pairs:
		args := []any{"zadd", key}
		for i := 0; i < len(values); i += 2 {
			args = append(args, values[i+1], values[i])
		}
		c.Do(ctx, args...)
	case line.Type == "stream":
		return writeStream(ctx, c, key, line.Values)
	default:
		return fmt.Errorf("%d values are no %s", len(values), line.Type)
	}
	if line.TTL > 0 {
		c.PExpire(ctx, key, time.Duration(line.TTL)*time.Millisecond)
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
