package directory

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// modelRuns is how many of a hundred runs a store gets: the embedded one compiles a script at every call.
var modelRuns = map[string]int64{queuetest.Embedded: 10, queuetest.Redis: 40, queuetest.Cluster: 10}

func TestDirectory_AgreesWithAModelAfterAnyOperations(t *testing.T) {
	t.Parallel()
	queuetest.Everywhere(t, func(t *testing.T, store queuetest.Store) {
		var runs atomic.Int64
		base := store.Base
		rapid.Check(t, func(rt *rapid.T) {
			n := runs.Add(1)
			if n > modelRuns[store.Name] && !rt.Failed() {
				return
			}
			own := store
			own.Base = fmt.Sprintf("%s%d}", base[:len(base)-1], n)
			m := &model{rig: newRig(t.Context(), rt, own), rt: rt, users: map[string]*modelUser{}, groups: map[string]*modelGroup{}}
			defer m.wipe()
			rt.Repeat(map[string]func(*rapid.T){
				"":       m.as(m.agree),
				"create": m.as(m.doCreate), "create more": m.as(m.doCreate), "write": m.as(m.doWrite), "revive": m.as(m.doRevive),
				"touch": m.as(m.doTouch), "delete": m.as(m.doDelete),
				"link": m.as(m.doLink), "unlink": m.as(m.doUnlink), "rest": m.as(m.doRest), "people": m.as(m.doPeople), "lack": m.as(m.doLack),
				"group": m.as(m.doGroup), "rename": m.as(m.doRename), "members": m.as(m.doMembers), "swap": m.as(m.doSwap),
				"give role": m.as(m.doRole), "delete group": m.as(m.doDeleteGroup), "fan-out": m.as(m.doFanOut), "roles": m.as(m.doRoles),
			})
		})
	})
}

// as makes an action of a method: rapid gives each step a T of its own.
func (m *model) as(do func()) func(*rapid.T) {
	return func(rt *rapid.T) {
		m.rt, m.tb = rt, rt
		do()
	}
}

func (m *model) doCreate() {
	w := m.wish()
	before := m.entities()
	c, err := m.d.CreateUser(m.ctx, w, "")
	way := m.inTheWay("", w)
	if e, ok := as[*ExistsError](err); ok {
		if u := m.users[e.ID]; u == nil || (u.visible && !way.has(e.Attribute, e.ID)) || (!u.visible && (e.Attribute != "externalId" || u.w.ExternalID != w.ExternalID)) {
			m.Errorf("refused for %+v, in the way are %v", e, way)
		}
		return
	}
	if e, ok := as[*ConflictError](err); ok {
		if len(way) < 2 || e.ID == e.Other {
			m.Errorf("two records %+v, in the way are %v", e, way)
		}
		return
	}
	m.ok(err)
	if len(way) > 0 || m.users[c.Item.ID] != nil {
		m.Errorf("accepted %+v, though in the way are %v", c.Item, way)
	}
	m.users[c.Item.ID] = &modelUser{visible: true, managed: true, w: w}
	m.queued(c.Item.ID)
	m.equal("linked entities", m.entities(), before)
}

// entities are the CMS entities that the record knows: a commit loses none.
func (m *model) entities() []string {
	return slices.Sorted(maps.Keys(m.hash(":x:cms")))
}

func (m *model) queued(id string) {
	if e := m.entry(UserKey(id)); e.State == "idle" || e.State == "parked" {
		m.Errorf("an accepted wish is not queued: %+v", e)
	}
}

func (m *model) writeOf(id string) {
	w, before := m.wish(), m.entities()
	_, err := m.d.WriteUser(m.ctx, m.user(id), w, "", "user.write")
	way := m.inTheWay(id, w)
	if e, ok := as[*ConflictError](err); ok {
		if !way.has(e.Attribute, e.ID) {
			m.Errorf("refused for %+v, in the way are %v", e, way)
		}
		return
	}
	m.ok(err)
	if len(way) > 0 {
		m.Errorf("accepted, though in the way are %v", way)
	}
	u := m.users[id]
	u.visible, u.managed, u.w = true, true, w
	m.queued(id)
	m.equal("linked entities", m.entities(), before)
}

func (m *model) doWrite()  { m.writeOf(m.visibleUser()) }
func (m *model) doRevive() { m.writeOf(m.tombstone()) }

func (m *model) doTouch() {
	id := m.visibleUser()
	must(m.d.TouchUser(m.ctx, m.user(id), rapid.Bool().Draw(m.rt, "enqueue"), ""))(m.rig)
	m.users[id].managed = true
}

func (m *model) doDelete() {
	id := m.visibleUser()
	before := m.entities()
	m.deleteUser(id)
	u := m.users[id]
	u.visible, u.managed = false, true
	for _, g := range m.groups {
		delete(g.members, id)
	}
	m.queued(id)
	m.equal("linked entities", m.entities(), before)
}

// person is an entity of the CMS, where an address is one person's.
func (m *model) person() Link {
	a := pick(m, modelAddresses[:4], "address")
	l := collaborator("of-"+m.d.opts.Fold(a), a)
	if rapid.Bool().Draw(m.rt, "invited") {
		l.Kind = Invitation
	}
	l.RoleID, l.Active = pick(m, []string{"r1", "r2"}, "role"), rapid.Bool().Draw(m.rt, "active")
	return l
}

func (m *model) doLink() {
	id, l := m.some("user", func(u *modelUser) bool { return u.managed || u.visible }), m.person()
	a := m.d.opts.Fold(l.Address)
	_, err := m.settle(id, UserResult{Link: &l, Intent: ClearIntent})
	m.giveBack(UserKey(id))
	for other, u := range m.users {
		if other != id && u.visible && u.managed && (u.linked == a || m.d.opts.Fold(u.w.Address) == a) && m.users[id].linked != a && !m.leaversOwn(id, u, a) {
			if e, ok := as[*TakenError](err); !ok {
				m.Errorf("%s has %s, but %s was linked: %+v, %v", other, a, id, e, err)
			}
			return
		}
	}
	if _, ok := as[*TakenError](err); !ok {
		m.ok(err)
	}
}

// leaversOwn says that a leaver may be linked at an address that is another's by now: who has it keeps an account of their own
// under another address.
func (m *model) leaversOwn(id string, other *modelUser, address string) bool {
	return !m.users[id].visible && other.linked != "" && other.linked != address
}

func (m *model) doUnlink() {
	none, id := Link{}, m.visibleUser()
	_, err := m.settle(id, UserResult{Link: &none, Intent: ClearIntent, End: done})
	m.ok(err)
}

func (m *model) doRest() { m.rest(m.some("user", func(*modelUser) bool { return true })) }

func (m *model) doPeople() {
	l := m.person()
	picture := must(m.d.BeginPicture(m.ctx))(m.rig)
	for _, f := range m.shownBy(picture, l) {
		if f.What != "repair" {
			w := UserWish{Doc: []byte(`{}`), UserName: l.Address, Emails: []string{l.Address}, Address: l.Address, Active: l.Active}
			must(m.d.ImportNewUser(m.ctx, picture, f.ID, Entity{l}, w))(m.rig)
		}
	}
}

func (m *model) doLack() {
	id := m.some("user", func(u *modelUser) bool { return u.linked != "" })
	m.missing(Missing{Entity: EntityKey(m.user(id).Link), ID: id})
}
