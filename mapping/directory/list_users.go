package directory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// Long reads of users are pipelines of plain commands and no script: a script that builds a hundred records keeps everybody
// else waiting for milliseconds. Each record is read as a whole; between two of them somebody may write, so that a page is no
// snapshot. What a write does in several places is read in an order that cannot lose it: the open fan-outs before the groups
// of a user, which lag behind them.

// viewFields are what a listing shows of a user, in the order of shownUser: d_vfields of lua/records.lua.
var viewFields = []string{"state", "managed", "doc", "un", "ext", "active", "seq", "gen", "created", "modified", "ckind", "cid", "crole",
	"status", "code", "text", "lsync"}

// wishFields is how many of them are there without the link and the state of the synchronisation.
const wishFields = 10

// ListUsers reads a part of all listed users, oldest first, with what a listing shows of them.
func (d *Directory) ListUsers(ctx context.Context, w Window) (Page[User], error) {
	first := int64(max(w.Start, 1) - 1)
	return d.listUsers(ctx, w.Count, Omit{}, func(p redis.Pipeliner) *redis.StringSliceCmd {
		return p.ZRange(ctx, d.keys.listedUsers(), first, first+int64(w.Count)-1)
	})
}

// RangeUsers reads listed users by their place in the order of listings.
func (d *Directory) RangeUsers(ctx context.Context, r Range) (Page[User], error) {
	from := "(" + strconv.FormatInt(r.From, 10)
	return d.listUsers(ctx, r.Count, r.Omit, func(p redis.Pipeliner) *redis.StringSliceCmd {
		if r.Back {
			return p.ZRevRangeByScore(ctx, d.keys.listedUsers(), &redis.ZRangeBy{Min: "-inf", Max: from, Count: int64(r.Count)})
		}
		return p.ZRangeByScore(ctx, d.keys.listedUsers(), &redis.ZRangeBy{Min: from, Max: "+inf", Count: int64(r.Count)})
	})
}

// UsersByID reads the visible ones of some users, in the order of the ids.
func (d *Directory) UsersByID(ctx context.Context, ids []string) ([]User, error) {
	fans, err := d.rdb.SMembers(ctx, d.keys.fans()).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	return d.loadUsers(ctx, ids, fans, Omit{})
}

// ScanUsers gives every listed user to fn, oldest first, until fn says no more.
func (d *Directory) ScanUsers(ctx context.Context, fn func(User) (bool, error)) error {
	return scan(fn, func(u User) int64 { return u.Seq }, func(r Range) (Page[User], error) { return d.RangeUsers(ctx, r) })
}

// listUsers reads the users that the command names, and how many there are.
func (d *Directory) listUsers(ctx context.Context, count int, omit Omit, which func(redis.Pipeliner) *redis.StringSliceCmd) (Page[User], error) {
	p := d.rdb.Pipeline()
	total, fans := p.ZCard(ctx, d.keys.listedUsers()), p.SMembers(ctx, d.keys.fans())
	ids := redis.NewStringSliceCmd(ctx)
	if count > 0 {
		ids = which(p)
	}
	gate := d.askGate(ctx, p)
	if _, err := p.Exec(ctx); err != nil {
		return Page[User]{}, unavailable(err)
	}
	if err := closed(gate); err != nil {
		return Page[User]{}, err
	}
	users, err := d.loadUsers(ctx, ids.Val(), fans.Val(), omit)
	return Page[User]{Total: int(total.Val()), Items: users}, err
}

// askGate asks, behind what else a pipeline reads, whether a restore has half of the project (gate.lua does it for scripts).
func (d *Directory) askGate(ctx context.Context, p redis.Pipeliner) *redis.StringCmd {
	return p.GetRange(ctx, queue.GateKey(d.keys.base), 0, int64(len(restoreGate)-1))
}

// restoreGate begins the gate's value while a project is restored.
const restoreGate = "restore"

// closed refuses what was read of half a record.
func closed(gate *redis.StringCmd) error {
	if gate.Val() == restoreGate {
		return &UnavailableError{Cause: errors.New("the project is being restored")}
	}
	return nil
}

// userRead is one user on its way: the answers are there when the pipeline has run.
type userRead struct {
	id     string
	fields *redis.SliceCmd
	state  queue.StateRead
	groups *redis.StringSliceCmd
}

func (d *Directory) loadUsers(ctx context.Context, ids, fans []string, omit Omit) ([]User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	p := d.rdb.Pipeline()
	reads, names := make([]userRead, len(ids)), viewFields
	if omit.Sync {
		names = names[:wishFields]
	}
	for i, id := range ids {
		reads[i] = userRead{id: id, fields: p.HMGet(ctx, d.keys.user(id), names...)}
		if !omit.Sync {
			reads[i].state = d.queue.ReadState(ctx, p, UserKey(id))
		}
		if !omit.Groups {
			reads[i].groups = p.SMembers(ctx, d.keys.groupsOf(id))
		}
	}
	open := d.askFans(ctx, p, ids, fans)
	gate := d.askGate(ctx, p)
	if _, err := p.Exec(ctx); err != nil {
		return nil, unavailable(err)
	}
	if err := closed(gate); err != nil {
		return nil, err
	}
	users := make([]User, 0, len(ids))
	for i := range reads {
		if u := reads[i].user(); u.State == Live || u.State == Rejected {
			open.apply(i, &u)
			users = append(users, u)
		}
	}
	return users, d.nameGroups(ctx, users)
}

// user decodes what was read; the groups have only their ids yet.
func (r *userRead) user() User {
	u := shownUser(r.id, &fields{list: r.fields.Val()})
	u.Sync = u.Sync.under(r.state.State())
	if r.groups != nil {
		for _, g := range r.groups.Val() {
			u.Groups = append(u.Groups, GroupRef{ID: g})
		}
	}
	return u
}

// openFans are the groups whose members are still being queued: they are asked themselves, because the index by user lags behind.
type openFans struct {
	groups   []string
	has, had []*redis.BoolSliceCmd // by group, then by user: is a member, or was one until now
}

func (d *Directory) askFans(ctx context.Context, p redis.Pipeliner, ids, fans []string) openFans {
	o := openFans{groups: fans}
	if len(fans) == 0 {
		return o
	}
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = id
	}
	for _, g := range fans {
		o.has = append(o.has, p.SMIsMember(ctx, d.keys.members(g), members...))
		o.had = append(o.had, p.SMIsMember(ctx, d.keys.membersOld(g), members...))
	}
	return o
}

// apply corrects the groups of the user at position i.
func (o openFans) apply(i int, u *User) {
	for n, g := range o.groups {
		is := o.has[n].Val()[i]
		u.Managed = u.Managed || is || o.had[n].Val()[i]
		u.Groups = slices.DeleteFunc(u.Groups, func(r GroupRef) bool { return r.ID == g })
		if is {
			u.Groups = append(u.Groups, GroupRef{ID: g})
		}
	}
}

// nameGroups reads each group of the users once. Groups that are not visible are left out.
func (d *Directory) nameGroups(ctx context.Context, users []User) error {
	p := d.rdb.Pipeline()
	reads := map[string]*redis.SliceCmd{}
	for _, u := range users {
		for _, g := range u.Groups {
			if reads[g.ID] == nil {
				reads[g.ID] = p.HMGet(ctx, d.keys.group(g.ID), "state", "name")
			}
		}
	}
	if len(reads) == 0 {
		return nil
	}
	if _, err := p.Exec(ctx); err != nil {
		return unavailable(err)
	}
	for i := range users {
		users[i].Groups = withNames(users[i].Groups, reads)
	}
	return nil
}

func withNames(refs []GroupRef, reads map[string]*redis.SliceCmd) []GroupRef {
	out := refs[:0]
	for _, g := range refs {
		f := &fields{list: reads[g.ID].Val()}
		if state := State(f.text()); state == Live || state == Rejected {
			g.Name = f.text()
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b GroupRef) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
