package scim

import (
	"slices"
	"strings"
)

// selection is a target with a value filter: emails[type eq "work"], with or without a sub-attribute.
type selection struct {
	target
	filter node
}

// String prints the selection as a path; parsing that selects the same.
func (s selection) String() string {
	if s.filter == nil {
		return s.target.String()
	}
	var b strings.Builder
	b.WriteString(target{schema: s.schema, attr: s.attr}.String())
	b.WriteByte('[')
	s.filter.print(&b, false)
	b.WriteByte(']')
	if s.sub != nil {
		b.WriteString("." + s.sub.name)
	}
	return b.String()
}

// removeSelected removes the entries that the filter selects, or a sub-attribute of them. None: already as wished.
func (p *applier) removeSelected(s selection) error {
	entries, ok := p.get(s.target).([]any)
	if !ok {
		return nil
	}
	list := make([]any, 0, len(entries))
	for _, e := range entries {
		switch {
		case !s.filter.match(e):
			list = append(list, e)
		case s.sub != nil:
			list = append(list, withEntry(e, s.sub, nil))
		}
	}
	return p.put(s.target, dropVacant(list))
}

// setSelected adds to, or replaces, the entries that the filter selects.
func (p *applier) setSelected(kind op, s selection, v any) error {
	entries, _ := p.get(s.target).([]any)
	terms, creatable := equalities(s.filter)
	changed := changes{list: make([]any, 0, len(entries)+1), primary: -1}
	for _, e := range entries {
		if !s.filter.match(e) {
			changed.list = append(changed.list, e)
			continue
		}
		next, err := s.change(kind, terms, e, v)
		if err != nil {
			return err
		}
		changed.add(next)
	}
	switch {
	case changed.found:
		return p.put(s.target, onlyPrimary(changed.list, changed.primary))
	case empty(v):
		return nil
	case !creatable || s.sub == nil && kind == opReplace:
		return badRequest(NoTarget, "Nothing matches %s; add the entry first.", quote(s.String()))
	default:
		return p.create(s, terms, v)
	}
}

// create adds an entry made of the filter's terms and the value: Entra ID sets emails[type eq "work"].value of users who have
// no such address, where RFC 7644 would have it refused.
func (p *applier) create(s selection, terms map[string]any, v any) error {
	e, err := s.change(opAdd, terms, terms, v)
	if err != nil {
		return err
	}
	entries, _ := p.get(s.target).([]any)
	list := union(s.attr, slices.Clone(entries), dropVacant([]any{e}))
	if err := limit(s.attr, list); err != nil {
		return err
	}
	return p.put(s.target, list)
}

// changes collects the entries of an attribute while some of them change.
type changes struct {
	list    []any
	found   bool
	primary int // index of the first changed entry that is primary, -1 for none
}

// add adds a changed entry; nil is one that goes, and so does one that says nothing any more.
func (c *changes) add(e any) {
	c.found = true
	if m, ok := e.(map[string]any); e == nil || ok && vacant(m) {
		return
	}
	if c.primary < 0 && isPrimary(e) {
		c.primary = len(c.list)
	}
	c.list = append(c.list, e)
}

// change returns the entry with the value applied; nil when the entry goes.
func (s selection) change(kind op, terms map[string]any, e, v any) (any, error) {
	if s.sub != nil {
		kept, err := s.sub.single(v)
		if err != nil {
			return nil, err
		}
		return withEntry(e, s.sub, kept), nil
	}
	kept, err := s.attr.single(v)
	switch {
	case err != nil:
		return nil, err
	case kept == nil && kind == opReplace:
		return nil, nil
	case kept == nil:
		return e, nil
	case kind == opReplace:
		return complete(terms, kept), nil
	default:
		return complete(e, kept), nil
	}
}
