package proxy_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// dump is everything that a project has in its store, as text by key. What only says that time has passed is left out.
type dump map[string]string

// heartbeat is when a replica was last seen to run the rules.
var heartbeat = regexp.MustCompile(`(?m)^seen=\d+\n`)

func (s *site) dump() dump {
	s.t.Helper()
	out := dump{}
	keys := s.store.Client.Scan(s.ctx, 0, s.store.Base+":*", 1000).Iterator()
	for keys.Next(s.ctx) {
		key := keys.Val()
		name := strings.TrimPrefix(key, s.store.Base)
		if name == ":q:now" {
			continue
		}
		text, err := s.content(key)
		s.must(err)
		out[name] = heartbeat.ReplaceAllString(text, "")
	}
	s.must(keys.Err())
	return out
}

// content is the value of a key in an order of its own.
func (s *site) content(key string) (string, error) {
	c := s.store.Client
	kind, err := c.Type(s.ctx, key).Result()
	if err != nil {
		return "", err
	}
	switch kind {
	case "string":
		return c.Get(s.ctx, key).Result()
	case "hash":
		m, err := c.HGetAll(s.ctx, key).Result()
		var lines []string
		for _, field := range slices.Sorted(maps.Keys(m)) {
			lines = append(lines, field+"="+m[field])
		}
		return strings.Join(lines, "\n"), err
	case "set":
		m, err := c.SMembers(s.ctx, key).Result()
		slices.Sort(m)
		return strings.Join(m, "\n"), err
	case "zset":
		m, err := c.ZRangeWithScores(s.ctx, key, 0, -1).Result()
		return scored(m), err
	case "stream":
		m, err := c.XRange(s.ctx, key, "-", "+").Result()
		var lines []string
		for _, entry := range m {
			lines = append(lines, fmt.Sprint(entry.ID, entry.Values))
		}
		return strings.Join(lines, "\n"), err
	case "none": // gone meanwhile
		return "", nil
	}
	return "", fmt.Errorf("%s is a %s, which a dump does not know", key, kind)
}

func scored(members []redis.Z) string {
	var lines []string
	for _, z := range members {
		lines = append(lines, fmt.Sprint(z.Score, " ", z.Member))
	}
	return strings.Join(lines, "\n")
}

// find is the key of a value that contains the text, or that is named so; "" when there is none.
func (d dump) find(text string) string {
	for _, key := range slices.Sorted(maps.Keys(d)) {
		if strings.Contains(key, text) || strings.Contains(d[key], text) {
			return key
		}
	}
	return ""
}

// copyTo writes everything of the site's project to another store.
func (s *site) copyTo(store queuetest.Store) {
	s.t.Helper()
	pipe := store.Client.Pipeline()
	flush := func(most int) {
		if pipe.Len() > most {
			_, err := pipe.Exec(s.ctx)
			s.must(err)
		}
	}
	keys := s.store.Client.Scan(s.ctx, 0, s.store.Base+":*", 1000).Iterator()
	for keys.Next(s.ctx) {
		s.must(s.copyKey(pipe, keys.Val(), store.Base+strings.TrimPrefix(keys.Val(), s.store.Base)))
		flush(200)
	}
	s.must(keys.Err())
	flush(0)
}

// copyKey adds what makes a key of another store like one of this to a pipeline.
func (s *site) copyKey(pipe redis.Pipeliner, from, to string) error {
	c := s.store.Client
	kind, err := c.Type(s.ctx, from).Result()
	if err != nil {
		return err
	}
	switch kind {
	case "string":
		v, err := c.Get(s.ctx, from).Result()
		pipe.Set(s.ctx, to, v, 0)
		return err
	case "hash":
		v, err := c.HGetAll(s.ctx, from).Result()
		pipe.HSet(s.ctx, to, v)
		return err
	case "set":
		v, err := c.SMembers(s.ctx, from).Result()
		pipe.SAdd(s.ctx, to, v)
		return err
	case "zset":
		v, err := c.ZRangeWithScores(s.ctx, from, 0, -1).Result()
		pipe.ZAdd(s.ctx, to, v...)
		return err
	case "stream": // the audit log, which nothing reads
		return nil
	}
	return fmt.Errorf("%s is a %s, which cannot be copied", from, kind)
}
