package scim

import (
	"slices"
	"strings"
)

// node is a part of a filter.
type node interface {
	// match tells whether a resource, or an entry of a multi-valued attribute, matches.
	match(v any) bool
	// equality returns a condition that every match meets.
	equality() (Equality, bool)
	// print writes the node; inside a not or beside an and, an or needs parentheses.
	print(b *strings.Builder, parens bool)
	// needs adds the attributes that are looked at.
	needs(n *Needs)
}

type logical struct {
	and         bool
	left, right node
}

func (l *logical) match(v any) bool {
	if l.and {
		return l.left.match(v) && l.right.match(v)
	}
	return l.left.match(v) || l.right.match(v)
}

// selective is the order in which Equality prefers attributes; value is that of an entry, inside brackets.
var selective = []string{"id", "userName", "externalId", "emails.value", "displayName", "members.value", "value"}

func (l *logical) equality() (Equality, bool) {
	if !l.and {
		return Equality{}, false
	}
	e, ok := l.left.equality()
	f, okF := l.right.equality()
	if !ok || okF && rank(f) < rank(e) {
		e, ok = f, okF
	}
	e.Exact = false
	return e, ok
}

func rank(e Equality) int {
	if i := slices.Index(selective, e.Attr); i >= 0 {
		return i
	}
	return len(selective)
}

func (l *logical) print(b *strings.Builder, parens bool) {
	if l.and {
		l.left.print(b, true)
		b.WriteString(" and ")
		l.right.print(b, true)
		return
	}
	if parens {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	l.left.print(b, false)
	b.WriteString(" or ")
	l.right.print(b, false)
}

type negation struct{ inner node }

func (n *negation) match(v any) bool           { return !n.inner.match(v) }
func (n *negation) equality() (Equality, bool) { return Equality{}, false }

func (n *negation) print(b *strings.Builder, _ bool) {
	b.WriteString("not (")
	n.inner.print(b, false)
	b.WriteByte(')')
}

// An attribute with several values matches when one of them does. ne is the negation of eq, so that it matches when none is equal
// and when there is none at all; the other operators do not match where nothing is.

// comparison compares the values of an attribute, or asks whether there are any. where, if any, selects the entries that count.
type comparison struct {
	target
	entry bool // the target is a sub-attribute of the entry being matched
	where node
	op    string
	value operand
}

func (c *comparison) match(v any) bool {
	switch {
	case c.op == opPresent:
		return c.any(v, present)
	case c.value.raw == nil:
		return c.any(v, present) == (c.op == opNotEqual)
	default:
		return c.any(v, c.test) != (c.op == opNotEqual)
	}
}

// any tells whether one of the values of the target meets the condition.
func (c *comparison) any(v any, meets func(any) bool) bool {
	v = c.base(v)
	list, ok := v.([]any)
	if !ok {
		return v != nil && (c.where == nil || c.where.match(v)) && c.anyOf(v, meets)
	}
	return slices.ContainsFunc(list, func(e any) bool {
		return (c.where == nil || c.where.match(e)) && c.anyOf(e, meets)
	})
}

// anyOf applies the condition to one value of the attribute, or to its sub-attribute.
func (c *comparison) anyOf(v any, meets func(any) bool) bool {
	if c.sub == nil {
		return meets(v)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return c.sub.name == "value" && meets(v)
	}
	v = lookup(m, c.sub)
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, meets)
	}
	return meets(v)
}

// base finds the attribute of the target in a resource or an entry.
func (c *comparison) base(v any) any {
	m, ok := v.(map[string]any)
	switch {
	case c.entry && !ok && c.attr.name == "value":
		return v // an entry of a custom attribute may be a bare value
	case c.entry:
		return lookup(m, c.attr)
	case c.schema.isCore() && c.attr == nil:
		return m
	case c.schema.isCore():
		return m[c.attr.name]
	}
	ext := m[c.schema.storedAs(m)]
	if c.attr == nil {
		return ext
	}
	attrs, _ := ext.(map[string]any)
	return lookup(attrs, c.attr)
}

// present is the pr operator: "", [] and {} are not present.
func present(v any) bool { return !empty(v) }

func (c *comparison) equality() (Equality, bool) {
	if c.where != nil {
		e, ok := c.where.equality()
		if c.sub == nil && ok {
			e.Attr = c.name() + "." + e.Attr
			return e, true
		}
	}
	if _, isBool := c.value.raw.(bool); c.op != opEqual || isBool || c.value.raw == nil {
		return Equality{}, false
	}
	return Equality{Attr: c.name(), Value: c.value.text, Exact: c.where == nil}, true
}

func (c *comparison) print(b *strings.Builder, _ bool) {
	if c.where == nil {
		b.WriteString(c.name())
	} else {
		b.WriteString(target{schema: c.schema, attr: c.attr}.String())
		b.WriteByte('[')
		c.where.print(b, false)
		b.WriteByte(']')
		if c.sub == nil {
			return
		}
		b.WriteString("." + c.sub.name)
	}
	b.WriteString(" " + c.op)
	if c.op == opPresent {
		return
	}
	b.WriteByte(' ')
	switch raw := c.value.raw.(type) {
	case nil:
		b.WriteString("null")
	case string:
		b.Write(appendString(nil, raw))
	default:
		b.WriteString(c.value.text)
	}
}

// name is the name of the target: relative to the entry inside brackets.
func (c *comparison) name() string {
	if c.entry {
		t := c.target
		t.schema = userSchema // prints no URN
		return t.String()
	}
	return c.String()
}

// equalities returns the sub-attributes that an entry must have to match the filter, when that is all the filter asks for.
func equalities(n node) (terms map[string]any, ok bool) {
	terms = map[string]any{}
	return terms, collect(n, terms)
}

func collect(n node, terms map[string]any) bool {
	switch n := n.(type) {
	case *logical:
		return n.and && collect(n.left, terms) && collect(n.right, terms)
	case *comparison:
		return n.op == opEqual && n.sub == nil && n.term(terms)
	default:
		return false
	}
}

// term adds the value that an entry must have; it must not contradict another.
func (c *comparison) term(terms map[string]any) bool {
	v, err := c.attr.single(c.value.raw)
	if err != nil || v == nil {
		return false
	}
	if old, ok := terms[c.attr.name]; ok {
		return equal(old, v)
	}
	terms[c.attr.name] = v
	return true
}
