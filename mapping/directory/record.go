package directory

import (
	"strings"

	"github.com/scimcms/scimcms/queue"
)

// fields reads a record as scripts return it: the values follow in the order of the Lua library's field lists.
type fields struct {
	list []any
	next int
}

func (f *fields) any() any     { f.next++; return at(f.list, f.next-1) }
func (f *fields) text() string { return str(f.any()) }
func (f *fields) int() int64   { return num(f.any()) }
func (f *fields) is() bool     { return f.text() == "1" }

// userRecord decodes d_user of lua/records.lua.
func userRecord(l []any) User {
	f := &fields{list: l}
	u := User{ID: f.text(), State: State(f.text()), Managed: f.is(), Adopted: f.is()}
	u.Doc = []byte(f.text())
	u.UserName, u.External, u.Address, u.Active = f.text(), f.text(), f.text(), f.is()
	u.Seq, u.Gen, u.DeactivatedGen = f.int(), f.int(), f.int()
	u.Created, u.Modified, u.Writes = moment(f.any()), moment(f.any()), f.int()
	u.Link = Link{Kind: LinkKind(f.text()), ID: f.text(), Address: f.text(), RoleID: f.text(), Active: f.is(), Expired: f.is(), Name: f.text()}
	u.Old = Link{Kind: LinkKind(f.text()), ID: f.text(), Address: f.text(), RoleID: f.text(), Active: f.is()}
	u.Applied = Applied{Known: f.is(), Kind: LinkKind(f.text()), Address: f.text(), RoleID: f.text(), Active: f.is(), Writes: f.int(), Profile: f.text()}
	u.Kept = f.is()
	u.InvitedSeq, u.Resends, u.Asked = f.int(), f.int(), lines(f.text())
	u.Sync, u.Groups = syncRecord(f, u.State), groupRefs(f)
	return u
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// userView decodes what listings show of a user.
func userView(l []any) User {
	f := &fields{list: l}
	u := shownUser(f.text(), f)
	u.Sync, u.Groups = queued(f, u.State, u.Sync), groupRefs(f)
	return u
}

// shownUser decodes d_vfields of lua/records.lua.
func shownUser(id string, f *fields) User {
	u := User{ID: id, State: State(f.text()), Managed: f.is()}
	u.Doc = []byte(f.text())
	u.UserName, u.External, u.Active = f.text(), f.text(), f.is()
	u.Seq, u.Gen, u.Created, u.Modified = f.int(), f.int(), moment(f.any()), moment(f.any())
	u.Link = Link{Kind: LinkKind(f.text()), ID: f.text(), RoleID: f.text()}
	u.Sync = written(f)
	return u
}

func groupRefs(f *fields) []GroupRef {
	var out []GroupRef
	groups := list(f.any())
	for i := 0; i+5 < len(groups); i += 6 {
		out = append(out, groupRef(groups[i:i+6]))
	}
	return out
}

func groupRef(l []any) GroupRef {
	g := GroupRef{ID: str(l[0]), Name: str(l[1]), Seq: num(l[2]), RoleID: str(l[3]), Imported: str(l[4]) == "1"}
	switch str(l[5]) {
	case "queued", "leased":
		g.Status = "pending"
	case "parked":
		g.Status = "failed"
	}
	return g
}

// groupRecord decodes d_group of lua/records.lua.
func groupRecord(l []any) Group {
	f := &fields{list: l}
	g := Group{ID: f.text(), State: State(f.text()), Managed: f.is(), Imported: f.is(), Name: f.text(), External: f.text()}
	g.Doc = []byte(f.text())
	g.Seq, g.Gen, g.MembGen = f.int(), f.int(), f.int()
	g.Created, g.Modified = moment(f.any()), moment(f.any())
	g.RoleID, g.RoleName, g.Owned, g.DropRole = f.text(), f.text(), f.is(), f.text()
	g.Sync = syncRecord(f, g.State)
	g.Size, g.FanOut = f.int(), f.is()
	if members := list(f.any()); len(members) > 0 {
		g.Members = make([]Member, 0, len(members)/2)
		for i := 0; i+1 < len(members); i += 2 {
			g.Members = append(g.Members, Member{ID: str(members[i]), Display: str(members[i+1])})
		}
	}
	return g
}

// syncRecord decodes status, code, text, time of the last sync, then the queue's state, code, text and ticket.
func syncRecord(f *fields, state State) Sync { return queued(f, state, written(f)) }

func written(f *fields) Sync {
	return Sync{State: SyncState(f.text()), Code: f.text(), Text: f.text(), LastSynced: moment(f.any())}.under("", "", "", 0)
}

// queued is what the record says under what the queue says of it. Of a refused creation nothing is wished: it stays failed
// while the queue still owes the CMS a look for it.
func queued(f *fields, state State, s Sync) Sync {
	out := s.under(queue.State(f.text()), f.text(), f.text(), f.int())
	if state == Rejected {
		out.State, out.Code, out.Text = s.State, s.Code, s.Text
	}
	return out
}

// under is the state of a record with what the queue says of it: what is queued decides over what was last written.
func (s Sync) under(state queue.State, code, text string, ticket int64) Sync {
	switch state {
	case queue.Queued, queue.Leased:
		s.State, s.Code, s.Text, s.Ticket, s.Leased = Pending, code, text, ticket, state == queue.Leased
	case queue.Parked:
		s.State, s.Code, s.Text, s.Ticket, s.Parked = Failed, code, text, ticket, true
	case "held":
		s.State, s.Code, s.Text, s.Ticket = Held, code, text, ticket
	}
	if s.State == "" {
		s.State = Synced
	}
	return s
}
