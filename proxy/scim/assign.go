package scim

import "maps"

// assign computes the new value of the attribute of the target from the old one.
func assign(kind op, t target, old, v any) (any, error) {
	_, listed := old.([]any)
	many := t.attr.multi || listed
	switch {
	case t.sub != nil && many:
		return assignEach(t, old, v)
	case t.sub != nil:
		return assignSub(t, old, v)
	case t.attr.multi, listed && kind == opAdd:
		return assignList(kind, t.attr, old, v)
	case t.attr.kind == complexKind:
		return merge(t.attr, old, v)
	default:
		return t.attr.single(v)
	}
}

// assignSub sets a sub-attribute of an attribute with one value.
func assignSub(t target, old, v any) (any, error) {
	kept, err := t.sub.single(v)
	if err != nil {
		return nil, err
	}
	m, ok := old.(map[string]any)
	if !ok && old != nil && kept == nil {
		return old, nil // a custom attribute that is not an object has no such sub-attribute
	}
	return with(m, t.sub, kept), nil
}

// merge sets the sub-attributes that the value names and leaves the others, as both add and replace do.
func merge(a *attribute, old, v any) (any, error) {
	if l, ok := v.([]any); ok && len(l) == 1 {
		v = l[0]
	}
	o, isObject := v.(object)
	if isObject && len(o) == 0 {
		return old, nil
	}
	if empty(v) {
		return nil, nil
	}
	before, _ := old.(map[string]any)
	if !isObject || before == nil {
		return a.complex(v)
	}
	after := maps.Clone(before)
	for i := range o {
		sub := a.subs.find(o[i].name)
		if sub == nil {
			continue
		}
		kept, err := sub.single(o[i].value)
		if err != nil {
			return nil, err
		}
		after = with(after, sub, kept)
	}
	if a.value() != nil && !equal(before["value"], after["value"]) {
		return a.complex(v) // another manager: nothing of the former one stays
	}
	return after, nil
}

// remove unassigns what the target names, without a value filter.
func (p *applier) remove(t target, v any) error {
	if t.attr == nil {
		if t.schema == p.table.core {
			return badRequest(NoTarget, "remove names the whole resource; name the attribute to be removed.")
		}
		delete(p.attrs, t.schema.id)
		return nil
	}
	old := p.get(t)
	if old == nil && !t.attr.required && t.attr.kind != booleanKind {
		return nil
	}
	entries, many := old.([]any)
	switch {
	case t.sub == nil && many && !empty(v):
		return p.removeListed(t, entries, v)
	case t.sub == nil:
		return p.put(t, nil)
	case many:
		return p.put(t, eachEntry(entries, t.sub, nil))
	default:
		m, ok := old.(map[string]any)
		if !ok {
			return nil
		}
		return p.put(t, with(m, t.sub, nil))
	}
}
