package scim

import (
	"encoding/json"
	"time"
)

const (
	listURN         = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	configURN       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	resourceTypeURN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaURN       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// Discovery makes the documents that describe the service. All of them are generated from the table of attributes, so make
// them once and keep them.
type Discovery struct {
	BaseURL          string // of the SCIM service, without a slash at the end; "" leaves locations relative
	DocumentationURI string // "" for none
	MaxResults       int    // most resources on one page
	Sort             bool   // sortBy is honored
	ETag             bool   // If-Match is honored
	BulkOperations   int    // most operations in one bulk request; 0: there is no bulk
	BulkPayload      int64  // its most bytes
	CursorTimeout    time.Duration
}

type feature struct {
	Supported bool `json:"supported"`
}

type metaDocument struct {
	ResourceType string `json:"resourceType"`
	Location     string `json:"location"`
}

type configDocument struct {
	Schemas          []string `json:"schemas"`
	DocumentationURI string   `json:"documentationUri,omitempty"`
	Patch            feature  `json:"patch"`
	Bulk             struct {
		feature
		MaxOperations  int   `json:"maxOperations"`
		MaxPayloadSize int64 `json:"maxPayloadSize"`
	} `json:"bulk"`
	Filter struct {
		feature
		MaxResults int `json:"maxResults"`
	} `json:"filter"`
	ChangePassword        feature                `json:"changePassword"`
	Sort                  feature                `json:"sort"`
	ETag                  feature                `json:"etag"`
	Pagination            pagination             `json:"pagination"`
	AuthenticationSchemes []authenticationScheme `json:"authenticationSchemes"`
	Meta                  metaDocument           `json:"meta"`
}

// pagination is the attribute of RFC 9865 section 4.
type pagination struct {
	Cursor                  bool   `json:"cursor"`
	Index                   bool   `json:"index"`
	DefaultPaginationMethod string `json:"defaultPaginationMethod"`
	DefaultPageSize         int    `json:"defaultPageSize"`
	MaxPageSize             int    `json:"maxPageSize"`
	CursorTimeout           int    `json:"cursorTimeout"` // seconds
}

type authenticationScheme struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description"`
	SpecURI     string `json:"specUri"`
	Primary     bool   `json:"primary"`
}

// ServiceProviderConfig says which parts of the protocol are supported.
func (d Discovery) ServiceProviderConfig() []byte {
	c := configDocument{
		Schemas:          []string{configURN},
		DocumentationURI: d.DocumentationURI,
		Patch:            feature{true},
		Sort:             feature{d.Sort},
		ETag:             feature{d.ETag},
		Pagination: pagination{
			Cursor: true, Index: true, DefaultPaginationMethod: "index", DefaultPageSize: d.MaxResults, MaxPageSize: d.MaxResults,
			CursorTimeout: int(d.CursorTimeout.Seconds()),
		},
		AuthenticationSchemes: []authenticationScheme{{
			Type:        "oauthbearertoken",
			Name:        "OAuth Bearer Token",
			Description: "Authorization: Bearer TOKEN, with a token of this service",
			SpecURI:     "https://www.rfc-editor.org/info/rfc6750",
			Primary:     true,
		}},
		Meta: metaDocument{"ServiceProviderConfig", d.BaseURL + "/ServiceProviderConfig"},
	}
	c.Bulk.Supported, c.Bulk.MaxOperations, c.Bulk.MaxPayloadSize = d.BulkOperations > 0, d.BulkOperations, d.BulkPayload
	c.Filter.Supported = true
	c.Filter.MaxResults = d.MaxResults
	return encode(c)
}

type resourceTypeDocument struct {
	Schemas     []string            `json:"schemas"`
	ID          Type                `json:"id"`
	Name        Type                `json:"name"`
	Endpoint    string              `json:"endpoint"`
	Description string              `json:"description"`
	Schema      string              `json:"schema"`
	Extensions  []extensionDocument `json:"schemaExtensions,omitempty"`
	Meta        metaDocument        `json:"meta"`
}

type extensionDocument struct {
	Schema   string `json:"schema"`
	Required bool   `json:"required"`
}

func (d Discovery) resourceType(t *resourceType) resourceTypeDocument {
	doc := resourceTypeDocument{
		Schemas: []string{resourceTypeURN}, ID: t.name, Name: t.name, Endpoint: t.endpoint,
		Description: t.core.description, Schema: t.core.id,
		Meta: metaDocument{"ResourceType", d.BaseURL + "/ResourceTypes/" + string(t.name)},
	}
	for _, s := range t.extensions {
		doc.Extensions = append(doc.Extensions, extensionDocument{Schema: s.id})
	}
	return doc
}

// ResourceTypes lists the resource types.
func (d Discovery) ResourceTypes() []byte {
	var docs [][]byte
	for _, t := range resourceTypes() {
		docs = append(docs, encode(d.resourceType(t)))
	}
	return d.list(docs...)
}

// ResourceType describes one resource type by its name; ok is false when there is none of that name.
func (d Discovery) ResourceType(name string) (document []byte, ok bool) {
	for _, t := range resourceTypes() {
		if string(t.name) == name {
			return encode(d.resourceType(t)), true
		}
	}
	return nil, false
}

type schemaDocument struct {
	Schemas     []string            `json:"schemas"`
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	Attributes  []attributeDocument `json:"attributes"`
	Meta        metaDocument        `json:"meta"`
}

type attributeDocument struct {
	Name            string              `json:"name"`
	Type            kind                `json:"type"`
	SubAttributes   []attributeDocument `json:"subAttributes,omitempty"`
	MultiValued     bool                `json:"multiValued"`
	Description     string              `json:"description"`
	Required        bool                `json:"required"`
	CanonicalValues []string            `json:"canonicalValues,omitempty"`
	CaseExact       bool                `json:"caseExact"`
	Mutability      string              `json:"mutability"`
	Returned        string              `json:"returned"`
	Uniqueness      string              `json:"uniqueness"`
	ReferenceTypes  []string            `json:"referenceTypes,omitempty"`
}

func describe(list []*attribute) []attributeDocument {
	docs := make([]attributeDocument, 0, len(list))
	for _, a := range list {
		doc := attributeDocument{
			Name: a.name, Type: a.kind, MultiValued: a.multi, Description: a.description, Required: a.required,
			CanonicalValues: a.canonical, CaseExact: a.exact, ReferenceTypes: a.references,
			Mutability: or(a.mutability, "readWrite"), Returned: or(a.returned, "default"), Uniqueness: or(a.uniqueness, "none"),
		}
		if len(a.sub) > 0 {
			doc.SubAttributes = describe(a.sub)
		}
		docs = append(docs, doc)
	}
	return docs
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func allSchemas() []*schema {
	return []*schema{userSchema, groupSchema, roleSchema, enterpriseSchema, syncSchema}
}

func (d Discovery) schema(s *schema) []byte {
	return encode(schemaDocument{
		Schemas: []string{schemaURN}, ID: s.id, Name: s.name, Description: s.description,
		Attributes: describe(s.attributes.list),
		Meta:       metaDocument{"Schema", d.BaseURL + "/Schemas/" + s.id},
	})
}

// Schemas lists the schemas.
func (d Discovery) Schemas() []byte {
	var docs [][]byte
	for _, s := range allSchemas() {
		docs = append(docs, d.schema(s))
	}
	return d.list(docs...)
}

// Schema describes one schema by its URN, in any case; ok is false when there is none.
func (d Discovery) Schema(urn string) (document []byte, ok bool) {
	for _, s := range allSchemas() {
		if equalFold(s.id, urn) {
			return d.schema(s), true
		}
	}
	return nil, false
}

func (d Discovery) list(docs ...[]byte) []byte {
	return List{Total: len(docs), StartIndex: 1, Resources: docs}.JSON()
}

// encode writes one of the documents above; they have nothing that could fail to be written.
func encode(document any) []byte {
	b, err := json.Marshal(document)
	if err != nil {
		return nil
	}
	return b
}
