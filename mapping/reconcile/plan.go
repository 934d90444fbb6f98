package reconcile

import (
	"context"
	"errors"
	"strings"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// PlanItem is a key for which a sync would call the CMS, or that cannot be synced. Name and Calls name people, and are for
// operators only.
type PlanItem struct {
	Key    string
	Name   string   // the address, userName or displayName
	Calls  []string // in words
	Kinds  []mapping.CallKind
	Takes  []directory.Taking // what the calls take from the person: the brake judges them
	Status directory.SyncState
	Code   string // why the key is parked, held, or will not agree by these calls alone
	Reason string
}

// PlanBrake is what the brake would make of a plan.
type PlanBrake struct {
	directory.BrakeCount
	Planned int // people from whom the plan takes something and who are not counted yet
	Held    int // so many of them would be held
}

// PlanSummary is a plan in numbers.
type PlanSummary struct {
	DryRun       bool // nothing of it is sent at present
	RulesInForce bool // the plan is made by the rules that are in force; else by others
	RolesKnown   bool // the roles of the CMS have been read once; without them nobody's role can be decided
	People       int  // managed people looked at
	Groups       int  // managed groups looked at
	Keys         int  // keys with calls
	Calls        map[mapping.CallKind]int
	Brake        []PlanBrake      // none: it never holds
	Waiting      map[string]int   // people whose role cannot be given, by code: they are not invited, or keep their role
	Parked       map[string]int64 // parked keys by code: nothing is called for them until somebody replays them
	Held         int64            // keys that the brake holds already
	Stopped      string           // why the CMS takes no invitations, "" when it does
}

// Total is how many calls the plan has.
func (s PlanSummary) Total() (n int64) {
	for _, k := range s.Calls {
		n += int64(k)
	}
	return n
}

// Plan says what would be called if every key were synced now by this engine's rules, as far as the record tells: it calls
// nothing and writes nothing. fn is given key by key what there is to tell; nil wants the numbers only. Groups come first, and
// people are planned as if their groups had the roles that are planned for them. What it needs of memory is one page of people
// and the groups.
func (e *Engine) Plan(ctx context.Context, fn func(PlanItem) error) (PlanSummary, error) {
	p := planning{engine: e, set: e.set(), fn: fn, made: map[string]directory.GroupRef{}}
	p.sum.Calls, p.sum.Waiting = map[mapping.CallKind]int{}, map[string]int{}
	for _, step := range []func(context.Context) error{p.begin, p.groups, p.goneGroups, p.users, p.goneUsers, p.end} {
		if err := step(ctx); err != nil {
			return p.sum, err
		}
	}
	return p.sum, nil
}

// planning is one Plan under way.
type planning struct {
	engine  *Engine
	set     *live
	fn      func(PlanItem) error
	roles   mapping.RoleSet
	repairs bool
	made    map[string]directory.GroupRef // by id: groups whose role the plan changes, as they are afterwards
	virtual []mapping.Role                // roles that the plan makes
	window  map[directory.Taking]map[string]bool
	sum     PlanSummary
}

// newRole is the id, in a plan, of the role that a group gets.
func newRole(group string) string { return "new:" + group }

func (p *planning) begin(ctx context.Context) error {
	e := p.engine
	var err error
	if p.roles, p.sum.RolesKnown, err = e.storedRoles(ctx); err != nil {
		return err
	}
	if p.repairs, err = e.repairs(ctx); err != nil {
		return err
	}
	stats, err := e.queue.Stats(ctx)
	if err != nil {
		return &directory.UnavailableError{Cause: err}
	}
	inForce, err := e.dir.RulesInForce(ctx)
	if err != nil {
		return err
	}
	stop, err := e.dir.InvitationsStopped(ctx)
	if err != nil {
		return err
	}
	p.sum.DryRun = e.DryRun() || stats.DryRun > 0
	p.sum.RulesInForce = inForce == p.set.fingerprint
	p.sum.Parked, p.sum.Held, p.sum.Stopped = stats.Codes, stats.Held, stop.Text
	return p.brakeWindow(ctx)
}

func (p *planning) tell(i PlanItem) error {
	if len(i.Calls) > 0 && !waitsForOperator(i.Status) {
		p.sum.Keys++
		for _, k := range i.Kinds {
			p.sum.Calls[k]++
		}
	}
	if p.fn == nil || (len(i.Calls) == 0 && i.Code == "") {
		return nil
	}
	return p.fn(i)
}

// waitsForOperator says that nothing is called for the key until somebody replays or releases it.
func waitsForOperator(s directory.SyncState) bool {
	return s == directory.Failed || s == directory.Held
}

// groups plans the groups that there are.
func (p *planning) groups(ctx context.Context) error {
	return p.engine.dir.ScanGroups(ctx, 0, func(g directory.Group) (bool, error) {
		if !g.Managed || g.State != directory.Live {
			return true, nil
		}
		p.sum.Groups++
		err := p.tell(p.group(g))
		return err == nil, err
	})
}

func (p *planning) group(g directory.Group) PlanItem {
	plan := p.set.Rules.PlanGroup(groupCase(g), p.roles)
	item := PlanItem{Key: directory.GroupKey(g.ID), Name: g.Name, Status: g.Sync.State}
	after := directory.GroupRef{ID: g.ID, Name: g.Name, Seq: g.Seq, RoleID: g.RoleID, Imported: g.Imported}
	call := func(kind mapping.CallKind, words string) {
		item.Kinds, item.Calls = append(item.Kinds, kind), append(item.Calls, words)
	}
	switch plan.Action {
	case mapping.CreateRole:
		call(mapping.CallRoleMade, "make role "+quote(g.Name)+" after "+quote(plan.Role.Name))
		after.RoleID = newRole(g.ID)
		p.virtual = append(p.virtual, mapping.Role{ID: after.RoleID, Name: g.Name, Privileged: plan.Role.Privileged})
	case mapping.RenameRole:
		call(mapping.CallRoleRenamed, "rename role "+quote(g.RoleName)+" to "+quote(g.Name))
	case mapping.LinkRole:
		after.RoleID = plan.Role.ID
	case mapping.FailRole:
		item.Code, item.Reason = plan.Failed.Code, plan.Failed.Text
		after.RoleID, after.Status = "", "failed"
	case mapping.LeaveRole:
	}
	if drop := droppedRole(g, plan); drop != "" {
		call(mapping.CallRoleDeleted, "delete role "+quote(p.roleName(drop))+" when nobody holds it any more")
	}
	if plan.Action != mapping.LeaveRole {
		p.made[g.ID] = after
	}
	if waitsForOperator(item.Status) && item.Code == "" {
		item.Code, item.Reason = g.Sync.Code, g.Sync.Text
	}
	return item
}

// droppedRole is the role that the proxy made and that the group lets go of.
func droppedRole(g directory.Group, plan mapping.GroupPlan) string {
	if plan.Action == mapping.LinkRole && g.Owned {
		return g.RoleID
	}
	return g.DropRole
}

// goneGroups plans the groups that are deleted and still queued, because a role of theirs is still there.
func (p *planning) goneGroups(ctx context.Context) error {
	return p.gone(ctx, "group/", func(id string) error {
		g, err := p.engine.dir.GroupRecord(ctx, id)
		if err != nil || g.State != directory.Deleted || g.DropRole == "" {
			return ignoreNotFound(err)
		}
		return p.tell(PlanItem{
			Key: directory.GroupKey(id), Name: g.Name, Status: g.Sync.State, Kinds: []mapping.CallKind{mapping.CallRoleDeleted},
			Calls: []string{"delete role " + quote(p.roleName(g.DropRole)) + " when nobody holds it any more"}, Code: g.Sync.Code, Reason: g.Sync.Text,
		})
	})
}

// gone gives the ids of queued keys of a kind to fn. Deleted records are in no list: the queue is where they are found.
func (p *planning) gone(ctx context.Context, prefix string, fn func(id string) error) error {
	for cursor := ""; ; {
		page, next, err := p.engine.queue.List(ctx, queue.ListOptions{Limit: 500, Cursor: cursor})
		if err != nil {
			return &directory.UnavailableError{Cause: err}
		}
		for _, entry := range page {
			id, ok := strings.CutPrefix(entry.Key, prefix)
			if !ok || (prefix == "user/" && entry.Lane != queue.Leavers && entry.State == queue.Queued) {
				continue
			}
			if err := fn(id); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// end adds what the brake would make of it.
func (p *planning) end(ctx context.Context) error {
	counts, err := p.engine.dir.BrakeCounts(ctx)
	if err != nil {
		return err
	}
	for _, c := range counts {
		planned := len(p.window[c.Takes]) - c.People
		p.sum.Brake = append(p.sum.Brake, PlanBrake{BrakeCount: c, Planned: max(planned, 0), Held: max(min(planned, c.People+planned-c.Allowed), 0)})
	}
	return nil
}

// brakeWindow reads whom the brake has counted: they pass again.
func (p *planning) brakeWindow(ctx context.Context) error {
	p.window = map[directory.Taking]map[string]bool{}
	for _, t := range directory.Takings() {
		people, err := p.engine.dir.BrakePeople(ctx, t)
		if err != nil {
			return err
		}
		p.window[t] = make(map[string]bool, len(people))
		for _, id := range people {
			p.window[t][id] = true
		}
	}
	return nil
}

func (p *planning) roleName(id string) string {
	if r, ok := p.roles.ByID(id); ok {
		return r.Name
	}
	return id
}

func groupCase(g directory.Group) mapping.GroupCase {
	return mapping.GroupCase{Name: g.Name, RoleID: g.RoleID, RoleName: g.RoleName, Owned: g.Owned, Imported: g.Imported}
}

// errNoDocument is a document that rules cannot read.
var errNoDocument = errors.New("the document of this user cannot be read")
