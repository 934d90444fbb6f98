package scim

import (
	"strings"
	"unicode/utf8"
)

// path is the path of a PATCH operation as written: attribute, attribute[filter], attribute[filter].sub.
type path struct {
	name   string    // up to the bracket
	filter *skeleton // inside the brackets, if any
	sub    string    // after them
}

// parsePath reads a path. Names are resolved when it is applied: a patch does not say of what type its resource is.
func parsePath(text string) (*path, error) {
	text = strings.Trim(text, " ")
	switch {
	case len(text) > maxFilter:
		return nil, badRequest(InvalidPath, "The path is longer than %d bytes.", maxFilter)
	case !utf8.ValidString(text) || strings.IndexFunc(text, isControl) >= 0:
		return nil, badRequest(InvalidPath, "The path %s contains control characters.", quote(text))
	}
	i := strings.IndexByte(text, '[')
	if i < 0 {
		return &path{name: text}, nil
	}
	s := scanner{text: text, pos: i}
	t := term{path: text[:i]}
	if err := s.brackets(&t); err != nil {
		return nil, err
	}
	if s.pos != len(text) {
		return nil, badRequest(InvalidPath, "The path %s goes on after its end; write attribute[filter].sub.", quote(text))
	}
	return &path{name: t.path, filter: t.filter, sub: t.sub}, nil
}

// resolve finds what the path points at, which must be something that can be written.
func (p *path) resolve(a *applier, value any) (selection, error) {
	t, err := p.target(a, value)
	switch {
	case err != nil:
		return selection{}, err
	case t.isReadOnly():
		return selection{}, badRequest(Mutability, "%s is read-only: leave it out of the attribute mapping.", t)
	case p.filter == nil:
		return selection{target: t}, nil
	case t.attr == nil || t.sub != nil || !t.attr.hasEntries():
		return selection{}, badRequest(InvalidPath, "%s is not a multi-valued attribute and cannot have a filter in brackets.", quote(p.name))
	}
	s := selection{target: t}
	if s.filter, err = p.filter.compile(scope{entry: t.attr}); err != nil {
		return s, err
	}
	if a.role != nil && t.attr == userRoles {
		s.filter = roleValues(s.filter, a.role)
	}
	if p.sub == "" {
		return s, nil
	}
	s.sub, err = t.attr.afterFilter(p.sub)
	return s, err
}

// isReadOnly tells whether a request that names the target must be refused.
func (t target) isReadOnly() bool {
	if t.attr == nil || t.schema == syncSchema {
		return t.schema == syncSchema
	}
	return t.attr.mutability == readOnly || t.sub != nil && t.sub.mutability == readOnly
}

// hasEntries tells whether a value filter makes sense; of an attribute that no schema knows it may.
func (a *attribute) hasEntries() bool { return a.multi || a.kind == anyKind }

// afterFilter finds the sub-attribute that follows a value filter.
func (a *attribute) afterFilter(name string) (*attribute, error) {
	if sub := a.member(name); sub != nil && validName(name) {
		return sub, nil
	}
	return nil, unknownAttribute(a.full + "." + name)
}

// target finds what the name points at. A custom URN that is stored, or that gets an object, is an extension as a whole.
func (p *path) target(a *applier, value any) (target, error) {
	if p.filter == nil {
		if t, ok := a.key(p.name, value); ok {
			return t, nil
		}
	}
	t, err := a.table.resolve(p.name)
	if err == nil && t.schema.attributes == none {
		t.schema = customSchema(a.spelled(t.schema.id))
	}
	return t, err
}
