package directory

import "context"

// CreateGroup records a new group with its first members; limit is how many of them the answer may carry. A long list is
// staged after the group exists.
func (d *Directory) CreateGroup(ctx context.Context, w GroupWish, members []string, limit int, token string) (Committed[Group], error) {
	first := members
	if len(members) > maxInline {
		first = nil
	}
	c, err := d.createGroup(ctx, w, first, limit, token)
	if err != nil || len(first) == len(members) {
		return c, err
	}
	long, err := d.replaceLong(ctx, c.Item.ID, members, limit, token)
	if err != nil {
		return Committed[Group]{}, err
	}
	if long.Lease == nil {
		long.Lease = c.Lease
	}
	return long, nil
}

func (d *Directory) createGroup(ctx context.Context, w GroupWish, members []string, limit int, token string) (Committed[Group], error) {
	key := d.opts.Fold(w.Name)
	for uses := int64(0); ; {
		id := d.opts.NewID("Group", key, uses)
		args := []any{d.now(), id, token, ms(d.opts.Lease), d.opts.UnknownMembers, limit, w.Name, key, uses, w.ExternalID, w.Doc}
		ans, err := d.commit(ctx, d.scripts.createGroup, []string{d.keys.group(id)}, append(args, anys(members)...)...)
		if err != nil {
			return Committed[Group]{}, err
		}
		if str(at(ans.list, 0)) == "count" {
			uses = num(at(ans.list, 1))
			continue
		}
		if err := refusal(ans.list); err != nil {
			return Committed[Group]{}, err
		}
		return d.committedGroup(ans, token), nil
	}
}

// GroupChange is a change of a group's attributes and membership; Limit is how many members the answer may carry.
type GroupChange struct {
	Wish    GroupWish
	Members MemberChange
	Limit   int
}

// WriteGroup renames a group or replaces its other attributes, together with a change of membership. ErrStale when the
// group changed since it was read as cur.
func (d *Directory) WriteGroup(ctx context.Context, cur Group, ch GroupChange, token string) (Committed[Group], error) {
	w, inline := ch.Wish, ch.Members
	if ch.Members.long() {
		inline = MemberChange{}
	}
	args := []any{d.now(), cur.ID, token, ms(d.opts.Lease), d.opts.UnknownMembers, ch.Limit, cur.Gen, w.Name,
		d.opts.Fold(w.Name), w.ExternalID, w.Doc, flag(inline.Replace), len(inline.Add)}
	args = append(append(args, anys(inline.Add)...), anys(inline.Remove)...)
	ans, err := d.commit(ctx, d.scripts.writeGroup, []string{d.keys.group(cur.ID), d.keys.members(cur.ID)}, args...)
	if err != nil {
		return Committed[Group]{}, err
	}
	if str(at(ans.list, 0)) == "large" {
		return d.thenLong(ctx, cur, ch, token)
	}
	if err := refusal(ans.list); err != nil {
		return Committed[Group]{}, err
	}
	c := d.committedGroup(ans, token)
	if ch.Members.long() {
		return d.withLong(ctx, c, ch, token)
	}
	return c, nil
}

// thenLong writes the attributes first and the long list after them: the commit would touch too many members.
func (d *Directory) thenLong(ctx context.Context, cur Group, ch GroupChange, token string) (Committed[Group], error) {
	c, err := d.WriteGroup(ctx, cur, GroupChange{Wish: ch.Wish, Limit: ch.Limit}, token)
	if err != nil {
		return c, err
	}
	return d.withLong(ctx, c, ch, token)
}

func (d *Directory) withLong(ctx context.Context, c Committed[Group], ch GroupChange, token string) (Committed[Group], error) {
	long, err := d.changeLong(ctx, c.Item.ID, ch.Members, ch.Limit, token)
	if err != nil {
		return Committed[Group]{}, err
	}
	if long.Lease == nil {
		long.Lease = c.Lease
	}
	return long, nil
}

// ChangeMembers adds and removes members, or replaces them all. It needs no generation: deltas of two requests commute.
func (d *Directory) ChangeMembers(ctx context.Context, id string, m MemberChange, limit int, token string) (Committed[Group], error) {
	if m.long() {
		return d.changeLong(ctx, id, m, limit, token)
	}
	args := []any{d.now(), id, token, ms(d.opts.Lease), flag(m.Replace), d.opts.UnknownMembers, limit, len(m.Add)}
	args = append(append(args, anys(m.Add)...), anys(m.Remove)...)
	ans, err := d.commit(ctx, d.scripts.changeMembers, []string{d.keys.group(id), d.keys.members(id)}, args...)
	if err != nil {
		return Committed[Group]{}, err
	}
	if str(at(ans.list, 0)) == "large" {
		return d.replaceLong(ctx, id, m.Add, limit, token)
	}
	if err := refusal(ans.list); err != nil {
		return Committed[Group]{}, err
	}
	return d.committedGroup(ans, token), nil
}

// DeleteGroup leaves a tombstone; the group's key tells its members and removes a role that the proxy made.
func (d *Directory) DeleteGroup(ctx context.Context, id, token string) (Committed[Group], error) {
	ans, err := d.commit(ctx, d.scripts.deleteGroup, []string{d.keys.group(id), d.keys.members(id), d.keys.membersOld(id)},
		d.now(), id, token, ms(d.opts.Lease))
	if err != nil {
		return Committed[Group]{}, err
	}
	if err := refusal(ans.list); err != nil {
		return Committed[Group]{}, err
	}
	return d.committedGroup(ans, token), nil
}

func (d *Directory) committedGroup(ans answer, token string) Committed[Group] {
	g := groupRecord(list(at(ans.list, 1)))
	return Committed[Group]{Item: g, Lease: d.lease(ans, GroupKey(g.ID), token), Changed: num(at(ans.list, 3)) == 1,
		Unknown: texts(at(ans.list, 4))}
}

// long reports whether a change is more than one commit may touch.
func (m MemberChange) long() bool { return len(m.Add)+len(m.Remove) > maxInline }

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
