package proxy

import (
	"net/http"

	"github.com/scimcms/scimcms/proxy/scim"
)

// part is one resource type of a listing: its collection, and the query as it is for that type.
type part struct {
	collection
	q scim.ListQuery
}

func (r *request) part(t scim.Type, q scim.ListQuery) part {
	switch t {
	case scim.GroupType:
		return part{r.groupCollection(q), q}
	case scim.RoleType:
		return part{r.roleCollection(q), q}
	}
	return part{r.userCollection(q), q}
}

// list answers a GET on the endpoint of a resource type.
func (s *Server) list(t scim.Type) handler {
	return func(r *request) error {
		q, err := r.query(t)
		if err != nil {
			return err
		}
		return s.answerList(r, r.part(t, q))
	}
}

// search answers a POST to the .search of a resource type.
func (s *Server) search(t scim.Type) handler {
	return func(r *request) error {
		body, err := r.body()
		if err != nil {
			return err
		}
		q, err := scim.ParseSearch(t, body)
		if err != nil {
			return err
		}
		return s.answerList(r, r.part(t, q))
	}
}

// searched are the resource types of a search above all of them, in the order in which their resources come.
var searched = []scim.Type{scim.UserType, scim.GroupType}

func (s *Server) searchAll(r *request) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	queries, err := scim.ParseRootSearch(searched, body)
	if err != nil {
		return err
	}
	parts := make([]part, len(queries))
	for i, q := range queries {
		parts[i] = r.part(searched[i], q)
	}
	return s.answerList(r, parts...)
}

// answerList finds what the parts ask for (paging and order are the same in all of them) and writes it as one list.
func (s *Server) answerList(r *request, parts ...part) error {
	q := parts[0].q
	l := listing{parts: parts, sort: q.Sort, start: q.StartIndex, count: q.Count}
	if l.count < 0 || l.count > s.opts.Limits.Count {
		l.count = s.opts.Limits.Count
	}
	if q.ByCursor {
		c, err := r.cursors(parts)
		if err != nil {
			return err
		}
		return r.writeList(l.byCursor(c, q.Cursor))
	}
	return r.writeList(l.byIndex())
}

// found is the answer to a query, before it is written.
type found struct {
	total      int // -1 when it is not known
	start      int // 0 when paged by cursor
	rows       []row
	next, prev string
}

func (r *request) writeList(page found, err error) error {
	if err != nil {
		return err
	}
	list := scim.List{Total: page.total, StartIndex: page.start, Next: page.next, Prev: page.prev, Resources: make([][]byte, len(page.rows))}
	for i, row := range page.rows {
		if list.Resources[i], err = row.render(nil); err != nil {
			return err
		}
	}
	r.write(http.StatusOK, list.JSON())
	return nil
}

// viewOf is what a query looks at of a resource.
func viewOf(in scim.RenderInput, needs scim.Needs, err error) (map[string]any, error) {
	if err != nil {
		return nil, err
	}
	view, err := scim.PartialView(in, needs)
	if err != nil {
		return nil, unreadable(in.ID, err)
	}
	return view, nil
}

// renderOf appends what the client sees of a resource.
func renderOf(dst []byte, in scim.RenderInput, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if dst == nil {
		dst = make([]byte, 0, 512+len(in.Stored)+80*len(in.Members))
	}
	if dst, err = scim.Render(dst, in); err != nil {
		return nil, unreadable(in.ID, err)
	}
	return dst, nil
}
