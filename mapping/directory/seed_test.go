package directory

import (
	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// seed makes users user0@x.org to user(n-1)@x.org with nothing left to do, past the scripts: thousands of commits take the
// embedded store too long. That the records are what commits make of them, consistent and TestSeed tell.
func (r *rig) seed(n int) []string {
	r.Helper()
	ids := make([]string, n)
	first := must(r.store.Client.IncrBy(r.ctx, r.store.Base+":seq", int64(n)).Result())(r) - int64(n)
	r.pipe(func(p redis.Pipeliner) {
		for i := range n {
			w, seq, b := wish("user"+str(int64(i))+"@x.org"), first+int64(i)+1, r.store.Base
			id := r.d.opts.NewID("User", r.d.naturalKey(w), 0)
			ids[i] = id
			args := r.d.userArgs(w) // doc, userName, folded, externalId, address, folded, displayName folded, e-mails folded, active
			p.HSet(r.ctx, b+":u:"+id, "state", "live", "managed", "1", "doc", args[0], "un", args[1], "unf", args[2], "ext", args[3],
				"addr", args[4], "addrf", args[5], "dnf", args[6], "mailsf", args[7], "active", "1", "key", args[5], "seq", seq,
				"gen", 1, "writes", 1, "created", began, "modified", began)
			p.HSet(r.ctx, b+":x:un", args[2], id)
			p.HSet(r.ctx, b+":x:ext", args[3], id)
			p.HSet(r.ctx, b+":x:addr", args[5], id)
			for _, set := range []string{":l:u", ":xm:" + w.Emails[0], ":xd:" + str(args[6])} {
				p.ZAdd(r.ctx, b+set, redis.Z{Score: float64(seq), Member: id})
			}
		}
	})
	return ids
}

// dropScript gives a key up as agreed.
var dropScript = queue.Script(`q_drop(KEYS[1], ARGV[1]) return 1`)

// commitMany makes users by the commit script itself, many in one round trip, with nothing left to do.
func (r *rig) commitMany(n int) []string {
	r.Helper()
	const batch = 500
	create := r.d.scripts.createUser
	for _, s := range []*redis.Script{create, dropScript} {
		r.ok(s.Load(r.ctx, r.store.Client).Err())
	}
	ids := make([]string, n)
	for lo := 0; lo < n; lo += batch {
		r.pipe(func(p redis.Pipeliner) {
			for i := lo; i < min(lo+batch, n); i++ {
				w := wish("user" + str(int64(i)) + "@x.org")
				key := r.d.naturalKey(w)
				ids[i] = r.d.opts.NewID("User", key, 0)
				args := append([]any{r.d.now(), ids[i], "", ms(r.d.opts.Lease), lane(w.Active), key, 0}, r.d.userArgs(w)...)
				create.EvalSha(r.ctx, p, []string{r.store.Base, r.d.keys.user(ids[i])}, append(args, r.d.lookMS())...)
				dropScript.EvalSha(r.ctx, p, []string{r.store.Base}, UserKey(ids[i]))
			}
		})
	}
	return ids
}
