package directory

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// value is one key's content, whatever its type: fields of a hash, members of a set, scores of a sorted set.
type value map[string]string

// dump reads all keys of the project, by name without the base. A string is under ""; a stream is its ids.
func (r *rig) dump() map[string]value {
	r.Helper()
	names := r.keys()
	types := make([]*redis.StatusCmd, len(names))
	r.pipe(func(p redis.Pipeliner) {
		for i, name := range names {
			types[i] = p.Type(r.ctx, name)
		}
	})
	read := make([]func() value, len(names))
	r.pipe(func(p redis.Pipeliner) {
		for i, name := range names {
			read[i] = r.reader(p, name, types[i].Val())
		}
	})
	out := make(map[string]value, len(names))
	for i, name := range names {
		out[strings.TrimPrefix(name, r.store.Base)] = read[i]()
	}
	return out
}

func (r *rig) pipe(fill func(redis.Pipeliner)) {
	r.Helper()
	p := r.store.Client.Pipeline()
	fill(p)
	if p.Len() > 0 {
		_, err := p.Exec(r.ctx)
		r.ok(err)
	}
}

// keys lists every key of the project.
func (r *rig) keys() []string {
	r.Helper()
	seen := map[string]bool{}
	it := r.store.Client.Scan(r.ctx, 0, r.store.Base+"*", 5000).Iterator()
	for it.Next(r.ctx) {
		seen[it.Val()] = true
	}
	r.ok(it.Err())
	return slices.Sorted(maps.Keys(seen))
}

func (r *rig) reader(p redis.Pipeliner, name, kind string) func() value {
	switch kind {
	case "hash":
		c := p.HGetAll(r.ctx, name)
		return func() value { return c.Val() }
	case "set":
		c := p.SMembers(r.ctx, name)
		return func() value {
			v := value{}
			for _, m := range c.Val() {
				v[m] = "1"
			}
			return v
		}
	case "zset":
		c := p.ZRangeWithScores(r.ctx, name, 0, -1)
		return func() value {
			v := value{}
			for _, z := range c.Val() {
				v[z.Member.(string)] = strconv.FormatFloat(z.Score, 'f', -1, 64) //nolint:errcheck // members are strings
			}
			return v
		}
	case "stream":
		c := p.XRange(r.ctx, name, "-", "+")
		return func() value {
			v := value{}
			for _, m := range c.Val() {
				v[m.ID] = m.Values["event"].(string) //nolint:errcheck // as written
			}
			return v
		}
	case "string":
		c := p.Get(r.ctx, name)
		return func() value { return value{"": c.Val()} }
	}
	return func() value { return nil }
}

// untouched fails the test if act changed anything in Redis. The clock that the queue has seen does not count.
func (r *rig) untouched(what string, act func()) {
	r.Helper()
	before := r.dump()
	act()
	after := r.dump()
	delete(before, ":q:now")
	delete(after, ":q:now")
	if diff := cmp.Diff(before, after); diff != "" {
		r.Errorf("%s changed the record (-before +after):\n%s", what, diff)
	}
}

// hash reads one hash of the project.
func (r *rig) hash(name string) value {
	r.Helper()
	return must(r.store.Client.HGetAll(r.ctx, r.store.Base+name).Result())(r)
}

// events counts the audit log by event.
func (r *rig) events() map[string]int {
	r.Helper()
	out := map[string]int{}
	for _, event := range r.dump()[":audit"] {
		out[event]++
	}
	return out
}
