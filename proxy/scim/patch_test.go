package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

const (
	workAndHome = `{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`
	named       = `{"name":{"givenName":"A","familyName":"B"}}`
	managed     = `{` + enterprise + `:{"department":"D","manager":{"value":"1","displayName":"Boss"}}}`
)

// The rows are those of the PATCH table, okta-scim.md section 4, then the quirks of section 3 by number.
func TestApplyUser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, before, operations, want string }{
		// add and replace without a path
		{"no path: each key", named, `{"op":"add","value":{"title":"T","active":false}}`, `{"name":{"familyName":"B","givenName":"A"},"title":"T","active":false}`},
		{"no path: complex merges", named, `{"op":"replace","value":{"name":{"givenName":"Z"}}}`, `{"name":{"familyName":"B","givenName":"Z"}}`},
		{"no path: add appends", workAndHome, `{"op":"add","value":{"emails":[{"value":"n@x","type":"other"}]}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"n@x","type":"other"}]}`},
		{"no path: replace replaces", workAndHome, `{"op":"replace","value":{"emails":[{"value":"n@x"}]}}`, `{"emails":[{"value":"n@x"}]}`},
		{"no path: unassigned", named, `{"op":"replace","value":{"name":null,"title":""}}`, `{}`},
		{"no path: read-only keys are ignored", named, `{"op":"replace","value":{"id":"x","meta":{},"groups":[],"schemas":[],"title":"T"}}`,
			`{"name":{"familyName":"B","givenName":"A"},"title":"T"}`},
		{"no path: unknown keys are ignored", `{}`, `{"op":"replace","value":{"nope":1,"title":"T"}}`, `{"title":"T"}`},
		{"no path: nothing", named, `{"op":"replace","value":{}}`, `{"name":{"familyName":"B","givenName":"A"}}`},
		{"path null or empty is none", `{}`, `{"op":"add","path":null,"value":{"title":"T"}},{"op":"add","path":"","value":{"locale":"en"}}`, `{"title":"T","locale":"en"}`},
		// single values
		{"add single sets", `{"title":"S"}`, `{"op":"add","path":"title","value":"T"}`, `{"title":"T"}`},
		{"add single same", `{"title":"T"}`, `{"op":"add","path":"title","value":"T"}`, `{"title":"T"}`},
		{"replace absent acts as add", `{}`, `{"op":"replace","path":"title","value":"T"}`, `{"title":"T"}`},
		{"replace by null", `{"title":"T"}`, `{"op":"replace","path":"title","value":null}`, `{}`},
		{"replace by empty text", `{"title":"T"}`, `{"op":"replace","path":"title","value":""}`, `{}`},
		{"replace by empty list", `{"title":"T"}`, `{"op":"replace","path":"title","value":[]}`, `{}`},
		{"remove single", `{"title":"T"}`, `{"op":"remove","path":"title"}`, `{}`},
		{"remove absent", `{}`, `{"op":"remove","path":"title"}`, `{}`},
		// complex
		{"add complex merges", named, `{"op":"add","path":"name","value":{"middleName":"M"}}`, `{"name":{"familyName":"B","givenName":"A","middleName":"M"}}`},
		{"replace complex merges", named, `{"op":"replace","path":"name","value":{"givenName":"Z"}}`, `{"name":{"familyName":"B","givenName":"Z"}}`},
		{"complex: null unassigns a sub-attribute", named, `{"op":"replace","path":"name","value":{"givenName":null}}`, `{"name":{"familyName":"B"}}`},
		{"complex: nothing", named, `{"op":"replace","path":"name","value":{}}`, `{"name":{"familyName":"B","givenName":"A"}}`},
		{"replace complex by null", named, `{"op":"replace","path":"name","value":null}`, `{}`},
		{"add sub", `{}`, `{"op":"add","path":"name.givenName","value":"A"}`, `{"name":{"givenName":"A"}}`},
		{"replace sub by empty text", named, `{"op":"replace","path":"name.givenName","value":""}`, `{"name":{"familyName":"B"}}`},
		{"remove sub", named, `{"op":"remove","path":"name.givenName"}`, `{"name":{"familyName":"B"}}`},
		{"remove last sub", `{"name":{"givenName":"A"}}`, `{"op":"remove","path":"name.givenName"}`, `{}`},
		{"remove complex", named, `{"op":"remove","path":"name"}`, `{}`},
		{"remove the manager's value", `{` + enterprise + `:{"manager":{"value":"1","displayName":"B","$ref":"r"}}}`, `{"op":"remove","path":"manager.value"}`, `{}`},
		{"empty the manager's value", `{` + enterprise + `:{"manager":{"value":"1","displayName":"B"}}}`, `{"op":"replace","path":"manager.value","value":""}`, `{}`},
		{"enterprise attribute without URN", `{}`, `{"op":"add","path":"Department","value":"D"},{"op":"add","value":{"manager.value":"7","costCenter":"C"}}`,
			`{` + enterprise + `:{"costCenter":"C","department":"D","manager":{"value":"7"}}}`},
		// multi-valued
		{"add one object", workAndHome, `{"op":"add","path":"emails","value":{"value":"n@x"}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"n@x"}]}`},
		{"add equal entry", workAndHome, `{"op":"add","path":"emails","value":[{"value":"W@X"}]}`,
			`{"emails":[{"value":"W@X","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"add equal value of another type", workAndHome, `{"op":"add","path":"emails","value":[{"value":"w@x","type":"other"}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"w@x","type":"other"}]}`},
		{"add nothing", workAndHome, `{"op":"add","path":"emails","value":[]}`, workAndHome},
		{"replace by the empty list", workAndHome, `{"op":"replace","path":"emails","value":[]}`, `{}`},
		{"remove all", workAndHome, `{"op":"remove","path":"emails"}`, `{}`},
		{"26: remove those listed", workAndHome, `{"op":"Remove","path":"emails","value":[{"value":"w@x"}]}`, `{"emails":[{"value":"h@x","type":"home"}]}`},
		{"remove one listed as text", workAndHome, `{"op":"remove","path":"emails","value":"H@x"}`, `{"emails":[{"value":"w@x","type":"work","primary":true}]}`},
		{"remove nobody listed", workAndHome, `{"op":"remove","path":"emails","value":[{"value":"z@x"}]}`, workAndHome},
		{"remove with null", workAndHome, `{"op":"remove","path":"emails","value":null}`, `{}`},
		{"addresses without value: equal ones once", `{"addresses":[{"locality":"L","type":"work"}]}`, `{"op":"add","path":"addresses","value":[{"type":"work","locality":"L"}]}`,
			`{"addresses":[{"locality":"L","type":"work"}]}`},
		{"sub of all entries", workAndHome, `{"op":"replace","path":"emails.display","value":"X"}`,
			`{"emails":[{"value":"w@x","display":"X","type":"work","primary":true},{"value":"h@x","display":"X","type":"home"}]}`},
		{"value of the primary entry", workAndHome, `{"op":"replace","path":"emails.value","value":"n@x"}`,
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"value without an entry", `{}`, `{"op":"add","path":"emails.value","value":"n@x"}`, `{"emails":[{"value":"n@x"}]}`},
		{"empty value without an entry", `{}`, `{"op":"replace","path":"emails.value","value":""}`, `{}`},
		{"remove sub of all", workAndHome, `{"op":"remove","path":"emails.type"}`, `{"emails":[{"value":"w@x","primary":true},{"value":"h@x"}]}`},
		{"remove value of all", workAndHome, `{"op":"remove","path":"emails.value"}`, `{}`},
		// value filters
		{"filter.sub sets", workAndHome, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@x"}`,
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"28: filter.sub creates", `{}`, `{"op":"Add","path":"emails[type eq \"work\"].value","value":"n@x"}`, `{"emails":[{"value":"n@x","type":"work"}]}`},
		{"28: replace creates too", `{}`, `{"op":"Replace","path":"emails[type eq \"work\" and primary eq true].value","value":"n@x"}`,
			`{"emails":[{"value":"n@x","type":"work","primary":true}]}`},
		{"28: an entry of the same value gets the type", `{"emails":[{"value":"N@x"}]}`, `{"op":"Add","path":"emails[type eq \"work\"].value","value":"n@x"}`,
			`{"emails":[{"value":"n@x","type":"work"}]}`},
		{"28: nothing is made of a type alone", `{}`, `{"op":"Add","path":"emails[type eq \"work\"].primary","value":true}`, `{}`},
		{"primary entry cleared: the others stay", `{"emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home","primary":true}]}`,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"primary":true}}`, `{"emails":[{"value":"h@x","type":"home","primary":true}]}`},
		{"28: empty value creates nothing", `{}`, `{"op":"Replace","path":"emails[type eq \"work\"].value","value":""}`, `{}`},
		{"empty value clears the entry", workAndHome, `{"op":"Replace","path":"emails[type eq \"work\"].value","value":""}`, `{"emails":[{"value":"h@x","type":"home"}]}`},
		{"32: primary eq True", workAndHome, `{"op":"replace","path":"emails[primary eq \"True\"].value","value":"n@x"}`,
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"32: type untyped", `{}`, `{"op":"add","path":"phoneNumbers[type eq \"untyped\"].value","value":"1"}`, `{"phoneNumbers":[{"value":"1","type":"untyped"}]}`},
		{"filter replaces the entry", workAndHome, `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n@x","display":"N"}}`,
			`{"emails":[{"value":"n@x","display":"N","type":"work"},{"value":"h@x","type":"home"}]}`},
		{"filter add completes the entry", workAndHome, `{"op":"add","path":"emails[type eq \"work\"]","value":{"display":"N"}}`,
			`{"emails":[{"value":"w@x","display":"N","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"filter add creates", `{}`, `{"op":"add","path":"emails[type eq \"work\"]","value":{"value":"n@x"}}`, `{"emails":[{"value":"n@x","type":"work"}]}`},
		{"filter replace by null", workAndHome, `{"op":"replace","path":"emails[type eq \"work\"]","value":null}`, `{"emails":[{"value":"h@x","type":"home"}]}`},
		{"filter add null", workAndHome, `{"op":"add","path":"emails[type eq \"work\"]","value":null}`, workAndHome},
		{"filter removes", workAndHome, `{"op":"remove","path":"emails[type eq \"work\"]"}`, `{"emails":[{"value":"h@x","type":"home"}]}`},
		{"filter with or and not", workAndHome, `{"op":"remove","path":"emails[(type eq \"work\" or value sw \"z\") and not (value eq \"h@x\")]"}`, `{"emails":[{"value":"h@x","type":"home"}]}`},
		{"filter removes none", workAndHome, `{"op":"remove","path":"emails[type eq \"other\"]"}`, workAndHome},
		{"filter without entries", `{}`, `{"op":"remove","path":"emails[type eq \"other\"]"}`, `{}`},
		{"filter.sub removes the sub", workAndHome, `{"op":"remove","path":"emails[type eq \"work\"].primary"}`, `{"emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home"}]}`},
		{"filter.sub value removed: the entry goes", workAndHome, `{"op":"remove","path":"emails[type eq \"work\"].value"}`, `{"emails":[{"value":"h@x","type":"home"}]}`},
		// extensions
		{"URN:attr", `{}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"D"}`, `{` + enterprise + `:{"department":"D"}}`},
		{"URN:attr removed, and the extension with it", `{` + enterprise + `:{"department":"D"}}`, `{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}`, `{}`},
		{"whole extension merges", managed, `{"op":"replace","path":` + enterprise + `,"value":{"division":"V"}}`,
			`{` + enterprise + `:{"division":"V","department":"D","manager":{"value":"1","displayName":"Boss"}}}`},
		{"whole extension replaced by null", managed, `{"op":"replace","path":` + enterprise + `,"value":null}`, `{}`},
		{"whole extension, add null", managed, `{"op":"add","path":` + enterprise + `,"value":null}`,
			`{` + enterprise + `:{"department":"D","manager":{"value":"1","displayName":"Boss"}}}`},
		{"whole extension removed", managed, `{"op":"remove","path":` + enterprise + `}`, `{}`},
		{"30: manager as text", managed, `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"2"}`,
			`{` + enterprise + `:{"department":"D","manager":{"value":"2"}}}`},
		{"30: manager cleared", managed, `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":""}`, `{` + enterprise + `:{"department":"D"}}`},
		{"another manager: nothing of the former one", managed, `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"2"}}`,
			`{` + enterprise + `:{"department":"D","manager":{"value":"2"}}}`},
		{"the same manager, renamed", managed, `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":[{"displayName":"B"}]}`,
			`{` + enterprise + `:{"department":"D","manager":{"value":"1","displayName":"B"}}}`},
		{"manager.value", managed, `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value","value":"1"}`,
			`{` + enterprise + `:{"department":"D","manager":{"value":"1","displayName":"Boss"}}}`},
		{"core URN in a path", `{}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName","value":"A"}`, `{"name":{"givenName":"A"}}`},
		{"the core URN as the path", `{}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User","value":{"title":"T"}}`, `{"title":"T"}`},
		{"custom URN:attr", `{}`, `{"op":"add","path":"urn:acme:1.0:User:badge","value":7}`, `{"urn:acme:1.0:User":{"badge":7}}`},
		{"custom URN:attr in another case", `{"urn:acme:1.0:User":{"Badge":7}}`, `{"op":"replace","path":"urn:ACME:1.0:user:badge","value":8}`, `{"urn:acme:1.0:User":{"Badge":8}}`},
		{"custom URN with an object", `{}`, `{"op":"add","path":"urn:acme:1.0:User","value":{"badge":7}}`, `{"urn:acme:1.0:User":{"badge":7}}`},
		{"custom URN removed", `{"urn:acme:1.0:User":{"badge":7}}`, `{"op":"remove","path":"urn:acme:1.0:User"}`, `{}`},
		{"custom URN without a letter removed", `{"urn:okta:custom:user:1.0":{"badge":7}}`, `{"op":"remove","path":"urn:okta:custom:user:1.0"}`, `{}`},
		{"custom attr removed", `{"urn:acme:1.0:User":{"badge":7}}`, `{"op":"remove","path":"urn:acme:1.0:User:badge"}`, `{}`},
		{"custom list: add appends", `{"urn:acme:User":{"tags":["a"]}}`, `{"op":"add","path":"urn:acme:User:tags","value":["a","b"]}`, `{"urn:acme:User":{"tags":["a","b"]}}`},
		{"custom list: replace replaces", `{"urn:acme:User":{"tags":["a"]}}`, `{"op":"replace","path":"urn:acme:User:tags","value":["b"]}`, `{"urn:acme:User":{"tags":["b"]}}`},
		{"custom list: remove those listed", `{"urn:acme:User":{"tags":["a","b"]}}`, `{"op":"remove","path":"urn:acme:User:tags","value":["a"]}`, `{"urn:acme:User":{"tags":["b"]}}`},
		{"custom list: filter", `{"urn:acme:User":{"tags":["a","b"]}}`, `{"op":"remove","path":"urn:acme:User:tags[value eq \"a\"]"}`, `{"urn:acme:User":{"tags":["b"]}}`},
		{"custom list: filter replaces", `{"urn:acme:User":{"tags":["a","b"]}}`, `{"op":"replace","path":"urn:acme:User:tags[value eq \"a\"]","value":"c"}`, `{"urn:acme:User":{"tags":["c","b"]}}`},
		{"custom sub", `{"urn:acme:User":{"desk":{"floor":1}}}`, `{"op":"add","path":"urn:acme:User:desk.room","value":"7"}`, `{"urn:acme:User":{"desk":{"floor":1,"room":"7"}}}`},
		{"custom sub removed", `{"urn:acme:User":{"desk":{"floor":1},"n":1}}`, `{"op":"remove","path":"urn:acme:User:desk.floor"},{"op":"remove","path":"urn:acme:User:n.x"}`, `{"urn:acme:User":{"n":1}}`},
		// primary
		{"primary of a new entry", workAndHome, `{"op":"add","path":"emails","value":[{"value":"n@x","primary":true}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home"},{"value":"n@x","primary":true}]}`},
		{"primary by filter", workAndHome, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":"True"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home","primary":true}]}`},
		{"primary of a created entry", workAndHome, `{"op":"add","path":"emails[type eq \"other\"]","value":{"value":"n@x","primary":true}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home"},{"value":"n@x","type":"other","primary":true}]}`},
		// quirks
		{"3: Okta's deactivation", `{"active":true}`, `{"op":"replace","value":{"active":false}}`, `{"active":false}`},
		{"25: Entra ID's deactivation", `{"active":true}`, `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`},
		{"25: old Entra ID's deactivation", `{"active":true}`, `{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]}`, `{"active":false}`},
		{"27: externalId", `{"externalId":"a","title":"T"}`, `{"op":"replace","path":"externalId","value":"b"}`, `{"externalId":"b","title":"T"}`},
		{"29: keys that are paths", `{}`, `{"op":"replace","value":{"name.givenName":"A","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"D"}}`,
			`{"name":{"givenName":"A"},` + enterprise + `:{"department":"D"}}`},
		{"29: keys with a filter", `{}`, `{"op":"add","value":{"emails[type eq \"work\"].value":"n@x"}}`, `{"emails":[{"value":"n@x","type":"work"}]}`},
		{"29: whole extension as a key", `{}`, `{"op":"add","value":{` + enterprise + `:{"manager":{"value":"1"}}}}`, `{` + enterprise + `:{"manager":{"value":"1"}}}`},
		{"Okta's password sync", `{"title":"T"}`, `{"op":"replace","value":{"password":"x"}}`, `{"title":"T"}`},
		{"schemas as a path", `{"title":"T"}`, `{"op":"add","path":"schemas","value":["x"]}`, `{"title":"T"}`},
		{"names in any case", `{}`, `{"OP":"rePLACE","Path":"EMAILS[TYPE eq \"work\"].VALUE","VALUE":"n@x"}`, `{"emails":[{"value":"n@x","type":"work"}]}`},
		// order
		{"operations in order", `{}`, `{"op":"add","path":"title","value":"1"},{"op":"replace","path":"title","value":"2"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"3"}`, `{"title":"3"}`},
		{"keys in order", `{}`, `{"op":"add","value":{"name.givenName":"1","name":{"givenName":"2"}}}`, `{"name":{"givenName":"2"}}`},
		{"keys in the other order", `{}`, `{"op":"add","value":{"name":{"givenName":"2"},"name.givenName":"1"}}`, `{"name":{"givenName":"1"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := scim.ParsePatch(patchBody(tt.operations))
			if err != nil {
				t.Fatalf("ParsePatch: %v", err)
			}
			before := user(t, tt.before)
			after := before.Clone()
			changed, err := p.ApplyUser(after)
			if err != nil {
				t.Fatalf("ApplyUser: %v", err)
			}
			if got, want := bare(after), bare(user(t, tt.want)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if want := bare(before) != bare(after); changed != want {
				t.Errorf("changed = %v, want %v", changed, want)
			}
			if got, want := bare(before), bare(user(t, tt.before)); got != want {
				t.Errorf("the original changed: %s, was %s", got, want)
			}
		})
	}
}

// A refused patch changes nothing: each has a change in front that would be seen.
func TestRefusedPatchChangesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, operation, want string }{
		{"unknown op", `{"op":"move","path":"title","value":"x"}`, "400 invalidSyntax"},
		{"no op", `{"path":"title","value":"x"}`, "400 invalidSyntax"},
		{"op of another type", `{"op":1}`, "400 invalidSyntax"},
		{"operation of another type", `"add"`, "400 invalidSyntax"},
		{"no path: text", `{"op":"add","value":"x"}`, "400 invalidValue"},
		{"no path: list", `{"op":"replace","value":[{"title":"x"}]}`, "400 invalidValue"},
		{"no path: null", `{"op":"replace","value":null}`, "400 invalidValue"},
		{"no value", `{"op":"add","path":"title"}`, "400 invalidValue"},
		{"remove without path", `{"op":"remove"}`, "400 noTarget"},
		{"remove without path but with a value", `{"op":"remove","value":{"title":"x"}}`, "400 noTarget"},
		{"remove the whole resource", `{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User"}`, "400 noTarget"},
		{"path of another type", `{"op":"add","path":7,"value":"x"}`, "400 invalidPath"},
		{"unknown attribute", `{"op":"add","path":"nope","value":"x"}`, "400 invalidPath"},
		{"unknown sub-attribute", `{"op":"add","path":"name.nope","value":"x"}`, "400 invalidPath"},
		{"sub-attribute of a simple one", `{"op":"add","path":"title.x","value":"x"}`, "400 invalidPath"},
		{"unknown sub-attribute after a filter", `{"op":"add","path":"emails[type eq \"work\"].nope","value":"x"}`, "400 invalidPath"},
		{"two dots", `{"op":"add","path":"name.a.b","value":"x"}`, "400 invalidPath"},
		{"blank", `{"op":"add","path":"display name","value":"x"}`, "400 invalidPath"},
		{"only a blank", `{"op":"add","path":" ","value":"x"}`, "400 invalidPath"},
		{"malformed custom name", `{"op":"add","path":"urn:acme:User:a b","value":"x"}`, "400 invalidPath"},
		{"malformed custom URN", `{"op":"add","path":":x","value":"x"}`, "400 invalidPath"},
		{"malformed custom sub", `{"op":"add","path":"urn:acme:User:a.","value":"x"}`, "400 invalidPath"},
		{"long path", `{"op":"add","path":"` + strings.Repeat("a", 9000) + `","value":"x"}`, "400 invalidPath"},
		{"control character", `{"op":"add","path":"tit\nle","value":"x"}`, "400 invalidPath"},
		{"filter on a single value", `{"op":"add","path":"name[givenName eq \"x\"].familyName","value":"x"}`, "400 invalidPath"},
		{"filter on a sub-attribute", `{"op":"add","path":"emails.value[type eq \"x\"]","value":"x"}`, "400 invalidPath"},
		{"text after the filter", `{"op":"add","path":"emails[type eq \"x\"]x","value":"x"}`, "400 invalidPath"},
		{"two filters", `{"op":"add","path":"emails[type eq \"x\"].value[a eq 1]","value":"x"}`, "400 invalidPath"},
		{"filter not closed", `{"op":"add","path":"emails[type eq \"x\"","value":"x"}`, "400 invalidFilter"},
		{"filter without a condition", `{"op":"add","path":"emails[]","value":"x"}`, "400 invalidFilter"},
		{"filter with an unknown name", `{"op":"add","path":"emails[nope eq \"x\"].value","value":"x"}`, "400 invalidFilter"},
		{"filter with a dotted name", `{"op":"add","path":"emails[type.x eq \"x\"].value","value":"x"}`, "400 invalidFilter"},
		{"filter in a filter", `{"op":"add","path":"emails[type[value eq \"x\"]].value","value":"x"}`, "400 invalidFilter"},
		{"nested too deep", `{"op":"add","path":"emails[` + strings.Repeat("(", 32) + `","value":"x"}`, "400 invalidFilter"},
		{"read-only id", `{"op":"replace","path":"id","value":"x"}`, "400 mutability"},
		{"read-only meta", `{"op":"replace","path":"meta.version","value":"x"}`, "400 mutability"},
		{"read-only groups", `{"op":"add","path":"groups","value":[]}`, "400 mutability"},
		{"read-only groups, filtered", `{"op":"remove","path":"groups[value eq \"g\"]"}`, "400 mutability"},
		{"read-only extension", `{"op":"remove","path":"urn:scimcms:scim:schemas:sync:1.0"}`, "400 mutability"},
		{"read-only attribute of an extension", `{"op":"add","path":"urn:scimcms:scim:schemas:sync:1.0:status","value":"synced"}`, "400 mutability"},
		{"required attribute removed", `{"op":"remove","path":"userName"}`, "400 mutability"},
		{"required attribute unassigned", `{"op":"replace","path":"userName","value":""}`, "400 invalidValue"},
		{"required attribute unassigned without path", `{"op":"replace","value":{"userName":null}}`, "400 invalidValue"},
		{"active removed", `{"op":"remove","path":"active"}`, "400 invalidValue"},
		{"active unassigned", `{"op":"replace","path":"active","value":null}`, "400 invalidValue"},
		{"wrong type", `{"op":"replace","path":"active","value":"maybe"}`, "400 invalidValue"},
		{"wrong type of a sub-attribute", `{"op":"replace","path":"emails.primary","value":"maybe"}`, "400 invalidValue"},
		{"wrong type behind a filter", `{"op":"replace","path":"emails[type eq \"home\"].primary","value":"maybe"}`, "400 invalidValue"},
		{"wrong type of an entry", `{"op":"replace","path":"emails[type eq \"home\"]","value":{"primary":"maybe"}}`, "400 invalidValue"},
		{"wrong type in a complex one", `{"op":"replace","path":"name","value":{"givenName":{"a":{}}}}`, "400 invalidValue"},
		{"extension of another type", `{"op":"replace","path":` + enterprise + `,"value":"x"}`, "400 invalidValue"},
		{"no entry to replace", `{"op":"replace","path":"emails[type eq \"other\"]","value":{"value":"x"}}`, "400 noTarget"},
		{"no entry, and none can be made", `{"op":"add","path":"emails[type ne \"work\" and value eq \"z\"].value","value":"x"}`, "400 noTarget"},
		{"contradicting filter", `{"op":"add","path":"emails[type eq \"a\" and type eq \"b\"].value","value":"x"}`, "400 noTarget"},
		{"key with a malformed filter", `{"op":"add","value":{"emails[":"x"}}`, "400 invalidFilter"},
		{"key with an unknown attribute and a filter", `{"op":"add","value":{"nope[value eq \"x\"]":"x"}}`, "400 invalidPath"},
		{"list removed by a wrong type", `{"op":"remove","path":"emails","value":[["x"]]}`, "400 invalidValue"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := user(t, workAndHome)
			p, err := scim.ParsePatch(patchBody(`{"op":"add","path":"title","value":"seen"},` + tt.operation))
			if err == nil {
				_, err = p.ApplyUser(r)
			}
			if got := refusal(err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "Operation 2:") {
				t.Errorf("the detail does not say which operation: %v", err)
			}
			if got, want := bare(r), bare(user(t, workAndHome)); got != want {
				t.Errorf("changed to %s", got)
			}
		})
	}
}

func TestParsePatchRefuses(t *testing.T) {
	t.Parallel()
	operations := func(n int, op string) string { return strings.TrimSuffix(strings.Repeat(op+",", n), ",") }
	title := `{"op":"add","path":"title","value":"x"}`
	for _, tt := range []struct{ name, body, want string }{
		{"no Operations", `{"schemas":[]}`, "400 invalidSyntax"},
		{"Operations of another type", `{"Operations":"x"}`, "400 invalidSyntax"},
		{"no operation", `{"Operations":[]}`, "400 invalidSyntax"},
		{"not JSON", `x`, "400 invalidSyntax"},
		{"most operations", `{"Operations":[` + operations(10000, title) + `]}`, ""},
		{"too many operations", `{"Operations":[` + operations(10001, title) + `]}`, "413 tooMany"},
		{"too many comparisons", `{"Operations":[` + operations(2501, `{"op":"remove","path":"emails[type eq 1 or type eq 2]"}`) + `]}`, "413 tooMany"},
		{"one operation without a list", `{"Operations":` + title + `}`, ""},
		{"name in another case", `{"operations":[` + title + `]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := scim.ParsePatch([]byte(tt.body))
			if got := refusal(err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestEntriesOfOneAttributeAreBounded(t *testing.T) {
	t.Parallel()
	entries := func(from, n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`"e%d@x"`, from+i)
		}
		return strings.Join(list, ",")
	}
	r := user(t, `{"emails":[`+entries(0, 1000)+`]}`)
	for _, operation := range []string{
		`{"op":"add","path":"emails","value":["one-more@x"]}`,
		`{"op":"add","path":"emails[type eq \"work\"].value","value":"one-more@x"}`,
	} {
		p, err := scim.ParsePatch(patchBody(operation))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.ApplyUser(r); refusal(err) != "413 tooMany" {
			t.Errorf("%s: %v", operation, err)
		}
	}
	if len(r.Emails()) != 1000 {
		t.Errorf("%d addresses", len(r.Emails()))
	}
}
