package scim

import "strings"

// GroupChange is what a PATCH does to a group, worked out without knowing its members: the last operation on a member decides,
// and after a replacement of all members only what was named since counts.
type GroupChange struct {
	DisplayName *string
	ExternalID  *string // "" unassigns it
	Replace     bool    // the members become exactly Add
	Add         []string
	Remove      []string // no id is in both lists; empty with Replace

	operations []operation // what else the patch does, for Apply
}

// The attributes that are not about members depend on what is stored. They are checked here, so that a refusal comes before
// anything is read, and applied later, when the stored group is at hand.

// standIn is a value that no request can send.
const standIn = "\x00"

var groupMembers = groupSchema.attributes.exact("members")

// GroupChange compiles the patch for a group. Whatever the order of its operations was, it does not matter any more.
func (p *Patch) GroupChange() (*GroupChange, error) {
	c := &GroupChange{}
	f := folding{}
	a := &applier{table: groupTable, attrs: map[string]any{}}
	for i := range p.operations {
		if err := c.compile(p.operations[i], &f, a); err != nil {
			return nil, inOperation(i, err)
		}
	}
	c.Replace, c.Add = f.replace, f.ids(true)
	if !f.replace {
		c.Remove = f.ids(false)
	}
	return c, nil
}

// compile folds the member changes of an operation and keeps the rest for Apply.
func (c *GroupChange) compile(op operation, f *folding, a *applier) error {
	if op.wholeGroup() {
		op.path = nil
	}
	if op.path != nil {
		if isMembers(op.path.name) {
			return f.operation(op)
		}
		return c.attribute(op, a)
	}
	for _, m := range op.keys.withoutCoreURN(GroupURN) {
		if err := c.key(op.kind, m, f, a); err != nil {
			return err
		}
	}
	return nil
}

// wholeGroup tells whether the path is the URN of the core schema, which is as good as no path.
func (op *operation) wholeGroup() bool {
	return op.path != nil && equalFold(op.path.name, GroupURN) && op.keys != nil && op.kind != opRemove
}

// key compiles one key of a value without path.
func (c *GroupChange) key(kind op, m member, f *folding, a *applier) error {
	switch {
	case isMembers(m.name):
		return f.set(kind, m.value)
	case strings.IndexByte(m.name, '[') >= 0:
		at, err := parsePath(m.name)
		if err != nil {
			return err
		}
		return c.compile(operation{kind: kind, path: at, value: m.value}, f, a)
	default:
		return c.attribute(operation{kind: kind, keys: object{m}}, a)
	}
}

// attribute keeps an operation that is not about members: the value of a core attribute, or all of it for Apply.
func (c *GroupChange) attribute(op operation, a *applier) error {
	if op.path != nil {
		s, err := op.path.resolve(a, op.value)
		switch {
		case equalFold(op.path.name, "schemas"):
			return nil
		case err != nil:
			return err
		case s.attr != nil && s.attr == groupMembers:
			return badRequest(InvalidPath, "%s names no member; write members[value eq \"id\"].", quote(op.path.name))
		case !s.schema.isCore():
			c.operations = append(c.operations, op)
			return nil
		}
		return c.core(op, a)
	}
	switch t, ok := a.key(op.keys[0].name, op.keys[0].value); {
	case !ok:
		return nil
	case t.schema.isCore():
		return c.core(op, a)
	}
	c.operations = append(c.operations, op)
	return nil
}

// core tries the operation on a stand-in for the stored group to see what becomes of its displayName or externalId.
func (c *GroupChange) core(op operation, a *applier) error {
	a.attrs["displayName"], a.attrs["externalId"] = standIn, standIn
	if err := op.apply(a); err != nil {
		return err
	}
	if s, _ := a.attrs["displayName"].(string); s != standIn {
		c.DisplayName = &s
	}
	if s, _ := a.attrs["externalId"].(string); s != standIn {
		c.ExternalID = &s
	}
	return nil
}

// MembersOnly tells whether the change names nothing but members.
func (c *GroupChange) MembersOnly() bool {
	return c.DisplayName == nil && c.ExternalID == nil && len(c.operations) == 0
}

// Apply applies what is not about members to the stored group. On an error the group is as before.
func (c *GroupChange) Apply(g *Group) (changed bool, err error) {
	before := g.attributes()
	a := &applier{table: groupTable, attrs: g.attributes()}
	if c.DisplayName != nil {
		a.attrs["displayName"] = *c.DisplayName
	}
	if c.ExternalID != nil {
		a.attrs["externalId"] = *c.ExternalID
		if *c.ExternalID == "" {
			delete(a.attrs, "externalId")
		}
	}
	for i := range c.operations {
		if err := c.operations[i].apply(a); err != nil {
			return false, err
		}
	}
	if equal(before, a.attrs) {
		return false, nil
	}
	g.setAttributes(a.attrs)
	return true, nil
}
