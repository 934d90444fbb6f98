package proxy

import (
	"cmp"
	"errors"
	"hash/fnv"
	"io"
	"slices"
	"strconv"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// roleCollection is the roles of the CMS that may be assigned. They are few, and read as a whole.
type roleCollection struct {
	r     *request
	base  string
	show  scim.Projection
	needs scim.Needs
	fresh bool
	rows  []row // nil: not read yet
}

func (r *request) roleCollection(q scim.ListQuery) collection {
	return &roleCollection{r: r, base: r.base(), show: q.Projection, needs: q.Needs(), fresh: q.StartIndex <= 1 && q.Cursor == ""}
}

func (*roleCollection) kind() scim.Type { return scim.RoleType }

func (*roleCollection) indexed(string) (directory.Index, bool) { return "", false }

// all are the roles in the order of their places. Before the first import there are none.
func (c *roleCollection) all() ([]row, error) {
	if c.rows != nil {
		return c.rows, nil
	}
	catalog, err := c.r.tenant.Users.Roles(c.r.Request.Context(), c.fresh)
	if err != nil && !errors.Is(err, reconcile.ErrNoRoles) {
		return nil, err
	}
	c.rows = rowsOf(catalog.Offered(), func(role mapping.Role) row { return &roleRow{c: c, role: role} })
	slices.SortStableFunc(c.rows, func(a, b row) int { return cmp.Compare(a.seq(), b.seq()) })
	return c.rows, nil
}

func (c *roleCollection) list(w directory.Window) ([]row, int, error) {
	rows, err := c.all()
	first := min(max(w.Start, 1)-1, len(rows))
	return rows[first:min(first+max(w.Count, 0), len(rows))], len(rows), err
}

// find is not asked: there is no index.
func (c *roleCollection) find(directory.Index, string, directory.Window) ([]row, int, error) {
	return nil, 0, nil
}

func (c *roleCollection) span(s span) ([]row, int, error) {
	rows, err := c.all()
	total := len(rows)
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		if s.back {
			return r.seq() >= s.from
		}
		return r.seq() <= s.from
	})
	if s.back {
		slices.Reverse(rows)
	}
	return rows[:min(s.count, len(rows))], total, err
}

func (c *roleCollection) load(ids []string) ([]row, error) {
	rows, err := c.all()
	found := make([]row, 0, len(ids))
	for _, id := range ids {
		if i := slices.IndexFunc(rows, func(r row) bool { return r.id() == id }); i >= 0 {
			found = append(found, rows[i])
		}
	}
	return found, err
}

type roleRow struct {
	c    *roleCollection
	role mapping.Role
}

func (r *roleRow) id() string { return r.role.ID }

// seq is the number that the CMS gave the role, or one made of an id that is no number.
func (r *roleRow) seq() int64 {
	if n, err := strconv.ParseInt(r.role.ID, 10, 64); err == nil && n > 0 {
		return n
	}
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, r.role.ID) // never fails (hash)
	return int64(sum.Sum64()>>2) + 1      // 62 bits
}

func (r *roleRow) view() (map[string]any, error) {
	return viewOf(roleInput(r.c.base, r.role, scim.Projection{}), r.c.needs, nil)
}

func (r *roleRow) render(dst []byte) ([]byte, error) {
	return renderOf(dst, roleInput(r.c.base, r.role, r.c.show), nil)
}
