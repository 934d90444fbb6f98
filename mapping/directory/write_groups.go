package directory

import "context"

// CreateGroup records a new group with its first members; limit is how many of them the answer may carry. A long list is
// staged after the group exists.
func (d *Directory) CreateGroup(ctx context.Context, w GroupWish, members []string, limit int, token string) (Committed[Group], error) {
	a := d.asked(limit, token)
	if len(members) <= maxInline {
		return d.createGroup(ctx, w, members, a)
	}
	if err := d.checkKnown(ctx, members, a); err != nil {
		return Committed[Group]{}, err
	}
	c, err := d.createGroup(ctx, w, nil, a)
	if err != nil {
		return c, err
	}
	return d.withLong(ctx, c, MemberChange{Replace: true, Add: members}, a.leniently())
}

func (d *Directory) createGroup(ctx context.Context, w GroupWish, members []string, a askedOf) (Committed[Group], error) {
	key := d.opts.Fold(w.Name)
	for uses := int64(0); ; {
		id := d.opts.NewID("Group", key, uses)
		args := []any{d.now(), id, a.token, ms(d.opts.Lease), a.unknown, a.limit, w.Name, key, uses, w.ExternalID, w.Doc}
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
		return d.committedGroup(ans, a.token), nil
	}
}

// GroupChange is a change of a group's attributes and membership; Limit is how many members the answer may carry.
type GroupChange struct {
	Wish    GroupWish
	Members MemberChange
	Limit   int
}

// WriteGroup renames a group or replaces its other attributes, together with a change of membership. ErrStale when an
// attribute changed since the group was read as cur; changes of membership meanwhile do not matter.
func (d *Directory) WriteGroup(ctx context.Context, cur Group, ch GroupChange, token string) (Committed[Group], error) {
	a := d.asked(ch.Limit, token)
	if ch.Members.long() {
		return d.writeLong(ctx, cur, ch, a)
	}
	ans, err := d.writeGroup(ctx, cur, ch, a)
	if err != nil {
		return Committed[Group]{}, err
	}
	if str(at(ans.list, 0)) == "large" {
		return d.writeLong(ctx, cur, ch, a)
	}
	if err := refusal(ans.list); err != nil {
		return Committed[Group]{}, err
	}
	return d.committedGroup(ans, token), nil
}

func (d *Directory) writeGroup(ctx context.Context, cur Group, ch GroupChange, a askedOf) (answer, error) {
	w, m := ch.Wish, ch.Members
	args := []any{d.now(), cur.ID, a.token, ms(d.opts.Lease), a.unknown, a.limit, cur.Gen, w.Name,
		d.opts.Fold(w.Name), w.ExternalID, w.Doc, m.At.arg(), flag(m.Replace), len(m.Add)}
	args = append(append(args, anys(m.Add)...), anys(m.removals())...)
	return d.commit(ctx, d.scripts.writeGroup, []string{d.keys.group(cur.ID), d.keys.members(cur.ID)}, args...)
}

// writeLong writes the attributes first and the long list after them: one commit would touch too many members.
func (d *Directory) writeLong(ctx context.Context, cur Group, ch GroupChange, a askedOf) (Committed[Group], error) {
	if err := d.checkKnown(ctx, ch.Members.Add, a); err != nil {
		return Committed[Group]{}, err
	}
	ans, err := d.writeGroup(ctx, cur, GroupChange{Wish: ch.Wish, Members: MemberChange{At: ch.Members.At}}, a)
	if err != nil {
		return Committed[Group]{}, err
	}
	if err := refusal(ans.list); err != nil {
		return Committed[Group]{}, err
	}
	ch.Members.At = nil // it was met: the rest belongs to a write that is accepted
	return d.withLong(ctx, d.committedGroup(ans, a.token), ch.Members, a.leniently())
}

func (d *Directory) withLong(ctx context.Context, c Committed[Group], m MemberChange, a askedOf) (Committed[Group], error) {
	long, err := d.changeLong(ctx, c.Item.ID, m, a)
	if err != nil {
		d.release(ctx, c.Lease)
		return Committed[Group]{}, err
	}
	return c.and(long), nil
}

// ChangeMembers adds and removes members, or replaces them all. It needs no generation: deltas of two requests commute.
// ErrStale when the group is not at the version that the change names.
func (d *Directory) ChangeMembers(ctx context.Context, id string, m MemberChange, limit int, token string) (Committed[Group], error) {
	if m.long() {
		return d.changeLong(ctx, id, m, d.asked(limit, token))
	}
	return d.changeShort(ctx, id, m, d.asked(limit, token))
}

func (d *Directory) changeShort(ctx context.Context, id string, m MemberChange, a askedOf) (Committed[Group], error) {
	args := []any{d.now(), id, a.token, ms(d.opts.Lease), flag(m.Replace), a.unknown, a.limit, m.At.arg(), len(m.Add)}
	args = append(append(args, anys(m.Add)...), anys(m.removals())...)
	ans, err := d.commit(ctx, d.scripts.changeMembers, []string{d.keys.group(id), d.keys.members(id)}, args...)
	if err != nil {
		return Committed[Group]{}, err
	}
	if str(at(ans.list, 0)) == "large" {
		return d.replaceLong(ctx, id, m, a.leniently()) // the script knew every id
	}
	if err := refusal(ans.list); err != nil {
		return Committed[Group]{}, err
	}
	return d.committedGroup(ans, a.token), nil
}

// DeleteGroup leaves a tombstone; the group's key tells its members and removes a role that the proxy made. ErrStale
// when the group is not at the version given, if one is.
func (d *Directory) DeleteGroup(ctx context.Context, id string, at *Version, token string) (Committed[Group], error) {
	ans, err := d.commit(ctx, d.scripts.deleteGroup, []string{d.keys.group(id), d.keys.members(id), d.keys.membersOld(id)},
		d.now(), id, token, ms(d.opts.Lease), at.arg())
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
func (m MemberChange) long() bool { return len(m.Add)+len(m.removals()) > maxInline }

// removals are the ids to take out by name; a replacement names none.
func (m MemberChange) removals() []string {
	if m.Replace {
		return nil
	}
	return m.Remove
}

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
