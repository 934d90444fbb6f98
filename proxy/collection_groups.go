package proxy

import (
	"errors"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// groupCollection is the groups of a project.
type groupCollection struct {
	r     *request
	base  string
	show  scim.Projection
	needs scim.Needs
}

func (r *request) groupCollection(q scim.ListQuery) collection {
	return &groupCollection{r: r, base: r.base(), show: q.Projection, needs: q.Needs()}
}

func (*groupCollection) kind() scim.Type { return scim.GroupType }

var groupIndexes = map[string]directory.Index{
	"id": directory.ByID, "externalId": directory.ByExternalID, "displayName": directory.ByDisplayName,
}

func (*groupCollection) indexed(attr string) (directory.Index, bool) {
	by, ok := groupIndexes[attr]
	return by, ok
}

// listedMembers is how many members of each group a listing reads in one go; those of bigger groups are read group by
// group, so that no single read holds Redis up for long.
const listedMembers = 200

// members is how many members to read with each group, when they are shown or only looked at.
func (c *groupCollection) members(lean bool) int {
	if c.needs.Has("members") || !lean && c.show.Wants("members") {
		return listedMembers
	}
	return noMembers
}

func (c *groupCollection) list(w directory.Window) ([]row, int, error) {
	p, err := c.r.tenant.Groups.ListGroups(c.r.Request.Context(), w, c.members(false))
	return pageOf(p, err, c.row)
}

func (c *groupCollection) find(by directory.Index, value string, w directory.Window) ([]row, int, error) {
	p, err := c.r.tenant.Groups.FindGroups(c.r.Request.Context(), by, value, w, c.members(false))
	return pageOf(p, err, c.row)
}

func (c *groupCollection) span(s span) ([]row, int, error) {
	r := directory.Range{From: s.from, Back: s.back, Count: s.count}
	p, err := c.r.tenant.Groups.RangeGroups(c.r.Request.Context(), r, c.members(s.lean))
	return pageOf(p, err, c.row)
}

func (c *groupCollection) load(ids []string) ([]row, error) {
	groups, err := c.r.tenant.Groups.GroupsByID(c.r.Request.Context(), ids, c.members(false))
	return rowsOf(groups, c.row), err
}

func (c *groupCollection) row(g directory.Group) row { return &groupRow{c: c, g: g} }

type groupRow struct {
	c *groupCollection
	g directory.Group
}

func (r *groupRow) id() string { return r.g.ID }
func (r *groupRow) seq() int64 { return r.g.Seq }

func (r *groupRow) view() (map[string]any, error) {
	if err := r.complete(r.c.needs.Has("members")); err != nil {
		return nil, err
	}
	in, err := r.c.r.groupInput(r.c.base, r.g, scim.Projection{})
	return viewOf(in, r.c.needs, err)
}

func (r *groupRow) render(dst []byte) ([]byte, error) {
	if err := r.complete(r.c.show.Wants("members")); err != nil {
		return nil, err
	}
	in, err := r.c.r.groupInput(r.c.base, r.g, r.c.show)
	return renderOf(dst, in, err)
}

// complete reads the members of a group that has too many to be read with others.
func (r *groupRow) complete(wanted bool) error {
	if !wanted || r.g.Members != nil || r.g.Size == 0 {
		return nil
	}
	whole, err := r.c.r.tenant.Groups.Group(r.c.r.Request.Context(), r.g.ID, allMembers)
	if errors.Is(err, directory.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err == nil {
		r.g = whole
	}
	return err
}
