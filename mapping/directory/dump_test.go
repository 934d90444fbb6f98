package directory

import (
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/mapping/directory/directorytest"
)

// value is one key's content, whatever its type: fields of a hash, members of a set, scores of a sorted set.
type value = directorytest.Value

// dump reads all keys of the project, by name without the base.
func (r *rig) dump() map[string]value {
	r.Helper()
	return must(directorytest.Dump(r.ctx, r.store.Client, r.store.Base))(r)
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
	return must(directorytest.Keys(r.ctx, r.store.Client, r.store.Base))(r)
}
