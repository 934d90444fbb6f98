package directory

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// Work is what a sync reads at its begin: the record as it is now, and its queue record.
type Work[T any] struct {
	Item         T
	Found        bool
	RolesVersion string
	Rules        string // fingerprint of the rules in force, "" before any were
	Held         int    // group: as Waiting, but the brake holds them
	Keep         int    // group: as Waiting, but nothing is to be done about them: leavers, and whom nobody wishes anything of
	Waiting      int    // group: holders of the role to drop with work of their own waiting (of the first 200)
	Now          int64  // ms, by the clock that queue records use
	Yielding     bool   // who had the CMS account, or the group's role, before is deleted and may still have a call about it under way
}

// IntentChange says what becomes of a noted CMS write.
type IntentChange string

// What can become of an intent. Doubtful: the call is not waited for, but the CMS has to be read once more after its last
// moment before the key may leave the queue.
const (
	KeepIntent     IntentChange = ""
	ClearIntent    IntentChange = "clear"
	DoubtfulIntent IntentChange = "doubt"
)

// End says how a sync ends; the zero value lets it go on.
type End struct {
	Verdict *queue.Verdict
	// Reject, if not 0, takes the creation of the record back if that is still what is wished: the user has been written
	// so often, the group is at this generation. It stays as a rejected one.
	Reject int64
}

// UserResult is what a sync writes about a user in one script.
type UserResult struct {
	Intent  IntentChange
	Link    *Link    // the entity as the CMS has it now; a zero Link unlinks
	Own     bool     // with Link: a call of this key has made the entity, whoever has its address by now
	From    *Link    // with Link: what the record was linked to when this was planned; nil: whatever that was
	Old     *Link    // with Link: the former collaborator of a re-invitation
	Applied *Applied // what the CMS was made to have
	Asked   []string // addresses to which invitations may still be on their way; nil: as before
	Unadopt bool     // a rule or a role-owning group has matched: the CMS role no longer stays by itself
	End     End
}

// GroupResult is what a sync writes about a group in one script.
type GroupResult struct {
	Intent      IntentChange
	Role        *Role // the role members get through the group; a zero Role takes it away
	TellMembers bool
	Drop        *string // a role to delete when nobody holds it; "" when that is done
	LeftBehind  bool    // with Drop "": others still use it, and it stays in the CMS
	End         End
}

// Role is a group's role.
type Role struct {
	ID, Name string
	Owned    bool
}

// TakenError means that a CMS entity is linked to another record that will not give it up, or not yet.
type TakenError struct {
	ID      string
	Leaving bool // the other record lets go when its own sync is over: a leaver's, or one that has another address by now
}

// Error implements error.
func (e *TakenError) Error() string { return "the CMS entity belongs to record " + e.ID }

// LoadUser reads a user for the holder of its lease and brings the lease's ticket, intent and look up to date. For the first to
// ask, it was read with the lease.
func (d *Directory) LoadUser(ctx context.Context, id string, l *queue.Lease) (Work[User], error) {
	ans := l.With()
	if ans == nil {
		var err error
		if ans, err = d.run(ctx, d.scripts.loadUser, nil, d.now(), id, l.Token); err != nil {
			return Work[User]{}, err
		}
	}
	if str(at(ans, 0)) != "ok" {
		return Work[User]{}, ErrLost
	}
	refresh(l, texts(at(ans, 2)))
	w := Work[User]{RolesVersion: str(at(ans, 3)), Now: num(at(ans, 4)), Rules: str(at(ans, 5)), Yielding: str(at(ans, 6)) == "1"}
	if rec := list(at(ans, 1)); rec != nil {
		w.Item, w.Found = userRecord(rec), true
	}
	return w, nil
}

// LoadGroup reads a group for the holder of its lease.
func (d *Directory) LoadGroup(ctx context.Context, id string, l *queue.Lease) (Work[Group], error) {
	ans, err := d.run(ctx, d.scripts.loadGroup, nil, d.now(), id, l.Token)
	if err != nil {
		return Work[Group]{}, err
	}
	if str(at(ans, 0)) != "ok" {
		return Work[Group]{}, ErrLost
	}
	refresh(l, texts(at(ans, 2)))
	w := Work[Group]{RolesVersion: str(at(ans, 3)), Now: num(at(ans, 4)), Waiting: int(num(at(ans, 5))), Rules: str(at(ans, 6)), Held: int(num(at(ans, 7))), Keep: int(num(at(ans, 8))), Yielding: str(at(ans, 9)) == "1"}
	if rec := list(at(ans, 1)); rec != nil {
		w.Item, w.Found = groupRecord(rec), true
	}
	return w, nil
}

// Call is a CMS write that is about to be sent.
type Call struct {
	Note     string        // for whoever has to find out what became of it
	Deadline time.Duration // after that it can no longer arrive
	Changes  Changes
	Takes    Taking // what it takes from a person: the brake judges it
}

// Changes says what a CMS write changes of what is agreed on.
type Changes struct {
	Role   bool     // a user's role
	Access bool     // whether a user can get in
	Name   bool     // the name of a group's role
	Resend int64    // how often an invitation was sent again without a write, this time included; 0: no matter
	Asked  []string // addresses to which invitations may be on their way, this one included; nil: no matter
}

// fields are the fields and values of a record in which nothing of it is agreed on.
func (c Changes) fields() (out []any) {
	if c.Role {
		out = append(out, "arole", "")
	}
	if c.Access {
		out = append(out, "aactive", "0")
	}
	if c.Name {
		out = append(out, "rolename", "")
	}
	if c.Resend > 0 {
		out = append(out, "resends", c.Resend)
	}
	if c.Asked != nil {
		out = append(out, "asked", strings.Join(c.Asked, "\n"))
	}
	return out
}

// Intend notes a CMS write before it is sent and leases the CMS identities that it touches. What it changes is not agreed
// on until a sync ends in agreement: else the difference between a call of the proxy and a wish that has returned to what
// was agreed on before would be taken for somebody's change by hand. A call that takes something from a person passes the
// brake, or is a *HeldError. In a dry run nothing is noted, whatever it is: ErrDryRun.
func (d *Directory) Intend(ctx context.Context, l *queue.Lease, c Call, idents ...string) error {
	kind, id := splitKey(l.Key)
	fields := c.Changes.fields()
	brake := d.brake.Load().args(c.Takes)
	args := []any{d.now(), l.Key, l.Token, ms(d.opts.Lease), ms(c.Deadline), c.Note, brake[0], l.Ticket, brake[1], brake[2], brake[3]}
	args = append(append(args, len(fields)), fields...)
	// A note that is lost with the primary is a call that nobody looks for.
	ans, err := d.run(queue.Acknowledged(ctx), d.scripts.intend, []string{d.keys.base + ":" + kind + ":" + id}, append(args, anys(idents)...)...)
	if err != nil {
		return err
	}
	switch str(at(ans, 0)) {
	case "ok":
		l.Intent = c.Note
		return nil
	case "busy":
		return ErrBusy
	case "dry":
		return ErrDryRun
	case "held":
		return &HeldError{Takes: c.Takes, People: int(num(at(ans, 1))), Allowed: int(num(at(ans, 2))), First: num(at(ans, 3)) == 0}
	}
	return ErrLost
}

// SettleUser writes what a sync learnt or did. The outcome is the queue's: done, again, retry, parked or held.
func (d *Directory) SettleUser(ctx context.Context, id string, l *queue.Lease, r UserResult) (string, error) {
	given := flag(r.Link != nil)
	if r.Link != nil && r.Own {
		given = "own"
	}
	args := append(d.settleArgs(id, l, r.Intent, r.End), given)
	args = append(append(args, d.linkArgs(r.Link)...), flag(r.Old != nil))
	args = append(append(args, d.oldArgs(r.Old)...), linkedFrom(r.From))
	args = append(args, resultFields(r)...)
	return d.settle(ctx, l, settlement{script: d.scripts.settleUser, key: d.keys.user(id), intent: r.Intent, args: args})
}

func linkedFrom(l *Link) string {
	switch {
	case l == nil:
		return "*"
	case l.ID == "":
		return ""
	}
	return EntityKey(*l)
}

func (d *Directory) linkArgs(l *Link) []any {
	if l == nil {
		l = &Link{}
	}
	return []any{string(l.Kind), l.ID, l.Address, d.opts.Fold(l.Address), l.RoleID, flag(l.Active), flag(l.Expired), l.Name}
}

func (d *Directory) oldArgs(l *Link) []any {
	if l == nil {
		l = &Link{}
	}
	return []any{string(l.Kind), l.ID, l.Address, d.opts.Fold(l.Address), l.RoleID, flag(l.Active)}
}

func resultFields(r UserResult) []any {
	var out []any
	if r.Unadopt {
		out = append(out, "adopted", "0")
	}
	if r.Asked != nil {
		out = append(out, "asked", strings.Join(r.Asked, "\n"))
	}
	if a := r.Applied; a != nil {
		out = append(out, "aknown", flag(a.Known), "akind", string(a.Kind), "aaddr", a.Address, "arole", a.RoleID,
			"aactive", flag(a.Active), "awrites", a.Writes, "aprofile", a.Profile)
	}
	return out
}

// SettleGroup writes what a sync learnt or did about a group.
func (d *Directory) SettleGroup(ctx context.Context, id string, l *queue.Lease, r GroupResult) (string, error) {
	role := r.Role
	if role == nil {
		role = &Role{}
	}
	drop := "keep"
	if r.Drop != nil {
		drop = *r.Drop
	}
	args := append(d.settleArgs(id, l, r.Intent, r.End), flag(r.Role != nil), role.ID, role.Name,
		flag(role.Owned), flag(r.TellMembers), drop, flag(r.LeftBehind))
	return d.settle(ctx, l, settlement{script: d.scripts.settleGroup, key: d.keys.group(id), intent: r.Intent, args: args})
}

// Lost queues a look at a key whose lease was lost with a call under way. What the call changes is agreed on no more: the
// difference that it makes, if it lands over what others did since, is nobody's change by hand.
func (d *Directory) Lost(ctx context.Context, l *queue.Lease, c Changes) error {
	kind, id := splitKey(l.Key)
	args := append([]any{d.now(), l.Key, string(l.Lane), 2 * ms(d.opts.CallTimeout)}, c.fields()...)
	_, err := d.run(ctx, d.scripts.lost, []string{d.keys.base + ":" + kind + ":" + id}, args...)
	return err
}

func (d *Directory) settleArgs(id string, l *queue.Lease, change IntentChange, e End) []any {
	args := []any{d.now(), id, l.Token, string(change), e.Reject}
	if e.Verdict == nil {
		return append(args, l.Ticket, "", 0, "", "", "", "", "")
	}
	return append(args, d.queue.FinishArgs(l, *e.Verdict)...)
}

// settlement is a result on its way to a record.
type settlement struct {
	script *redis.Script
	key    string
	intent IntentChange
	args   []any
}

func (d *Directory) settle(ctx context.Context, l *queue.Lease, s settlement) (string, error) {
	ans, err := d.run(ctx, s.script, []string{s.key}, s.args...)
	if err != nil {
		return "", err
	}
	switch str(at(ans, 0)) {
	case "ok":
		if s.intent != KeepIntent {
			l.Intent = ""
		}
		if result := str(at(ans, 1)); result != "" {
			d.queue.Finished(l, result)
			return result, nil
		}
		return "", nil
	case "moved":
		return "", ErrMoved
	case "taken":
		return "", &TakenError{ID: str(at(ans, 1)), Leaving: str(at(ans, 2)) == "1"}
	}
	return "", ErrLost
}

// splitKey gives the record's letter in Redis and the id of a queue key.
func splitKey(key string) (kind, id string) {
	typ, id, _ := strings.Cut(key, "/")
	if typ == "group" {
		return "g", id
	}
	return "u", id
}

// refresh brings a lease up to date with its queue record {ticket, lane, attempts, look, intent, code, text}.
func refresh(l *queue.Lease, rec []string) {
	if len(rec) < 5 {
		return
	}
	l.Ticket, l.Lane, l.Attempts = num(rec[0]), queue.Lane(rec[1]), int(num(rec[2]))
	l.Look, l.Intent = num(rec[3]), rec[4]
}
