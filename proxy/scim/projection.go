package scim

import (
	"slices"
	"strings"
)

// The lists of attributes and excludedAttributes are resolved once per request; on each resource they are compared with the
// attributes that are there, so that the cost is that of the resource and not of the schema.

// Projection says which attributes an answer has. The zero value means all.
type Projection struct {
	include []target
	exclude []target
	only    bool // include counts, even when nothing in it is known
}

// ParseProjection reads the parameters attributes and excludedAttributes, lists separated by commas. Names that the type does
// not have are ignored, as RFC 7644 section 3.9 leaves nothing to refuse. id and schemas are always returned.
func ParseProjection(t Type, attributes, excluded string) Projection {
	return parseProjection(typeOf(t), attributes, excluded)
}

func parseProjection(table *resourceType, attributes, excluded string) Projection {
	p := Projection{only: strings.Trim(attributes, " ,") != ""}
	p.include = table.names(attributes)
	p.exclude = table.names(excluded)
	return p
}

func (t *resourceType) names(list string) []target {
	var names []target
	for name := range strings.SplitSeq(list, ",") {
		if at, err := t.resolve(strings.TrimSpace(name)); err == nil {
			names = append(names, at)
		}
	}
	return names
}

// IsZero tells whether everything is returned.
func (p Projection) IsZero() bool { return !p.only && len(p.exclude) == 0 }

// Explicit tells whether the client named attributes that it wants, so that an answer must have a body.
func (p Projection) Explicit() bool { return p.only }

// Wants tells whether an attribute of the core schema, e.g. members, is returned, in part at least. What is not wanted need not
// be read.
func (p Projection) Wants(name string) bool {
	for _, x := range p.exclude {
		if x.sub == nil && x.names(name) {
			return false
		}
	}
	if !p.only {
		return true
	}
	return slices.ContainsFunc(p.include, func(i target) bool { return i.names(name) })
}

// names tells whether the target is the core attribute, a part of it, or all of the core schema.
func (t target) names(name string) bool {
	return t.schema.isCore() && (t.attr == nil || t.attr.name == name)
}

// stored tells whether the projection leaves the attributes that are stored, and not added by the server, as they are.
func (p Projection) stored() bool {
	if p.only {
		return false
	}
	for _, x := range p.exclude {
		if x.attr == nil || !x.schema.isCore() || !serverSide(x.attr) {
			return false
		}
	}
	return true
}

// serverSide tells whether the server adds the attribute to what is stored.
func serverSide(a *attribute) bool {
	return a.name == "id" || a.name == "meta" || a.name == "groups" || a.name == "members"
}

// apply returns what the projection leaves of a resource; the resource is not changed.
func (p Projection) apply(t *resourceType, view map[string]any) map[string]any {
	if p.IsZero() {
		return view
	}
	left := make(map[string]any, len(view))
	for name, v := range view {
		if s := t.extension(name); s != nil {
			if v := p.filterExtension(s, v); !empty(v) {
				left[name] = v
			}
			continue
		}
		a := t.core.attributes.exact(name)
		if a == nil {
			continue
		}
		if v := p.filter(target{schema: t.core, attr: a}, v); v != nil {
			left[name] = v
		}
	}
	return left
}

// extension finds the schema of a key of a resource that is a URN; nil for attributes of the core schema.
func (t *resourceType) extension(key string) *schema {
	if strings.IndexByte(key, ':') < 0 {
		return nil
	}
	if s, rest := t.known(key); s != nil && rest == "" {
		return s
	}
	return customSchema(key)
}

func (p Projection) filterExtension(s *schema, v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return p.filter(target{schema: s}, v)
	}
	left := make(map[string]any, len(m))
	for name, v := range m {
		a := s.attributes.exact(name)
		if a == nil {
			a = unknown(name)
		}
		if v := p.filter(target{schema: s, attr: a}, v); v != nil {
			left[name] = v
		}
	}
	return left
}

// filter returns what is left of an attribute's value; nil when nothing is.
func (p Projection) filter(t target, v any) any {
	if t.attr != nil && t.attr.returned == always {
		return v
	}
	if p.only {
		if v = keep(p.include, t, v); v == nil {
			return nil
		}
	}
	return without(p.exclude, t, v)
}

// keep returns the parts of the value that the list names.
func keep(list []target, t target, v any) any {
	var subs []string
	for _, n := range list {
		switch n.covers(t) {
		case whole:
			return v
		case part:
			subs = append(subs, n.sub.name)
		}
	}
	if subs == nil {
		return nil
	}
	return selectSubs(v, func(name string) bool { return containsFold(subs, name) })
}

// without returns the value less the parts that the list names.
func without(list []target, t target, v any) any {
	var subs []string
	for _, n := range list {
		switch n.covers(t) {
		case whole:
			return nil
		case part:
			subs = append(subs, n.sub.name)
		}
	}
	if subs == nil {
		return v
	}
	return selectSubs(v, func(name string) bool { return !containsFold(subs, name) })
}

const (
	nothing = iota
	part
	whole
)

// covers tells how much of the attribute the name stands for.
func (t target) covers(a target) int {
	sameSchema := equalFold(t.schema.id, a.schema.id)
	switch {
	case t.schema.attributes == none && t.attr != nil && t.sub == nil && equalFold(t.String(), a.schema.id):
		return whole // the name was that of a custom extension
	case !sameSchema:
		return nothing
	case t.attr == nil:
		return whole
	case a.attr == nil || !equalFold(t.attr.name, a.attr.name):
		return nothing
	case t.sub == nil:
		return whole
	default:
		return part
	}
}

// selectSubs keeps the sub-attributes that the condition accepts; nil when none is left.
func selectSubs(v any, accept func(string) bool) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if left := selectSubs(e, accept); left != nil {
				list = append(list, left)
			}
		}
		return nonEmpty(list)
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, sub := range v {
			if accept(name) {
				m[name] = sub
			}
		}
		return nonEmpty(m)
	default:
		return nil
	}
}

func nonEmpty(v any) any {
	if empty(v) {
		return nil
	}
	return v
}

func containsFold(list []string, name string) bool {
	for _, s := range list {
		if equalFold(s, name) {
			return true
		}
	}
	return false
}
