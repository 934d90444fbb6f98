package scim

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// impostors are the characters that NFC would replace by ASCII: the Greek question mark, the Greek varia and the Kelvin
// sign. They stay what they are: a user name with the Kelvin sign is not the one with a K.
const impostors = "\u037e\u1fef\u212a"

// fold makes texts comparable where an attribute is not caseExact: NFC, with ASCII letters in lower case. Other letters keep
// their case, because what is one letter in two cases depends on the language. It is the folding of mapping.Fold, which the
// indexes of the directory are built with; a test compares the two.
func fold(s string) string {
	if isASCII(s) {
		return lowerASCII(s)
	}
	// Before, because an upper-case letter that composes with its mark is not to be lowered alone; after, because some
	// letters compose in lower case only.
	return compose(lowerASCII(compose(s)))
}

// compose is NFC that spares the impostors.
func compose(s string) string {
	if !strings.ContainsAny(s, impostors) {
		return norm.NFC.String(s)
	}
	var b strings.Builder
	for i := strings.IndexAny(s, impostors); i >= 0; i = strings.IndexAny(s, impostors) {
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(norm.NFC.String(s[:i]))
		b.WriteString(s[i : i+size])
		s = s[i+size:]
	}
	b.WriteString(norm.NFC.String(s))
	return b.String()
}

// sameText compares as fold does, without building anything for ASCII.
func sameText(a, b string) bool {
	if isASCII(a) && isASCII(b) {
		return equalFold(a, b)
	}
	return a == b || fold(a) == fold(b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
