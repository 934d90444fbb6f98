package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping"
)

func TestStrictJSON(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	many := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return "{" + b.String() + `"` + last + `":1}`
	}
	for _, tt := range []struct {
		name, text string
		want       string // part of the detail; "" when it is valid
	}{
		{"empty object", `{}`, ""},
		{"blanks", " \t\r\n{ \"a\" : [ 1 , true , null ] } \n", ""},
		{"byte order mark", "\ufeff{}", ""},
		{"numbers", `{"a":[0,-0,1.5,-1.5e+3,1E9,12345678901234567890123]}`, ""},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\té😀"}`, ""},
		{"deepest", deep(64), ""},
		{"scalar in the deepest", `{"a":` + strings.Repeat("[", 63) + "1" + strings.Repeat("]", 63) + `}`, ""},
		{"many keys", many("k40"), ""},

		{"too deep", deep(65), "more than 64 levels"},
		{"very deep", strings.Repeat(`{"a":`, 1<<20), "more than 64 levels"},
		{"very deep list", `{"a":` + strings.Repeat(`[`, 1<<20), "more than 64 levels"},
		{"nothing", ``, "empty"},
		{"blanks only", " \n", "empty"},
		{"list", `[]`, "not a JSON object"},
		{"text", `"a"`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"NUL byte", "{\"a\":\"\x00\"}", "control character"},
		{"NUL escape", `{"a":"\u0000"}`, "NUL"},
		{"NUL in a key", `{"a\u0000":1}`, "NUL"},
		{"NUL after the end", "{}\x00", "after the end"},
		{"line break in a string", "{\"a\":\"x\ny\"}", "control character"},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "UTF-8"},
		{"half a pair", `{"a":"\ud800"}`, "surrogate"},
		{"wrong half", `{"a":"\udc00\ud800"}`, "surrogate"},
		{"half a pair, then text", `{"a":"\ud800x"}`, "surrogate"},
		{"half a pair, then an escape", `{"a":"\ud800\u0041"}`, "surrogate"},
		{"unknown escape", `{"a":"\x41"}`, "unknown escape"},
		{"malformed escape", `{"a":"\u12g4"}`, "malformed"},
		{"sign in an escape", `{"a":"\u+123"}`, "malformed"},
		{"cut in an escape", `{"a":"\u12`, "malformed"},
		{"cut after a backslash", `{"a":"\`, "ends inside"},
		{"cut in a string", `{"a":"x`, "ends inside"},
		{"cut after an escape", `{"a":"\n`, "ends inside"},
		{"trailing data", `{} {}`, "after the end"},
		{"trailing comma", `{"a":1,}`, "attribute name"},
		{"trailing comma in a list", `{"a":[1,]}`, "a value"},
		{"unquoted key", `{a:1}`, "attribute name"},
		{"no colon", `{"a" 1}`, "a colon"},
		{"no comma", `{"a":1 "b":2}`, "comma or }"},
		{"no comma in a list", `{"a":[1 2]}`, "comma or ]"},
		{"cut", `{"a":`, "ends where a value"},
		{"wrong word", `{"a":nul}`, "a value"},
		{"capital word", `{"a":True}`, "a value"},
		{"leading zero", `{"a":01}`, "malformed number"},
		{"no digits", `{"a":-}`, "malformed number"},
		{"no fraction", `{"a":1.}`, "malformed number"},
		{"no exponent", `{"a":1e+}`, "malformed number"},
		{"NaN", `{"a":NaN}`, "a value"},
		{"same key", `{"a":1,"a":1}`, "occurs twice"},
		{"same key in another case", `{"userName":1,"USERNAME":1}`, "occurs twice"},
		{"same key, escaped", `{"a":1,"\u0061":1}`, "occurs twice"},
		{"same key deep inside", `{"a":[{"b":{"c":1,"c":2}}]}`, "occurs twice"},
		{"same key among many", many("K7"), "occurs twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseObject([]byte(tt.text))
			if tt.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Status != 400 || e.ScimType != InvalidSyntax || !strings.Contains(e.Detail, tt.want) {
				t.Fatalf("got %v, want 400 invalidSyntax with %q", err, tt.want)
			}
		})
	}
}

// What is valid is read as encoding/json reads it.
func TestJSONAgreesWithStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u2028","b":[1,-2.5e10,true,false,null,{},[]],"":{"x":"ü"}}`,
		`{"a":"plain","b":"then \u0041 escaped"}`,
	} {
		o, err := parseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := standard(t, asJSON(o)), standard(t, []byte(text)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// asJSON writes a value as the reader gave it, with nothing left out.
func asJSON(v any) []byte {
	switch v := v.(type) {
	case object:
		b := []byte{'{'}
		for _, m := range v {
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(append(appendString(b, m.name), ':'), asJSON(m.value)...)
		}
		return append(b, '}')
	case []any:
		b := []byte{'['}
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, asJSON(item)...)
		}
		return append(b, ']')
	default:
		return appendValue(nil, unknown(""), v)
	}
}

func standard(t testing.TB, text []byte) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", text, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStringsAreWrittenAsValidJSON(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "\"\\/", "\x00\x01\x1f\x7f", "\n\r\t", "ü€😀\u2028", "\xff", "a\xc3", "\xed\xa0\x80", "<&>"} {
		var got string
		b := appendString(nil, s)
		if err := json.Unmarshal(b, &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && s != "\xed\xa0\x80" {
			t.Errorf("%q became %s, read as %q (%v)", s, b, got, err)
		}
	}
}

func TestNamesDifferInMoreThanASCIICase(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"userName", "USERNAME", true}, {"k", "\u212a", false}, {"[", "{", false}, {"a", "ab", false}, {"é", "É", false},
	} {
		if got := equalFold(tt.a, tt.b); got != tt.want {
			t.Errorf("equalFold(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, a, b string
		want       bool
	}{
		{"ASCII case", "Ada@X.example", "ada@x.EXAMPLE", true},
		{"composed and decomposed", "Jos\u00e9", "jose\u0301", true},
		{"Kelvin sign is no k", "\u212aate", "kate", false},
		{"Kelvin sign is no K", "\u212aate", "Kate", false},
		{"other letters keep their case", "\u00c9", "\u00e9", false},
		{"composes in lower case only", "H\u0331", "h\u0331", true},
		{"composes in upper case", "E\u0301", "e\u0301", false},
		{"Kelvin sign among marks", "e\u0301\u212ae\u0301", "\u00e9\u212a\u00e9", true},
		{"different", "a", "b", false},
	} {
		if got := sameText(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: sameText = %v", tt.name, got)
		}
		if got := fold(tt.a) == fold(tt.b); got != tt.want {
			t.Errorf("%s: fold %q, %q", tt.name, fold(tt.a), fold(tt.b))
		}
		if got, want := fold(tt.a), mapping.Fold(tt.a); got != want {
			t.Errorf("%s: fold %q, the directory's %q", tt.name, got, want)
		}
		if once := fold(tt.a); fold(once) != once {
			t.Errorf("%s: fold is not idempotent: %q, %q", tt.name, once, fold(once))
		}
	}
}
