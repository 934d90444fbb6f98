package scim

var groupTable = &resourceType{
	name:       GroupType,
	endpoint:   "/Groups",
	core:       groupSchema,
	extensions: []*schema{syncSchema},
	prefix:     `{"schemas":["` + GroupURN + `"`,
}

var groupSchema = newSchema(
	schema{id: GroupURN, name: "Group", description: "Group"},
	&attribute{name: "id", kind: stringKind, exact: true, mutability: readOnly, returned: always, uniqueness: server,
		description: "The identifier that this service gave the group. It never changes."},
	&attribute{name: "externalId", kind: stringKind, exact: true, uniqueness: server,
		description: "The identifier of the group at the identity provider."},
	&attribute{name: "displayName", kind: stringKind, required: true, uniqueness: server,
		description: "The name of the group; a rule or a role of the CMS may belong to it."},
	&attribute{name: "members", kind: complexKind, multi: true, description: "The members of the group.", sub: []*attribute{
		{name: "value", kind: stringKind, exact: true, mutability: immutable, description: "The member's id."},
		{name: "$ref", kind: referenceKind, exact: true, mutability: immutable, references: []string{"User"}, description: "The member's address."},
		{name: "display", kind: stringKind, mutability: readOnly, description: "The member's displayName or userName."},
		{name: "type", kind: stringKind, mutability: immutable, canonical: []string{"User"}, description: "The member's resource type."},
	}},
	metaAttribute(),
)

// syncSchema says what became of the resource in the CMS. It is ignored on input.
var syncSchema = newSchema(
	schema{id: SyncURN, name: "Sync", description: "State of the resource in the CMS"},
	&attribute{name: "status", kind: stringKind, exact: true, mutability: readOnly,
		canonical:   []string{"synced", "pending", "failed", "held"},
		description: "Whether the CMS has what the identity provider asked for."},
	&attribute{name: "cmsType", kind: stringKind, exact: true, mutability: readOnly,
		canonical:   []string{"collaborator", "invitation", "role"},
		description: "What the resource is in the CMS."},
	&attribute{name: "cmsId", kind: stringKind, exact: true, mutability: readOnly, description: "Its id in the CMS."},
	&attribute{name: "role", kind: stringKind, mutability: readOnly, description: "The role in the CMS."},
	&attribute{name: "lastSynced", kind: dateTimeKind, exact: true, mutability: readOnly, description: "When the CMS was last known to agree."},
	&attribute{name: "lastError", kind: stringKind, mutability: readOnly, description: "Why the CMS does not agree, in words."},
)

func metaAttribute() *attribute {
	return &attribute{name: "meta", kind: complexKind, mutability: readOnly, description: "Facts about the resource.", sub: []*attribute{
		{name: "resourceType", kind: stringKind, exact: true, mutability: readOnly, description: "The resource type."},
		{name: "created", kind: dateTimeKind, exact: true, mutability: readOnly, description: "When the resource was created."},
		{name: "lastModified", kind: dateTimeKind, exact: true, mutability: readOnly, description: "When the resource was last changed."},
		{name: "location", kind: referenceKind, exact: true, mutability: readOnly, references: []string{"uri"}, description: "The address of the resource."},
		{name: "version", kind: stringKind, exact: true, mutability: readOnly, description: "The version, as in the ETag."},
	}}
}
