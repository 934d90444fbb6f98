package scim

import (
	"maps"
	"strconv"
	"strings"
)

// Group is a group as the identity provider wishes it.
type Group struct {
	DisplayName string
	ExternalID  string
	Members     []string       // ids, each once, in the order of the body
	HasMembers  bool           // the body had a members attribute; an empty one empties the group
	Extra       map[string]any // extensions, by URN
}

// ParseGroup reads the body of a POST or PUT of a group. A group without displayName is refused.
func ParseGroup(body []byte) (*Group, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	g := &Group{}
	rest := make(object, 0, len(o))
	for _, m := range o.withoutCoreURN(GroupURN) {
		if !isMembers(m.name) {
			rest = append(rest, m)
			continue
		}
		g.HasMembers = true
		f := folding{}
		if err := f.each(m.value, f.add); err != nil {
			return nil, err
		}
		g.Members = f.ids(true)
	}
	p := applier{table: groupTable, attrs: make(map[string]any, len(rest))}
	if err := p.object(opAdd, rest.assigned()); err != nil {
		return nil, err
	}
	if p.attrs["displayName"] == nil {
		return nil, required(groupSchema.attributes.exact("displayName"))
	}
	g.setAttributes(p.attrs)
	return g, nil
}

// GroupFromJSON reads a group that JSON has written.
func GroupFromJSON(stored []byte) (*Group, error) { return ParseGroup(stored) }

// isMembers tells whether a key or path names the members attribute.
func isMembers(name string) bool {
	if rest, ok := cutURN(name, GroupURN); ok && rest != "" {
		name = rest
	}
	return equalFold(name, "members")
}

// withoutCoreURN puts the attributes that stand under the URN of the core schema where they belong.
func (o object) withoutCoreURN(urn string) object {
	inner, ok := o.get(urn)
	nested, isObject := inner.(object)
	if !ok || !isObject {
		return o
	}
	flat := make(object, 0, len(o)+len(nested))
	for _, m := range o {
		if equalFold(m.name, urn) {
			flat = append(flat, nested...)
		} else {
			flat = append(flat, m)
		}
	}
	return flat
}

func (g *Group) setAttributes(attrs map[string]any) {
	g.DisplayName, _ = attrs["displayName"].(string)
	g.ExternalID, _ = attrs["externalId"].(string)
	g.Extra = maps.Clone(attrs)
	delete(g.Extra, "displayName")
	delete(g.Extra, "externalId")
}

// attributes is everything but the members.
func (g *Group) attributes() map[string]any {
	attrs := make(map[string]any, len(g.Extra)+2)
	maps.Copy(attrs, g.Extra)
	attrs["displayName"] = g.DisplayName
	if g.ExternalID != "" {
		attrs["externalId"] = g.ExternalID
	}
	return attrs
}

// JSON is the group as it is stored and as Render takes it: everything but the members.
func (g *Group) JSON() []byte { return appendStored(nil, groupTable, g.attributes()) }

// memberID reads one entry of members: an object with value, or (Entra ID's validator) with $ref alone, or a bare id.
func memberID(v any) (string, error) {
	id, _ := literal(v)
	if o, ok := v.(object); ok {
		value, _ := o.get("value")
		if id, _ = literal(value); id == "" {
			ref, _ := o.get("$ref")
			s, _ := ref.(string)
			id = s[strings.LastIndexByte(s, '/')+1:]
		}
	}
	switch {
	case strings.TrimSpace(id) == "":
		return "", badRequest(InvalidValue, "A member has no value: each entry of members needs the id of a user as its value.")
	case len(id) > maxKeyText:
		return "", badRequest(InvalidValue, "A member's value is longer than %s bytes: it must be the id of a user.", strconv.Itoa(maxKeyText))
	default:
		return id, nil
	}
}
