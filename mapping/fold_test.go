package mapping_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/mapping"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"lower case stays", "ada@example.com", "ada@example.com"},
		{"ASCII letters are lowered", "Ada.LOVELACE@Example.COM", "ada.lovelace@example.com"},
		{"neighbors of the letters stay", "@[`{", "@[`{"},
		{"other letters keep their case", "ÄRGER Ω", "Ärger Ω"},
		{"decomposed and composed are one", "A\u0308rger", "Ärger"},
		{"a letter that composes only in lower case", "H\u0331", "\u1e96"},
		{"the Kelvin sign is not k", "\u212aim@example.com", "\u212aim@example.com"},
		{"the Kelvin sign amid others", "A\u212aB\u212a\u0308", "a\u212ab\u212a\u0308"},
		{"the Greek question mark is no semicolon", "A\u037e", "a\u037e"},
		{"the varia is no grave accent", "\u1fef", "\u1fef"},
		{"the long s and the dotless i stay", "\u017f\u0131\u0130", "\u017f\u0131\u0130"},
		{"the angstrom sign is its letter", "\u212b", "\u00c5"},
		{"invalid UTF-8 passes", "A\xffB", "a\xffb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := mapping.Fold(tt.in); got != tt.want {
				t.Errorf("Fold(%+q) = %+q, want %+q", tt.in, got, tt.want)
			}
		})
	}
}

// TestUnicodeLookAlikeIsAnotherPerson: no text with a character outside ASCII folds to the key of a text without.
func TestUnicodeLookAlikeIsAnotherPerson(t *testing.T) {
	t.Parallel()
	for r := rune(utf8.RuneSelf); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		folded := mapping.Fold(string(r))
		if strings.IndexFunc(folded, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
			t.Errorf("Fold(%U) = %q: a look-alike became ASCII", r, folded)
		}
		if again := mapping.Fold(folded); again != folded {
			t.Errorf("Fold(%U) = %+q, folded again %+q", r, folded, again)
		}
	}
}

func TestFold_Properties(t *testing.T) {
	t.Parallel()
	// Letters with and without composed forms, marks, and the impostors, in any order.
	alphabet := rapid.SampledFrom([]rune("aAhHjJkKtTwWyYeEÄäÅåßſİı@.-_ \u0301\u0308\u030a\u030c\u0327\u0331\u212a\u212b\u037e\u1fefΩ\u2126한\u1112\u1161"))
	texts := rapid.OneOf(rapid.String(), rapid.StringOfN(alphabet, 0, 12, -1))
	rapid.Check(t, func(t *rapid.T) {
		s := texts.Draw(t, "s")
		folded := mapping.Fold(s)
		if again := mapping.Fold(folded); again != folded {
			t.Fatalf("not stable: %+q, then %+q", folded, again)
		}
		marked := strings.ContainsFunc(s, unicode.IsMark) // a letter and its mark are no ASCII letter
		if upper := strings.Map(upperASCII, s); !marked && mapping.Fold(upper) != folded {
			t.Fatalf("ASCII case tells %+q from %+q", s, upper)
		}
		if strings.ContainsAny(s, "\u212a\u037e\u1fef") {
			return
		}
		if nfd := norm.NFD.String(s); mapping.Fold(nfd) != folded {
			t.Fatalf("composition tells %+q from %+q", s, nfd)
		}
	})
}

func upperASCII(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "Ada@Example.com", "A\u0308", "\u212a", "H\u0331", "\xff\xfe", "a\u0301\u0327"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := mapping.Fold(s)
		if again := mapping.Fold(folded); again != folded {
			t.Errorf("not stable: %+q, then %+q", folded, again)
		}
	})
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, full, address, given, family string }{
		{"two words", "Ada Lovelace", "a@x.org", "Ada", "Lovelace"},
		{"last blank decides", "Ada King Lovelace", "a@x.org", "Ada King", "Lovelace"},
		{"blanks around", "  Ada  Lovelace ", "a@x.org", "Ada", "Lovelace"},
		{"one word", "Plato", "p@x.org", "Plato", "Plato"},
		{"no name", "", "ada.l@x.org", "ada.l", "ada.l"},
		{"only blanks", " \t", "ada@x.org", "ada", "ada"},
		{"no name, no address", "", "jdoe", "jdoe", "jdoe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if given, family := mapping.SplitName(tt.full, tt.address); given != tt.given || family != tt.family {
				t.Errorf("SplitName(%q, %q) = %q, %q, want %q, %q", tt.full, tt.address, given, family, tt.given, tt.family)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		emails   []string
		userName string
		want     string
		ok       bool
	}{
		{"the first, which is the primary", []string{"b@x.org", "a@x.org"}, "c@x.org", "b@x.org", true},
		{"blank ones are skipped", []string{" ", "a@x.org "}, "c@x.org", "a@x.org", true},
		{"userName that is an address", nil, "c@x.org", "c@x.org", true},
		{"userName that is none", nil, "jdoe", "jdoe", false},
		{"nobody else's address for a bad one", []string{"ada"}, "c@x.org", "ada", false},
		{"nothing", nil, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := mapping.Address(tt.emails, tt.userName); got != tt.want || ok != tt.ok {
				t.Errorf("Address(%q, %q) = %q, %t, want %q, %t", tt.emails, tt.userName, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestLooksLikeAddress(t *testing.T) {
	t.Parallel()
	good := []string{"a@b", "ada@example.com", "ada+x@example.com", "o'hara@example.com", "é@exämple.org", "a@xn--bcher-kva.example"}
	bad := []string{
		"", "ada", "@", "@x.org", "ada@", "a@b@c", "a b@x.org", "ada@x org", "ada@x.org\n", "a@x.org,b@x.org", "a@x.org;b@x.org",
		"Ada <ada@x.org>", "mailto:a@x.org", ".a@x.org", "a.@x.org", "a..b@x.org", "a@x..org", "a@.org", "a@org.", "a\x00@x.org",
		"a\u200b@x.org", "a\u202e@x.org", "a\xff@x.org", `"a"@x.org`, "a@[127.0.0.1]", strings.Repeat("a", 250) + "@x.org",
	}
	for _, s := range good {
		if !mapping.LooksLikeAddress(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range bad {
		if mapping.LooksLikeAddress(s) {
			t.Errorf("%q passes", s)
		}
	}
}

func TestLocalPart(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"ada@x.org": "ada", "a@b@c": "a@b", "jdoe": "jdoe", "": "", "@x": ""} {
		if got := mapping.LocalPart(in); got != want {
			t.Errorf("LocalPart(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSameAddress(t *testing.T) {
	t.Parallel()
	if !mapping.SameAddress("Ada@X.org", "ada@x.ORG") {
		t.Error("ASCII case tells addresses apart")
	}
	if mapping.SameAddress("\u212aim@x.org", "kim@x.org") {
		t.Error("the Kelvin sign passes for k")
	}
}
