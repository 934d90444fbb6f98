package scim

import (
	"bytes"
	"strconv"
	"time"
)

// timeLayout is how times are written: UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// RenderInput is a resource as the server knows it: what the identity provider wrote, and what the server adds.
type RenderInput struct {
	Type         Type
	Stored       []byte // what Resource.JSON or Group.JSON has written
	ID           string
	Created      time.Time
	LastModified time.Time
	Version      string // the ETag; "" for none
	Location     string
	Groups       []GroupRef  // of a user; nil leaves the attribute out
	Members      []MemberRef // of a group; nil leaves the attribute out
	Sync         *SyncStatus // nil leaves the extension out
	Projection   Projection
}

// GroupRef is an entry of a user's groups.
type GroupRef struct {
	ID      string
	Display string
	Ref     string // address; "" for none
}

// MemberRef is an entry of a group's members.
type MemberRef struct {
	ID      string
	Display string // "" for none
	Ref     string // address; "" for none
}

// SyncStatus is the content of the sync extension. Fields that are empty are left out, but Status.
type SyncStatus struct {
	Status     string // synced, pending, failed or held
	CMSType    string // collaborator, invitation or role
	CMSID      string
	Role       string
	LastSynced time.Time
	LastError  string
}

// A stored document begins with the core schema in its list of schemas, and ends with a brace. That is all that Render needs to
// know to put the id in front, the URN of the sync extension into the list, and what the server adds at the end.

// Render appends the resource as clients see it. Without a projection on them the stored attributes are copied as bytes. An
// error means that Stored is not what this package has written.
func Render(dst []byte, in RenderInput) ([]byte, error) {
	t := typeOf(in.Type)
	rest, ok := bytes.CutPrefix(in.Stored, []byte(t.prefix))
	if !ok || !bytes.HasSuffix(rest, []byte("}")) || !in.Projection.stored() {
		return renderProjected(dst, t, in)
	}
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, in.ID)
	dst = append(append(dst, ','), t.prefix[1:]...)
	if in.Sync != nil {
		dst = appendURN(dst, SyncURN)
	}
	dst = append(dst, rest[:len(rest)-1]...) // }
	return append(appendServerSide(dst, in), '}'), nil
}

// appendServerSide appends what the server adds, each with a comma in front.
func appendServerSide(dst []byte, in RenderInput) []byte {
	if in.Groups != nil && in.Projection.Wants("groups") {
		dst = append(dst, `,"groups":[`...)
		for i, g := range in.Groups {
			dst = appendReference(dst, i, [3]string{g.ID, g.Ref, g.Display}, "direct")
		}
		dst = append(dst, ']')
	}
	if in.Members != nil && in.Projection.Wants("members") {
		dst = append(dst, `,"members":[`...)
		for i, m := range in.Members {
			dst = appendReference(dst, i, [3]string{m.ID, m.Ref, m.Display}, string(UserType))
		}
		dst = append(dst, ']')
	}
	if in.Sync != nil {
		dst = append(appendString(append(dst, ','), SyncURN), ':')
		dst = appendSync(dst, in.Sync)
	}
	if in.Projection.Wants("meta") {
		dst = appendMeta(append(dst, `,"meta":`...), in)
	}
	return dst
}

// appendReference appends an entry of groups or members from its value, $ref and display.
func appendReference(dst []byte, i int, parts [3]string, kind string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	dst = append(dst, '{')
	start := len(dst)
	dst = appendPair(dst, start, "value", parts[0])
	dst = appendPair(dst, start, "$ref", parts[1])
	dst = appendPair(dst, start, "display", parts[2])
	dst = appendPair(dst, start, "type", kind)
	return append(dst, '}')
}

// appendPair appends a member with a text; nothing when it is empty.
func appendPair(dst []byte, start int, name, text string) []byte {
	if text == "" {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), name...), '"', ':')
	return appendString(dst, text)
}

func appendMeta(dst []byte, in RenderInput) []byte {
	dst = append(dst, '{')
	start := len(dst)
	dst = appendPair(dst, start, "resourceType", string(typeOf(in.Type).name))
	dst = appendTime(dst, start, "created", in.Created)
	dst = appendTime(dst, start, "lastModified", in.LastModified)
	dst = appendPair(dst, start, "location", in.Location)
	dst = appendPair(dst, start, "version", in.Version)
	return append(dst, '}')
}

func appendSync(dst []byte, s *SyncStatus) []byte {
	dst = append(dst, '{')
	start := len(dst)
	dst = appendPair(dst, start, "status", s.Status)
	dst = appendPair(dst, start, "cmsType", s.CMSType)
	dst = appendPair(dst, start, "cmsId", s.CMSID)
	dst = appendPair(dst, start, "role", s.Role)
	dst = appendTime(dst, start, "lastSynced", s.LastSynced)
	dst = appendPair(dst, start, "lastError", s.LastError)
	return append(dst, '}')
}

func appendTime(dst []byte, start int, name string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), name...), '"', ':', '"')
	return append(t.UTC().AppendFormat(dst, timeLayout), '"')
}

// renderProjected builds the view and writes what the projection leaves of it.
func renderProjected(dst []byte, t *resourceType, in RenderInput) ([]byte, error) {
	view, err := View(in)
	if err != nil {
		return nil, err
	}
	return appendView(dst, t, in.Projection.apply(t, view)), nil
}

// The order of a projected resource is that of one that was copied: clients that compare texts see no change.

// appendView appends a view in the order of Render: id, schemas, stored attributes, then what the server adds.
func appendView(dst []byte, t *resourceType, view map[string]any) []byte {
	stored := make(map[string]any, len(view))
	for name, v := range view {
		if a := t.core.attributes.exact(name); (a == nil || !serverSide(a)) && name != SyncURN {
			stored[name] = v
		}
	}
	id, _ := view["id"].(string)
	dst = appendString(append(dst, `{"id":`...), id)
	dst = append(append(dst, ','), t.prefix[1:]...)
	if view[SyncURN] != nil {
		dst = appendURN(dst, SyncURN)
	}
	dst = append(dst, appendStored(nil, t, stored)[len(t.prefix):]...)
	dst = dst[:len(dst)-1] // }
	for _, name := range []string{"groups", "members"} {
		if v, ok := view[name]; ok {
			dst = appendMember(dst, 0, t.core.attributes.exact(name), v)
		}
	}
	if v, ok := view[SyncURN]; ok {
		dst = appendExtension(dst, syncSchema, v)
	}
	if v, ok := view["meta"]; ok {
		dst = appendMember(dst, 0, t.core.attributes.exact("meta"), v)
	}
	return append(dst, '}')
}

// View is the whole resource as a map, for Filter.Match and Sort: what is stored and what the server adds.
func View(in RenderInput) (map[string]any, error) {
	o, err := parseObject(in.Stored)
	if err != nil {
		return nil, err
	}
	view, _ := plain(o).(map[string]any)
	delete(view, "schemas")
	view["id"] = in.ID
	return view, addServerSide(view, in)
}

// addServerSide adds to a view what the server knows of the resource.
func addServerSide(view map[string]any, in RenderInput) error {
	in.Projection = Projection{}
	o, err := parseObject(append(appendServerSide([]byte(`{"id":""`), in), '}'))
	if err != nil {
		return err
	}
	for _, m := range o[1:] {
		if list, ok := m.value.([]any); ok && len(list) == 0 {
			view[m.name] = list
			continue
		}
		view[m.name] = plain(m.value)
	}
	return nil
}

// List is one page of a listing.
type List struct {
	Total      int      // -1 when it is not known
	StartIndex int      // 0 when the page was not found by index
	Next, Prev string   // cursors; "" where there is no such page, or none is told
	Resources  [][]byte // as Render has written them
}

// JSON is the ListResponse. itemsPerPage is what the page has: Okta refuses anything else on the last page.
func (l List) JSON() []byte {
	size := 240 + len(l.Next) + len(l.Prev)
	for _, r := range l.Resources {
		size += len(r) + 1
	}
	b := append(make([]byte, 0, size), `{"schemas":["`+listURN+`"]`...)
	if l.Total >= 0 {
		b = strconv.AppendInt(append(b, `,"totalResults":`...), int64(l.Total), 10)
	}
	if l.StartIndex > 0 {
		b = strconv.AppendInt(append(b, `,"startIndex":`...), int64(l.StartIndex), 10)
	}
	b = strconv.AppendInt(append(b, `,"itemsPerPage":`...), int64(len(l.Resources)), 10)
	if l.Next != "" {
		b = appendString(append(b, `,"nextCursor":`...), l.Next)
	}
	if l.Prev != "" {
		b = appendString(append(b, `,"previousCursor":`...), l.Prev)
	}
	b = append(b, `,"Resources":[`...)
	for i, r := range l.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return append(b, ']', '}')
}
