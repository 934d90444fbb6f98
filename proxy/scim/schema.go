package scim

// kind is a data type of RFC 7643 section 2.3. anyKind belongs to attributes that no schema of ours knows.
type kind string

const (
	stringKind    kind = "string"
	booleanKind   kind = "boolean"
	dateTimeKind  kind = "dateTime"
	referenceKind kind = "reference"
	binaryKind    kind = "binary"
	complexKind   kind = "complex"
	anyKind       kind = "any"
)

// The characteristics of an attribute, RFC 7643 section 7. The zero value of each field of attribute is the common case:
// readWrite, returned by default, not unique.
const (
	readOnly  = "readOnly"
	immutable = "immutable"
	writeOnly = "writeOnly"

	always = "always"
	never  = "never"

	server = "server"
)

// The tables are made once, when the program starts, and never change; everything below may be used by many goroutines.

// attribute is one line of the table of attributes.
type attribute struct {
	name        string
	description string
	kind        kind
	multi       bool
	required    bool
	exact       bool // caseExact
	mutability  string
	returned    string
	uniqueness  string
	canonical   []string
	references  []string
	sub         []*attribute

	subs *attributes // sub, indexed
	full string      // name with URN and parent, for messages: "emails.value"
}

// attributes is an ordered list that is also indexed by name.
type attributes struct {
	list   []*attribute
	byName map[string]*attribute // canonical and lower-case names
}

func index(list []*attribute, prefix string) *attributes {
	s := &attributes{list: list, byName: make(map[string]*attribute, 2*len(list))}
	for _, a := range list {
		a.full = prefix + a.name
		a.subs = index(a.sub, a.full+".")
		s.byName[a.name] = a
		s.byName[lowerASCII(a.name)] = a
	}
	return s
}

// exact finds an attribute by its canonical name.
func (s *attributes) exact(name string) *attribute {
	if a := s.byName[name]; a != nil && a.name == name {
		return a
	}
	return nil
}

// find finds an attribute by its name in any case.
func (s *attributes) find(name string) *attribute {
	if a := s.byName[name]; a != nil {
		return a
	}
	return s.byName[lowerASCII(name)]
}

// none is the index of an attribute without sub-attributes.
var none = index(nil, "")

// unknown describes an attribute that no schema knows: of any type, kept and returned as it came.
func unknown(name string) *attribute {
	return &attribute{name: name, kind: anyKind, subs: none, full: name}
}

// member finds a sub-attribute. An attribute that no schema knows has whatever sub-attributes somebody asks for.
func (a *attribute) member(name string) *attribute {
	if a.kind == anyKind {
		return unknown(name)
	}
	return a.subs.find(name)
}

// value is the sub-attribute that stands for the whole ("emails" means "emails.value"); nil when there is none.
func (a *attribute) value() *attribute { return a.subs.exact("value") }

// schema is a set of attributes under one URN.
type schema struct {
	id          string
	name        string
	description string
	open        bool // attributes that the table does not list are kept
	attributes  *attributes
}

func newSchema(s schema, list ...*attribute) *schema {
	prefix := ""
	if !s.isCore() {
		prefix = s.id + ":"
	}
	s.attributes = index(list, prefix)
	return &s
}

// isCore tells whether the attributes stand at the top of a resource, not under the URN.
func (s *schema) isCore() bool { return s.id == UserURN || s.id == GroupURN || s.id == RoleURN }

// Type names a resource type.
type Type string

// The resource types.
const (
	UserType  Type = "User"
	GroupType Type = "Group"
	RoleType  Type = "Role"
)

// resourceType is a core schema with its extensions.
type resourceType struct {
	name       Type
	endpoint   string
	core       *schema
	extensions []*schema
	prefix     string // how every stored document begins
}

// typeOf returns the table of a resource type; what has none is a user.
func typeOf(t Type) *resourceType {
	switch t {
	case GroupType:
		return groupTable
	case RoleType:
		return roleTable
	}
	return userTable
}

// resourceTypes are all tables, in the order of the discovery documents.
func resourceTypes() []*resourceType { return []*resourceType{userTable, groupTable, roleTable} }

// known finds the schema whose URN the name is, or begins with; rest is what follows the colon.
func (t *resourceType) known(name string) (s *schema, rest string) {
	if rest, ok := cutURN(name, t.core.id); ok {
		return t.core, rest
	}
	for _, s := range t.extensions {
		if rest, ok := cutURN(name, s.id); ok {
			return s, rest
		}
	}
	return nil, ""
}

func cutURN(name, urn string) (rest string, ok bool) {
	if !hasPrefixFold(name, urn) {
		return "", false
	}
	rest = name[len(urn):]
	if rest == "" {
		return "", true
	}
	if rest[0] != ':' {
		return "", false
	}
	return rest[1:], true
}

// target is what a name points at: an attribute, a sub-attribute, or (attr is nil) all of an extension.
type target struct {
	schema *schema
	attr   *attribute
	sub    *attribute
}

// leaf is the most specific attribute of the target.
func (t target) leaf() *attribute {
	if t.sub != nil {
		return t.sub
	}
	return t.attr
}

// String is the canonical name, with its URN where it is not of the core schema.
func (t target) String() string {
	if t.attr == nil {
		return t.schema.id
	}
	name := t.attr.name
	if t.sub != nil {
		name += "." + t.sub.name
	}
	if t.schema.isCore() {
		return name
	}
	return t.schema.id + ":" + name
}
