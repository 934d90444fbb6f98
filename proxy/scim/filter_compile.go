package scim

import (
	"strings"
	"time"
)

// The operators of RFC 7644.
const (
	opEqual        = "eq"
	opNotEqual     = "ne"
	opContains     = "co"
	opStartsWith   = "sw"
	opEndsWith     = "ew"
	opPresent      = "pr"
	opGreater      = "gt"
	opGreaterEqual = "ge"
	opLess         = "lt"
	opLessEqual    = "le"
)

func isComparison(op string) bool {
	switch op {
	case opEqual, opNotEqual, opContains, opStartsWith, opEndsWith, opGreater, opGreaterEqual, opLess, opLessEqual:
		return true
	default:
		return false
	}
}

func isEquality(op string) bool { return op == opEqual || op == opNotEqual }

func isTextOp(op string) bool { return op == opContains || op == opStartsWith || op == opEndsWith }

// scope says what the names of a filter are names of: a resource type, or (inside brackets) the entries of an attribute.
type scope struct {
	table *resourceType
	also  []*resourceType // searched together with it: what only they have is an attribute without a value
	entry *attribute
}

func (s scope) resolve(name string) (target, error) {
	if s.entry == nil {
		return s.resolveAny(name)
	}
	if !validName(name) {
		return target{}, malformedName(name)
	}
	a := s.entry.member(name)
	if a == nil {
		return target{}, unknownAttribute(s.entry.full + "." + name)
	}
	return target{attr: a}, nil
}

// resolveAny finds an attribute of the type, else of those that are searched with it.
func (s scope) resolveAny(name string) (target, error) {
	at, err := s.table.resolve(name)
	if err == nil {
		return at, nil
	}
	for _, t := range s.also {
		if at, err := t.resolve(name); err == nil {
			return at, nil
		}
	}
	return target{}, err
}

// compile resolves the names of a comparison and checks that it makes sense.
func (t *term) compile(in scope) (node, error) {
	at, err := in.resolve(t.path)
	if err != nil {
		return nil, asFilterError(err)
	}
	c := &comparison{target: at, entry: in.entry != nil, op: t.op}
	if at.attr == nil {
		if t.op != opPresent || t.filter != nil {
			return nil, badRequest(InvalidFilter, "%s is an extension: name one of its attributes, or ask for pr.", quote(t.path))
		}
		return c, nil
	}
	if at.attr.returned == never {
		return nil, badRequest(InvalidFilter, "%s cannot be used in a filter.", at.attr.full)
	}
	if t.filter != nil {
		if err := c.within(t, in); err != nil {
			return nil, err
		}
	}
	if c.op == opPresent {
		return c, nil
	}
	if err := c.compare(t.value); err != nil {
		return nil, err
	}
	return c, nil
}

// compare prepares the value to compare with. A complex attribute stands for its value.
func (c *comparison) compare(v any) error {
	if leaf := c.leaf(); leaf.kind == complexKind {
		if c.sub = leaf.value(); c.sub == nil {
			return badRequest(InvalidFilter, "%s has sub-attributes: compare one of them.", leaf.full)
		}
	}
	c.value = newOperand(v)
	return c.check()
}

// within compiles the filter inside the brackets and the sub-attribute after them.
func (c *comparison) within(t *term, in scope) error {
	if in.entry != nil || c.sub != nil || !c.attr.hasEntries() {
		return badRequest(InvalidFilter, "%s cannot have a filter in brackets: it is not a multi-valued attribute.", quote(t.path))
	}
	inner, err := t.filter.compile(scope{entry: c.attr})
	if err != nil {
		return err
	}
	if c.where = inner; t.sub == "" {
		return nil
	}
	if c.sub, err = c.attr.afterFilter(t.sub); err != nil {
		return asFilterError(err)
	}
	return nil
}

// check refuses comparisons that make no sense, and prepares times.
func (c *comparison) check() error {
	leaf := c.leaf()
	_, isBool := c.value.raw.(bool)
	switch {
	case (c.value.raw == nil || isBool) && !isEquality(c.op):
		return badRequest(InvalidFilter, "%s is compared with true, false and null by eq and ne only.", leaf.full)
	case c.value.raw == nil:
		return nil
	case leaf.kind == booleanKind:
		return c.checkBoolean(isBool)
	case leaf.kind == dateTimeKind && !isTextOp(c.op):
		t, err := time.Parse(time.RFC3339, c.value.text)
		if err != nil {
			return badRequest(InvalidFilter, "%s is compared with times such as \"2026-01-31T12:00:00Z\".", leaf.full).WithCause(err)
		}
		c.value.time = t
	}
	return nil
}

// checkBoolean accepts true and false, and their names as text in any case.
func (c *comparison) checkBoolean(isBool bool) error {
	word := equalFold(c.value.text, "true") || equalFold(c.value.text, "false")
	if isBool || word && isEquality(c.op) {
		return nil
	}
	return badRequest(InvalidFilter, "%s is compared by eq or ne with true or false.", c.leaf().full)
}

// asFilterError gives an error of name resolution the reason that RFC 7644 has for filters.
func asFilterError(err error) error {
	e := AsError(err)
	return badRequest(InvalidFilter, "%s", strings.Replace(e.Detail, "correct the attribute mapping", "correct the filter", 1))
}
