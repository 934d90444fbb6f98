package scim

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are the characters that normalization would turn into ASCII. They stay what they are: a user name with the
// Kelvin sign is not the one with a K.
const lookalikes = "\u212a\u037e\u1fef"

// fold makes texts comparable where an attribute is not caseExact: ASCII letters in lower case, the rest in NFC. Other
// letters keep their case, because what is one letter in two cases depends on the language.
func fold(s string) string {
	s = lowerASCII(s)
	if isASCII(s) || strings.ContainsAny(s, lookalikes) {
		return s
	}
	return norm.NFC.String(s)
}

// sameText compares as fold does, without building anything for ASCII.
func sameText(a, b string) bool {
	if equalFold(a, b) {
		return true
	}
	return (!isASCII(a) || !isASCII(b)) && fold(a) == fold(b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
