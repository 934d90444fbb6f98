package scim

import (
	"strconv"
	"strings"
)

const (
	maxFilter  = 8 << 10 // bytes
	maxNesting = 32      // parentheses and brackets open at one time
)

// The filter parser decides how and, or, not and parentheses bind. It is given only that skeleton, with each comparison
// replaced by "aN pr": it overflows the stack on deep nesting, takes 400 µs for one comparison with a URN, does not decode
// strings, splits URNs wrongly, and refuses value filters with parentheses and Entra ID's emails[type eq "work"].value
// eq "x". The scanner takes the comparisons out, under limits that hold before the parser sees anything.

// term is one comparison of a filter, as written.
type term struct {
	path   string
	filter *skeleton // inside [ ]
	sub    string    // after ]
	op     string    // lower case
	value  any       // nil, bool, string or json.Number
}

// skeleton is an expression whose comparisons are numbered.
type skeleton struct {
	text  strings.Builder
	terms []term
	plain bool // one comparison and nothing else
}

func (k *skeleton) add(t term) {
	k.text.WriteByte('a')
	k.text.WriteString(strconv.Itoa(len(k.terms)))
	k.text.WriteString(" pr")
	k.terms = append(k.terms, t)
}

// scanner reads filters and the filters in paths.
type scanner struct {
	text  string
	pos   int
	depth int
}

func (s *scanner) errorf(format string, args ...any) *Error {
	e := badRequest(InvalidFilter, format, args...)
	return badRequest(InvalidFilter, "The filter is not valid: %s, at character %d.", e.Detail, s.pos+1)
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) blank() {
	for c := s.peek(); c == ' ' || c == '\t'; c = s.peek() {
		s.pos++
	}
}

// word reads up to a blank, quote, parenthesis or bracket.
func (s *scanner) word() string {
	start := s.pos
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '"', '(', ')', '[', ']':
			return s.text[start:s.pos]
		}
		s.pos++
	}
	return s.text[start:]
}

func (s *scanner) open() error {
	if s.depth++; s.depth > maxNesting {
		return s.errorf("nested more than %d levels deep", maxNesting)
	}
	s.pos++
	return nil
}

// expression reads up to the closing byte, 0 for the end of the text.
func (s *scanner) expression(closing byte) (*skeleton, error) {
	k := &skeleton{plain: true}
	parens := 0
	for {
		if err := s.operand(k, &parens); err != nil {
			return nil, err
		}
		more, err := s.connective(k, &parens, closing)
		if err != nil {
			return nil, err
		}
		if !more {
			return k, nil
		}
	}
}

// operand reads opening parentheses, nots and one comparison.
func (s *scanner) operand(k *skeleton, parens *int) error {
	for {
		s.blank()
		if s.peek() == '(' {
			if err := s.open(); err != nil {
				return err
			}
			*parens++
			k.plain = false
			k.text.WriteByte('(')
			continue
		}
		word := s.word()
		if word == "" {
			return s.errorf("an attribute is expected")
		}
		if equalFold(word, "not") {
			s.blank()
			if s.peek() == '(' {
				k.text.WriteString("not ")
				continue
			}
			return s.errorf("not must be followed by ( )")
		}
		t, err := s.term(word)
		if err != nil {
			return err
		}
		k.add(t)
		return nil
	}
}

// connective reads closing parentheses, then and / or; more is false at the end.
func (s *scanner) connective(k *skeleton, parens *int, closing byte) (more bool, err error) {
	for {
		s.blank()
		switch c := s.peek(); {
		case s.pos == len(s.text), c == closing:
			if *parens > 0 {
				return false, s.errorf("a ) is missing")
			}
			if c != closing {
				return false, s.errorf("a ] is missing")
			}
			return false, nil
		case c == ')':
			if *parens--; *parens < 0 {
				return false, s.errorf("a ) has no (")
			}
			s.depth--
			s.pos++
			k.text.WriteByte(')')
		default:
			word := lowerASCII(s.word())
			if word != "and" && word != "or" {
				return false, s.errorf("and, or, or the end of the filter is expected (put values in double quotes)")
			}
			k.plain = false
			k.text.WriteString(" " + word + " ")
			return true, nil
		}
	}
}

// term reads the rest of a comparison whose path has been read.
func (s *scanner) term(path string) (term, error) {
	t := term{path: path}
	if s.peek() == '[' {
		if err := s.brackets(&t); err != nil {
			return t, err
		}
		if t.sub == "" {
			t.op = opPresent
			return t, nil
		}
	}
	s.blank()
	t.op = lowerASCII(s.word())
	switch {
	case t.op == opPresent:
		return t, nil
	case !isComparison(t.op):
		return t, s.errorf("an operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le) is expected after %s", quote(path))
	}
	s.blank()
	v, err := s.value()
	t.value = v
	return t, err
}

// brackets reads [filter] and .sub.
func (s *scanner) brackets(t *term) error {
	if err := s.open(); err != nil {
		return err
	}
	k, err := s.expression(']')
	if err != nil {
		return err
	}
	s.pos++ // ]
	s.depth--
	t.filter = k
	if s.peek() == '.' {
		s.pos++
		if t.sub = s.word(); t.sub == "" {
			return s.errorf("a sub-attribute is expected")
		}
	}
	return nil
}

// value reads a JSON literal. A word that is none (PingFederate sends userName eq jdoe) is a string.
func (s *scanner) value() (any, error) {
	if s.peek() == '"' {
		r := reader{text: s.text, pos: s.pos}
		v, err := r.string()
		if err != nil {
			s.pos = r.pos
			return nil, s.errorf("the value is not a valid JSON string").WithCause(err)
		}
		s.pos = r.pos
		return v, nil
	}
	if word := s.word(); word != "" {
		return bareValue(word), nil
	}
	return nil, s.errorf("a value is expected")
}

func bareValue(word string) any {
	switch lowerASCII(word) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	r := reader{text: word}
	if n, err := r.number(); err == nil && r.pos == len(word) {
		return n
	}
	return word
}
