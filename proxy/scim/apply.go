package scim

import (
	"maps"
	"strings"
)

// op is an operation of a PATCH.
type op int

const (
	opAdd op = iota
	opReplace
	opRemove
)

// maxKeyText bounds the attributes that the directory keeps indexes of.
const maxKeyText = 1024

// applier changes a set of attributes. The maps and lists inside are never changed in place: what is replaced is built
// anew, so that a shallow copy of the top is enough to go back.
type applier struct {
	table *resourceType
	attrs map[string]any
	role  func(string) string // see Patch.WithRoles; nil: values of roles are what they say
}

// What an operation may name is decided by key and path.resolve; what becomes of the value by assign; whether the result may stand
// by allowed. All writes go through put.

// object applies each key of a value without path as a target of its own, in document order. Keys that are read-only or
// unknown are left out: Okta echoes id and meta, and RFC 7644 section 3.3 has the rest ignored.
func (p *applier) object(kind op, o object) error {
	for i := range o {
		if strings.IndexByte(o[i].name, '[') >= 0 {
			if err := p.filtered(kind, o[i]); err != nil {
				return err
			}
			continue
		}
		t, ok := p.key(o[i].name, o[i].value)
		if !ok || t.attr != nil && t.attr.mutability == readOnly {
			continue
		}
		if err := p.set(kind, t, o[i].value); err != nil {
			return err
		}
	}
	return nil
}

// filtered applies a key such as emails[type eq "work"].value, which Entra ID sends for want of a path.
func (p *applier) filtered(kind op, m member) error {
	at, err := parsePath(m.name)
	if err != nil {
		return err
	}
	s, err := at.resolve(p, m.value)
	if err != nil {
		return err
	}
	return p.setSelected(kind, s, m.value)
}

// key resolves a key of a body or of a value without path; ok is false when there is nothing to keep under it. A custom URN
// with an object is an extension; with anything else it is URN:attribute.
func (p *applier) key(name string, value any) (t target, ok bool) {
	if a := p.table.core.attributes.find(name); a != nil {
		return target{schema: p.table.core, attr: a}, true
	}
	if s, _ := p.table.known(name); s == nil && validURN(name) {
		_, stored := p.attrs[name]
		if _, isObject := value.(object); isObject || stored {
			return target{schema: customSchema(p.spelled(name))}, true
		}
	}
	t, err := p.table.resolve(name)
	if err != nil || t.attr == nil && t.schema.attributes == none {
		return target{}, false
	}
	if t.schema.attributes == none {
		t.schema = customSchema(p.spelled(t.schema.id))
	}
	return t, true
}

// spelled returns the custom URN as it is stored already, whatever the case it comes in now.
func (p *applier) spelled(urn string) string { return customSchema(urn).storedAs(p.attrs) }

// storedAs is the key of the schema in a resource. The URNs that no schema of ours has are kept as they came.
func (s *schema) storedAs(m map[string]any) string {
	if _, ok := m[s.id]; ok || s.attributes != none {
		return s.id
	}
	for k := range m {
		if equalFold(k, s.id) {
			return k
		}
	}
	return s.id
}

// set adds or replaces what the target names.
func (p *applier) set(kind op, t target, v any) error {
	if t.attr == nil {
		return p.extension(kind, t.schema, v)
	}
	if t.attr.mutability == writeOnly {
		return nil // passwords are dropped on reading
	}
	old := p.get(t)
	kept, err := assign(kind, t, old, v)
	if err != nil {
		return err
	}
	return p.put(t, kept)
}

// extension applies an object to all of an extension, attribute by attribute.
func (p *applier) extension(kind op, s *schema, v any) error {
	if s.id == SyncURN {
		return nil // ours, read-only
	}
	o, ok := v.(object)
	if !ok {
		if !empty(v) {
			return badRequest(InvalidValue, "%s must be an object with the attributes of the extension.", quote(s.id))
		}
		if kind == opReplace && s != p.table.core {
			delete(p.attrs, s.id)
		}
		return nil
	}
	for i := range o {
		t, ok := s.key(o[i].name)
		if !ok {
			continue
		}
		if err := p.set(kind, t, o[i].value); err != nil {
			return err
		}
	}
	return nil
}

// key resolves a key inside an extension; ok is false when there is nothing to keep under it. An open schema keeps any.
func (s *schema) key(name string) (t target, ok bool) {
	t, err := s.resolve(name, name)
	if err != nil {
		return target{schema: s, attr: unknown(name)}, s.open
	}
	return t, t.attr.mutability != readOnly
}

// get returns the value of the attribute of the target.
func (p *applier) get(t target) any {
	if t.schema == p.table.core {
		return p.attrs[t.attr.name]
	}
	ext, _ := p.attrs[t.schema.id].(map[string]any)
	return lookup(ext, t.attr)
}

// lookup finds an attribute in a map of kept values. Names that no schema knows are kept as they came: any case finds them.
func lookup(m map[string]any, a *attribute) any {
	if v, ok := m[a.name]; ok || a.kind != anyKind {
		return v
	}
	return m[stored(m, a)]
}

// stored is the name under which the map keeps the attribute.
func stored(m map[string]any, a *attribute) string {
	if _, ok := m[a.name]; ok || a.kind != anyKind {
		return a.name
	}
	for k := range m {
		if equalFold(k, a.name) {
			return k
		}
	}
	return a.name
}

// put stores the value of the attribute of the target; nil unassigns it.
func (p *applier) put(t target, v any) error {
	if empty(v) {
		v = nil
	}
	if err := allowed(t, v); err != nil {
		return err
	}
	if t.schema == p.table.core {
		if v == nil {
			delete(p.attrs, t.attr.name)
		} else {
			p.attrs[t.attr.name] = v
		}
		return nil
	}
	old, _ := p.attrs[t.schema.id].(map[string]any)
	ext := with(old, t.attr, v)
	if len(ext) == 0 {
		delete(p.attrs, t.schema.id)
	} else {
		p.attrs[t.schema.id] = ext
	}
	return nil
}

// with returns a copy of the map in which the attribute has the value; nil leaves it out.
func with(m map[string]any, a *attribute, v any) map[string]any {
	c := make(map[string]any, len(m)+1)
	maps.Copy(c, m)
	name := stored(c, a)
	if empty(v) {
		delete(c, name)
	} else {
		c[name] = v
	}
	return c
}

// allowed refuses to unassign what a resource cannot be without, and text too long to be indexed.
func allowed(t target, v any) error {
	if t.attr.required && (v == nil || blankText(v)) {
		return required(t.attr)
	}
	if t.attr.kind == booleanKind && v == nil {
		return badRequest(InvalidValue, "%s cannot be unassigned: send true or false.", t.attr.full)
	}
	if s, ok := v.(string); ok && len(s) > maxKeyText && (t.attr.uniqueness != "" || t.attr.name == "externalId") {
		return badRequest(InvalidValue, "%s is longer than %d bytes.", t.attr.full, maxKeyText)
	}
	return nil
}

func required(a *attribute) *Error {
	return badRequest(InvalidValue, "%s is required and must not be empty: map it at the identity provider.", a.full)
}
