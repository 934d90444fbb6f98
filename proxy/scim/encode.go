package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Bytes that are not UTF-8 (they can only come from outside the protocol, e.g.
// a name in the CMS) become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\ufffd"...)
			start = i + 1
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}

// appendValue appends a value of the attribute; sub-attributes in the order of the schema, then unknown ones by name.
func appendValue(dst []byte, a *attribute, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case json.Number:
		return append(dst, v...)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, a, item)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		dst = appendMembers(dst, a.subs, v)
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// appendMembers appends the members of the map without braces: known attributes in order, the rest by name.
func appendMembers(dst []byte, known *attributes, m map[string]any) []byte {
	start, left := len(dst), len(m)
	for _, a := range known.list {
		if v, ok := m[a.name]; ok {
			dst = appendMember(dst, start, a, v)
			left--
		}
	}
	if left == 0 {
		return dst
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if known.exact(name) == nil {
			dst = appendMember(dst, start, unknown(name), m[name])
		}
	}
	return dst
}

// appendMember appends one member; a comma comes first unless the object began at start.
func appendMember(dst []byte, start int, a *attribute, v any) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = appendString(dst, a.name)
	dst = append(dst, ':')
	return appendValue(dst, a, v)
}
