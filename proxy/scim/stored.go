package scim

import (
	"maps"
	"slices"
)

// appendStored appends a resource without what the server adds: schemas, core attributes, extensions. Its first bytes are
// always those of t.prefix, which Render relies on.
func appendStored(dst []byte, t *resourceType, attrs map[string]any) []byte {
	custom := customURNs(t, attrs)
	dst = append(dst, t.prefix...)
	for _, s := range t.extensions {
		if attrs[s.id] != nil {
			dst = appendURN(dst, s.id)
		}
	}
	for _, urn := range custom {
		dst = appendURN(dst, urn)
	}
	dst = append(dst, ']')
	dst = appendAttributes(dst, t, attrs)
	for _, urn := range custom {
		dst = appendExtension(dst, customSchema(urn), attrs[urn])
	}
	return append(dst, '}')
}

func appendURN(dst []byte, urn string) []byte {
	return appendString(append(dst, ','), urn)
}

// appendAttributes appends the attributes that the table knows.
func appendAttributes(dst []byte, t *resourceType, attrs map[string]any) []byte {
	for _, a := range t.core.attributes.list {
		if v, ok := attrs[a.name]; ok {
			dst = appendMember(dst, 0, a, v)
		}
	}
	for _, s := range t.extensions {
		if v, ok := attrs[s.id]; ok {
			dst = appendExtension(dst, s, v)
		}
	}
	return dst
}

func appendExtension(dst []byte, s *schema, v any) []byte {
	return appendMember(dst, 0, &attribute{name: s.id, kind: complexKind, subs: s.attributes}, v)
}

// customURNs are the extensions that the table does not know, sorted.
func customURNs(t *resourceType, attrs map[string]any) []string {
	known := 0
	for _, a := range t.core.attributes.list {
		if _, ok := attrs[a.name]; ok {
			known++
		}
	}
	if known == len(attrs) {
		return nil
	}
	var urns []string
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		if s, _ := t.known(k); s == nil && t.core.attributes.exact(k) == nil {
			urns = append(urns, k)
		}
	}
	return urns
}
