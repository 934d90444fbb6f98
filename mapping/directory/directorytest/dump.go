// Package directorytest looks at the record of a project as it lies in Redis: for tests that compare its parts with each
// other and with what they expect.
package directorytest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Value is one key's content, whatever its type: fields of a hash, members of a set or a list, scores of a sorted set. A
// string is under ""; a stream is its ids.
type Value = map[string]string

// Dump reads all keys of a project, by name without the base.
func Dump(ctx context.Context, client redis.UniversalClient, base string) (map[string]Value, error) {
	names, err := Keys(ctx, client, base)
	if err != nil || len(names) == 0 {
		return map[string]Value{}, err
	}
	types, p := make([]*redis.StatusCmd, len(names)), client.Pipeline()
	for i, name := range names {
		types[i] = p.Type(ctx, name)
	}
	if _, err := p.Exec(ctx); err != nil {
		return nil, err
	}
	read, p := make([]func() Value, len(names)), client.Pipeline()
	for i, name := range names {
		read[i] = reader(ctx, p, name, types[i].Val())
	}
	if _, err := p.Exec(ctx); err != nil {
		return nil, err
	}
	out := make(map[string]Value, len(names))
	for i, name := range names {
		out[strings.TrimPrefix(name, base)] = read[i]()
	}
	return out, nil
}

// Keys lists every key of a project.
func Keys(ctx context.Context, client redis.UniversalClient, base string) ([]string, error) {
	seen := map[string]bool{}
	it := client.Scan(ctx, 0, base+"*", 5000).Iterator()
	for it.Next(ctx) {
		seen[it.Val()] = true
	}
	return slices.Sorted(maps.Keys(seen)), it.Err()
}

func reader(ctx context.Context, p redis.Pipeliner, name, kind string) func() Value {
	switch kind {
	case "hash":
		c := p.HGetAll(ctx, name)
		return c.Val
	case "set":
		c := p.SMembers(ctx, name)
		return func() Value { return each(c.Val()) }
	case "list":
		c := p.LRange(ctx, name, 0, -1)
		return func() Value { return each(c.Val()) }
	case "zset":
		c := p.ZRangeWithScores(ctx, name, 0, -1)
		return func() Value {
			v := Value{}
			for _, z := range c.Val() {
				v[z.Member.(string)] = strconv.FormatFloat(z.Score, 'f', -1, 64) //nolint:errcheck // members are strings
			}
			return v
		}
	case "stream":
		c := p.XRange(ctx, name, "-", "+")
		return func() Value {
			v := Value{}
			for _, m := range c.Val() {
				v[m.ID] = m.Values["event"].(string) //nolint:errcheck // as written
			}
			return v
		}
	}
	c := p.Get(ctx, name)
	return func() Value { return Value{"": c.Val()} }
}

func each(members []string) Value {
	v := Value{}
	for _, m := range members {
		v[m] = "1"
	}
	return v
}
