package proxy

import (
	"slices"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// listing is a query over one or more resource types: first all of the one type, then all of the next, unless an order was
// asked for. Whatever the filter, no more than one page of records, or one chunk of a scan, is held.
type listing struct {
	parts        []part
	sort         *scim.Sort
	start, count int
}

// byIndex finds a page by its index (RFC 7644 section 3.4.2.4). The total is exact.
func (l *listing) byIndex() (found, error) {
	if l.sort != nil && l.count > 0 {
		return l.sortedByIndex()
	}
	f := found{start: l.start}
	skip, want := l.start-1, l.count
	for _, p := range l.parts {
		rows, total, err := p.window(directory.Window{Start: skip + 1, Count: want})
		if err != nil {
			return found{}, err
		}
		f.total, f.rows = f.total+total, append(f.rows, rows...)
		skip, want = max(skip-total, 0), want-len(rows)
	}
	return f, nil
}

// window finds a window of what one type has.
func (p part) window(w directory.Window) ([]row, int, error) {
	if p.q.Filter == nil {
		return p.list(w)
	}
	if by, eq, ok := p.index(); ok && eq.Exact {
		return p.find(by, eq.Value, w)
	}
	c := collector{window: w}
	source, err := p.source()
	if err != nil {
		return nil, 0, err
	}
	if err := source.each(forward, c.add); err != nil {
		return nil, 0, err
	}
	rows, err := source.whole(c.rows)
	return rows, c.total, err
}

// collector keeps one window of the rows that it is given, and counts them all.
type collector struct {
	window directory.Window
	total  int
	rows   []row
}

func (c *collector) add(r row) (more bool, err error) {
	c.total++
	if c.total >= c.window.Start && len(c.rows) < c.window.Count {
		c.rows = append(c.rows, r)
	}
	return true, nil
}

// index finds the index that can answer the filter, or narrow it down.
func (p part) index() (directory.Index, scim.Equality, bool) {
	if p.q.Filter == nil {
		return "", scim.Equality{}, false
	}
	eq, ok := p.q.Filter.Equality()
	if !ok {
		return "", scim.Equality{}, false
	}
	by, ok := p.indexed(eq.Attr)
	return by, eq, ok
}

const (
	// maxCandidates is how many records of one index value are read to apply the rest of a filter.
	maxCandidates = 1000
	// scanChunk is how many records are read at a time when all of them have to be looked at.
	scanChunk = 500
)

// source gives the rows of one type that match the filter: of an index where there is one, else of everything.
type source struct {
	part
	candidates []row // nil: everything is scanned
}

// source finds where the matches are to be looked for. If an index has too many of them, everything is.
func (p part) source() (source, error) {
	by, eq, ok := p.index()
	if !ok {
		return source{part: p}, nil
	}
	rows, total, err := p.find(by, eq.Value, directory.Window{Start: 1, Count: maxCandidates})
	if err != nil || total > len(rows) {
		return source{part: p}, err
	}
	return source{part: p, candidates: append([]row{}, rows...)}, nil
}

// isIndexed tells whether the rows come from an index; they are whole then.
func (s source) isIndexed() bool { return s.candidates != nil }

// heading says where rows are given from, and in which direction.
type heading struct {
	from int64
	back bool
}

// forward is the whole of a collection from its beginning.
var forward = heading{from: beforeAll}

// each gives the rows that match to fn, nearest first, until fn says no more.
func (s source) each(h heading, fn func(row) (bool, error)) error {
	if s.isIndexed() {
		_, err := s.matches(s.ahead(h), fn)
		return err
	}
	for {
		rows, _, err := s.span(span{from: h.from, back: h.back, count: scanChunk, lean: true})
		if err != nil {
			return err
		}
		more, err := s.matches(rows, fn)
		if err != nil || !more || len(rows) == 0 {
			return err
		}
		h.from = rows[len(rows)-1].seq()
	}
}

// ahead are the candidates that lie ahead.
func (s source) ahead(h heading) []row {
	rows := slices.Clone(s.candidates)
	if h.back {
		slices.Reverse(rows)
	}
	return slices.DeleteFunc(rows, func(r row) bool {
		if h.back {
			return r.seq() >= h.from
		}
		return r.seq() <= h.from
	})
}

func (s source) matches(rows []row, fn func(row) (bool, error)) (more bool, err error) {
	for _, r := range rows {
		if match, err := s.match(r); err != nil {
			return false, err
		} else if !match {
			continue
		}
		if more, err := fn(r); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

func (s source) match(r row) (bool, error) {
	if s.q.Filter == nil {
		return true, nil
	}
	view, err := r.view()
	return err == nil && s.q.Filter.Match(view), err
}

// whole are the rows with everything that may be shown of them.
func (s source) whole(rows []row) ([]row, error) {
	if s.isIndexed() || len(rows) == 0 {
		return rows, nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id()
	}
	return s.load(ids)
}
