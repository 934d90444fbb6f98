package scim

import (
	"maps"
	"net/http"
	"slices"
)

// Lists are cloned before they are changed: the attributes of the resource that a PATCH began with share their entries with
// those it works on.

// assignList adds to, or replaces, the entries of a multi-valued attribute.
func assignList(kind op, a *attribute, old, v any) (any, error) {
	fresh, err := a.entries(v)
	if err != nil {
		return nil, err
	}
	var list []any
	if kind == opAdd {
		before, _ := old.([]any)
		list = slices.Clone(before)
	}
	list = union(a, list, fresh)
	return list, limit(a, list)
}

func limit(a *attribute, list []any) error {
	if len(list) > maxEntries {
		return Errorf(http.StatusRequestEntityTooLarge, TooMany, "%s would have more than %d entries.", a.full, maxEntries)
	}
	return nil
}

// union adds entries to the list, which it owns. An entry that is there already is not doubled but completed; the first new
// primary entry is the primary one from then on.
func union(a *attribute, list, fresh []any) []any {
	chosen := -1
	for _, e := range fresh {
		i := slices.IndexFunc(list, func(l any) bool { return same(a, l, e) })
		if i < 0 {
			i = len(list)
			list = append(list, e)
		} else {
			list[i] = complete(list[i], e)
		}
		if chosen < 0 && isPrimary(e) {
			chosen = i
		}
	}
	return onlyPrimary(list, chosen)
}

// complete returns the entry with the sub-attributes of the other set.
func complete(entry, other any) any {
	before, okBefore := entry.(map[string]any)
	more, okMore := other.(map[string]any)
	if !okBefore || !okMore {
		return other
	}
	after := maps.Clone(before)
	maps.Copy(after, more)
	return after
}

// same tells whether two entries are one: equal values, and types that do not differ.
func same(a *attribute, x, y any) bool {
	mx, _ := x.(map[string]any)
	my, _ := y.(map[string]any)
	vx, okX := mx["value"].(string)
	vy, okY := my["value"].(string)
	value := a.value()
	switch {
	case !okX || !okY || value == nil:
		return equal(x, y)
	case value.exact:
		return vx == vy && sameType(mx, my)
	default:
		return sameText(vx, vy) && sameType(mx, my)
	}
}

// sameType tells whether two entries have types that do not differ; an entry without type is of any.
func sameType(x, y map[string]any) bool {
	tx, okX := x["type"].(string)
	ty, okY := y["type"].(string)
	return !okX || !okY || sameText(tx, ty)
}

func isPrimary(e any) bool {
	m, _ := e.(map[string]any)
	b, _ := m["primary"].(bool)
	return b
}

// onlyPrimary takes primary from all entries but the chosen one; a negative index chooses none and changes nothing.
func onlyPrimary(list []any, chosen int) []any {
	if chosen < 0 {
		return list
	}
	for i, e := range list {
		if i != chosen && isPrimary(e) {
			list[i] = complete(e, map[string]any{"primary": false})
		}
	}
	return list
}

// assignEach sets a sub-attribute without saying of which entry: of all, but value and primary, which differ by nature, only
// of the primary (else the first) entry.
func assignEach(t target, old, v any) (any, error) {
	kept, err := t.sub.single(v)
	if err != nil {
		return nil, err
	}
	entries, _ := old.([]any)
	if len(entries) == 0 {
		if kept == nil {
			return nil, nil
		}
		return []any{map[string]any{t.sub.name: kept}}, nil
	}
	if t.sub.name != "value" && t.sub.name != "primary" {
		return eachEntry(entries, t.sub, kept), nil
	}
	chosen := max(0, slices.IndexFunc(entries, isPrimary))
	list := slices.Clone(entries)
	list[chosen] = withEntry(list[chosen], t.sub, kept)
	return dropVacant(list), nil
}

// eachEntry returns the entries with the sub-attribute set, or unassigned, on all.
func eachEntry(entries []any, sub *attribute, v any) []any {
	list := make([]any, 0, len(entries))
	for _, e := range entries {
		list = append(list, withEntry(e, sub, v))
	}
	return dropVacant(list)
}

// withEntry is with for an entry; an entry that is not an object is left as it is.
func withEntry(e any, sub *attribute, v any) any {
	m, ok := e.(map[string]any)
	if !ok {
		return e
	}
	return with(m, sub, v)
}

// dropVacant drops the entries, of a list that it owns, that say nothing any more.
func dropVacant(list []any) []any {
	return slices.DeleteFunc(list, func(e any) bool {
		m, ok := e.(map[string]any)
		return ok && vacant(m)
	})
}

// removeListed is Entra ID's way to remove entries: they are listed in the value.
func (p *applier) removeListed(t target, entries []any, v any) error {
	listed, err := t.attr.entries(v)
	if err != nil {
		return err
	}
	if p.role != nil && t.attr == userRoles {
		listed = namedRoles(listed, p.role)
	}
	return p.put(t, slices.DeleteFunc(slices.Clone(entries), func(e any) bool {
		return slices.ContainsFunc(listed, func(l any) bool { return same(t.attr, e, l) })
	}))
}
