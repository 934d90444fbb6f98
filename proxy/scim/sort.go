package scim

import (
	"encoding/json"
	"strings"
)

// Sort is an order of resources by one attribute.
type Sort struct {
	by         target
	descending bool
}

// parseSort reads sortBy and sortOrder; nil when no order was asked for.
func parseSort(t Type, by, order string) (*Sort, error) {
	s := &Sort{descending: equalFold(order, "descending")}
	if order != "" && !s.descending && !equalFold(order, "ascending") {
		return nil, badRequest(InvalidValue, "sortOrder must be ascending or descending, not %s.", quote(order))
	}
	if by = strings.TrimSpace(by); by == "" {
		return nil, nil
	}
	var err error
	s.by, err = typeOf(t).sortable(by)
	return s, err
}

// sortable finds the attribute to sort by: one with values that are not complex.
func (t *resourceType) sortable(name string) (target, error) {
	at, err := t.resolve(name)
	if err != nil {
		return target{}, badRequest(InvalidPath, "sortBy: %s", AsError(err).Detail)
	}
	if at.attr != nil && at.sub == nil && at.attr.kind == complexKind {
		at.sub = at.attr.value()
	}
	if at.attr == nil || at.leaf().kind == complexKind {
		return target{}, badRequest(InvalidPath, "sortBy: %s has sub-attributes; name one of them.", quote(name))
	}
	return at, nil
}

// Attribute is the canonical name of the attribute, so that an order the directory has anyway can be told.
func (s *Sort) Attribute() string { return s.by.String() }

// Descending tells the direction.
func (s *Sort) Descending() bool { return s.descending }

// Compare orders two views. Of an attribute with several entries the primary one counts, else the first; resources without
// the attribute come last in ascending order, as RFC 7644 section 3.4.2.3 has it.
func (s *Sort) Compare(a, b map[string]any) int {
	order := s.compare(s.value(a), s.value(b))
	if s.descending {
		return -order
	}
	return order
}

func (s *Sort) compare(a, b any) int {
	x, okX := literal(a)
	y, okY := literal(b)
	switch {
	case !okX && !okY:
		return 0
	case !okX:
		return 1
	case !okY:
		return -1
	}
	n, okX := a.(json.Number)
	m, okY := b.(json.Number)
	if okX && okY {
		return compareNumbers(n, m)
	}
	if !s.by.leaf().exact {
		x, y = fold(x), fold(y)
	}
	return strings.Compare(x, y)
}

func (s *Sort) value(view map[string]any) any {
	c := comparison{target: s.by}
	var value any
	chosen := false
	list, _ := c.base(view).([]any)
	c.any(view, func(v any) bool {
		if value == nil {
			value = v
		}
		return false
	})
	for _, e := range list {
		if m, ok := e.(map[string]any); ok && isPrimary(e) && s.by.sub != nil && !chosen {
			value, chosen = lookup(m, s.by.sub), true
		}
	}
	return value
}
