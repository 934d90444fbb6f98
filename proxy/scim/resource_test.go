package scim_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

const enterprise = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`

func TestParseUserTakesOktasCreate(t *testing.T) {
	t.Parallel()
	r := user(t, oktaCreate)
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"00u1","userName":"a@x.example",` +
		`"name":{"familyName":"B","givenName":"A"},"displayName":"A B","locale":"en-US","active":true,` +
		`"emails":[{"value":"a@x.example","type":"work","primary":true}]}`
	if got := string(r.JSON()); got != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	if active, present := r.Active(); !active || !present {
		t.Errorf("Active = %v, %v", active, present)
	}
	if r.UserName() != "a@x.example" || r.ExternalID() != "00u1" || r.DisplayName() != "A B" {
		t.Errorf("accessors: %q %q %q", r.UserName(), r.ExternalID(), r.DisplayName())
	}
}

func TestPasswordIsNeverKept(t *testing.T) {
	t.Parallel()
	r := user(t, `{"password":"secret-1","PassWord2":"x","urn:ietf:params:scim:schemas:core:2.0:User":{"password":"secret-2"}}`)
	p, err := scim.ParsePatch(patchBody(`{"op":"replace","value":{"password":"secret-3"}},{"op":"add","path":"password","value":"secret-4"}`))
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := p.ApplyUser(r); changed || err != nil {
		t.Errorf("ApplyUser = %v, %v", changed, err)
	}
	if got := string(r.JSON()); strings.Contains(got, "secret") || r.Values("password") != nil {
		t.Errorf("password kept: %s", got)
	}
}

// The numbers are those of the list of quirks that broke servers, okta-scim.md section 3.
func TestParseUserTolerates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"names in any case", `{"USERNAME":"x","Name":{"GIVENname":"A"},"eMails":[{"VALUE":"a@x","Primary":true}]}`,
			`{"userName":"x","name":{"givenName":"A"},"emails":[{"value":"a@x","primary":true}]}`},
		{"25: booleans as strings in any case", `{"active":"False"}`, `{"active":false}`},
		{"25: True", `{"active":"TRUE"}`, `{"active":true}`},
		{"32: primary as a string", `{"emails":[{"value":"a@x","primary":"True"}]}`, `{"emails":[{"value":"a@x","primary":true}]}`},
		{"numbers in the place of strings", `{"title":7,"addresses":[{"postalCode":94105}],` + enterprise + `:{"employeeNumber":701984}}`,
			`{"title":"7","addresses":[{"postalCode":"94105"}],` + enterprise + `:{"employeeNumber":"701984"}}`},
		{"booleans in the place of strings", `{"userType":true,"title":false}`, `{"title":"false","userType":"true"}`},
		{"30: manager as a string", `{` + enterprise + `:{"manager":"26118915"}}`, `{` + enterprise + `:{"manager":{"value":"26118915"}}}`},
		{"enterprise attributes without URN", `{"department":"D","MANAGER":"1"}`, `{` + enterprise + `:{"department":"D","manager":{"value":"1"}}}`},
		{"30: manager empty", `{` + enterprise + `:{"manager":""}}`, `{}`},
		{"manager with displayName", `{` + enterprise + `:{"manager":{"value":"1","displayName":"Boss"}}}`,
			`{` + enterprise + `:{"manager":{"value":"1","displayName":"Boss"}}}`},
		{"echoed read-only attributes", `{"id":"x","meta":{"version":"W/\"3\"","created":1},"groups":[{"value":"g"}],
			"urn:scimcms:scim:schemas:sync:1.0":{"status":"synced"},"schemas":["x"]}`, `{}`},
		{"unknown core attributes are ignored", `{"nope":1,"emailss":[{}],"name":{"nope":"x","givenName":"A"}}`, `{"name":{"givenName":"A"}}`},
		{"empty values are unassigned", `{"title":"","nickName":null,"emails":[],"name":{},"phoneNumbers":null,"active":null,"locale":[]}`, `{}`},
		{"active as an empty string", `{"active":""}`, `{}`},
		{"empty sub-attributes", `{"name":{"givenName":"","familyName":null}}`, `{}`},
		{"cleared telephone number", `{"phoneNumbers":[{"value":"","type":"mobile"},{"value":"1","type":"work"}]}`, `{"phoneNumbers":[{"value":"1","type":"work"}]}`},
		{"one object for a list", `{"emails":{"value":"a@x","type":"work"}}`, `{"emails":[{"value":"a@x","type":"work"}]}`},
		{"bare values in a list", `{"emails":["a@x","b@x"]}`, `{"emails":[{"value":"a@x"},{"value":"b@x"}]}`},
		{"a bare value for a list", `{"emails":"a@x"}`, `{"emails":[{"value":"a@x"}]}`},
		{"nulls in a list", `{"emails":[null,{"value":"a@x"}]}`, `{"emails":[{"value":"a@x"}]}`},
		{"list of one for one value", `{"title":["x"],"active":[true]}`, `{"title":"x","active":true}`},
		{"Entra ID's wrapped single values", `{"title":[{"$ref":null,"value":"x"}],"active":[{"value":"False"}]}`, `{"title":"x","active":false}`},
		{"the same address twice", `{"emails":[{"value":"a@x"},{"value":"A@X","type":"work"}]}`, `{"emails":[{"value":"A@X","type":"work"}]}`},
		{"the same address of two types", `{"emails":[{"value":"a@x","type":"home"},{"value":"a@x","type":"work"}]}`,
			`{"emails":[{"value":"a@x","type":"home"},{"value":"a@x","type":"work"}]}`},
		{"two primary addresses: the first", `{"emails":[{"value":"a@x","primary":true},{"value":"b@x","primary":true}]}`,
			`{"emails":[{"value":"a@x","primary":true},{"value":"b@x","primary":false}]}`},
		{"31: JSON in a string stays a string", `{"roles":[{"value":"{\"id\":\"18\",\"value\":\"Admin\"}"}]}`,
			`{"roles":[{"value":"{\"id\":\"18\",\"value\":\"Admin\"}"}]}`},
		{"29: dotted and URN keys", `{"name.givenName":"A","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"D"}`,
			`{"name":{"givenName":"A"},` + enterprise + `:{"department":"D"}}`},
		{"core attributes under their URN", `{"urn:ietf:params:scim:schemas:core:2.0:User":{"title":"T","id":"x"}}`, `{"title":"T"}`},
		{"URNs in any case", `{"URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:user":{"Department":"D"}}`, `{` + enterprise + `:{"department":"D"}}`},
		{"custom attributes under the enterprise URN", `{` + enterprise + `:{"badge":7,"department":"D","none":null}}`,
			`{` + enterprise + `:{"department":"D","badge":7}}`},
		{"custom extensions are kept", `{"urn:okta:acme:1.0:user":{"b":[1,null,{"x":"","y":true}],"a":{"z":1.50},"none":"","no":[],"n":null}}`,
			`{"urn:okta:acme:1.0:user":{"a":{"z":1.50},"b":[1,{"y":true}]}}`},
		{"custom URN:attribute", `{"urn:acme:User:badge":"7"}`, `{"urn:acme:User":{"badge":"7"}}`},
		{"an empty custom extension", `{"urn:acme:User":{"badge":""}}`, `{}`},
		{"reference in an attribute of type string", `{"profileUrl":"https://x.example/","photos":[{"value":"https://x/p","type":"photo"}]}`,
			`{"profileUrl":"https://x.example/","photos":[{"value":"https://x/p","type":"photo"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := bare(user(t, tt.body)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParseUserRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"no userName", `{"displayName":"x"}`, "400 invalidValue"},
		{"empty userName", `{"userName":""}`, "400 invalidValue"},
		{"blank userName", `{"userName":" \t "}`, "400 invalidValue"},
		{"null userName", `{"userName":null}`, "400 invalidValue"},
		{"object as userName", `{"userName":{"x":1}}`, "400 invalidValue"},
		{"list as userName", `{"userName":["a","b"]}`, "400 invalidValue"},
		{"long userName", `{"userName":"` + strings.Repeat("a", 1025) + `"}`, "400 invalidValue"},
		{"long externalId", `{"userName":"u","externalId":"` + strings.Repeat("a", 1025) + `"}`, "400 invalidValue"},
		{"number as active", `{"userName":"u","active":1}`, "400 invalidValue"},
		{"word as active", `{"userName":"u","active":"yes"}`, "400 invalidValue"},
		{"text as name", `{"userName":"u","name":"A B"}`, "400 invalidValue"},
		{"object as title", `{"userName":"u","title":{"a":"b"}}`, "400 invalidValue"},
		{"list in a list", `{"userName":"u","emails":[["a@x"]]}`, "400 invalidValue"},
		{"object in a sub-attribute", `{"userName":"u","emails":[{"value":{"a":{}}}]}`, "400 invalidValue"},
		{"text as addresses", `{"userName":"u","addresses":"x"}`, "400 invalidValue"},
		{"text as the enterprise extension", `{"userName":"u",` + enterprise + `:"x"}`, "400 invalidValue"},
		{"too many entries", `{"userName":"u","emails":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`, "413 tooMany"},
		{"not JSON", `userName=u`, "400 invalidSyntax"},
		{"one attribute twice in two spellings", `{"userName":"u","username":"v"}`, "400 invalidSyntax"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := scim.ParseUser([]byte(tt.body))
			if got := refusal(err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestSchemasListsEveryURN(t *testing.T) {
	t.Parallel()
	r := user(t, `{"urn:z:1":{"a":1},"urn:b:2":{"a":1},`+enterprise+`:{"department":"D"}}`)
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",` + enterprise + `,"urn:b:2","urn:z:1"],"userName":"u"`
	if got := string(r.JSON()); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
}

func TestEchoedVersion(t *testing.T) {
	t.Parallel()
	if got := user(t, `{"meta":{"version":"W/\"12\""}}`).EchoedVersion(); got != `W/"12"` {
		t.Errorf("got %q", got)
	}
	for _, body := range []string{`{}`, `{"meta":null}`, `{"meta":{"version":7}}`, `{"meta":"x"}`} {
		if got := user(t, body).EchoedVersion(); got != "" {
			t.Errorf("%s: got %q", body, got)
		}
	}
}

func TestStoredUserIsReadBack(t *testing.T) {
	t.Parallel()
	r := user(t, oktaCreate)
	back, err := scim.FromJSON(r.JSON())
	if err != nil {
		t.Fatal(err)
	}
	if !back.Equal(r) || !bytes.Equal(back.JSON(), r.JSON()) {
		t.Errorf("got %s\nwant %s", back.JSON(), r.JSON())
	}
	if _, err := scim.FromJSON([]byte(`{`)); refusal(err) != "400 invalidSyntax" {
		t.Errorf("broken document: %v", err)
	}
}

func TestActiveSaysWhetherItWasSent(t *testing.T) {
	t.Parallel()
	r := user(t, `{}`)
	if _, present := r.Active(); present {
		t.Error("present without having been sent")
	}
	r.SetActive(false)
	if active, present := r.Active(); active || !present {
		t.Errorf("after SetActive(false): %v, %v", active, present)
	}
	c := r.Clone()
	c.SetActive(true)
	if active, _ := r.Active(); active {
		t.Error("changing the clone changed the original")
	}
}

func TestDisplayNameFallsBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, want string }{
		{`{"displayName":"D","name":{"formatted":"F"}}`, "D"},
		{`{"name":{"formatted":"F","givenName":"A"}}`, "F"},
		{`{"name":{"givenName":"A","familyName":"B"}}`, "A B"},
		{`{"name":{"familyName":"B"}}`, "B"},
		{`{}`, "u"},
	} {
		if got := user(t, tt.body).DisplayName(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.body, got, tt.want)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	r := user(t, `{"title":"T","active":false,"name":{"givenName":"A"},"emails":[{"value":"b@x","type":"home"},{"value":"a@x","type":"work","primary":true}],
		"roles":["r1","r2"],`+enterprise+`:{"department":"D","manager":{"value":"m"},"badge":7},"urn:acme:1.0:User":{"Level":3,"tags":["x","y"]}}`)
	if got := r.Emails(); !slices.Equal(got, []string{"a@x", "b@x"}) {
		t.Errorf("Emails = %q", got)
	}
	for path, want := range map[string][]string{
		"title": {"T"}, "TITLE": {"T"}, "active": {"false"}, "name.givenName": {"A"}, "name.familyName": nil, "name": nil,
		"emails": {"b@x", "a@x"}, "emails.value": {"b@x", "a@x"}, "emails.type": {"home", "work"}, "roles": {"r1", "r2"},
		"urn:ietf:params:scim:schemas:core:2.0:User:title":                      {"T"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": {"D"},
		"URN:ietf:params:scim:schemas:extension:enterprise:2.0:USER:Department": {"D"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager":    {"m"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:badge":      {"7"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":            nil,
		"urn:acme:1.0:User:level": {"3"}, "URN:acme:1.0:user:Level": {"3"}, "urn:acme:1.0:User:tags": {"x", "y"},
		"urn:acme:1.0:User:none": nil, "urn:none:User:x": nil, "nope": nil, "": nil, "title.x": nil, "emails[type eq \"work\"].value": nil, "password": nil,
	} {
		if got := r.Values(path); !slices.Equal(got, want) {
			t.Errorf("Values(%q) = %q, want %q", path, got, want)
		}
	}
}
