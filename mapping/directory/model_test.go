package directory

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// model is what the directory should hold after the operations of a property test, in a few maps.
type model struct {
	*rig
	rt     *rapid.T
	users  map[string]*modelUser
	groups map[string]*modelGroup
}

type modelUser struct {
	visible, managed bool
	w                UserWish
	linked           string // folded address of the link, as the record has it
}

type modelGroup struct {
	visible, managed bool
	name, ext        string
	members          map[string]bool
}

var (
	modelAddresses = []string{"ada@x.org", "Bob@x.org", "kim@x.org", "\u212Aim@x.org", ""}
	modelExternals = []string{"e1", "e2", "e3", ""}
	modelNames     = []string{"Editors", "authors", "Kings"}
)

func pick[T any](m *model, from []T, what string) T {
	return rapid.SampledFrom(from).Draw(m.rt, what)
}

// wish draws what an identity provider may wish.
func (m *model) wish() UserWish {
	a := pick(m, modelAddresses, "address")
	return UserWish{Doc: []byte(pick(m, []string{"{}", `{"x":1}`}, "doc")), UserName: "u" + pick(m, modelAddresses, "userName"), ExternalID: pick(m, modelExternals, "externalId"),
		DisplayName: pick(m, []string{"", "Ada", "ADA"}, "displayName"), Emails: []string{a, pick(m, modelAddresses, "e-mail")}, Address: a,
		Active: rapid.Bool().Draw(m.rt, "active")}
}

// some draws one of the users of a kind; "" when there is none.
func (m *model) some(what string, is func(*modelUser) bool) string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.users)) {
		if is(m.users[id]) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		m.rt.Skip()
	}
	return pick(m, ids, what)
}

func (m *model) visibleUser() string {
	return m.some("user", func(u *modelUser) bool { return u.visible })
}
func (m *model) tombstone() string {
	return m.some("tombstone", func(u *modelUser) bool { return !u.visible })
}

func (m *model) someGroup() string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		if m.groups[id].visible {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		m.rt.Skip()
	}
	return pick(m, ids, "group")
}

// way are the visible users that have what must be unique in a wish, by attribute.
type way map[string][]string

func (w way) has(attribute, id string) bool { return slices.Contains(w[attribute], id) }

// inTheWay are the users other than id who are in the way of a wish.
func (m *model) inTheWay(id string, w UserWish) way {
	out, fold := way{}, m.d.opts.Fold
	for other, u := range m.users {
		if other == id || !u.visible {
			continue
		}
		if fold(u.w.UserName) == fold(w.UserName) {
			out["userName"] = append(out["userName"], other)
		}
		if a := fold(w.Address); a != "" && (fold(u.w.Address) == a || u.linked == a) {
			out["emails"] = append(out["emails"], other)
		}
		if w.ExternalID != "" && u.w.ExternalID == w.ExternalID {
			out["externalId"] = append(out["externalId"], other)
		}
	}
	return out
}

// members draws ids to name in a change of membership, strangers among them.
func (m *model) members(what string) []string {
	pool := append(slices.Sorted(maps.Keys(m.users)), "nobody")
	return rapid.SliceOfN(rapid.SampledFrom(pool), 0, 6).Draw(m.rt, what)
}

// join is what naming ids as members comes to.
func (m *model) join(g *modelGroup, ids []string) {
	for _, id := range ids {
		if u := m.users[id]; u != nil && u.visible {
			g.members[id] = true
			u.managed = true
		}
	}
}

// refresh takes over what the model does not foretell: links, and what imports made or forgot. Nobody whom the identity
// provider has written may come or go.
func (m *model) refresh() {
	for name, v := range m.dump() {
		id, ok := strings.CutPrefix(name, ":u:")
		if !ok {
			continue
		}
		u := m.users[id]
		if u == nil {
			if v["managed"] != "0" {
				m.Fatalf("%s appeared: %v", id, v)
			}
			u = &modelUser{visible: true}
			m.users[id] = u
		}
		u.linked = v["caddrf"]
		if v["managed"] == "0" {
			u.w = UserWish{Doc: []byte(v["doc"]), UserName: v["un"], Address: v["addr"], DisplayName: v["dnf"],
				Emails: strings.Split(v["mailsf"], "\n"), Active: v["active"] == "1"}
		}
	}
	for id, u := range m.users {
		if u.managed || !u.visible {
			continue
		}
		if _, err := m.d.UserRecord(m.ctx, id); wants(err, ErrNotFound) {
			delete(m.users, id)
		}
	}
	m.refreshGroups()
}

func (m *model) refreshGroups() {
	for _, g := range must(m.d.ListGroups(m.ctx, Window{1, 100}, 0))(m.rig).Items {
		switch known := m.groups[g.ID]; {
		case known == nil && !g.Managed && g.Imported:
			m.groups[g.ID] = &modelGroup{visible: true, name: g.Name, members: map[string]bool{}}
		case known == nil:
			m.Fatalf("group %s appeared: %+v", g.ID, g)
		case !known.managed:
			known.name = g.Name
		}
	}
	for id, g := range m.groups {
		if _, err := m.d.Group(m.ctx, id, 0); g.visible && !g.managed && wants(err, ErrNotFound) {
			delete(m.groups, id)
		}
	}
}

// agree compares everything that can be read with the model.
func (m *model) agree() {
	m.refresh()
	for id, u := range m.users {
		m.agreeOn(id, u)
	}
	for id, g := range m.groups {
		got, err := m.d.Group(m.ctx, id, -1)
		if !g.visible {
			if !wants(err, ErrNotFound) {
				m.Errorf("deleted group %s: %+v, %v", id, got, err)
			}
			continue
		}
		m.ok(err)
		if g.managed {
			m.equal("members of "+g.name, ids(got), slices.Sorted(maps.Keys(g.members)))
		}
		if got.Name != g.name || got.External != g.ext || got.Managed != g.managed {
			m.Errorf("group %+v, want %+v", got, g)
		}
	}
	m.consistent()
	m.ours()
}

func (m *model) agreeOn(id string, u *modelUser) {
	got := m.user(id)
	if !u.visible {
		if got.State != Deleted || len(got.Groups) > 0 {
			m.Errorf("tombstone %+v", got)
		}
		return
	}
	if got.State != Live || got.UserName != u.w.UserName || got.External != u.w.ExternalID || got.Address != u.w.Address ||
		got.Active != u.w.Active || got.Managed != u.managed || !bytes.Equal(got.Doc, u.w.Doc) {
		m.Errorf("user %+v, want %+v", got, u)
	}
	var groups []string
	for gid, g := range m.groups {
		if g.visible && g.members[id] {
			groups = append(groups, gid)
		}
	}
	var shown []string
	for _, g := range got.Groups {
		shown = append(shown, g.ID)
	}
	m.equal("groups of "+u.w.UserName, sorted(shown...), sorted(groups...))
	m.equal("found by userName", m.find(ByUserName, u.w.UserName), []string{id})
	for _, mail := range u.w.Emails {
		if mail != "" && !slices.Contains(m.find(ByEmail, mail), id) {
			m.Errorf("%s is not found by %s", id, mail)
		}
	}
}
