package directory

import (
	"embed"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// scripts are the directory's Lua scripts; each file in lua/ states its keys, arguments and answers.
type scripts struct {
	createUser, writeUser, touchUser, deleteUser                 *redis.Script
	createGroup, writeGroup, changeMembers, deleteGroup          *redis.Script
	knownMembers, stageMembers, swapMembers, fanOut              *redis.Script
	loadUser, loadGroup, intend, settleUser, settleGroup         *redis.Script
	read, importUsers, importNewUser, importMissing, importRoles *redis.Script
	saveRoles, lost, window, admit, discard                      *redis.Script
	stopInvitations, freeInvitations                             *redis.Script
	linkUser, claimRules, sweepRules, resolveRoles               *redis.Script
	imported, prune                                              *redis.Script
}

// loadScripts makes them once.
var loadScripts = sync.OnceValue(func() *scripts {
	return &scripts{
		createUser:    script("supersede", "create_user"),
		writeUser:     script("supersede", "write_user"),
		touchUser:     script("touch_user"),
		deleteUser:    script("delete_user"),
		createGroup:   script("drops", "inherit", "members", "create_group"),
		writeGroup:    script("drops", "inherit", "members", "write_group"),
		changeMembers: script("members", "change_members"),
		deleteGroup:   script("drops", "delete_group"),
		knownMembers:  script("known_members"),
		stageMembers:  script("stage_members"),
		swapMembers:   script("swap_members"),
		fanOut:        script("fan_out"),
		loadUser:      script("work", "load_user"),
		loadGroup:     script("drops", "inherit", "load_group"),
		intend:        script("brake", "link", "intend"),
		settleUser:    script("link", "settle_user"),
		settleGroup:   script("drops", "settle_group"),
		read:          queue.ReadScript(sources("records", "read")),
		importUsers:   script("link", "import_users"),
		importNewUser: script("link", "import_new_user"),
		importMissing: script("link", "import_missing"),
		importRoles:   script("link", "drops", "import_roles"),
		imported:      script("imported"),
		prune:         script("link", "prune"),
		saveRoles:     script("save_roles"),
		lost:          script("lost"),
		linkUser:      script("link", "link_user"),
		claimRules:    script("claim_rules"),
		sweepRules:    script("sweep_rules"),
		resolveRoles:  script("resolve_roles"),
		window:        script("brake", "window"),
		discard:       script("link", "discard"),
		admit:         script("admit"),

		stopInvitations: script("stop_invitations"),
		freeInvitations: script("free_invitations"),
	}
})

// script joins the directory's libraries and the named files behind the queue's fragment.
func script(names ...string) *redis.Script {
	return queue.Script(sources(append([]string{"records", "lib"}, names...)...))
}

func sources(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		src, err := luaFiles.ReadFile("lua/" + name + ".lua")
		if err != nil {
			// The files are compiled in: a name that is not there fails every test.
			b.WriteString("error('no script " + name + "')\n")
			continue
		}
		b.Write(src)
		b.WriteByte('\n')
	}
	return b.String()
}
