package queue

import "strings"

// Every key of the package, its type and its bound. The Lua files build the same names; TestKeys_AreAllListedHere
// compares them. All keys of a project start with its base, whose hash tag puts them into one slot of a Redis Cluster.
//
//	base:k:<key>    HASH    one queued, leased, parked or held key; goes when the key is agreed or dropped
//	base:q:<lane>   ZSET    queued keys by due time (ms), one set per lane; bounded by the records
//	base:q:leased   ZSET    leased keys by the lease's end (ms); bounded by workers and requests
//	base:q:parked   ZSET    parked keys by the time of parking (ms); bounded by the records
//	base:q:held     ZSET    held keys by the time of holding (ms); bounded by the records
//	base:q:codes    HASH    how many keys are parked, by code; exact
//	base:h:<key>    LIST    the last 20 attempts of a key that met trouble; expires after 7 days
//	base:q:since    ZSET    keys neither agreed, parked nor held by the time they were first queued (ms); bounded by the records
//	base:q:idents   HASH    CMS identity → "token key" of the lease that has it; freed with the lease
//	base:q:ticket   STRING  the project's last ticket
//	base:q:turn     STRING  counts takes, so that every lane has its turn
//	base:q:now      STRING  the latest now (ms) that a script of the project has seen
//	base:q:paused   STRING  present while an operator has paused the project
//	base:q:dry      ZSET    replicas that want a dry run, by the end of their mark (ms); expires with the newest mark
//	base:q:circuit  HASH    present while the circuit is open
//	base:q:gate     STRING  present while the project is backed up (expires by itself) or restored
//	base:q:look     STRING  ms of a restore; present until a picture of the CMS has been imported since
//	base:q:failed   ZSET    keys over which the CMS failed since it last answered a write; expires after an hour
//	base:q:refused:<code>  ZSET    keys refused with a code that nobody has listed, lately; expires after an hour
//	base:q:notall:<code>   STRING  present for an hour after such a code turned out to be about its keys alone
//	base:pacers     ZSET    processes that use one CMS token by their last booking (µs); expires after a minute
//	base:pace       HASH    pacer of one CMS token, under a base and hash tag of its own; expires a day after its last use
type keys struct{ base string }

func (k keys) record(key string) string  { return k.base + ":k:" + key }
func (k keys) lane(l Lane) string        { return k.base + ":q:" + string(l) }
func (k keys) leased() string            { return k.base + ":q:leased" }
func (k keys) parked() string            { return k.base + ":q:parked" }
func (k keys) codes() string             { return k.base + ":q:codes" }
func (k keys) history(key string) string { return k.base + ":h:" + key }
func (k keys) held() string              { return k.base + ":q:held" }
func (k keys) since() string             { return k.base + ":q:since" }
func (k keys) idents() string            { return k.base + ":q:idents" }
func (k keys) ticket() string            { return k.base + ":q:ticket" }
func (k keys) now() string               { return k.base + ":q:now" }
func (k keys) gate() string              { return k.base + ":q:gate" }
func (k keys) looks() string             { return k.base + ":q:look" }
func (k keys) paused() string            { return k.base + ":q:paused" }
func (k keys) circuit() string           { return k.base + ":q:circuit" }
func (k keys) dryRun() string            { return k.base + ":q:dry" }

// paceKey is the pacer's only key.
func paceKey(base string) string { return base + ":pace" }

// pacersKey names who books.
func pacersKey(base string) string { return base + ":pacers" }

// Base is the beginning of every key of a project: prefix{project}. The braces are the hash tag.
func Base(prefix, project string) string {
	return prefix + "{" + project + "}"
}

// validBase reports whether base has a hash tag that Redis will use: the first "{" is followed by a name and a "}".
func validBase(base string) bool {
	_, rest, ok := strings.Cut(base, "{")
	if !ok {
		return false
	}
	tag, _, ok := strings.Cut(rest, "}")
	return ok && tag != "" && strings.HasSuffix(base, "}")
}
