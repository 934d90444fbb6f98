package scim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

type described struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Endpoint   string `json:"endpoint"`
	Schema     string `json:"schema"`
	Extensions []struct {
		Schema string `json:"schema"`
	} `json:"schemaExtensions"`
	Attributes []describedAttribute `json:"attributes"`
	Meta       struct {
		ResourceType string `json:"resourceType"`
		Location     string `json:"location"`
	} `json:"meta"`
}

type describedAttribute struct {
	Name          string               `json:"name"`
	Type          string               `json:"type"`
	MultiValued   *bool                `json:"multiValued"`
	Description   string               `json:"description"`
	Required      *bool                `json:"required"`
	CaseExact     *bool                `json:"caseExact"`
	Mutability    string               `json:"mutability"`
	Returned      string               `json:"returned"`
	Uniqueness    string               `json:"uniqueness"`
	SubAttributes []describedAttribute `json:"subAttributes"`
}

type describedList struct {
	TotalResults int         `json:"totalResults"`
	ItemsPerPage int         `json:"itemsPerPage"`
	Resources    []described `json:"Resources"`
}

func decode[T any](t testing.TB, document []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return v
}

func TestServiceProviderConfig(t *testing.T) {
	t.Parallel()
	type feature struct {
		Supported bool `json:"supported"`
	}
	type config struct {
		Schemas []string `json:"schemas"`
		Patch   feature  `json:"patch"`
		Bulk    struct {
			feature
			MaxOperations, MaxPayloadSize int
		} `json:"bulk"`
		Filter struct {
			Supported  bool `json:"supported"`
			MaxResults int  `json:"maxResults"`
		} `json:"filter"`
		ChangePassword feature `json:"changePassword"`
		Sort           feature `json:"sort"`
		ETag           feature `json:"etag"`
		Schemes        []struct {
			Type    string `json:"type"`
			Primary bool   `json:"primary"`
		} `json:"authenticationSchemes"`
	}
	c := decode[config](t, scim.Discovery{BaseURL: "https://x/scim/v2", MaxResults: 200, Sort: true}.ServiceProviderConfig())
	if !c.Patch.Supported || c.Bulk.Supported || !c.Filter.Supported || c.Filter.MaxResults != 200 || c.ChangePassword.Supported || !c.Sort.Supported || c.ETag.Supported {
		t.Errorf("got %+v", c)
	}
	c = decode[config](t, scim.Discovery{ETag: true, BulkOperations: 7, BulkPayload: 8}.ServiceProviderConfig())
	if !c.Bulk.Supported || c.Bulk.MaxOperations != 7 || c.Bulk.MaxPayloadSize != 8 || !c.ETag.Supported || c.Sort.Supported {
		t.Errorf("got %+v", c)
	}
	if len(c.Schemes) != 1 || c.Schemes[0].Type != "oauthbearertoken" || len(c.Schemas) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestResourceTypes(t *testing.T) {
	t.Parallel()
	d := scim.Discovery{BaseURL: "https://x/scim/v2"}
	list := decode[describedList](t, d.ResourceTypes())
	if list.TotalResults != 3 || list.ItemsPerPage != 3 || len(list.Resources) != 3 {
		t.Fatalf("got %+v", list)
	}
	user := list.Resources[0]
	if user.ID != "User" || user.Endpoint != "/Users" || user.Schema != scim.UserURN || len(user.Extensions) != 2 ||
		user.Extensions[0].Schema != scim.EnterpriseURN || user.Meta.Location != "https://x/scim/v2/ResourceTypes/User" {
		t.Errorf("got %+v", user)
	}
	if group, ok := d.ResourceType("Group"); !ok || decode[described](t, group).Endpoint != "/Groups" {
		t.Errorf("Group: %s", group)
	}
	// Okta Identity Governance finds entitlements by exactly this schema, and expects no extensions.
	role, ok := d.ResourceType("Role")
	if r := decode[described](t, role); !ok || r.ID != "Role" || r.Name != "Role" || r.Endpoint != "/Roles" ||
		r.Schema != "urn:okta:scim:schemas:core:1.0:Role" || strings.Contains(string(role), "schemaExtensions") {
		t.Errorf("Role: %s", role)
	}
	if b, ok := d.ResourceType("Device"); ok {
		t.Errorf("Device: %s", b)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	d := scim.Discovery{}
	list := decode[describedList](t, d.Schemas())
	if list.TotalResults != 5 {
		t.Fatalf("%d schemas", list.TotalResults)
	}
	for _, s := range list.Resources {
		one, ok := d.Schema(s.ID)
		if !ok || decode[described](t, one).Name != s.Name || s.Meta.ResourceType != "Schema" {
			t.Errorf("%s: %s", s.ID, one)
		}
		complete(t, s.ID, s.Attributes)
	}
	if _, ok := d.Schema("URN:ietf:params:scim:schemas:core:2.0:user"); !ok {
		t.Error("not found in another case")
	}
	if _, ok := d.Schema("urn:x"); ok {
		t.Error("found what is not there")
	}
}

// complete checks that every attribute says all that RFC 7643 section 7 asks for.
func complete(t *testing.T, parent string, list []describedAttribute) {
	t.Helper()
	if len(list) == 0 {
		t.Errorf("%s has no attributes", parent)
	}
	for _, a := range list {
		if a.Name == "" || a.Description == "" || a.Type == "" || a.MultiValued == nil || a.Required == nil || a.CaseExact == nil || a.Mutability == "" || a.Returned == "" || a.Uniqueness == "" {
			t.Errorf("%s: %+v is not complete", parent, a)
		}
		if a.Type == "complex" {
			complete(t, parent+"."+a.Name, a.SubAttributes)
		}
	}
}

// The characteristics that other things rely on.
func TestCharacteristics(t *testing.T) {
	t.Parallel()
	find := func(urn, name string) describedAttribute {
		document, _ := scim.Discovery{}.Schema(urn)
		for _, a := range decode[described](t, document).Attributes {
			if a.Name == name {
				return a
			}
		}
		t.Fatalf("%s has no %s", urn, name)
		return describedAttribute{}
	}
	if a := find(scim.UserURN, "userName"); !*a.Required || *a.CaseExact || a.Uniqueness != "server" {
		t.Errorf("userName: %+v", a)
	}
	if a := find(scim.UserURN, "id"); !*a.CaseExact || a.Mutability != "readOnly" || a.Returned != "always" {
		t.Errorf("id: %+v", a)
	}
	if a := find(scim.UserURN, "password"); a.Mutability != "writeOnly" || a.Returned != "never" {
		t.Errorf("password: %+v", a)
	}
	if a := find(scim.UserURN, "externalId"); !*a.CaseExact {
		t.Errorf("externalId: %+v", a)
	}
	if a := find(scim.GroupURN, "displayName"); !*a.Required || *a.CaseExact {
		t.Errorf("displayName: %+v", a)
	}
	if a := find(scim.RoleURN, "displayName"); a.Mutability != "readOnly" {
		t.Errorf("displayName of a role: %+v", a)
	}
	if a := find(scim.SyncURN, "status"); a.Mutability != "readOnly" {
		t.Errorf("status: %+v", a)
	}
}
