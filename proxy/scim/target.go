package scim

import "strings"

// maxName bounds attribute names and URNs that no schema of ours knows: they become keys that are stored.
const maxName = 256

// resolve finds what a name points at: attr, attr.sub, URN, URN:attr or URN:attr.sub, in any case. Attributes under a URN
// that no schema of ours has are custom ones; any name is accepted there.
func (t *resourceType) resolve(name string) (target, error) {
	s, rest := t.owner(name), name
	if strings.IndexByte(name, ':') >= 0 {
		if s, rest = t.known(name); s == nil {
			return t.custom(name)
		}
		if rest == "" && len(name) == len(s.id) {
			return target{schema: s}, nil
		}
	}
	return s.resolve(rest, name)
}

// owner is the schema of a name without URN: the core schema, or the extension that has the attribute when the core has not.
// Entra ID filters by manager, and mappings leave the URN of the enterprise attributes out.
func (t *resourceType) owner(name string) *schema {
	name, _, _ = strings.Cut(name, ".")
	if t.core.attributes.find(name) == nil {
		for _, s := range t.extensions {
			if a := s.attributes.find(name); a != nil && a.mutability != readOnly {
				return s
			}
		}
	}
	return t.core
}

// resolve finds attr or attr.sub in the schema; full is the name as it came, for the message.
func (s *schema) resolve(name, full string) (target, error) {
	name, subName, dotted := strings.Cut(name, ".")
	a := s.attributes.find(name)
	if a == nil {
		if !s.open {
			return target{}, unknownAttribute(full)
		}
		if !validName(name) {
			return target{}, malformedName(full)
		}
		a = unknown(name)
	}
	t := target{schema: s, attr: a}
	if !dotted {
		return t, nil
	}
	if !validName(subName) {
		return target{}, malformedName(full)
	}
	if t.sub = a.member(subName); t.sub == nil {
		return target{}, unknownAttribute(full)
	}
	return t, nil
}

// custom splits URN:attr of an extension that no schema of ours describes. Where that gives no URN or no name, the whole is the
// URN of the extension. Where both readings are possible the name alone cannot tell; see applier.key and target.covers.
func (t *resourceType) custom(name string) (target, error) {
	i := strings.LastIndexByte(name, ':')
	attr, _, _ := strings.Cut(name[i+1:], ".")
	switch {
	case validURN(name[:i]) && validName(attr):
		return customSchema(name[:i]).resolve(name[i+1:], name)
	case validURN(name):
		return target{schema: customSchema(name)}, nil
	default:
		return target{}, malformedName(name)
	}
}

func customSchema(urn string) *schema {
	return &schema{id: urn, open: true, attributes: none}
}

// validURN accepts what may be the name of an extension: urn:…, or the http: names that Microsoft uses.
func validURN(s string) bool {
	return len(s) <= maxName && strings.IndexByte(s, ':') > 0 && strings.IndexFunc(s, notURN) < 0
}

func notURN(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"[](){}\\", r)
}

// validName accepts the names of RFC 7643 section 2.1: a letter (or $), then letters, digits, - and _.
func validName(s string) bool {
	if s == "" || len(s) > maxName || !isLetter(s[0]) && s[0] != '$' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

func unknownAttribute(name string) *Error {
	return badRequest(InvalidPath,
		"Unknown attribute %s: correct the attribute mapping, or give the attribute an extension URN of its own.", quote(name))
}

func malformedName(name string) *Error {
	return badRequest(InvalidPath, "%s is not an attribute name: write attribute, attribute.sub or URN:attribute.", quote(name))
}
