package proxy

import (
	"cmp"
	"container/heap"
	"net/http"
	"slices"

	"github.com/scimcms/scimcms/proxy/scim"
)

// maxSorted is how many resources an order is found of in one page by index: of each, its key and id are held. Deeper
// pages can be had by cursor, which holds one page only.
const maxSorted = 100_000

var errSortedTooDeep = scim.Errorf(http.StatusBadRequest, scim.TooMany,
	"A sorted listing is paged by index up to %d resources: page by cursor, or narrow it down with a filter.", maxSorted)

// entry is what is held of a resource to find its place in an order.
type entry struct {
	part int
	seq  int64
	id   string
	key  scim.SortKey
}

// order compares entries: by key, then by their place in an unsorted listing. It is total, so that pages fit together.
type order struct {
	sort *scim.Sort
	back bool
}

func (o order) compare(a, b entry) int {
	c := cmp.Or(o.sort.Compare(a.key, b.key), cmp.Compare(a.part, b.part), cmp.Compare(a.seq, b.seq))
	if o.back {
		return -c
	}
	return c
}

// firsts keeps the first entries of an order, the last of them on top: a heap.
type firsts struct {
	order
	entries []entry
}

func (f *firsts) Len() int           { return len(f.entries) }
func (f *firsts) Less(i, j int) bool { return f.compare(f.entries[i], f.entries[j]) > 0 }
func (f *firsts) Swap(i, j int)      { f.entries[i], f.entries[j] = f.entries[j], f.entries[i] }
func (f *firsts) Push(e any)         { f.entries = append(f.entries, e.(entry)) } //nolint:errcheck,forcetypeassert // nothing else is pushed
func (f *firsts) Pop() any {
	last := f.entries[len(f.entries)-1]
	f.entries = f.entries[:len(f.entries)-1]
	return last
}

// add keeps the entry if it is one of the first so many.
func (f *firsts) add(e entry, most int) {
	if len(f.entries) < most {
		heap.Push(f, e)
		return
	}
	if f.compare(e, f.entries[0]) < 0 {
		f.entries[0] = e
		heap.Fix(f, 0)
	}
}

// firstEntries finds the first so many entries of an order, beyond a place if one is given, and counts all that match.
func (l *listing) firstEntries(o order, most int, beyond func(entry) bool) (entries []entry, total int, err error) {
	f := firsts{order: o}
	for i, p := range l.parts {
		source, err := p.source()
		if err != nil {
			return nil, 0, err
		}
		err = source.each(forward, func(r row) (bool, error) {
			view, err := r.view()
			if err != nil {
				return false, err
			}
			total++
			e := entry{part: i, seq: r.seq(), id: r.id(), key: p.q.Sort.Key(view)}
			if beyond == nil || beyond(e) {
				f.add(e, most)
			}
			return true, nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(f.entries, o.compare)
	return f.entries, total, nil
}

// sortedByIndex finds a page of an order. Everything that matches is looked at.
func (l *listing) sortedByIndex() (found, error) {
	last := l.start - 1 + l.count
	entries, total, err := l.firstEntries(order{sort: l.sort}, min(last, maxSorted+1), nil)
	if err != nil {
		return found{}, err
	}
	if len(entries) > maxSorted {
		return found{}, errSortedTooDeep
	}
	rows, err := l.loadEntries(entries[min(l.start-1, len(entries)):])
	return found{total: total, start: l.start, rows: rows}, err
}

// loadEntries reads the resources of entries, in their order; those that are gone are left out.
func (l *listing) loadEntries(entries []entry) ([]row, error) {
	ids := make([][]string, len(l.parts))
	for _, e := range entries {
		ids[e.part] = append(ids[e.part], e.id)
	}
	byID := make(map[string]row, len(entries))
	for i, p := range l.parts {
		if len(ids[i]) == 0 {
			continue
		}
		rows, err := p.load(ids[i])
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			byID[r.id()] = r
		}
	}
	rows := make([]row, 0, len(entries))
	for _, e := range entries {
		if r, ok := byID[e.id]; ok {
			rows = append(rows, r)
		}
	}
	return rows, nil
}
