package scim

import (
	"strconv"
	"strings"
	"unicode/utf8"

	filter "github.com/scim2/filter-parser/v2"
)

// Filter is a filter over the resources of one type (RFC 7644 section 3.4.2.2). It can be used by many goroutines.
type Filter struct {
	root node
}

// ParseFilter reads a filter. A filter that is not valid, names an attribute the type does not have, or compares in a way
// that makes no sense, is refused with invalidFilter: answering it with an empty list would make a provider create twins.
func ParseFilter(t Type, text string) (*Filter, error) {
	return parseFilter(scope{table: typeOf(t)}, text)
}

func parseFilter(in scope, text string) (*Filter, error) {
	text = strings.Trim(text, " \t")
	if text == "" {
		return nil, badRequest(InvalidFilter, "The filter is empty; leave the parameter out, or write attribute eq \"value\".")
	}
	n, err := parseExpression(text, in)
	if err != nil {
		return nil, err
	}
	return &Filter{root: n}, nil
}

// Match tells whether the filter matches a resource: the Attributes of a Resource, or a view that also has what the server
// adds; see View.
func (f *Filter) Match(resource map[string]any) bool { return f.root.match(resource) }

// String prints the filter in canonical form; parsing that gives an equal filter.
func (f *Filter) String() string {
	var b strings.Builder
	f.root.print(&b, false)
	return b.String()
}

// Equality is a condition that an index can answer: Attr has Value. Attr is the canonical name, of a sub-attribute where the
// filter means one (emails eq "x" gives emails.value). Value is as written; the attribute's case rule is for the index.
type Equality struct {
	Attr  string
	Value string
	Exact bool // every resource that meets the condition matches the filter; else Match has to be asked
}

// Equality returns a condition that every match of the filter meets: the filter itself, or one side of an and. Of several it is
// the one on the most selective attribute of id, userName, externalId, emails.value, displayName and members.value.
func (f *Filter) Equality() (Equality, bool) {
	return f.root.equality()
}

// parseExpression reads a filter with names in the scope given: a resource, or the entries of an attribute.
func parseExpression(text string, in scope) (node, error) {
	if len(text) > maxFilter {
		return nil, badRequest(InvalidFilter, "The filter is longer than %d bytes.", maxFilter)
	}
	if !utf8.ValidString(text) || strings.IndexFunc(text, isControl) >= 0 {
		return nil, badRequest(InvalidFilter, "The filter contains control characters or is not valid UTF-8.")
	}
	s := scanner{text: text}
	k, err := s.expression(0)
	if err != nil {
		return nil, err
	}
	return k.compile(in)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// compile turns the skeleton into nodes. One comparison alone, all that Okta sends, does not need the parser.
func (k *skeleton) compile(in scope) (node, error) {
	if k.plain {
		return k.terms[0].compile(in)
	}
	return k.parse(in)
}

// parse has the filter parser decide the structure.
func (k *skeleton) parse(in scope) (node, error) {
	e, err := filter.ParseFilterNumber([]byte(k.text.String()))
	if err != nil {
		return nil, badRequest(InvalidFilter, "The filter is not valid.").WithCause(err)
	}
	return k.build(e, in)
}

func (k *skeleton) build(e filter.Expression, in scope) (node, error) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		left, err := k.build(e.Left, in)
		if err != nil {
			return nil, err
		}
		right, err := k.build(e.Right, in)
		if err != nil {
			return nil, err
		}
		return &logical{and: e.Operator == filter.AND, left: left, right: right}, nil
	case *filter.NotExpression:
		inner, err := k.build(e.Expression, in)
		if err != nil {
			return nil, err
		}
		return &negation{inner}, nil
	case *filter.AttributeExpression:
		if i, err := strconv.Atoi(strings.TrimPrefix(e.AttributePath.AttributeName, "a")); err == nil && i < len(k.terms) {
			return k.terms[i].compile(in)
		}
	}
	return nil, badRequest(InvalidFilter, "The filter is not valid.")
}
