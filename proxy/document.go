package proxy

import (
	"fmt"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// PersonDocument is the document of a person found in the CMS: what the engine needs as reconcile.Options.Document.
func PersonDocument(p reconcile.Person) ([]byte, error) {
	attrs := map[string]any{
		"userName": p.UserName,
		"name":     map[string]any{"givenName": p.GivenName, "familyName": p.FamilyName},
		"active":   p.Active,
	}
	if p.Email != "" {
		attrs["emails"] = []any{map[string]any{"value": p.Email, "type": "work", "primary": true}}
	}
	if p.GivenName != p.FamilyName {
		attrs["displayName"] = p.GivenName + " " + p.FamilyName
	}
	return (&scim.Resource{Attributes: attrs}).JSON(), nil
}

// DocumentAttributes reads a user's stored document for rules: what the engine needs as reconcile.Options.Attributes.
func DocumentAttributes(doc []byte) (mapping.Attributes, error) {
	res, err := scim.FromJSON(doc)
	if err != nil {
		return nil, fmt.Errorf("stored document: %w", err)
	}
	return res, nil
}
