package proxy

import (
	"net/http"
	"net/url"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// query reads the parameters of the URL. A part that cannot be decoded is refused: leaving a filter out would answer with
// everyone.
func (r *request) query(t scim.Type) (scim.ListQuery, error) {
	if r.Request.URL.RawQuery == "" {
		return scim.ListQuery{StartIndex: 1, Count: -1}, nil
	}
	values, err := url.ParseQuery(r.Request.URL.RawQuery)
	if err != nil {
		return scim.ListQuery{}, scim.Errorf(http.StatusBadRequest, scim.InvalidSyntax,
			"The query of the URL is not valid: percent-encode the values, \";\" and \"%%\" included.").WithCause(err)
	}
	return scim.ParseListQuery(t, values)
}

// searchQuery reads the body of a .search request.
func (r *request) searchQuery(t scim.Type) (scim.ListQuery, error) {
	body, err := r.body()
	if err != nil {
		return scim.ListQuery{}, err
	}
	return scim.ParseSearch(t, body)
}

// window is the part of the list that is answered: as asked, at most the largest page.
func (s *Server) window(q scim.ListQuery) directory.Window {
	w := directory.Window{Start: q.StartIndex, Count: q.Count}
	if w.Count < 0 || w.Count > s.opts.Limits.Count {
		w.Count = s.opts.Limits.Count
	}
	return w
}

// indexes are the attributes that records are found by without reading them all.
var indexes = map[scim.Type]map[string]directory.Index{
	scim.UserType: {
		"id": directory.ByID, "userName": directory.ByUserName, "externalId": directory.ByExternalID,
		"emails.value": directory.ByEmail, "displayName": directory.ByDisplayName,
	},
	scim.GroupType: {
		"id": directory.ByID, "externalId": directory.ByExternalID, "displayName": directory.ByDisplayName,
	},
}

// listing is how the records of one type are listed: T is directory.User or directory.Group.
type listing[T any] struct {
	kind scim.Type
	list func(directory.Window) (directory.Page[T], error)
	find func(directory.Index, string, directory.Window) (directory.Page[T], error)
	scan func(func(T) (bool, error)) error
	// view is the record with all that a filter may ask about.
	view func(T) (map[string]any, error)
}

// page finds what the query asks for. Whatever the filter, the total is exact and no more than one page of records, or
// one chunk of a scan, is held.
func (l listing[T]) page(q scim.ListQuery, w directory.Window) (directory.Page[T], error) {
	if q.Filter == nil {
		return l.list(w)
	}
	if eq, ok := q.Filter.Equality(); ok {
		if by, indexed := indexes[l.kind][eq.Attr]; indexed {
			return l.indexed(q.Filter, eq, by, w)
		}
	}
	c := collector[T]{listing: l, filter: q.Filter, window: w}
	err := l.scan(c.add)
	return c.page, err
}

// maxCandidates is how many records of one index value are read to apply the rest of a filter.
const maxCandidates = 1000

// indexed finds the records that have the value. Where the filter asks for more, the candidates are matched; if there are
// too many of them, all records are.
func (l listing[T]) indexed(f *scim.Filter, eq scim.Equality, by directory.Index, w directory.Window) (directory.Page[T], error) {
	if eq.Exact {
		return l.find(by, eq.Value, w)
	}
	candidates, err := l.find(by, eq.Value, directory.Window{Start: 1, Count: maxCandidates})
	if err != nil {
		return directory.Page[T]{}, err
	}
	c := collector[T]{listing: l, filter: f, window: w}
	if candidates.Total > len(candidates.Items) {
		err := l.scan(c.add)
		return c.page, err
	}
	for _, item := range candidates.Items {
		if _, err := c.add(item); err != nil {
			return directory.Page[T]{}, err
		}
	}
	return c.page, nil
}

// collector keeps one window of the records that match, and counts them all.
type collector[T any] struct {
	listing listing[T]
	filter  *scim.Filter
	window  directory.Window
	page    directory.Page[T]
}

func (c *collector[T]) add(item T) (more bool, err error) {
	view, err := c.listing.view(item)
	if err != nil {
		return false, err
	}
	if !c.filter.Match(view) {
		return true, nil
	}
	c.page.Total++
	if c.page.Total >= c.window.Start && len(c.page.Items) < c.window.Count {
		c.page.Items = append(c.page.Items, item)
	}
	return true, nil
}
