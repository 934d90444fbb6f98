package scim

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// maxEntries bounds the entries of one multi-valued attribute of a user.
const maxEntries = 1000

// What is kept of a value depends on the schema alone, never on who sent it. Quirks of one provider are tolerated of all: the
// same body means the same thing whoever sends it.

// empty tells whether a value means "unassigned": null, "" and [] alike, as RFC 7643 section 2.5 and Okta have it. Lists
// and objects count as empty only when they have nothing at all.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case object:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}

// single is where every value passes that enters a resource, whether it comes by POST, PUT or PATCH.
//
// It turns a value into what is kept for one value of the attribute; nil is "unassigned".
func (a *attribute) single(v any) (any, error) {
	if l, ok := v.([]any); ok && len(l) == 1 && a.kind != anyKind {
		v = l[0] // Entra ID wraps single values in lists
	}
	if empty(v) {
		return nil, nil
	}
	switch a.kind {
	case anyKind:
		return plain(v), nil
	case complexKind:
		return a.complex(v)
	case booleanKind:
		return a.boolean(v)
	default:
		return a.text(v)
	}
}

// text accepts strings, and numbers and booleans in the place of strings.
func (a *attribute) text(v any) (any, error) {
	switch x := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return string(x), nil
	case bool:
		if x {
			return "true", nil
		}
		return "false", nil
	case object:
		// Entra ID: "value":[{"$ref":null,"value":"x"}] for attributes that have one value.
		if inner, ok := x.get("value"); ok && !isContainer(inner) {
			return a.single(inner)
		}
	}
	return nil, badRequest(InvalidValue, "%s must be a string.", a.full)
}

// boolean accepts Entra ID's "True" and "False" too.
func (a *attribute) boolean(v any) (any, error) {
	switch x := v.(type) {
	case bool:
		return v, nil
	case string:
		switch {
		case equalFold(x, "true"):
			return true, nil
		case equalFold(x, "false"):
			return false, nil
		}
	case object:
		if inner, ok := x.get("value"); ok && !isContainer(inner) {
			return a.single(inner)
		}
	}
	return nil, badRequest(InvalidValue, "%s must be true or false.", a.full)
}

// complex builds the sub-attributes. A bare value is taken for the sub-attribute value (Entra ID: manager as a string).
func (a *attribute) complex(v any) (any, error) {
	o, ok := v.(object)
	if !ok {
		if a.value() == nil || isContainer(v) {
			return nil, badRequest(InvalidValue, "%s must be an object with the sub-attributes of its schema.", a.full)
		}
		o = object{{name: "value", value: v}}
	}
	m := make(map[string]any, len(o))
	for i := range o {
		sub := a.subs.find(o[i].name)
		if sub == nil {
			continue // RFC 7644 section 3.3: what is not known is ignored
		}
		kept, err := sub.single(o[i].value)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			m[sub.name] = kept
		}
	}
	if vacant(m) {
		return nil, nil
	}
	return m, nil
}

// vacant tells whether an entry says nothing: Okta sends {"value":"","type":"work"} for a cleared telephone number.
func vacant(m map[string]any) bool {
	for name := range m {
		if name != "type" && name != "primary" {
			return false
		}
	}
	return true
}

// entries turns a value into the entries of a multi-valued attribute: a list, one object, or one bare value.
func (a *attribute) entries(v any) ([]any, error) {
	l, ok := v.([]any)
	if !ok {
		if empty(v) {
			return nil, nil
		}
		l = []any{v}
	}
	if len(l) > maxEntries {
		return nil, Errorf(http.StatusRequestEntityTooLarge, TooMany, "%s has %d entries; at most %d are kept.", a.full, len(l), maxEntries)
	}
	kept := make([]any, 0, len(l))
	for _, item := range l {
		if _, nested := item.([]any); nested {
			return nil, badRequest(InvalidValue, "%s must be a list of objects.", a.full)
		}
		entry, err := a.single(item)
		if err != nil {
			return nil, err
		}
		if entry != nil {
			kept = append(kept, entry)
		}
	}
	return kept, nil
}

// plain turns a value of an attribute that no schema knows into what is kept: empty members are left out.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		l := make([]any, 0, len(v))
		for _, item := range v {
			if kept := plain(item); kept != nil {
				l = append(l, kept)
			}
		}
		return l
	case object:
		m := make(map[string]any, len(v))
		for i := range v {
			if kept := plain(v[i].value); !empty(kept) {
				m[v[i].name] = kept
			}
		}
		return m
	default:
		return v
	}
}

func isContainer(v any) bool {
	switch v.(type) {
	case object, []any, map[string]any:
		return true
	default:
		return false
	}
}

// equal compares two kept values.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	default:
		return !isContainer(b) && a == b
	}
}

// literal is the text of a simple value; ok is false for lists, objects and nothing.
func literal(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	case json.Number:
		return string(v), true
	default:
		return "", false
	}
}

// blankText tells whether a kept value has nothing to show, as required attributes must.
func blankText(v any) bool {
	s, ok := v.(string)
	return ok && strings.TrimSpace(s) == ""
}
