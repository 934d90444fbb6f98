package scim

// RoleURN is the schema of roles that Okta Identity Governance looks for in the resource types.
const RoleURN = "urn:okta:scim:schemas:core:1.0:Role"

var roleTable = &resourceType{
	name:     RoleType,
	endpoint: "/Roles",
	core:     roleSchema,
	prefix:   `{"schemas":["` + RoleURN + `"`,
}

var roleSchema = newSchema(
	schema{id: RoleURN, name: "Role", description: "Role of the CMS that can be assigned to users"},
	&attribute{name: "id", kind: stringKind, exact: true, mutability: readOnly, returned: always, uniqueness: server,
		description: "The identifier of the role in the CMS: the value of a user's roles."},
	&attribute{name: "displayName", kind: stringKind, mutability: readOnly, uniqueness: server,
		description: "The name of the role in the CMS."},
	&attribute{name: "description", kind: stringKind, mutability: readOnly,
		description: "What to know before the role is assigned."},
	metaAttribute(),
)

// RoleJSON is a role as Render takes it. An empty description is left out.
func RoleJSON(displayName, description string) []byte {
	attrs := map[string]any{"displayName": displayName}
	if description != "" {
		attrs["description"] = description
	}
	return appendStored(nil, roleTable, attrs)
}
