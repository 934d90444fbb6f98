package scim_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

const ada = `{"id":"ID-1","externalId":"00uA","userName":"Ada@X.example","name":{"givenName":"Ada","familyName":"Jos\u00e9"},"title":"Editor","active":true,
 "emails":[{"value":"ada@x.example","type":"work","primary":true},{"value":"ada@home.example","type":"home"}],
 "phoneNumbers":[],"nickName":"","groups":[{"value":"g1","display":"Editors"}],
 "meta":{"resourceType":"User","created":"2026-01-02T03:04:05.000Z","lastModified":"2026-02-03T04:05:06.789Z"},
 "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","employeeNumber":"701984","manager":{"value":"M-1","displayName":"Boss"},"badge":7},
 "urn:acme:1.0:User":{"Level":12345678901234567890,"flag":false,"tags":["x","y"],"desk":{"floor":3}}}`

func TestFilterMatch(t *testing.T) {
	t.Parallel()
	const ent = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	for filter, want := range map[string]bool{
		// caseExact decides
		`userName eq "ada@x.EXAMPLE"`: true, `userName eq "ada"`: false, `USERNAME EQ "ada@x.example"`: true,
		`externalId eq "00uA"`: true, `externalId eq "00ua"`: false, `id eq "ID-1"`: true, `id eq "id-1"`: false,
		`groups.value eq "G1"`: false, `groups eq "g1"`: true, `groups.display eq "editors"`: true,
		`meta.resourceType eq "User"`: true, `meta.resourceType eq "user"`: false,
		`name.familyName eq "jose\u0301"`: true, `name.familyName eq "JOS\u00c9"`: false, `name.familyName co "s\u00e9"`: true,
		// the enterprise extension without its URN
		`department eq "r&d"`: true, `manager eq "M-1"`: true, `manager.value eq "m-1"`: false,
		// operators on text
		`title ne "editor"`: false, `title ne "x"`: true, `nickName ne "x"`: true, `title co "DIT"`: true, `title co "x"`: false,
		`title sw "ed"`: true, `title sw "d"`: false, `title ew "OR"`: true, `title ew "o"`: false,
		`title gt "a"`: true, `title gt "editor"`: false, `title ge "editor"`: true, `title lt "z"`: true, `title le "editor"`: true, `title le "a"`: false, `title lt "editor"`: false,
		`externalId co "uA"`: true, `externalId co "ua"`: false, `externalId sw "00u"`: true, `externalId ew "A"`: true, `externalId gt "00"`: true,
		// present
		`title pr`: true, `nickName pr`: false, `phoneNumbers pr`: false, `emails pr`: true, `name pr`: true, `locale pr`: false, `active pr`: true, `name.middleName pr`: false,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`: true, `urn:ietf:params:scim:schemas:core:2.0:User pr`: true, `urn:okta:none:1.0 pr`: false,
		// null
		`title eq null`: false, `title ne null`: true, `locale eq null`: true, `locale ne null`: false, `phoneNumbers eq null`: true,
		// booleans
		`active eq true`: true, `active eq false`: false, `active ne false`: true, `active eq "True"`: true, `active eq TRUE`: true,
		`emails.primary eq true`: true, `emails[primary eq false]`: false,
		// several values
		`emails eq "ADA@home.example"`: true, `emails.value co "x.example"`: true, `emails co "nobody"`: false, `emails.type eq "home"`: true,
		`emails.value ne "ada@x.example"`: false, `emails.value ne "z"`: true,
		// value filters
		`emails[type eq "work" and value co "@x.example"]`: true, `emails[type eq "home" and value co "@x.example"]`: false,
		`emails[type eq "home" and (value co "nobody" or value ew "home.example")]`: true, `emails[not (type eq "work")]`: true,
		`emails[type eq "work"].value eq "ADA@X.example"`: true, `emails[type eq "home"].value eq "ada@x.example"`: false,
		`emails[type eq "work"].display pr`: false, `emails[type eq "work"].value pr`: true, `emails[type eq "other"].value ne "x"`: true,
		// logic
		`title pr and active eq true`: true, `title pr and active eq false`: false, `title pr or active eq false`: true,
		`active eq false and title pr or userName pr`: true, `active eq false and (title pr or userName pr)`: false,
		`not (title pr)`: false, `NOT(locale pr)`: true, `not (title pr and active eq false)`: true, `((title pr))`: true,
		`active eq false or active eq true and title eq "x"`: false,
		// times
		`meta.lastModified gt "2026-02-03T04:05:06Z"`: true, `meta.lastModified gt "2026-02-03T05:05:06.789+01:00"`: false,
		`meta.lastModified ge "2026-02-03T05:05:06.789+01:00"`: true, `meta.created eq "2026-01-02T03:04:05Z"`: true,
		`meta.created lt "2026-01-01T00:00:00Z"`: false, `meta.created sw "2026-01"`: true, `meta.created ne "2026-01-02T03:04:05Z"`: false,
		// extensions
		ent + `department eq "r&d"`: true, ent + `manager eq "M-1"`: true, ent + `manager.displayName eq "boss"`: true, ent + `badge eq 7`: true,
		ent + `employeeNumber eq 701984`: true, strings.ToUpper(ent) + `DEPARTMENT eq "R&D"`: true, ent + `nope pr`: false,
		`urn:acme:1.0:User:level eq 12345678901234567890`: true, `urn:acme:1.0:User:level eq 12345678901234567891`: false,
		`urn:acme:1.0:User:level gt 9`: true, `urn:acme:1.0:User:level lt -9`: false, `urn:acme:1.0:User:level gt 1.5e3`: true,
		`URN:acme:1.0:user:Level ge 12345678901234567890`: true, `urn:acme:1.0:User:flag eq false`: true, `urn:acme:1.0:User:flag eq true`: false,
		`urn:acme:1.0:User:tags eq "X"`: true, `urn:acme:1.0:User:tags eq "z"`: false, `urn:acme:1.0:User:tags[value eq "y"]`: true,
		`urn:acme:1.0:User:desk.floor eq 3`: true, `urn:acme:1.0:User:desk.floor le 3`: true, `urn:none:1.0:User:x eq "y"`: false, `urn:acme:1.0:User:none ne "y"`: true,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@x.example"`: true,
		// spelling
		` userName  eq   "ada@x.example" `: true, `userName eq ada@x.example`: true, `userName eq "ada\u0040x.example"`: true, `userName eq "ada\u0040x.example" and title pr`: true,
		`emails[value eq ada@x.example]`: true, `title eq "a \"b\" and [c] (d"`: false,
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			f, err := scim.ParseFilter(scim.UserType, filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Match(view(t, ada)); got != want {
				t.Errorf("Match = %v", got)
			}
			again, err := scim.ParseFilter(scim.UserType, f.String())
			if err != nil {
				t.Fatalf("printed as %s: %v", f, err)
			}
			if again.String() != f.String() || again.Match(view(t, ada)) != want {
				t.Errorf("printed as %s, then as %s", f, again)
			}
		})
	}
}

func TestFilterRefuses(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]string{
		"nothing": "", "blanks": "  ", "no operator": "userName", "no value": "userName eq", "unknown operator": `userName is "x"`,
		"unknown attribute": `nope eq "x"`, "unknown sub-attribute": `name.nope eq "x"`, "an attribute of groups": `members eq "x"`,
		"unclosed string": `userName eq "x`, "wrong escape": `userName eq "\x"`, "NUL": `userName eq "\u0000"`, "NUL byte": "userName eq \"\x00\"",
		"NUL at the end": "title pr\x00", "invalid UTF-8": "userName eq \"\xff\"", "line break": "userName\neq \"x\"",
		"unclosed parenthesis": `(title pr`, "parenthesis too many": `title pr)`, "empty parentheses": `()`, "not without parentheses": `not title pr`,
		"not at the end": `not`, "and at the end": `title pr and`, "and at the start": `and title pr`, "no connective": `title pr active pr`, "text at the end": `title pr x`,
		"unknown connective": `title pr xor active pr`, "unquoted with a blank": `userName eq a b`,
		"unclosed bracket": `emails[type eq "x"`, "bracket too many": `emails[type eq "x"]]`, "empty brackets": `emails[]`, "brackets in brackets": `emails[type[value pr]]`,
		"brackets on a single value": `title[value eq "x"]`, "brackets on a sub-attribute": `emails.value[type eq "x"]`, "parenthesis open in brackets": `emails[(type pr]`,
		"parenthesis closed in brackets": `(emails[type pr)]`, "dot without a name": `emails[type pr]. pr`, "unknown name after brackets": `emails[type pr].nope pr`,
		"malformed name in brackets": `emails[a.b pr]`, "brackets on an extension": `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User[department pr]`,
		"a whole extension": `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User eq "x"`, "complex": `name eq "x"`, "complex without value": `addresses eq "x"`, "meta": `meta eq "x"`,
		"password": `password eq "x"`, "password pr": `password pr`, "password sw": `urn:ietf:params:scim:schemas:core:2.0:User:password sw "a"`,
		"boolean gt": `active gt true`, "boolean co": `active co "t"`, "boolean with text": `active eq "yes"`, "boolean with a number": `active eq 1`, "boolean gt text": `active gt "true"`,
		"null gt": `title gt null`, "null co": `title co null`, "text gt boolean": `title gt true`, "time with text": `meta.created gt "yesterday"`, "time with a number": `meta.created gt 5`,
		"custom gt boolean": `urn:acme:User:flag gt true`, "malformed custom name": `urn:acme:User:a*b eq "x"`,
		"too long":        `userName eq "` + strings.Repeat("a", 8<<10) + `"`,
		"nested too deep": strings.Repeat("(", 33) + "title pr" + strings.Repeat(")", 33),
		"nots too deep":   strings.Repeat("not (", 33) + "title pr" + strings.Repeat(")", 33),
		"stack overflow":  strings.Repeat("(", 85000), "stack overflow, short": strings.Repeat("(", 8000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := scim.ParseFilter(scim.UserType, filter)
			if got := refusal(err); got != "400 invalidFilter" {
				t.Errorf("got %q (%v, %v)", got, err, f)
			}
		})
	}
}

func TestFilterLimitsAreReached(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(", 31) + `emails[type pr]` + strings.Repeat(")", 31)
	long := strings.TrimSuffix(strings.Repeat("id pr or ", 900), " or ")
	for _, filter := range []string{deep, long, `userName eq "` + strings.Repeat("a", 8<<10-14) + `"`} {
		if _, err := scim.ParseFilter(scim.UserType, filter); err != nil {
			t.Errorf("%.40s…: %v", filter, err)
		}
	}
}

func TestFilterOfGroups(t *testing.T) {
	t.Parallel()
	group := view(t, `{"displayName":"Editors","members":[{"value":"u1","display":"Ada"}]}`)
	for filter, want := range map[string]bool{
		`displayName eq "editors"`: true, `members eq "u1"`: true, `members.value eq "U1"`: false, `members[value eq "u1"]`: true, `members.display sw "a"`: true,
		`urn:okta:custom:group:1.0:description pr`: false, `urn:scimcms:scim:schemas:sync:1.0:status eq "failed"`: false,
	} {
		f, err := scim.ParseFilter(scim.GroupType, filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := f.Match(group); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
	if _, err := scim.ParseFilter(scim.GroupType, `userName eq "x"`); refusal(err) != "400 invalidFilter" {
		t.Errorf("an attribute of users: %v", err)
	}
}

func TestFilterEquality(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		filter, attr, value string
		exact               bool
	}{
		{`userName eq "A@x"`, "userName", "A@x", true},
		{`USERNAME EQ "a"`, "userName", "a", true},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"`, "userName", "a", true},
		{`userName eq jdoe`, "userName", "jdoe", true},
		{`externalId eq 7`, "externalId", "7", true},
		{`userName eq "\u0041"`, "userName", "A", true},
		{`emails eq "a"`, "emails.value", "a", true},
		{`emails.value eq "a"`, "emails.value", "a", true},
		{`emails[value eq "a"]`, "emails.value", "a", true},
		{`emails[type eq "work"].value eq "a"`, "emails.value", "a", false},
		{`emails[type eq "work" and value eq "a"]`, "emails.value", "a", false},
		{`userName eq "a" and active eq true`, "userName", "a", false},
		{`active eq true and userName eq "a"`, "userName", "a", false},
		{`title eq "t" and id eq "i" and userName eq "a"`, "id", "i", false},
		{`(title pr or active pr) and externalId eq "a"`, "externalId", "a", false},
		{`urn:acme:1.0:User:level eq "a"`, "urn:acme:1.0:User:level", "a", true},
		{`userName eq "a" or userName eq "b"`, "", "", false},
		{`not (userName eq "a")`, "", "", false},
		{`userName ne "a"`, "", "", false},
		{`userName sw "a"`, "", "", false},
		{`userName pr`, "", "", false},
		{`userName eq null`, "", "", false},
		{`active eq true`, "", "", false},
		{`emails[type pr]`, "", "", false},
		{`emails[type eq "work" or value eq "a"]`, "", "", false},
		{`title pr and active pr`, "", "", false},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			f, err := scim.ParseFilter(scim.UserType, tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			want := scim.Equality{Attr: tt.attr, Value: tt.value, Exact: tt.exact}
			if got, ok := f.Equality(); got != want || ok != (tt.attr != "") {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}
