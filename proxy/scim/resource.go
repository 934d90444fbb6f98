package scim

import (
	"maps"
	"slices"
	"strings"
)

// Resource is a user as the identity provider wishes it: canonical attribute names, values of the types of the schema, nothing
// that is read-only, unassigned or secret. Extensions stand under their URN. Values are string, bool, json.Number, []any and
// map[string]any; they are not to be changed in place.
type Resource struct {
	Attributes map[string]any

	version string
}

// ParseUser reads the body of a POST or PUT of a user. It tolerates what identity providers are known to send; see the
// package comment. A user without userName is refused.
func ParseUser(body []byte) (*Resource, error) {
	r, err := parseResource(userTable, body)
	if err != nil {
		return nil, err
	}
	if r.Attributes["userName"] == nil {
		return nil, required(userSchema.attributes.exact("userName"))
	}
	return r, nil
}

// FromJSON reads a user that JSON has written; it checks less than ParseUser.
func FromJSON(stored []byte) (*Resource, error) { return parseResource(userTable, stored) }

func parseResource(t *resourceType, body []byte) (*Resource, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	r := &Resource{Attributes: make(map[string]any, len(o))}
	p := applier{table: t, attrs: r.Attributes}
	if err := p.object(opAdd, o.assigned()); err != nil {
		return nil, err
	}
	if meta, ok := o.get("meta"); ok {
		if m, ok := meta.(object); ok {
			v, _ := m.get("version")
			r.version, _ = v.(string)
		}
	}
	return r, nil
}

// assigned leaves out the members that mean "unassigned".
func (o object) assigned() object {
	if !slices.ContainsFunc(o, unassigned) {
		return o
	}
	return slices.DeleteFunc(slices.Clone(o), unassigned)
}

func unassigned(m member) bool { return empty(m.value) }

// UserName is the userName, as sent.
func (r *Resource) UserName() string { return r.text("userName") }

// ExternalID is the identity provider's id, "" when it gave none.
func (r *Resource) ExternalID() string { return r.text("externalId") }

// DisplayName is the displayName, else the formatted or composed name, else the userName.
func (r *Resource) DisplayName() string {
	if s := r.text("displayName"); s != "" {
		return s
	}
	name, _ := r.Attributes["name"].(map[string]any)
	part := func(sub string) string { s, _ := name[sub].(string); return s }
	if s := part("formatted"); s != "" {
		return s
	}
	if s := strings.TrimSpace(part("givenName") + " " + part("familyName")); s != "" {
		return s
	}
	return r.UserName()
}

// Active is the active attribute; present is false when the identity provider did not say. On create that means true, on
// replace that the user stays as he is.
func (r *Resource) Active() (active, present bool) {
	active, present = r.Attributes["active"].(bool)
	return active, present
}

// SetActive sets the active attribute.
func (r *Resource) SetActive(active bool) { r.Attributes["active"] = active }

// Emails are the addresses, the primary one first.
func (r *Resource) Emails() []string {
	list, _ := r.Attributes["emails"].([]any)
	addresses := make([]string, 0, len(list))
	for _, e := range list {
		m, _ := e.(map[string]any)
		s, ok := m["value"].(string)
		switch {
		case !ok:
		case isPrimary(e):
			addresses = slices.Insert(addresses, 0, s)
		default:
			addresses = append(addresses, s)
		}
	}
	return addresses
}

// EchoedVersion is the meta.version that the body had. Okta sends back the version it has read, so an older one tells that
// the body was made before a later change.
func (r *Resource) EchoedVersion() string { return r.version }

// Values are the values of an attribute as text: attr, attr.sub, URN:attr or URN:attr.sub, in any case. An attribute with
// entries gives their value sub-attributes. An attribute that is unknown or not there gives none.
func (r *Resource) Values(path string) []string {
	t, err := userTable.resolve(path)
	if err != nil || t.attr == nil {
		return nil
	}
	c := comparison{target: t}
	if c.sub == nil && t.attr.kind == complexKind {
		c.sub = t.attr.value()
	}
	var values []string
	c.any(r.Attributes, func(v any) bool {
		if s, ok := literal(v); ok && s != "" {
			values = append(values, s)
		}
		return false
	})
	return values
}

func (r *Resource) text(name string) string {
	s, _ := r.Attributes[name].(string)
	return s
}

// Clone returns a copy; changing the one does not change the other.
func (r *Resource) Clone() *Resource {
	c := *r
	c.Attributes = make(map[string]any, len(r.Attributes)+1)
	maps.Copy(c.Attributes, r.Attributes)
	return &c
}

// Equal tells whether two resources have the same attributes.
func (r *Resource) Equal(other *Resource) bool { return equal(r.Attributes, other.Attributes) }

// JSON is the resource as it is stored and as Render takes it: schemas, then the attributes in the order of the schema.
func (r *Resource) JSON() []byte { return appendStored(nil, userTable, r.Attributes) }
