package modeltest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory/directorytest"
)

// end is everything as it is when a run has come to rest.
type end struct {
	*world
	dump   map[string]directorytest.Value
	users  map[string]directorytest.Value
	groups map[string]directorytest.Value
	roles  map[string]string // name by id
	held   map[string]bool   // roles that somebody holds
	joined map[string]cmstest.Resource
	asked  map[string]cmstest.Resource
}

func (w *world) look() *end {
	dump, err := directorytest.Dump(context.Background(), w.side, w.base)
	w.must(err)
	e := &end{world: w, dump: dump, users: map[string]directorytest.Value{}, groups: map[string]directorytest.Value{},
		roles: map[string]string{}, held: map[string]bool{}, joined: map[string]cmstest.Resource{}, asked: map[string]cmstest.Resource{}}
	for name, v := range dump {
		if id, ok := strings.CutPrefix(name, ":u:"); ok {
			e.users[id] = v
		}
		if id, ok := strings.CutPrefix(name, ":g:"); ok {
			e.groups[id] = v
		}
	}
	s := w.cms.State()
	for _, r := range s.Roles {
		e.roles[r.ID] = r.Text("name")
	}
	for _, u := range s.Users {
		e.joined[u.ID], e.held[u.RoleID()] = u, true
	}
	for _, i := range s.Invitations {
		e.asked[i.ID], e.held[i.RoleID()] = i, true
	}
	return e
}

// check compares what is there at the end with what was wished.
func (w *world) check() {
	e := w.look()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range directorytest.Problems(e.dump) {
		w.violation("record: %s", p)
	}
	e.checkQueue()
	for _, id := range slices.Sorted(maps.Keys(e.users)) {
		e.checkWish(id, e.users[id])
	}
	for _, ev := range w.history {
		if ev.outcome == accepted && ev.user != "" && e.users[ev.user] == nil && !ev.deletes && !e.deleted(ev) {
			w.violation("accepted means kept: operation %d was accepted, but record %s is not there", ev.n, ev.user)
		}
		if ev.outcome == accepted && ev.group != "" && e.groups[ev.group] == nil && !ev.deletes && !e.deleted(ev) {
			w.violation("accepted means kept: operation %d was accepted, but group %s is not there", ev.n, ev.group)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.groups)) {
		e.checkGroup(id, e.groups[id])
	}
	claimed := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(e.users)) {
		e.checkPerson(id, e.users[id], claimed)
	}
	e.checkLeftovers(claimed)
	e.checkStrangers()
}

// deleted says that the user or group of an event may have been deleted since: of a deleted one nothing stays when the CMS has
// nothing of it any more.
func (e *end) deleted(ev *event) bool {
	return slices.ContainsFunc(e.history, func(f *event) bool {
		return f.group == ev.group && f.user == ev.user && f.deletes && f.outcome != noEffect && (f.end == 0 || f.end > ev.start)
	})
}

// checkQueue: a key is queued with a record, and what is agreed leaves nothing behind.
func (e *end) checkQueue() {
	lanes := map[string]int{}
	for _, set := range []string{"leavers", "interactive", "normal", "background", "leased", "parked", "held"} {
		for key := range e.dump[":q:"+set] {
			lanes[key]++
			if e.dump[":k:"+key] == nil {
				e.violation("queue: %s is in %s without a record", key, set)
			}
		}
	}
	for name := range e.dump {
		if key, ok := strings.CutPrefix(name, ":k:"); ok && lanes[key] != 1 {
			e.violation("queue: %s is in %d sets: %v", key, lanes[key], e.dump[name])
		}
	}
	for ident, owner := range e.dump[":q:idents"] {
		e.violation("queue: identity %s is still leased to %s", ident, owner)
	}
	for key := range e.dump[":q:held"] {
		e.violation("nothing vanishes: %s is held although it was released", key)
	}
	for key := range e.dump[":q:since"] {
		if e.dump[":k:"+key] == nil {
			e.violation("queue: %s counts as waiting, but is not queued", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e.dump[":q:parked"])) {
		k := e.dump[":k:"+key]
		if !e.mayBeParked(key, k["code"]) {
			e.violation("nothing vanishes: %s is parked for ever: %s (%s)", key, k["code"], k["text"])
		}
	}
}

// mayBeParked says that something which people did in the CMS stands in the way of a wish.
func (e *end) mayBeParked(key, code string) bool {
	switch code {
	case "role_missing", "name_taken", "privileged_role":
		return e.byHand
	case "invitation_gone", "address_taken", "joined_elsewhere":
		_, id, _ := strings.Cut(key, "/")
		return e.tainted(e.users[id])
	}
	return false
}

// rightlyParked says that a user is kept aside because of what people did in the CMS.
func (e *end) rightlyParked(id, code string) bool {
	return e.dump[":q:parked"]["user/"+id] != "" && e.mayBeParked("user/"+id, code)
}

// checkWish: what is recorded is what was wished last.
func (e *end) checkWish(id string, u directorytest.Value) {
	if u["managed"] != "1" {
		return
	}
	same := writes(id)
	if u["state"] == "deleted" {
		for _, ev := range e.history {
			if ev.deletes && same(ev) && e.history.stands(ev, same) {
				return
			}
		}
		e.violation("newest wins: record %s (%s) is deleted, but something was wished of it afterwards", id, u["un"])
		return
	}
	n, title := nonce(u["doc"])
	if n < 0 {
		for _, ev := range e.history {
			if same(ev) && ev.outcome == accepted {
				e.violation("accepted means kept: operation %d is not in record %s", ev.n, id)
			}
		}
		return // found in the CMS, and managed through a group
	}
	ev := e.history.byNonce(n)
	switch {
	case ev == nil || ev.wish == nil:
		e.violation("record %s has the wish of operation %d, which made none", id, n)
	case ev.user != "" && ev.user != id:
		e.violation("record %s has the wish of operation %d for %s", id, n, ev.user)
	case !e.history.stands(ev, same):
		e.violation("newest wins: record %s has the wish of operation %d, but another one was accepted after that", id, n)
	case u["state"] == "rejected" && ev.outcome == accepted:
		e.violation("accepted means kept: operation %d was accepted, but its record is a rejected one", n)
	case e.dropped["user/"+id]:
	case u["state"] == "live" && ((u["active"] == "1") != ev.wish.Active && (u["active"] == "1" || !e.history.off(id)) || u["addr"] != ev.wish.Address || u["un"] != ev.wish.UserName):
		e.violation("record %s is not as operation %d wished it (title %q): %v", id, n, title, u)
	}
}

func (e *end) checkGroup(id string, g directorytest.Value) {
	if g["managed"] != "1" {
		return
	}
	same := names(id)
	stands := func(is func(*event) bool) bool {
		return slices.ContainsFunc(e.history, func(ev *event) bool { return same(ev) && is(ev) && e.history.stands(ev, same) })
	}
	named := slices.ContainsFunc(e.history, func(ev *event) bool { return same(ev) && ev.outcome == accepted })
	switch {
	case g["state"] == "deleted" && !stands(func(ev *event) bool { return ev.deletes }) && named:
		e.violation("newest wins: group %s (%s) is deleted, but something was wished of it afterwards", id, g["name"])
	case g["state"] == "live" && named && !stands(func(ev *event) bool { return ev.name == g["name"] }):
		e.violation("newest wins: group %s is called %s", id, g["name"])
	}
	if g["state"] != "live" {
		return
	}
	for user, u := range e.users {
		if u["state"] == "live" {
			e.checkMembership(id, user, e.dump[":gm:"+id][user] != "")
		}
	}
	if g["imported"] == "1" || g["name"] == "Chiefs" || e.byHand || e.dropped["group/"+id] {
		return
	}
	if role := e.roles[g["roleid"]]; role != g["name"] {
		e.violation("group %s (%s) has role %q: %v", id, g["name"], role, g)
	}
}

func (e *end) checkMembership(group, user string, in bool) {
	same := membership(group, user)
	was := false
	for _, ev := range e.history {
		if !same(ev) || ev.outcome == noEffect {
			continue
		}
		was = was || ev.outcome == accepted
		if joins := ev.joins[user] && ev.group == group; joins == in && e.history.stands(ev, same) {
			return
		}
	}
	if was || in {
		e.violation("newest wins: member %s of group %s: %t", user, group, in)
	}
}

// changed says that somebody has set a user's role or activity by hand: that need not be as wished, but then it is reported.
func (e *end) changed(u directorytest.Value) bool {
	return e.edited[strings.ToLower(u["caddr"])] || e.edited[strings.ToLower(u["addr"])]
}

// reported says that the last review found that something of a user differs from what is wished.
func (e *end) reported(kind mapping.DriftKind, id string) bool {
	return e.dump[":drift"][string(kind)+"|user/"+id] != ""
}

// tainted says that somebody changed what the CMS has of a user by hand: then it need not be as wished.
func (e *end) tainted(u directorytest.Value) bool {
	for _, f := range []string{"addr", "caddr", "oaddr", "aaddr"} {
		if u[f] != "" && e.touched[strings.ToLower(u[f])] {
			return true
		}
	}
	for _, ev := range e.history { // an account that is gone may have had an earlier address
		if ev.wish != nil && ev.user != "" && e.users[ev.user]["un"] == u["un"] && e.touched[strings.ToLower(ev.wish.Address)] {
			return true
		}
	}
	return false
}

// checkPerson: the CMS has what is wished of a user, and only that.
func (e *end) checkPerson(id string, u directorytest.Value, claimed map[string]string) {
	for _, entity := range []string{u["ckind"] + u["cid"], u["okind"] + u["ocid"]} {
		if entity == "" {
			continue
		}
		if other := claimed[entity]; other != "" && other != id {
			e.violation("links are unique: %s belongs to %s and to %s", entity, other, id)
		}
		claimed[entity] = id
	}
	who := fmt.Sprintf("%s %s (address %s, link %s %s)", u["un"], id, u["addr"], u["ckind"], u["cid"])
	switch {
	case u["managed"] != "1" || e.dropped["user/"+id] || strings.EqualFold(u["addr"], protected):
	case u["state"] == "live" && u["active"] == "1":
		e.checkIn(id, who, u)
	default:
		e.checkOut(who, u)
	}
}

func (e *end) checkIn(id, who string, u directorytest.Value) {
	tainted := e.tainted(u)
	var entity cmstest.Resource
	var there bool
	switch u["ckind"] {
	case "invitation":
		entity, there = e.asked[u["cid"]]
	case "collaborator":
		entity, there = e.joined[u["cid"]]
	}
	if !there {
		if !tainted && !e.rightlyParked(id, u["code"]) {
			e.violation("%s is wished, and the CMS has nothing; status %s %s", who, u["status"], u["code"])
		}
		return
	}
	if tainted {
		return
	}
	address := entity.Text("email")
	switch {
	case !strings.EqualFold(address, u["addr"]) && (u["ckind"] == "invitation" || e.setup.Reinvite):
		e.violation("%s has another address in the CMS: %s", who, address)
	case u["ckind"] == "collaborator" && entity.Attributes["is_active"] != true && (!e.changed(u) || !e.reported(mapping.DriftInactive, id)):
		e.violation("%s is wished active, and is inactive in the CMS", who)
	case u["ckind"] == "invitation" && entity.Attributes["expired"] == true:
		e.violation("%s has an expired invitation", who)
	}
	byHand := e.changed(u) && e.reported(mapping.DriftRole, id) && (!e.setup.Repair || e.roles[entity.RoleID()] == "")
	if want, known := e.role(who, u); known && e.roles[entity.RoleID()] != want && !byHand {
		e.violation("%s has role %q, not %q", who, e.roles[entity.RoleID()], want)
	}
}

// role is the name of the role that a user is to have: the first rule that matches, then the oldest group's, then the default.
func (e *end) role(_ string, u directorytest.Value) (name string, known bool) {
	if u["adopted"] == "1" || e.byHand {
		return "", false
	}
	_, title := nonce(u["doc"])
	type group struct {
		seq  string
		name string
	}
	var own []group
	for gid, g := range e.groups {
		for uid, v := range e.users {
			if v["un"] == u["un"] && v["state"] == "live" && e.dump[":gm:"+gid][uid] != "" {
				if g["name"] == "Chiefs" {
					return "Chief", true
				}
				if e.dropped["group/"+gid] {
					return "", false
				}
				role := g["name"]
				if g["imported"] == "1" {
					role = e.roles[g["roleid"]] // whatever the group is called by now
				}
				own = append(own, group{fmt.Sprintf("%20s", g["seq"]), role})
			}
		}
	}
	if title == "boss" {
		return "Author", true
	}
	if len(own) == 0 {
		return "Viewer", true
	}
	slices.SortFunc(own, func(a, b group) int { return strings.Compare(a.seq, b.seq) })
	return own[0].name, true
}

func (e *end) checkOut(who string, u directorytest.Value) {
	for _, at := range [][2]string{{u["ckind"], u["cid"]}, {u["okind"], u["ocid"]}} {
		if i, there := e.asked[at[1]]; there && at[0] == "invitation" && i.Attributes["expired"] != true {
			e.violation("leavers: %s is still invited", who)
		}
		if c, there := e.joined[at[1]]; there && at[0] == "collaborator" && c.Attributes["is_active"] == true {
			e.violation("leavers: %s is still in", who)
		}
	}
}

// checkLeftovers: whoever can get in, or is invited, is known to the record.
func (e *end) checkLeftovers(claimed map[string]string) {
	for _, id := range slices.Sorted(maps.Keys(e.asked)) {
		if claimed["invitation"+id] == "" {
			e.violation("leavers: the invitation of %s belongs to nobody", e.asked[id].Text("email"))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.joined)) {
		if claimed["collaborator"+id] == "" && e.joined[id].Attributes["is_active"] == true {
			e.violation("leavers: collaborator %s (%s) belongs to nobody", id, e.joined[id].Text("email"))
		}
	}
	e.checkUnmanaged(claimed)
	if e.byHand || len(e.dropped) > 0 {
		return
	}
	owned := map[string]bool{}
	for _, g := range e.groups {
		if g["state"] == "live" {
			owned[g["roleid"]] = true
		}
	}
	for id, name := range e.roles {
		if !builtIn(name) && !owned[id] && !e.held[id] {
			e.violation("role %s was left behind, and nobody has it", name)
		}
	}
}

// checkUnmanaged: whatever the engine has made belongs to somebody of whom something is wished, or was.
func (e *end) checkUnmanaged(claimed map[string]string) {
	nobodys := func(kind string, r cmstest.Resource) bool {
		owner := claimed[kind+r.ID]
		return owner != "" && !e.initial[r.ID] && e.users[owner]["managed"] != "1" && !e.dropped["user/"+owner] &&
			!e.touched[strings.ToLower(r.Text("email"))]
	}
	for _, id := range slices.Sorted(maps.Keys(e.asked)) {
		if nobodys("invitation", e.asked[id]) {
			e.violation("leavers: the invitation of %s is nobody's any more", e.asked[id].Text("email"))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.joined)) {
		if nobodys("collaborator", e.joined[id]) && e.joined[id].Attributes["is_active"] == true {
			e.violation("leavers: collaborator %s (%s) is in, and nobody's any more", id, e.joined[id].Text("email"))
		}
	}
}

// checkStrangers: who is nobody's business is as at the begin.
func (e *end) checkStrangers() {
	for _, u := range e.joined {
		switch a := u.Text("email"); {
		case a != stranger && a != protected:
		case u.Attributes["is_active"] != true || e.roles[u.RoleID()] != "Editor":
			e.violation("hands off: %s is changed: %v", a, u.Attributes)
		}
	}
}
