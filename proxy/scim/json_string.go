package scim

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads the string literal at the position. Without escapes the result is a part of the text.
func (r *reader) string() (string, error) {
	r.pos++ // opening quote
	start := r.pos
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return r.text[start : r.pos-1], nil
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			return "", r.errorf("control character in a string")
		default:
			r.pos++
		}
	}
	return "", r.errorf("it ends inside a string")
}

// escaped goes on with a string in which an escape was found.
func (r *reader) escaped(start int) (string, error) {
	var b strings.Builder
	b.WriteString(r.text[start:r.pos])
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return b.String(), nil
		case c == '\\':
			if err := r.escape(&b); err != nil {
				return "", err
			}
		case c < 0x20:
			return "", r.errorf("control character in a string")
		default:
			b.WriteByte(c)
			r.pos++
		}
	}
	return "", r.errorf("it ends inside a string")
}

func (r *reader) escape(b *strings.Builder) error {
	if r.pos+1 == len(r.text) {
		return r.errorf("it ends inside a string")
	}
	c := r.text[r.pos+1]
	if c == 'u' {
		return r.unicode(b)
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := strings.IndexByte(from, c)
	if i < 0 {
		return r.errorf("unknown escape in a string")
	}
	b.WriteByte(to[i])
	r.pos += 2
	return nil
}

// unicode reads \uXXXX and pairs of surrogates. NUL and half pairs have no place in text that other systems keep.
func (r *reader) unicode(b *strings.Builder) error {
	c, ok := r.hex(r.pos)
	if !ok {
		return r.errorf("malformed \\u escape in a string")
	}
	if c == 0 {
		return r.errorf("NUL in a string")
	}
	size := len(`\u0000`)
	if utf16.IsSurrogate(c) {
		low, ok := r.hex(r.pos + size)
		if c = utf16.DecodeRune(c, low); !ok || c == utf8.RuneError {
			return r.errorf("half a surrogate pair in a string")
		}
		size *= 2
	}
	b.WriteRune(c)
	r.pos += size
	return nil
}

// hex reads the \uXXXX at the position given.
func (r *reader) hex(at int) (rune, bool) {
	if len(r.text)-at < len(`\u0000`) || r.text[at] != '\\' || r.text[at+1] != 'u' {
		return 0, false
	}
	digits := r.text[at+2 : at+6]
	for i := range len(digits) {
		if c := digits[i] | 0x20; !isDigit(digits[i]) && (c < 'a' || c > 'f') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(digits, 16, 16)
	return rune(n), err == nil
}

// equalFold compares names as SCIM does: without regard to the case of ASCII letters, and of no others (strings.EqualFold
// would take the Kelvin sign for a k).
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// hasPrefixFold tells whether s begins with the prefix in any case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// lowerASCII lowers the ASCII letters of s.
func lowerASCII(s string) string {
	for i := range len(s) {
		if lower(s[i]) != s[i] {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lower(b[j])
			}
			return string(b)
		}
	}
	return s
}
