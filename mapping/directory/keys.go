package directory

// keys builds the Redis keys of one project. Each starts with the project's base, "{project}" behind the configured
// prefix, so that all of them lie in one slot of a Redis Cluster. None expires unless it says so: the record is the
// product. What scripts derive from values (indexes of e-mails and display names) is listed here too.
//
//	:u:ID          hash    a user: wish, link, last applied, status (fields: lua/lib.lua)
//	:g:ID          hash    a group
//	:gm:ID         set     members of a group; :gm:ID:old and :gm:ID:add are what a swap left to be told (drained by fan-out);
//	                       :gm:ID:busy are who was at work when told, while the role to drop waits for them
//	:gm:ID:stage:RUN  set  a long list while it is staged, :gm:ID:stage:RUN:add its newcomers; both expire after stageTTL
//	:ug:ID         set     groups of a user
//	:ru:ROLE       zset    users seen with a CMS role, by sequence; tombstones are in :rt:ROLE
//	:ro:ROLE       set     users whose former account has a role
//	:l:u  :l:g     zset    listed users and groups, by sequence
//	:x:un :x:addr :x:ext :x:cms :x:gname :x:gext :x:role     hash  unique value → id
//	:x:also                                                  hash  address → ids with a lesser claim to it, by newlines
//	:x:count :x:gcount                                       hash  natural key → how often it was used before
//	:xm:EMAIL :xd:NAME   zset  users with an e-mail, a displayName, by sequence
//	:acc           set     managed users who have access to the CMS: the active ones, for the brake
//	:bw:NAME       zset    the brake's window, by what was taken (access, role): users by the ms of the call; expires an hour after the window
//	:bb:NAME       hash    user → how many had access when the call was counted; as long-lived
//	:seq :pic      string  counters: creation order, pictures of the CMS
//	:gone          zset    CMS entities that syncs unlinked, by the picture under way; swept by the next picture
//	:tomb          zset    deleted users and groups (u:ID, g:ID) by the picture that they were last compared with; each goes when two
//	                       pictures show nothing of it
//	:noinvite      hash    why the CMS takes no invitations at the moment, and how many seats are free; expires after an hour
//	:fans          set     groups with an open fan-out
//	:roles         string  the CMS's roles as JSON; its version is in :meta
//	:drift         hash    what the last review found changed by hand in the CMS
//	:unbound       zset    leavers whose invitation vanished, by the time of the note (ms)
//	:left          hash    role of a deleted group that others still use → the group's id
//	:rr            hash    name of a role as the rules have it → CMS id that it stood for when it was found
//	:rules         hash    hash (fingerprint of the rules in force), epoch, seen (ms), groups and users (how far the sweep is)
//	:rules:known   zset    fingerprints of rules that were in force, by epoch; the last 100
//	:meta          hash    site (CMS site id), rolesv, import (ms of the last picture), people, look (fingerprint of it), importmark (the
//	                       last write before it), changed (ms of the last picture that was another one), begun, begunpeople,
//	                       rolesretried, drift, driftok, lookpic (the picture that a restore began with)
//	:restore:lock  string  present while a restore stages; expires by itself
//	:restore:k:KEY         a key of a backup until the restore swaps it in; the next restore clears what one left
//	:calls:MONTH   string  calls to the CMS in a month (2026-11, UTC); expires 62 days after the last. No backup has it
//	:audit         stream  writes of the identity provider, at most about 100,000
type keys struct{ base string }

func (k keys) user(id string) string       { return k.base + ":u:" + id }
func (k keys) group(id string) string      { return k.base + ":g:" + id }
func (k keys) members(id string) string    { return k.base + ":gm:" + id }
func (k keys) membersOld(id string) string { return k.members(id) + ":old" }
func (k keys) groupsOf(id string) string   { return k.base + ":ug:" + id }
func (k keys) fans() string                { return k.base + ":fans" }
func (k keys) stage(id, run string) string { return k.members(id) + ":stage:" + run }
func (k keys) picture() string             { return k.base + ":pic" }
func (k keys) invitationStop() string      { return k.base + ":noinvite" }
func (k keys) roles() string               { return k.base + ":roles" }
func (k keys) resolved() string            { return k.base + ":rr" }
func (k keys) drift() string               { return k.base + ":drift" }
func (k keys) unbound() string             { return k.base + ":unbound" }
func (k keys) leftBehind() string          { return k.base + ":left" }
func (k keys) meta() string                { return k.base + ":meta" }
func (k keys) audit() string               { return k.base + ":audit" }
func (k keys) calls(month string) string   { return k.base + callsPart + month }
func (k keys) cms() string                 { return k.base + ":x:cms" }
func (k keys) listedUsers() string         { return k.base + ":l:u" }
func (k keys) listedGroups() string        { return k.base + ":l:g" }

// UserKey is the queue key of a user.
func UserKey(id string) string { return "user/" + id }

// GroupKey is the queue key of a group.
func GroupKey(id string) string { return "group/" + id }
