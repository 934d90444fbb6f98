package directory

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

func (m *model) groupInTheWay(id, name, ext string) bool {
	for other, g := range m.groups {
		if other != id && g.visible && (m.d.opts.Fold(g.name) == m.d.opts.Fold(name) || (ext != "" && g.ext == ext)) {
			return true
		}
	}
	return false
}

func (m *model) doGroup() {
	w := GroupWish{Name: pick(m, modelNames, "name"), ExternalID: pick(m, modelExternals, "externalId")}
	members := m.members("members")
	c, err := m.d.CreateGroup(m.ctx, w, members, -1, "")
	if _, ok := as[*ConflictError](err); ok != m.groupInTheWay("", w.Name, w.ExternalID) {
		m.Fatalf("%v", err)
	} else if ok {
		return
	}
	m.ok(err)
	g := &modelGroup{visible: true, managed: true, name: w.Name, ext: w.ExternalID, members: map[string]bool{}}
	m.groups[c.Item.ID] = g
	m.join(g, members)
}

func (m *model) doRename() {
	id := m.someGroup()
	w := GroupWish{Name: pick(m, modelNames, "name"), ExternalID: pick(m, modelExternals, "externalId")}
	add, remove := m.members("add"), m.members("remove")
	_, err := m.d.WriteGroup(m.ctx, m.group(id), GroupChange{Wish: w, Members: MemberChange{Add: add, Remove: remove}}, "")
	if _, ok := as[*ConflictError](err); ok != m.groupInTheWay(id, w.Name, w.ExternalID) {
		m.Fatalf("%v", err)
	} else if ok {
		return
	}
	m.ok(err)
	g := m.groups[id]
	g.managed, g.name, g.ext = true, w.Name, w.ExternalID
	m.delta(g, add, remove)
}

func (m *model) delta(g *modelGroup, add, remove []string) {
	for _, id := range remove {
		delete(g.members, id)
	}
	m.join(g, add)
}

func (m *model) doMembers() {
	id, change := m.someGroup(), MemberChange{Replace: rapid.Bool().Draw(m.rt, "replace"), Add: m.members("add"), Remove: m.members("remove")}
	must(m.d.ChangeMembers(m.ctx, id, change, -1, ""))(m.rig)
	g := m.groups[id]
	g.managed = true
	if change.Replace {
		g.members, change.Remove = map[string]bool{}, nil
	}
	m.delta(g, change.Add, change.Remove)
}

// doSwap takes a list the long way, with or without somebody who is deleted between staging and swap, or with a writer
// that dies after staging.
func (m *model) doSwap() {
	id, list := m.someGroup(), slices.Compact(sorted(m.members("list")...))
	g, before := m.groups[id], m.group(id)
	s := must(m.d.stage(m.ctx, id, list))(m.rig)
	switch rapid.IntRange(0, 3).Draw(m.rt, "meanwhile") {
	case 0:
		return
	case 1:
		m.doDelete()
	}
	switch result := m.swap(before, s); result {
	case "ok":
		g.managed, g.members = true, map[string]bool{}
		m.join(g, list)
	case "stale", "fanout":
	default:
		m.Fatalf("%s", result)
	}
}

func (m *model) doRole() {
	id := m.someGroup()
	if m.groups[id].managed {
		_, err := m.settleGroup(id, GroupResult{Role: &Role{ID: pick(m, []string{"r1", "r2", "r3"}, "role"), Name: m.groups[id].name, Owned: rapid.Bool().Draw(m.rt, "owned")},
			TellMembers: rapid.Bool().Draw(m.rt, "tell")})
		if _, ok := as[*TakenError](err); !ok {
			m.ok(err)
		}
		m.giveBack(GroupKey(id))
	}
}

func (m *model) doDeleteGroup() {
	id := m.someGroup()
	must(m.d.DeleteGroup(m.ctx, id, nil, ""))(m.rig)
	g := m.groups[id]
	g.visible, g.managed, g.members = false, true, map[string]bool{}
}

// doFanOut works all fan-outs off, or one batch of one.
func (m *model) doFanOut() {
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		if m.groups[id].managed && rapid.Bool().Draw(m.rt, "this one") {
			m.syncGroup(id)
		}
	}
}

func (m *model) doRoles() {
	all := []RoleEntry{{ID: "r1", Name: "Editors"}, {ID: "r2", Name: "Publisher"}, {ID: "r3", Name: "KINGS"}, {ID: "r2", Name: "Kings"}}
	from := rapid.IntRange(0, len(all)).Draw(m.rt, "from")
	m.picture(all[from:]...)
}

// giveBack ends a lease that a test took and forgot.
func (m *model) giveBack(key string) {
	if token := m.hash(":k:" + key)["token"]; token != "" {
		m.ok(m.q.Release(m.ctx, m.q.Adopt(key, token, nil)))
	}
}
