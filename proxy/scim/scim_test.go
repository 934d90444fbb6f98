package scim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

// oktaCreate is the body of Okta's POST, okta-scim.md section 1.3.
const oktaCreate = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@x.example","name":{"givenName":"A","familyName":"B"},
 "emails":[{"primary":true,"value":"a@x.example","type":"work"}],"displayName":"A B","locale":"en-US","externalId":"00u1","groups":[],"password":"k3","active":true}`

// user makes a user of attributes; userName u is added when they have none.
func user(t testing.TB, attributes string) *scim.Resource {
	t.Helper()
	if !strings.Contains(strings.ToLower(attributes), `"username"`) {
		attributes = strings.Replace(attributes, "{", `{"userName":"u",`, 1)
		attributes = strings.Replace(attributes, ",}", "}", 1)
	}
	r, err := scim.ParseUser([]byte(attributes))
	if err != nil {
		t.Fatalf("ParseUser(%s): %v", attributes, err)
	}
	return r
}

// bare is the JSON of a user without schemas and the userName u.
func bare(r *scim.Resource) string { return attributesOf(r.JSON()) }

func attributesOf(document []byte) string {
	_, rest, _ := strings.Cut(string(document), "]")
	s := "{" + strings.TrimPrefix(rest, ",")
	s = strings.Replace(s, `"userName":"u",`, "", 1)
	s = strings.Replace(s, `,"userName":"u"`, "", 1)
	return strings.Replace(s, `"userName":"u"`, "", 1)
}

// refusal is the status and reason of an error: "400 invalidValue"; "" for none.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	var e *scim.Error
	if !errors.As(err, &e) {
		return "not a *scim.Error: " + err.Error()
	}
	if e.Detail == "" {
		return "an error without detail"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.ScimType))
}

func patchBody(operations string) []byte {
	return []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`)
}

// view is a resource as Filter.Match and Sort take it.
func view(t testing.TB, document string) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("decoding %s: %v", document, err)
	}
	return m
}
