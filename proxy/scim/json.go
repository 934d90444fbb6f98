package scim

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The reader below exists because SCIM needs a stricter JSON than encoding/json offers (duplicate keys, depth, UTF-8
// and trailing data are checked) and the order of the keys, which decides the result of a PATCH without a path.

const (
	maxDepth      = 64
	fewKeys       = 16 // up to here comparing each key with each is cheaper than a map
	byteOrderMark = "\ufeff"
)

// object is a JSON object in the order of the document. Other values are nil, bool, string, json.Number and []any.
type object []member

type member struct {
	name  string
	value any
}

// get returns the value of the key, whatever its case; ok is false when it is absent.
func (o object) get(name string) (value any, ok bool) {
	for i := range o {
		if equalFold(o[i].name, name) {
			return o[i].value, true
		}
	}
	return nil, false
}

// parseObject reads a body that must be one JSON object.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, badRequest(InvalidSyntax, "The request body is not valid UTF-8; send JSON encoded as UTF-8.")
	}
	r := reader{text: strings.TrimPrefix(string(body), byteOrderMark)}
	r.blank()
	switch {
	case r.pos == len(r.text):
		return nil, badRequest(InvalidSyntax, "The request body is empty; send one JSON object.")
	case r.text[r.pos] != '{':
		return nil, badRequest(InvalidSyntax, "The request body is not a JSON object; send one JSON object.")
	}
	v, err := r.object(1)
	if err != nil {
		return nil, err
	}
	r.blank()
	if r.pos != len(r.text) {
		return nil, r.errorf("data after the end of the object")
	}
	return v, nil
}

// reader holds the text as a string, so that the values are parts of it and not copies. members and items are stacks
// shared by all open objects and lists, so that each gets exactly the memory it needs.
type reader struct {
	text    string
	pos     int
	members []member
	items   []any
}

func (r *reader) errorf(format string, args ...any) error {
	e := badRequest(InvalidSyntax, format, args...)
	return badRequest(InvalidSyntax, "The JSON is not valid: %s, at byte %d.", e.Detail, r.pos)
}

func (r *reader) blank() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// next skips blanks and returns the byte that follows; 0 at the end (a NUL is never valid where next is used).
func (r *reader) next() byte {
	r.blank()
	if r.pos == len(r.text) {
		return 0
	}
	return r.text[r.pos]
}

func (r *reader) value(depth int) (any, error) {
	switch c := r.next(); c {
	case '{', '[':
		return r.container(c, depth)
	case '"':
		return r.string()
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	default:
		if c == '-' || isDigit(c) {
			return r.number()
		}
		return nil, r.unexpected("a value")
	}
}

func (r *reader) container(c byte, depth int) (any, error) {
	if depth > maxDepth {
		return nil, r.errorf("nested more than %d levels deep", maxDepth)
	}
	if c == '{' {
		return r.object(depth)
	}
	return r.list(depth)
}

func (r *reader) unexpected(want string) error {
	if r.pos == len(r.text) {
		return r.errorf("it ends where %s is expected", want)
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.pos:])
	return r.errorf("%q where %s is expected", c, want)
}

func (r *reader) word(w string) error {
	if !strings.HasPrefix(r.text[r.pos:], w) {
		return r.unexpected("a value")
	}
	r.pos += len(w)
	return nil
}

func (r *reader) object(depth int) (object, error) {
	r.pos++ // {
	base := len(r.members)
	if r.next() == '}' {
		r.pos++
		return object{}, nil
	}
	for {
		if err := r.member(depth); err != nil {
			return nil, err
		}
		switch r.next() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			o := append(object(nil), r.members[base:]...)
			clear(r.members[base:])
			r.members = r.members[:base]
			return o, r.duplicates(o)
		default:
			return nil, r.unexpected("a comma or }")
		}
	}
}

func (r *reader) member(depth int) error {
	if r.next() != '"' {
		return r.unexpected("an attribute name in quotes")
	}
	name, err := r.string()
	if err != nil {
		return err
	}
	if r.next() != ':' {
		return r.unexpected("a colon")
	}
	r.pos++
	v, err := r.value(depth + 1)
	if err != nil {
		return err
	}
	r.members = append(r.members, member{name, v})
	return nil
}

// duplicates refuses two keys that name one attribute: names differ in more than case.
func (r *reader) duplicates(o object) error {
	if len(o) > fewKeys {
		seen := make(map[string]struct{}, len(o))
		for i := range o {
			k := lowerASCII(o[i].name)
			if _, ok := seen[k]; ok {
				return r.duplicate(o[i].name)
			}
			seen[k] = struct{}{}
		}
		return nil
	}
	for i := range o {
		for j := range i {
			if equalFold(o[i].name, o[j].name) {
				return r.duplicate(o[i].name)
			}
		}
	}
	return nil
}

func (r *reader) duplicate(name string) error {
	return r.errorf("%s occurs twice in one object (attribute names do not depend on case)", quote(name))
}

func (r *reader) list(depth int) ([]any, error) {
	r.pos++ // [
	base := len(r.items)
	if r.next() == ']' {
		r.pos++
		return []any{}, nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		r.items = append(r.items, v)
		switch r.next() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			l := append([]any(nil), r.items[base:]...)
			clear(r.items[base:])
			r.items = r.items[:base]
			return l, nil
		default:
			return nil, r.unexpected("a comma or ]")
		}
	}
}

// number keeps the literal: SCIM servers only pass numbers on, and a float would corrupt long integers.
func (r *reader) number() (json.Number, error) {
	start := r.pos
	r.skip("-")
	if !r.skip("0") && !r.digits() {
		return "", r.errorf("malformed number")
	}
	if r.skip(".") && !r.digits() {
		return "", r.errorf("malformed number")
	}
	if r.skip("eE") {
		r.skip("+-")
		if !r.digits() {
			return "", r.errorf("malformed number")
		}
	}
	if r.digits() {
		return "", r.errorf("malformed number") // 01
	}
	return json.Number(r.text[start:r.pos]), nil
}

// skip reads one byte if it is one of those given.
func (r *reader) skip(bytes string) bool {
	if r.pos == len(r.text) || strings.IndexByte(bytes, r.text[r.pos]) < 0 {
		return false
	}
	r.pos++
	return true
}

// digits reads digits; it tells whether there was one.
func (r *reader) digits() bool {
	start := r.pos
	for r.pos < len(r.text) && isDigit(r.text[r.pos]) {
		r.pos++
	}
	return r.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
