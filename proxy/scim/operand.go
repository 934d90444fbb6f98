package scim

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// operand is the value that a comparison compares with, prepared once.
type operand struct {
	raw    any // nil, bool, string or json.Number
	text   string
	folded string
	time   time.Time
}

func newOperand(raw any) operand {
	o := operand{raw: raw}
	o.text, _ = literal(raw)
	o.folded = fold(o.text)
	return o
}

// Values of the schema are compared as their type asks. What stands under a custom URN has the type that it came with: numbers are
// compared with numbers as such, everything else as text, so that level eq "7" and level eq 7 find the same.

// test compares one value that is not a list.
func (c *comparison) test(v any) bool {
	if x, ok := v.(json.Number); ok {
		if y, ok := c.value.raw.(json.Number); ok {
			return c.ordered(compareNumbers(x, y))
		}
	}
	s, ok := literal(v)
	if !ok {
		return false
	}
	leaf := c.leaf()
	if leaf.kind == dateTimeKind && !isTextOp(c.op) {
		t, err := time.Parse(time.RFC3339, s)
		return err == nil && c.ordered(t.Compare(c.value.time))
	}
	if leaf.exact {
		return c.testText(s, c.value.text)
	}
	if c.op == opEqual {
		return sameText(s, c.value.text)
	}
	return c.testText(fold(s), c.value.folded)
}

func (c *comparison) testText(s, want string) bool {
	switch c.op {
	case opContains:
		return strings.Contains(s, want)
	case opStartsWith:
		return strings.HasPrefix(s, want)
	case opEndsWith:
		return strings.HasSuffix(s, want)
	default:
		return c.ordered(strings.Compare(s, want))
	}
}

// ordered turns the result of a three-way comparison into that of the operator. ne is tested as eq and turned around.
func (c *comparison) ordered(order int) bool {
	switch c.op {
	case opGreater:
		return order > 0
	case opGreaterEqual:
		return order >= 0
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	default:
		return order == 0
	}
}

// compareNumbers orders two JSON numbers; integers of any length exactly.
func compareNumbers(a, b json.Number) int {
	negA, digitsA, okA := integer(a)
	negB, digitsB, okB := integer(b)
	if !okA || !okB || negA != negB {
		x, _ := strconv.ParseFloat(string(a), 64)
		y, _ := strconv.ParseFloat(string(b), 64)
		return cmp.Compare(x, y)
	}
	order := cmp.Or(cmp.Compare(len(digitsA), len(digitsB)), cmp.Compare(digitsA, digitsB))
	if negA {
		return -order
	}
	return order
}

// integer tells whether the literal is an integer in plain digits, and its sign and digits.
func integer(n json.Number) (negative bool, digits string, ok bool) {
	s := string(n)
	if negative = strings.HasPrefix(s, "-"); negative {
		s = s[1:]
	}
	return negative, s, strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
