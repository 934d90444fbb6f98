package scim

import (
	"cmp"
	"encoding/json"
	"strings"
)

// Sort is an order of resources by one attribute (RFC 7644 section 3.4.2.3).
type Sort struct {
	by         target
	descending bool
}

// parseSort reads sortBy and sortOrder; nil when no order was asked for.
func parseSort(in scope, by, order string) (*Sort, error) {
	s := &Sort{descending: equalFold(order, "descending")}
	if order != "" && !s.descending && !equalFold(order, "ascending") {
		return nil, badRequest(InvalidValue, "sortOrder must be ascending or descending, not %s.", quote(order))
	}
	if by = strings.TrimSpace(by); by == "" {
		return nil, nil
	}
	var err error
	s.by, err = in.sortable(by)
	return s, err
}

// sortable finds the attribute to sort by: one with values that are not complex.
func (s scope) sortable(name string) (target, error) {
	at, err := s.resolve(name)
	if err != nil {
		return target{}, badRequest(InvalidPath, "sortBy: %s", AsError(err).Detail)
	}
	if at.attr != nil && at.sub == nil && at.attr.kind == complexKind {
		at.sub = at.attr.value()
	}
	if at.attr == nil || at.leaf().kind == complexKind {
		return target{}, badRequest(InvalidPath, "sortBy: %s has sub-attributes; name one of them.", quote(name))
	}
	if at.attr.returned == never {
		return target{}, badRequest(InvalidPath, "sortBy: %s is never shown, in no order either.", quote(name))
	}
	return at, nil
}

// Attribute is the canonical name of the attribute.
func (s *Sort) Attribute() string { return s.by.String() }

// Descending tells the direction.
func (s *Sort) Descending() bool { return s.descending }

// SortKey is what one resource is ordered by, small enough to be kept for many of them.
type SortKey struct {
	Kind SortKind `json:"k"`
	Text string   `json:"t,omitempty"` // a number as its literal
}

// maxSortKey is how many bytes of a text an order looks at.
const maxSortKey = 256

// SortKind separates values that cannot be compared with each other. The kinds are in ascending order: resources without the
// attribute come last.
type SortKind uint8

// The kinds of keys.
const (
	SortNumber SortKind = iota
	SortText
	SortMissing
)

// Key is what the order looks at in a view. Of an attribute with several entries the primary one counts, else the first. Text is
// folded unless the attribute is caseExact.
func (s *Sort) Key(view map[string]any) SortKey {
	v := s.value(view)
	text, ok := literal(v)
	long := len(text) > maxSortKey
	if long {
		text = strings.ToValidUTF8(text[:maxSortKey], "")
	}
	switch {
	case !ok || empty(v):
		return SortKey{Kind: SortMissing}
	case isNumber(v) && !long:
		return SortKey{Kind: SortNumber, Text: text}
	case s.by.leaf().exact:
		return SortKey{Kind: SortText, Text: text}
	default:
		return SortKey{Kind: SortText, Text: fold(text)}
	}
}

func isNumber(v any) bool { _, ok := v.(json.Number); return ok }

// Compare orders two keys.
func (s *Sort) Compare(a, b SortKey) int {
	order := cmp.Compare(a.Kind, b.Kind)
	if order == 0 && a.Kind == SortNumber {
		order = compareNumbers(json.Number(a.Text), json.Number(b.Text))
	} else if order == 0 {
		order = strings.Compare(a.Text, b.Text)
	}
	if s.descending {
		return -order
	}
	return order
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
