package cmstest

import (
	"maps"
	"slices"
	"strconv"
)

// Resource is an entity as the CMS shows it.
type Resource struct {
	ID            string          `json:"id"`
	Type          string          `json:"type"`
	Attributes    map[string]any  `json:"attributes"`
	Relationships map[string]Link `json:"relationships"`
	Meta          map[string]any  `json:"meta,omitempty"`
}

// Link is one relationship of a Resource: Data is a Ref, a []Ref or nil.
type Link struct {
	Data any `json:"data"`
}

// Ref names a related entity.
type Ref struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Text is a string attribute, "" when it is absent or no string.
func (r Resource) Text(attribute string) string {
	s, _ := r.Attributes[attribute].(string)
	return s
}

// RoleID is the id of the role the entity is linked to, "" for none.
func (r Resource) RoleID() string {
	ref, _ := r.Relationships["role"].Data.(Ref)
	return ref.ID
}

// user is a collaborator.
type user struct {
	id       int
	email    string
	fullName string
	active   bool
	role     int
	content  bool // owns content: deleting needs a destination
	profile  map[string]any
}

func (u *user) number() int { return u.id }
func (u *user) key() string { return emailKey(u.email) }

func (u *user) resource() Resource {
	attributes := map[string]any{
		"email": u.email, "is_2fa_active": false, "full_name": u.fullName, "is_active": u.active,
	}
	withProfile(attributes, u.profile)
	return Resource{
		ID: strconv.Itoa(u.id), Type: "user", Attributes: attributes, Relationships: roleLink(u.role),
		Meta: map[string]any{"last_access": nil},
	}
}

// appendTo writes resource() without the detour over maps: lists of 100,000 people are made of it.
func (u *user) appendTo(b []byte) []byte {
	if len(u.profile) > 0 {
		raw, _ := marshal(u.resource())
		return append(b, raw...)
	}
	b = append(b, `{"id":"`...)
	b = strconv.AppendInt(b, int64(u.id), 10)
	b = append(b, `","type":"user","attributes":{"email":`...)
	b = appendString(b, u.email)
	b = append(b, `,"is_2fa_active":false,"full_name":`...)
	b = appendString(b, u.fullName)
	b = append(b, `,"is_active":`...)
	b = strconv.AppendBool(b, u.active)
	b = append(b, `},"relationships":{"role":{"data":{"id":"`...)
	b = strconv.AppendInt(b, int64(u.role), 10)
	return append(b, `","type":"role"}}},"meta":{"last_access":null}}`...)
}

// invitation is somebody who was invited and has not accepted.
type invitation struct {
	id      int
	email   string
	role    int
	expired bool
	sent    int // how often it was sent: each link is another one
	profile map[string]any
}

func (i *invitation) number() int { return i.id }
func (i *invitation) key() string { return emailKey(i.email) }

// resource shows the invitation; link is "" but on create and resend.
func (i *invitation) resource(link string) Resource {
	attributes := map[string]any{"email": i.email, "expired": i.expired, "invitation_link": nil}
	if link != "" {
		attributes["invitation_link"] = link
	}
	withProfile(attributes, i.profile)
	return Resource{ID: strconv.Itoa(i.id), Type: "site_invitation", Attributes: attributes, Relationships: roleLink(i.role)}
}

func (i *invitation) appendTo(b []byte) []byte {
	raw, _ := marshal(i.resource(""))
	return append(b, raw...)
}

// withProfile adds the extra attributes that are not columns of the entity itself.
func withProfile(attributes, profile map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(profile)) {
		attributes[name] = profile[name]
	}
}

func roleLink(id int) map[string]Link {
	return map[string]Link{"role": {Data: Ref{ID: strconv.Itoa(id), Type: "role"}}}
}

// appendString writes s as a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			raw, _ := marshal(s)
			return append(b, raw...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
