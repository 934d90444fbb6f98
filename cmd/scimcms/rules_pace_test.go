package main

import (
	"strings"
	"testing"
)

// All projects of one CMS token share its pace, which lies in a slot of its own and does not tell the token.
func TestPaceIsKeptByCMSToken(t *testing.T) {
	t.Parallel()
	one, two := paceBase("p:", "secret-token"), paceBase("p:", "other-token")
	if !strings.HasPrefix(one, "p:{cms:") || !strings.HasSuffix(one, "}") || strings.Contains(one, "secret") {
		t.Errorf("%s", one)
	}
	if one == two || one != paceBase("p:", "secret-token") {
		t.Errorf("%s and %s", one, two)
	}
}
