package scim

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// bulkRef stands before the bulkId of a resource that the same request creates.
const bulkRef = "bulkId:"

// references replaces bulkIds by ids. lookup answers false for one that is not there yet; whole tells that the text is the
// reference and nothing else.
type references struct {
	lookup func(bulkID string, whole bool) (id string, ok bool)
}

// path replaces references in the segments of a path; the result is a copy.
func (r references) path(segments []string) []string {
	out := append([]string(nil), segments...)
	for i, s := range segments {
		if id, ok := strings.CutPrefix(s, bulkRef); ok {
			if known, ok := r.lookup(id, true); ok {
				out[i] = known
			}
		}
	}
	return out
}

// value replaces references in a value. keep is false where one is not there yet: the object around it is then left out of
// its list, or of the object it belongs to.
func (r references) value(v any) (out any, keep bool) {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		l := make([]any, 0, len(v))
		for _, item := range v {
			if got, keep := r.value(item); keep {
				l = append(l, got)
			}
		}
		return l, true
	case object:
		return r.object(v)
	default:
		return v, true
	}
}

func (r references) object(o object) (out any, keep bool) {
	kept := make(object, 0, len(o))
	keep = true
	for _, m := range o {
		got, ok := r.value(m.value)
		if ok {
			kept = append(kept, member{m.name, got})
			continue
		}
		if _, isText := m.value.(string); isText {
			keep = false
		}
	}
	return kept, keep
}

// innerRef is a reference at the end of an address, or in quotes as in members[value eq "bulkId:x"].
var innerRef = regexp.MustCompile(`["/]` + bulkRef + `[^"/]+`)

func (r references) text(s string) (out any, keep bool) {
	if id, whole := strings.CutPrefix(s, bulkRef); whole {
		return r.lookup(id, true)
	}
	if !strings.Contains(s, bulkRef) {
		return s, true
	}
	return innerRef.ReplaceAllStringFunc(s, func(found string) string {
		if id, ok := r.lookup(found[1+len(bulkRef):], false); ok {
			return found[:1] + id
		}
		return found
	}), true
}

// appendRaw appends a value as it was read.
func appendRaw(dst []byte, v any) []byte {
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
			dst = appendRaw(dst, item)
		}
		return append(dst, ']')
	case object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, m.name), ':')
			dst = appendRaw(dst, m.value)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}
