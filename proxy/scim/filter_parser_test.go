package scim

import (
	"fmt"
	"strings"
	"testing"
)

// One comparison is compiled without the filter parser. The parser would make the same of it.
func TestOneComparisonDoesNotNeedTheParser(t *testing.T) {
	t.Parallel()
	paths := []string{
		"userName", "USERNAME", "emails", "emails.value", "active", "meta.created", EnterpriseURN + ":manager", "urn:acme:1.0:User:x",
		`emails[type eq "work"]`, `emails[type eq "work"].value`, "nope", "name", "password",
	}
	rests := []string{
		"", " pr", ` eq "a@x.example"`, ` EQ "\u00e9\n"`, " eq jdoe", " ne 12345678901234567890", " eq true", ` sw ""`, " gt null", " eq null",
		` ge "2026-01-01T00:00:00Z"`, ` xx "a"`, ` co "(a and [b"`,
	}
	for _, path := range paths {
		for _, rest := range rests {
			text := path + rest
			direct, errDirect := parseExpression(text, scope{table: userTable})
			s := scanner{text: text}
			var parsed node
			k, errParsed := s.expression(0)
			if errParsed == nil {
				if !k.plain {
					t.Fatalf("%s: not taken for one comparison", text)
				}
				parsed, errParsed = k.parse(scope{table: userTable})
			}
			if got, want := describeNode(direct, errDirect), describeNode(parsed, errParsed); got != want {
				t.Errorf("%s\ndirectly %s\n  parsed %s", text, got, want)
			}
		}
	}
}

func describeNode(n node, err error) string {
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	n.print(&b, false)
	e, ok := n.equality()
	return fmt.Sprint(b.String(), e, ok)
}

// The parser sees numbered comparisons only, so that none of its limits is one of ours.
func TestSkeletonOfAFilter(t *testing.T) {
	t.Parallel()
	const text = `title co "a) or (b" and not(emails[type eq "x" or (value pr)].value eq "]" or urn:acme:1.0:User:x pr)`
	s := scanner{text: text}
	k, err := s.expression(0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := k.text.String(), "a0 pr and not (a1 pr or a2 pr)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := k.terms[1].filter.text.String(), "a0 pr or (a1 pr)"; got != want {
		t.Errorf("inside the brackets: got %q, want %q", got, want)
	}
}
