package proxy

import (
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// userCollection is the people of a project.
type userCollection struct {
	r     *request
	base  string
	show  scim.Projection
	needs scim.Needs
}

func (r *request) userCollection(q scim.ListQuery) collection {
	return &userCollection{r: r, base: r.base(), show: q.Projection, needs: q.Needs()}
}

func (*userCollection) kind() scim.Type { return scim.UserType }

var userIndexes = map[string]directory.Index{
	"id": directory.ByID, "userName": directory.ByUserName, "externalId": directory.ByExternalID,
	"emails.value": directory.ByEmail, "displayName": directory.ByDisplayName,
}

func (*userCollection) indexed(attr string) (directory.Index, bool) {
	by, ok := userIndexes[attr]
	return by, ok
}

func (c *userCollection) list(w directory.Window) ([]row, int, error) {
	p, err := c.r.tenant.Users.ListUsers(c.r.Request.Context(), w)
	return pageOf(p, err, c.row)
}

func (c *userCollection) find(by directory.Index, value string, w directory.Window) ([]row, int, error) {
	p, err := c.r.tenant.Users.FindUsers(c.r.Request.Context(), by, value, w)
	return pageOf(p, err, c.row)
}

func (c *userCollection) span(s span) ([]row, int, error) {
	r := directory.Range{From: s.from, Back: s.back, Count: s.count}
	if s.lean {
		r.Omit = directory.Omit{Groups: !c.needs.Has("groups"), Sync: !c.needs.Has(scim.SyncURN)}
	}
	p, err := c.r.tenant.Users.RangeUsers(c.r.Request.Context(), r)
	return pageOf(p, err, c.row)
}

func (c *userCollection) load(ids []string) ([]row, error) {
	users, err := c.r.tenant.Users.UsersByID(c.r.Request.Context(), ids)
	return rowsOf(users, c.row), err
}

func (c *userCollection) row(u directory.User) row { return &userRow{c: c, u: u} }

type userRow struct {
	c *userCollection
	u directory.User
}

func (r *userRow) id() string { return r.u.ID }
func (r *userRow) seq() int64 { return r.u.Seq }

func (r *userRow) view() (map[string]any, error) {
	in, err := r.c.r.userInput(r.c.base, r.u, scim.Projection{})
	return viewOf(in, r.c.needs, err)
}

func (r *userRow) render(dst []byte) ([]byte, error) {
	in, err := r.c.r.userInput(r.c.base, r.u, r.c.show)
	return renderOf(dst, in, err)
}
