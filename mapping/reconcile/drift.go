package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// DriftItem is one difference between wish and CMS that somebody made in the CMS. It names ids and roles, no addresses.
type DriftItem struct {
	Kind       mapping.DriftKind `json:"kind"`
	Key        string            `json:"key"` // user/ID, group/ID or role/NAME
	CMSID      string            `json:"cms_id,omitempty"`
	Wished     string            `json:"wished,omitempty"`
	Observed   string            `json:"observed,omitempty"`
	Since      time.Time         `json:"since"`
	Repaired   bool              `json:"repaired,omitempty"`   // the repair is queued
	Candidates []string          `json:"candidates,omitempty"` // CMS ids of who may have accepted the invitation
	Name       string            `json:"-"`                    // of the person or group, for operators who may see it
}

func (i DriftItem) field() string { return string(i.Kind) + "|" + i.Key }

// DriftReport is what the last review found and still holds.
type DriftReport struct {
	Mode      string // report or repair
	Repairing bool
	Confirmed bool      // an operator need not confirm (any more) that the record may repair the CMS
	Reviewed  time.Time // zero: not yet
	Items     []DriftItem
}

// driftRepair is the value of `drift` that lets roles be corrected.
const driftRepair = "repair"

// repairs says whether drift is repaired: it is configured, and the record is fit for it.
func (e *Engine) repairs(ctx context.Context) (bool, error) {
	if e.set().Drift != driftRepair {
		return false, nil
	}
	confirmed, _, err := e.dir.RepairConfirmed(ctx)
	return confirmed, err
}

// mend lets a plan repair what it may: roles that carry no power, and invitations that ran out, a few times.
func (s *live) mend(c *mapping.Case, u directory.User, roles mapping.RoleSet, repairs bool) {
	role, found := roles.ByID(c.Wish.Role.RoleID)
	c.Policy.Repair = repairs && (c.Wish.State != mapping.Active || (found && !role.Privileged))
	c.Policy.Resend = u.Resends < int64(s.Resend)
}

// review compares everybody with the record after a picture of the CMS, notes what somebody changed there by hand, and
// queues what is to be repaired. began is when the picture was.
func (e *Engine) review(ctx context.Context, began time.Time, reopened []string) error {
	r := reviewer{engine: e, set: e.set(), began: began, found: map[string]DriftItem{}}
	var err error
	if r.repairs, err = e.repairs(ctx); err != nil {
		return err
	}
	if r.roles, _, err = e.roles.at(ctx, "0"); err != nil {
		return err
	}
	if r.before, err = e.storedDrift(ctx); err != nil {
		return err
	}
	for _, id := range reopened {
		r.add(DriftItem{Kind: mapping.DriftLeaverAccess, Key: directory.UserKey(id), Wished: "no access", Observed: "access", Repaired: true})
	}
	for _, step := range []func(context.Context) error{r.users, r.groups, r.names, r.leftBehind, r.unbound} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return r.save(ctx)
}

type reviewer struct {
	engine  *Engine
	set     *live
	roles   mapping.RoleSet
	repairs bool
	began   time.Time
	before  map[string]DriftItem
	found   map[string]DriftItem
}

func (r *reviewer) add(i DriftItem) {
	i.Since = r.began
	if old, known := r.before[i.field()]; known {
		i.Since = old.Since
	}
	r.found[i.field()] = i
}

func (r *reviewer) users(ctx context.Context) error {
	queued := false
	err := r.engine.dir.ScanUserRecords(ctx, func(u directory.User) (bool, error) {
		items, mend, err := r.engine.driftOf(ctx, r, u)
		if err != nil {
			return false, err
		}
		for _, i := range items {
			r.add(i)
		}
		if mend {
			queued = true
			_, err = r.engine.queue.Push(ctx, directory.UserKey(u.ID), queue.Background, false)
		}
		return err == nil, err
	})
	if queued {
		r.engine.o.Wake()
	}
	return err
}

// driftOf gives what differs of one user, and whether a sync would mend something. What is pending is no drift yet.
func (e *Engine) driftOf(ctx context.Context, r *reviewer, u directory.User) (items []DriftItem, mend bool, err error) {
	if !u.Managed || u.State == directory.Rejected || u.Sync.State == directory.Pending || u.Sync.State == directory.Held || e.untouchable(u) {
		return nil, false, nil
	}
	decision, err := e.decideBy(r.set, u, r.roles)
	if err != nil {
		return nil, false, nil //nolint:nilerr // a document that cannot be read is the sync's to complain of
	}
	c := e.caseBy(r.set, u, decision)
	plan := mapping.Make(c)
	r.set.mend(&c, u, r.roles, r.repairs)
	mend = len(mapping.Make(c).Steps) > 0 && !u.Sync.Parked
	for _, d := range plan.Drift {
		i, err := r.item(ctx, u, mapping.KindOf(c, d), d)
		if err != nil {
			return nil, false, err
		}
		i.Repaired = mend
		items = append(items, i)
	}
	return items, mend, nil
}

// item tells one difference of a user.
func (r *reviewer) item(ctx context.Context, u directory.User, kind mapping.DriftKind, d mapping.Drift) (i DriftItem, err error) {
	i = DriftItem{Kind: kind, Key: directory.UserKey(u.ID), CMSID: u.Link.ID, Wished: d.Wished, Observed: d.Observed}
	switch {
	case kind == mapping.DriftRole:
		i.Wished, i.Observed = r.roleName(d.Wished), r.roleName(d.Observed)
	case kind == mapping.DriftAddress:
		i.Wished, i.Observed = "the address of the wish", "another address"
	case kind == mapping.DriftInvitationGone && u.InvitedSeq == 0:
		i.Kind = mapping.DriftCollaboratorGone
	case kind == mapping.DriftInvitationGone:
		i.Candidates, err = r.engine.candidates(ctx, u)
	}
	return i, err
}

func (r *reviewer) roleName(id string) string {
	role, _ := r.roles.ByID(id)
	return cmp.Or(role.Name, id)
}

// groups finds groups whose own role was renamed or deleted.
func (r *reviewer) groups(ctx context.Context) error {
	return r.engine.dir.ScanGroups(ctx, 0, func(g directory.Group) (bool, error) {
		if !g.Managed || g.RoleID == "" || (!g.Owned && !g.Imported) || g.Sync.State == directory.Pending {
			return true, nil
		}
		role, found := r.roles.ByID(g.RoleID)
		i := DriftItem{Kind: mapping.DriftRoleGone, Key: directory.GroupKey(g.ID), CMSID: g.RoleID, Wished: g.RoleName, Observed: "gone"}
		if found {
			i.Kind, i.Observed = mapping.DriftRoleRenamed, role.Name
		}
		if !found || role.Name != g.RoleName {
			r.add(i)
		}
		return true, nil
	})
}

// names finds roles of the rules that were renamed or are gone.
func (r *reviewer) names(context.Context) error {
	for _, name := range r.set.Rules.RoleNames() {
		role, found := r.roles.Named(name)
		switch {
		case !found:
			r.add(DriftItem{Kind: mapping.DriftRoleGone, Key: "role/" + name, Wished: name, Observed: "gone"})
		case fold(role.Name) != fold(name):
			r.add(DriftItem{Kind: mapping.DriftRoleRenamed, Key: "role/" + name, CMSID: role.ID, Wished: name, Observed: role.Name})
		}
	}
	return nil
}

func (r *reviewer) leftBehind(ctx context.Context) error {
	left, err := r.engine.dir.LeftBehind(ctx)
	for role, group := range left {
		if _, there := r.roles.ByID(role); there {
			r.add(DriftItem{Kind: mapping.DriftRoleLeftBehind, Key: directory.GroupKey(group), CMSID: role, Wished: "gone", Observed: r.roleName(role)})
		}
	}
	return err
}

// unbound finds leavers in whose place somebody may have joined. A note that a picture begun after it cannot confirm goes.
func (r *reviewer) unbound(ctx context.Context) error {
	notes, err := r.engine.dir.Unbound(ctx)
	if err != nil {
		return err
	}
	for id, at := range notes {
		item, err := r.engine.unboundItem(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case len(item.Candidates) > 0:
			r.add(item)
		case at.Before(r.began):
			if _, err := r.engine.dir.ForgetUnbound(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reviewer) save(ctx context.Context) error {
	out := make(map[string]string, len(r.found))
	for field, i := range r.found {
		text, err := json.Marshal(i)
		if err != nil {
			return err
		}
		out[field] = string(text)
		if _, known := r.before[field]; !known {
			r.engine.log.InfoContext(ctx, "drift", "project", r.engine.o.Project, "kind", string(i.Kind), "key", i.Key, "repaired", i.Repaired)
		}
	}
	return r.engine.dir.SaveDrift(ctx, r.began, out)
}

func (e *Engine) storedDrift(ctx context.Context) (map[string]DriftItem, error) {
	stored, _, err := e.dir.Drift(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]DriftItem, len(stored))
	for field, text := range stored {
		var i DriftItem
		if json.Unmarshal([]byte(text), &i) == nil {
			out[field] = i
		}
	}
	return out, nil
}

// Drift gives what the last review found, less what has been settled since.
func (e *Engine) Drift(ctx context.Context) (DriftReport, error) {
	rep := DriftReport{Mode: e.set().Drift}
	confirmed, begun, err := e.dir.RepairConfirmed(ctx)
	if err != nil {
		return rep, err
	}
	rep.Confirmed, rep.Repairing = confirmed || !begun, confirmed && rep.Mode == driftRepair
	if _, rep.Reviewed, err = e.dir.Drift(ctx); err != nil || rep.Reviewed.IsZero() {
		return rep, err
	}
	stored, err := e.storedDrift(ctx)
	if err != nil {
		return rep, err
	}
	r := reviewer{engine: e, set: e.set(), repairs: rep.Repairing}
	if r.roles, _, err = e.roles.at(ctx, "0"); err != nil {
		return rep, err
	}
	for _, i := range stored {
		holds, err := r.holds(ctx, &i)
		if err != nil {
			return rep, err
		}
		if holds {
			rep.Items = append(rep.Items, i)
		}
	}
	slices.SortFunc(rep.Items, func(a, b DriftItem) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key))
	})
	return rep, nil
}

// holds looks whether an item found at the last review is still there, and names whom it concerns.
func (r *reviewer) holds(ctx context.Context, i *DriftItem) (bool, error) {
	kind, id, _ := strings.Cut(i.Key, "/")
	if kind != "user" {
		return true, nil
	}
	u, err := r.engine.dir.UserRecord(ctx, id)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	i.Name = cmp.Or(u.UserName, u.Address)
	switch i.Kind {
	case mapping.DriftUnboundCandidate:
		now, err := r.engine.unboundItem(ctx, id)
		return len(now.Candidates) > 0, err
	case mapping.DriftLeaverAccess:
		return u.Link.Kind == directory.Invitation || u.Link.Active, nil
	}
	items, _, err := r.engine.driftOf(ctx, r, u)
	return slices.ContainsFunc(items, func(n DriftItem) bool { return n.Kind == i.Kind }), err
}

// ConfirmRepair lets drift be repaired by a record that was begun when the CMS had people already.
func (e *Engine) ConfirmRepair(ctx context.Context) error { return e.dir.ConfirmRepair(ctx, e.o.Now()) }

// driftCounts says how much the last review found of each kind.
func (e *Engine) driftCounts(ctx context.Context) (map[mapping.DriftKind]int, error) {
	fields, err := e.dir.DriftFields(ctx)
	out := make(map[mapping.DriftKind]int, len(mapping.DriftKinds()))
	for _, kind := range mapping.DriftKinds() {
		out[kind] = 0
	}
	for _, field := range fields {
		kind, _, _ := strings.Cut(field, "|")
		out[mapping.DriftKind(kind)]++
	}
	return out, err
}
