package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxAddress is the longest e-mail address there is, in bytes (RFC 5321: a path of 256 less its angle brackets).
const maxAddress = 254

// impostors are the characters outside ASCII that NFC would replace by an ASCII character: the Greek question mark
// (";"), the Greek varia ("`") and the Kelvin sign ("K"). Fold leaves them as they are, so that nobody takes another
// person's natural key with a look-alike.
const impostors = "\u037e\u1fef\u212a"

// Fold makes natural keys comparable: NFC, and ASCII letters in lower case. No other letter changes its case, and a text
// with a character outside ASCII never folds to one without: the Kelvin sign does not become k. Fold(Fold(s)) is Fold(s).
func Fold(s string) string {
	if isASCII(s) {
		return lowerASCII(s)
	}
	// Some letters compose with a mark only in lower case ("H" + macron below stays two runes, "h" does not), so the
	// text is normalized before (an upper-case letter that composes must not be lowered alone) and after.
	return compose(lowerASCII(compose(s)))
}

// compose is NFC that spares the impostors.
func compose(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, impostors)
		if i < 0 {
			break
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(norm.NFC.String(s[:i]))
		b.WriteString(s[i : i+size])
		s = s[i+size:]
	}
	if b.Len() == 0 {
		return norm.NFC.String(s)
	}
	b.WriteString(norm.NFC.String(s))
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func lowerASCII(s string) string {
	i := 0
	for i < len(s) && (s[i] < 'A' || s[i] > 'Z') {
		i++
	}
	if i == len(s) {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// SameAddress reports whether two addresses are one person's: their folded forms are equal.
func SameAddress(a, b string) bool { return a == b || Fold(a) == Fold(b) }

// LocalPart is what stands before the last @ of an address, or all of it where there is none.
func LocalPart(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[:i]
	}
	return address
}

// SplitName gives the two names that an identity provider insists on to a person of whom the CMS knows one full name, or
// none: the full name split at its last blank. A single word is both names; without any name both are the local part of
// the address.
func SplitName(fullName, address string) (given, family string) {
	words := strings.Fields(fullName)
	switch len(words) {
	case 0:
		return LocalPart(address), LocalPart(address)
	case 1:
		return words[0], words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], " "), words[last]
}

// Address chooses a person's address in the CMS: the first of emails (the primary one first) that is not blank, else the
// userName. ok is false when the one chosen is no address; it is returned all the same, so that the refusal can name it.
func Address(emails []string, userName string) (address string, ok bool) {
	for _, e := range emails {
		if e = strings.TrimSpace(e); e != "" {
			return e, LooksLikeAddress(e)
		}
	}
	userName = strings.TrimSpace(userName)
	return userName, LooksLikeAddress(userName)
}

// LooksLikeAddress reports whether s can be an e-mail address. It refuses what would certainly be refused, or would mean
// somebody else (lists, display names, blanks, control characters); the CMS has the last word.
func LooksLikeAddress(s string) bool {
	at := strings.IndexByte(s, '@')
	if at <= 0 || at != strings.LastIndexByte(s, '@') || len(s) > maxAddress || !utf8.ValidString(s) {
		return false
	}
	if strings.ContainsFunc(s, notInAddress) {
		return false
	}
	local, domain := s[:at], s[at+1:]
	return dotted(local) && dotted(domain)
}

// dotted reports whether s is made of words with single dots between them.
func dotted(s string) bool {
	return s != "" && s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..")
}

func notInAddress(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>()[],;:\"`, r)
}
