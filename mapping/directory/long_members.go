package directory

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/scimcms/scimcms/queue"
)

const (
	stageTTL   = 10 * time.Minute
	stageChunk = 1000 // ids in one staging script
	longTries  = 20   // how often a swap that met another change is begun anew
	fanBatch   = 500  // members told in one script
)

// askedOf is what a commit of members is to do besides the change: how many members its answer may carry, the lease it
// takes ("" none), and what unknown ids mean (skip or reject).
type askedOf struct {
	limit   int
	token   string
	unknown string
}

func (d *Directory) asked(limit int, token string) askedOf {
	return askedOf{limit: limit, token: token, unknown: d.opts.UnknownMembers}
}

// leniently is for what follows a first commit: ids that were checked before it and have gone since are left out.
func (a askedOf) leniently() askedOf {
	a.unknown = skipUnknown
	return a
}

// checkKnown refuses a long list with unknown ids before anything of it is written.
func (d *Directory) checkKnown(ctx context.Context, ids []string, a askedOf) error {
	if a.unknown == skipUnknown {
		return nil
	}
	var unknown []string
	for chunk := range slices.Chunk(ids, stageChunk) {
		ans, err := d.run(ctx, d.scripts.knownMembers, nil, anys(chunk)...)
		if err != nil {
			return err
		}
		unknown = append(unknown, texts(ans)...)
	}
	if len(unknown) > 0 {
		return &UnknownMembersError{IDs: unknown}
	}
	return nil
}

// changeLong applies a delta beyond one commit's limit in several commits (an addition or removal that is repeated does
// nothing, so a delta need not be atomic), or swaps a whole list in.
func (d *Directory) changeLong(ctx context.Context, id string, m MemberChange, a askedOf) (Committed[Group], error) {
	if err := d.checkKnown(ctx, m.Add, a); err != nil {
		return Committed[Group]{}, err
	}
	a = a.leniently()
	if m.Replace {
		return d.replaceLong(ctx, id, m, a)
	}
	var all Committed[Group]
	for !m.Empty() {
		var part MemberChange
		part, m = m.split(maxInline)
		c, err := d.changeShort(ctx, id, part, a)
		if err != nil {
			d.release(ctx, all.Lease)
			return Committed[Group]{}, err
		}
		all = all.and(c)
	}
	return all, nil
}

// and joins two commits of one request: the later one tells how the group is.
func (c Committed[T]) and(later Committed[T]) Committed[T] {
	if later.Lease == nil {
		later.Lease = c.Lease
	}
	later.Changed = later.Changed || c.Changed
	later.Unknown = append(c.Unknown, later.Unknown...)
	return later
}

// release gives a lease back that a commit took for a request which then failed: the workers go on at once.
func (d *Directory) release(ctx context.Context, l *queue.Lease) {
	if l != nil {
		_ = d.queue.Release(context.WithoutCancel(ctx), l) // else it runs out
	}
}

// split takes the first n ids off a delta: removals first, as Okta sends them. The version it is for counts for that part.
func (m MemberChange) split(n int) (part, rest MemberChange) {
	r := min(n, len(m.Remove))
	a := min(n-r, len(m.Add))
	return MemberChange{At: m.At, Remove: m.Remove[:r], Add: m.Add[:a]}, MemberChange{Remove: m.Remove[r:], Add: m.Add[a:]}
}

// replaceLong stages a list in chunks and swaps it in with one script; a change of membership in between begins it anew,
// unless the list is for one version only.
func (d *Directory) replaceLong(ctx context.Context, id string, m MemberChange, a askedOf) (Committed[Group], error) {
	members := slices.Compact(slices.Sorted(slices.Values(m.Add)))
	for range longTries {
		g, err := d.groupAt(ctx, id, m.At)
		if err != nil {
			return Committed[Group]{}, err
		}
		s, err := d.stage(ctx, id, members)
		if err != nil {
			return Committed[Group]{}, err
		}
		ans, err := d.swap(ctx, g, s, m.At, a)
		if err != nil {
			return Committed[Group]{}, err
		}
		switch err := refusal(ans.list); {
		case err == nil:
			c := d.committedGroup(ans, a.token)
			c.Unknown = s.unknown
			return c, nil
		case str(at(ans.list, 0)) == "fanout":
			if err := d.drain(ctx, id); err != nil {
				return Committed[Group]{}, err
			}
		case str(at(ans.list, 0)) != "stale":
			return Committed[Group]{}, err
		}
	}
	return Committed[Group]{}, ErrStale
}

// groupAt reads a group; ErrStale when it is not at the version given, if one is.
func (d *Directory) groupAt(ctx context.Context, id string, at *Version) (Group, error) {
	g, err := d.Group(ctx, id, 0)
	if err == nil && at != nil && g.Version() != *at {
		err = ErrStale
	}
	return g, err
}

// staged is a member list under a temporary key.
type staged struct {
	key     string
	size    int64
	unknown []string
}

// stage writes a list without duplicates under a temporary key. Its size is what was sent and is known, not what is there
// at the end: a list of which a part expired on the way is not swapped in.
func (d *Directory) stage(ctx context.Context, id string, members []string) (staged, error) {
	s := staged{key: d.keys.stage(id, queue.NewToken())}
	ks := []string{d.keys.members(id), s.key, s.key + ":add"}
	for chunk := range slices.Chunk(members, stageChunk) {
		ans, err := d.run(ctx, d.scripts.stageMembers, ks, append([]any{ms(stageTTL)}, anys(chunk)...)...)
		if err != nil {
			return staged{}, err
		}
		s.unknown = append(s.unknown, texts(at(ans, 1))...)
	}
	s.size = int64(len(members) - len(s.unknown))
	return s, nil
}

// swap makes a staged list the members of the group, if its membership is still what it was in g, and its
// attributes too where a version is given.
func (d *Directory) swap(ctx context.Context, g Group, s staged, at *Version, a askedOf) (answer, error) {
	gen := ""
	if at != nil {
		gen = strconv.FormatInt(at.Gen, 10)
	}
	ks := []string{d.keys.group(g.ID), d.keys.members(g.ID), s.key, s.key + ":add"}
	args := []any{d.now(), g.ID, a.token, ms(d.opts.Lease), a.limit, g.MembGen, s.size, gen, len(s.unknown)}
	return d.commit(ctx, d.scripts.swapMembers, ks, append(args, anys(s.unknown[:min(len(s.unknown), skippedNamed)])...)...)
}

// skippedNamed is how many members that were left out the audit log names.
const skippedNamed = 20

// drain works a group's fan-out off without its lease: telling a member twice costs nothing.
func (d *Directory) drain(ctx context.Context, id string) error {
	for {
		more, err := d.FanOut(ctx, id, "")
		if err != nil || !more {
			return err
		}
	}
}

// FanOut tells the next batch of a group's members; token is the group's lease. It reports whether there are more.
func (d *Directory) FanOut(ctx context.Context, id, token string) (bool, error) {
	ans, err := d.run(ctx, d.scripts.fanOut, []string{d.keys.group(id), d.keys.members(id)}, d.now(), id, token, fanBatch)
	if err != nil {
		return false, err
	}
	if str(at(ans, 0)) == "lost" {
		return false, ErrLost
	}
	return str(at(ans, 0)) == "more", nil
}
