package directory

import (
	"context"
	"time"

	"github.com/scimcms/scimcms/queue"
)

const (
	stageTTL   = 10 * time.Minute
	stageChunk = 1000 // ids in one staging script
	longTries  = 20   // how often a swap that met another change is begun anew
	fanBatch   = 500  // members told in one script
)

// changeLong applies a delta beyond one commit's limit in several commits (an addition or removal that is repeated does
// nothing, so a delta need not be atomic), or swaps a whole list in.
func (d *Directory) changeLong(ctx context.Context, id string, m MemberChange, limit int, token string) (Committed[Group], error) {
	if m.Replace {
		return d.replaceLong(ctx, id, m.Add, limit, token)
	}
	var last Committed[Group]
	changed := false
	var unknown []string
	var lease *queue.Lease
	for !m.Empty() {
		var part MemberChange
		part, m = m.split(maxInline)
		c, err := d.ChangeMembers(ctx, id, part, limit, token)
		if err != nil {
			return Committed[Group]{}, err
		}
		if c.Lease != nil {
			lease = c.Lease
		}
		changed = changed || c.Changed
		unknown = append(unknown, c.Unknown...)
		last = c
	}
	last.Changed, last.Unknown, last.Lease = changed, unknown, lease
	return last, nil
}

// split takes the first n ids off a delta: removals first, as Okta sends them.
func (m MemberChange) split(n int) (part, rest MemberChange) {
	r := min(n, len(m.Remove))
	a := min(n-r, len(m.Add))
	return MemberChange{Remove: m.Remove[:r], Add: m.Add[:a]}, MemberChange{Remove: m.Remove[r:], Add: m.Add[a:]}
}

// replaceLong stages a list in chunks and swaps it in with one script; a change of membership in between begins it anew.
func (d *Directory) replaceLong(ctx context.Context, id string, members []string, limit int, token string) (Committed[Group], error) {
	for range longTries {
		g, err := d.Group(ctx, id, 0)
		if err != nil {
			return Committed[Group]{}, err
		}
		stage := d.keys.stage(id, queue.NewToken())
		staged, unknown, err := d.stage(ctx, id, stage, members)
		if err != nil {
			return Committed[Group]{}, err
		}
		ks := []string{d.keys.group(id), d.keys.members(id), stage, stage + ":add"}
		ans, err := d.commit(ctx, d.scripts.swapMembers, ks, d.now(), id, token, ms(d.opts.Lease), limit, g.MembGen, staged)
		if err != nil {
			return Committed[Group]{}, err
		}
		switch err := refusal(ans.list); {
		case err == nil:
			c := d.committedGroup(ans, token)
			c.Unknown = unknown
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

func (d *Directory) stage(ctx context.Context, id, stage string, members []string) (int64, []string, error) {
	var unknown []string
	ks := []string{d.keys.members(id), stage, stage + ":add"}
	for lo := 0; lo < len(members); lo += stageChunk {
		chunk := members[lo:min(lo+stageChunk, len(members))]
		ans, err := d.run(ctx, d.scripts.stageMembers, ks, append([]any{ms(stageTTL)}, anys(chunk)...)...)
		if err != nil {
			return 0, nil, err
		}
		unknown = append(unknown, texts(ans)...)
	}
	if len(unknown) > 0 && d.opts.UnknownMembers == "reject" {
		return 0, nil, &UnknownMembersError{IDs: unknown}
	}
	n, err := d.rdb.SCard(ctx, stage).Result()
	if err != nil {
		return 0, nil, &UnavailableError{Cause: err}
	}
	return n, unknown, nil
}

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
