package scim

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
	if kept == nil {
		return vacated(t, m), nil
	}
	return with(m, t.sub, kept), nil
}

// vacated is the attribute of the target without its sub-attribute. Without its value nothing of it stays: the name and the
// address of a manager say nothing once it is gone.
func vacated(t target, m map[string]any) any {
	if t.attr.kind == complexKind && t.sub == t.attr.value() {
		return nil
	}
	return with(m, t.sub, nil)
}

// merge sets the sub-attributes that the value names and leaves the others, as both add and replace do.
func merge(a *attribute, old, v any) (any, error) {
	if l, ok := v.([]any); ok && len(l) == 1 {
		v = l[0]
	}
	o, isObject := v.(object)
	before, _ := old.(map[string]any)
	switch {
	case isObject && len(o) == 0:
		return old, nil
	case empty(v):
		return nil, nil
	case !isObject || before == nil:
		return a.complex(v)
	}
	after, err := a.mergeInto(before, o)
	if err == nil && !equal(before["value"], after["value"]) {
		return a.complex(v) // another manager: nothing of the former one stays
	}
	return after, err
}

// mergeInto returns the sub-attributes with those of the object set.
func (a *attribute) mergeInto(m map[string]any, o object) (map[string]any, error) {
	for i := range o {
		sub := a.subs.find(o[i].name)
		if sub == nil {
			continue
		}
		kept, err := sub.single(o[i].value)
		if err != nil {
			return nil, err
		}
		m = with(m, sub, kept)
	}
	return m, nil
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
	if t.attr.required {
		return badRequest(Mutability, "%s is required and cannot be removed: replace it.", t.attr.full)
	}
	old := p.get(t)
	entries, many := old.([]any)
	switch {
	case t.sub == nil && many && !empty(v):
		return p.removeListed(t, entries, v)
	case t.sub == nil:
		return p.put(t, nil)
	case many:
		return p.put(t, eachEntry(entries, t.sub, nil))
	}
	if m, ok := old.(map[string]any); ok {
		return p.put(t, vacated(t, m))
	}
	return nil
}
