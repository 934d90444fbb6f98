package scim

// The URNs of the schemas served.
const (
	UserURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	SyncURN       = "urn:scimcms:scim:schemas:sync:1.0"
)

var userTable = &resourceType{
	name:       UserType,
	endpoint:   "/Users",
	core:       userSchema,
	extensions: []*schema{enterpriseSchema, syncSchema},
	prefix:     `{"schemas":["` + UserURN + `"`,
}

var userSchema = newSchema(
	schema{id: UserURN, name: "User", description: "User account"},
	&attribute{name: "id", kind: stringKind, exact: true, mutability: readOnly, returned: always, uniqueness: server,
		description: "The identifier that this service gave the user. It never changes."},
	&attribute{name: "externalId", kind: stringKind, exact: true, uniqueness: server,
		description: "The identifier of the user at the identity provider."},
	&attribute{name: "userName", kind: stringKind, required: true, uniqueness: server,
		description: "The name by which the identity provider knows the user, usually an e-mail address."},
	&attribute{name: "name", kind: complexKind, description: "The components of the user's name.", sub: []*attribute{
		text("formatted", "The full name, for display."),
		text("familyName", "The family name."),
		text("givenName", "The given name."),
		text("middleName", "The middle names."),
		text("honorificPrefix", "Titles in front of the name."),
		text("honorificSuffix", "Suffixes of the name."),
	}},
	text("displayName", "The name shown to other people."),
	text("nickName", "The casual name."),
	&attribute{name: "profileUrl", kind: referenceKind, exact: true, references: []string{"external"},
		description: "A page about the user."},
	text("title", "The job title."),
	text("userType", "The relation to the organization, such as Employee or Contractor."),
	text("preferredLanguage", "The preferred languages, as in Accept-Language."),
	text("locale", "The locale for formats, such as en-US."),
	text("timezone", "The time zone, such as Europe/Paris."),
	&attribute{name: "active", kind: booleanKind, description: "Whether the user may use the CMS. True when not given on create."},
	&attribute{name: "password", kind: stringKind, exact: true, mutability: writeOnly, returned: never,
		description: "Accepted and dropped: people sign in to the CMS by its own means."},
	plural("emails", stringKind, "The e-mail addresses. The primary one is the address in the CMS.", "work", "home", "other"),
	plural("phoneNumbers", stringKind, "The telephone numbers.", "work", "home", "mobile", "fax", "pager", "other"),
	plural("ims", stringKind, "The instant messaging addresses.", "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
	plural("photos", referenceKind, "The addresses of pictures.", "photo", "thumbnail"),
	&attribute{name: "addresses", kind: complexKind, multi: true, description: "The postal addresses.", sub: []*attribute{
		text("formatted", "The full address, for display."),
		text("streetAddress", "Street, house number and the like."),
		text("locality", "The city."),
		text("region", "The state or region."),
		text("postalCode", "The postal code."),
		text("country", "The country, as in ISO 3166-1 alpha-2."),
		{name: "type", kind: stringKind, canonical: []string{"work", "home", "other"}, description: "What it is used for."},
		primary(),
	}},
	&attribute{name: "groups", kind: complexKind, multi: true, mutability: readOnly,
		description: "The groups that the user is a member of; changed by writing to the groups.", sub: []*attribute{
			{name: "value", kind: stringKind, exact: true, mutability: readOnly, description: "The group's id."},
			{name: "$ref", kind: referenceKind, exact: true, mutability: readOnly, references: []string{"Group"}, description: "The group's address."},
			{name: "display", kind: stringKind, mutability: readOnly, description: "The group's displayName."},
			{name: "type", kind: stringKind, mutability: readOnly, canonical: []string{"direct"}, description: "How the user is a member."},
		}},
	plural("entitlements", stringKind, "The entitlements of the user."),
	userRoles,
	plural("x509Certificates", binaryKind, "The certificates of the user."),
	metaAttribute(),
)

// enterpriseSchema is open: Okta sends custom attributes under this URN when the administrator typed it as their namespace.
var enterpriseSchema = newSchema(
	schema{id: EnterpriseURN, name: "EnterpriseUser", description: "Enterprise User", open: true},
	text("employeeNumber", "The identifier that the organization gave the user."),
	text("costCenter", "The cost center."),
	text("organization", "The organization."),
	text("division", "The division."),
	text("department", "The department."),
	&attribute{name: "manager", kind: complexKind, description: "The user's manager.", sub: []*attribute{
		{name: "value", kind: stringKind, exact: true, description: "The manager's id."},
		{name: "$ref", kind: referenceKind, exact: true, references: []string{"User"}, description: "The manager's address."},
		text("displayName", "The manager's name."),
	}},
)

// text is a plain string attribute.
func text(name, description string) *attribute {
	return &attribute{name: name, kind: stringKind, description: description}
}

// plural is a multi-valued attribute with the usual sub-attributes of RFC 7643 section 2.4.
func plural(name string, value kind, description string, types ...string) *attribute {
	return &attribute{name: name, kind: complexKind, multi: true, description: description, sub: []*attribute{
		{name: "value", kind: value, exact: value != stringKind, references: externalReference(value), description: "The value itself."},
		text("display", "The value, for display."),
		{name: "type", kind: stringKind, canonical: types, description: "What it is used for."},
		primary(),
	}}
}

func externalReference(k kind) []string {
	if k == referenceKind {
		return []string{"external"}
	}
	return nil
}

func primary() *attribute {
	return &attribute{name: "primary", kind: booleanKind, description: "Whether it is the preferred one; at most one is."}
}
