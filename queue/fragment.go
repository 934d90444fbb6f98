package queue

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

//go:embed lua
var luaFiles embed.FS

// fragmentFiles are the parts of the fragment in the order in which they need each other.
var fragmentFiles = [...]string{"clock", "gate", "record", "push", "lease", "finish"}

// Fragment is the Lua source of the queue's functions (q_now, q_push, q_lease, …), for scripts of other packages that
// write their own records and the queue entry in one step. Each function's contract is in its comment, in
// lua/fragment.
func Fragment() string {
	var b strings.Builder
	for _, name := range fragmentFiles {
		b.WriteString(luaSource("fragment/" + name))
	}
	return b.String()
}

// Script makes a script of the fragment and body. KEYS[1] must be the project's base (Base), and a script that uses
// the queue passes NowArg and calls q_now once, first. Run it with Script.Run, which survives a Redis that has
// forgotten its scripts.
func Script(body string) *redis.Script {
	return redis.NewScript(lean(Fragment() + body))
}

// ReadScript is Script for bodies that only read: a backup does not stop them.
func ReadScript(body string) *redis.Script {
	return redis.NewScript(lean(luaSource("fragment/clock") + luaSource("fragment/readgate") + luaSource("fragment/record") + body))
}

// nothingWith is the q_with of a queue that hands out nothing with its keys.
const nothingWith = "local function q_with() return false end\n"

// ReadWithTake has Take read what a handler needs to know first, in the script that leases the key. The text defines
// q_with(p, key, rec, now), which writes nothing and gives a list, or false; rec is what q_record gives. Call it before the
// queue is used.
func (q *Queue) ReadWithTake(text string) { q.scripts.take = takeScript(text) }

func takeScript(with string) *redis.Script { return Script(with + luaSource("take")) }

// luaSource reads an embedded file. The names are constants of this package, so a failure is a build error that the
// package's first test finds.
func luaSource(name string) string {
	src, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		return fmt.Sprintf("error(%q)\n", "lua/"+name+".lua is not embedded")
	}
	return string(src)
}

// scripts are the queue's own.
type scripts struct {
	push, take, due, renew, finish, lost, replay, approve, drop, trip, trouble, clear, list, dryRun *redis.Script
}

// ownScripts are made once.
var ownScripts = sync.OnceValue(func() scripts {
	load := func(name string) *redis.Script { return Script(luaSource(name)) }
	more := func(name string) *redis.Script { return Script(luaSource("own/shared") + luaSource(name)) }
	return scripts{
		push: load("push"), take: takeScript(nothingWith), due: load("due"), renew: load("renew"), finish: load("finish"),
		lost: load("lost"), replay: more("replay"), approve: load("approve"), drop: load("drop"), list: load("list"),
		trip: more("trip"), trouble: more("trouble"), clear: more("clear"),
		dryRun: redis.NewScript(luaSource("fragment/clock") + luaSource("dryrun")),
	}
})
