package proxy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
)

func TestPersonDocument(t *testing.T) {
	t.Parallel()
	doc, err := proxy.PersonDocument(reconcile.Person{UserName: "ada@x.example", GivenName: "Ada", FamilyName: "Lovelace", Email: "ada@x.example", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@x.example","name":{"familyName":"Lovelace","givenName":"Ada"},` +
		`"displayName":"Ada Lovelace","active":true,"emails":[{"value":"ada@x.example","type":"work","primary":true}]}`
	if d := cmp.Diff(want, string(doc)); d != "" {
		t.Error(d)
	}
	attrs, err := proxy.DocumentAttributes(doc)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"ada@x.example"}, attrs.Values("emails.value")); d != "" {
		t.Error(d)
	}
	if _, err := proxy.DocumentAttributes([]byte("nonsense")); err == nil {
		t.Error("nonsense is read")
	}
}
