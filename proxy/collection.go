package proxy

import (
	"math"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// collection is one resource type as lists see it, for the length of one request. Everything that lists promise (windows, cursors,
// order, filters, several types at once) is built on these reads, so that a new resource type has only them to offer.
type collection interface {
	kind() scim.Type
	// indexed tells which index finds resources by an attribute, if one does.
	indexed(attr string) (directory.Index, bool)
	// list reads a window of all resources, in the order of their sequence, and counts all.
	list(w directory.Window) ([]row, int, error)
	// find does so with those that an index has.
	find(by directory.Index, value string, w directory.Window) ([]row, int, error)
	// span reads resources by their place, and counts all. With lean the rows may lack what the query does not look at.
	span(s span) ([]row, int, error)
	// load reads resources that rows were found of; those that are gone are left out.
	load(ids []string) ([]row, error)
}

// row is one resource on its way into a page.
type row interface {
	id() string
	// seq is the resource's place in the order of listings: positive, its own, and never another.
	seq() int64
	// view is what the filter and the order of the query look at.
	view() (map[string]any, error)
	// render appends what the client sees.
	render(dst []byte) ([]byte, error)
}

// span is a part of a collection by place: up to count resources beyond from, or with back before it, the nearest first.
type span struct {
	from  int64
	back  bool
	count int
	lean  bool
}

// The ends of every collection.
const (
	beforeAll = int64(-1)
	afterAll  = int64(math.MaxInt64)
)

// rowsOf wraps records of one type.
func rowsOf[T any](items []T, wrap func(T) row) []row {
	rows := make([]row, len(items))
	for i, item := range items {
		rows[i] = wrap(item)
	}
	return rows
}

// pageOf is a page of the record as rows.
func pageOf[T any](p directory.Page[T], err error, wrap func(T) row) ([]row, int, error) {
	if err != nil {
		return nil, 0, err
	}
	return rowsOf(p.Items, wrap), p.Total, nil
}
