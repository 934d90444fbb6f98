package proxy

import (
	"slices"

	"github.com/scimcms/scimcms/mapping/directory"
)

// byCursor finds a page by a cursor (RFC 9865). A page begins beyond the last resource of the page before it, whatever came or
// went meanwhile: nobody who is there throughout is left out or shown twice. With an order that holds as long as the
// attribute does not change.
func (l *listing) byCursor(c cursors, text string) (found, error) {
	var at *position
	if text != "" {
		p, err := c.open(text)
		if err != nil {
			return found{}, err
		}
		at = &p
	}
	if l.count == 0 { // only the total is asked for
		f, err := l.byIndex()
		return found{total: f.total}, err
	}
	page, err := l.around(at)
	if err != nil {
		return found{}, err
	}
	return page.found(c, at, l.count)
}

// cursorPage is a page of which one entry more than wanted was looked for, the nearest first.
type cursorPage struct {
	total   int
	entries []entry
	load    func([]entry) ([]row, error)
	sorted  bool
}

func (l *listing) around(at *position) (cursorPage, error) {
	if l.sort != nil {
		return l.sortedAround(at)
	}
	return l.plainAround(at)
}

// found cuts the page and tells where the next and the previous one are.
func (p cursorPage) found(c cursors, at *position, count int) (found, error) {
	back := at != nil && at.Back
	more := len(p.entries) > count
	shown := p.entries[:min(count, len(p.entries))]
	if back {
		slices.Reverse(shown)
	}
	f := found{total: p.total}
	if more || back {
		f.next = c.seal(p.edge(shown, at, false))
	}
	if at != nil && (more || !back) {
		f.prev = c.seal(p.edge(shown, at, true))
	}
	var err error
	f.rows, err = p.load(shown)
	return f, err
}

// edge is the place where the next or the previous page begins. Beside an empty page it is that of the cursor itself: the
// resource there belongs to the other direction unless it belonged to this one.
func (p cursorPage) edge(shown []entry, at *position, back bool) position {
	if len(shown) == 0 {
		here := *at
		if here.Back != back {
			here.Back, here.Incl = back, !here.Incl
		}
		return here
	}
	e := shown[len(shown)-1]
	if back {
		e = shown[0]
	}
	place := position{Back: back, Part: e.part, Seq: e.seq}
	if p.sorted {
		place.Key = &e.key
	}
	return place
}

// sortedAround finds a page of an order. Everything that matches is looked at, and one page of it held.
func (l *listing) sortedAround(at *position) (cursorPage, error) {
	o := order{sort: l.sort}
	var beyond func(entry) bool
	if at != nil {
		o.back = at.Back
		place := entry{part: at.Part, seq: at.Seq, key: *at.Key}
		beyond = func(e entry) bool {
			c := o.compare(e, place)
			return c > 0 || c == 0 && at.Incl
		}
	}
	entries, total, err := l.firstEntries(o, l.count+1, beyond)
	return cursorPage{total: total, entries: entries, load: l.loadEntries, sorted: true}, err
}

// plainAround finds a page in the order of listings.
func (l *listing) plainAround(at *position) (cursorPage, error) {
	w := walk{listing: l, rows: map[string]row{}, want: l.count + 1}
	here := position{Seq: beforeAll}
	if at != nil {
		here = *at
	}
	first, step := here.Part, 1
	if here.Back {
		step = -1
	}
	for i := first; 0 <= i && i < len(l.parts); i += step {
		if err := w.through(i, here, i == first && at != nil); err != nil {
			return cursorPage{}, err
		}
	}
	// The types on the other side of the place have nothing to show, but count.
	for i := first - step; 0 <= i && i < len(l.parts); i -= step {
		if err := w.countOnly(i); err != nil {
			return cursorPage{}, err
		}
	}
	return cursorPage{total: w.known(), entries: w.entries, load: w.load}, nil
}

// walk collects entries through the types of a listing.
type walk struct {
	*listing
	want    int
	entries []entry
	rows    map[string]row // those that were read whole
	total   int
	unknown bool // the total
}

func (w *walk) known() int {
	if w.unknown {
		return -1
	}
	return w.total
}

// through collects from one type: from the place in it, or from its near end.
func (w *walk) through(i int, at position, inside bool) error {
	h := heading{from: beforeAll, back: at.Back}
	switch {
	case inside:
		h.from = at.from()
	case at.Back:
		h.from = afterAll
	}
	p := w.parts[i]
	if p.q.Filter == nil {
		return w.unfiltered(i, h)
	}
	source, err := p.source()
	if err != nil {
		return err
	}
	_, eq, _ := p.index()
	w.total += len(source.candidates)
	w.unknown = w.unknown || !source.isIndexed() || !eq.Exact
	if len(w.entries) >= w.want {
		return nil
	}
	return source.each(h, func(r row) (bool, error) {
		w.add(i, r, source.isIndexed())
		return len(w.entries) < w.want, nil
	})
}

// from is the place itself, or a little before it, so that what lies beyond is the page.
func (p position) from() int64 {
	switch {
	case !p.Incl:
		return p.Seq
	case p.Back:
		return p.Seq + 1
	default:
		return p.Seq - 1
	}
}

// unfiltered collects from a type without a filter. The first page of all is read as that of a list: see the engine.
func (w *walk) unfiltered(i int, h heading) error {
	read := func(count int) ([]row, int, error) {
		if h == forward && i == 0 {
			return w.parts[i].list(directory.Window{Start: 1, Count: count})
		}
		return w.parts[i].span(span{from: h.from, back: h.back, count: count})
	}
	rows, total, err := read(w.want - len(w.entries))
	if err != nil {
		return err
	}
	w.total += total
	for _, r := range rows {
		w.add(i, r, true)
	}
	return nil
}

func (w *walk) add(i int, r row, whole bool) {
	w.entries = append(w.entries, entry{part: i, seq: r.seq(), id: r.id()})
	if whole {
		w.rows[r.id()] = r
	}
}

// countOnly adds to the total what a type has that the page cannot show.
func (w *walk) countOnly(i int) error {
	if w.parts[i].q.Filter != nil {
		w.unknown = true
		return nil
	}
	_, total, err := w.parts[i].span(span{from: beforeAll})
	w.total += total
	return err
}

// load gives the rows of the entries; those that were not read whole are read now.
func (w *walk) load(entries []entry) ([]row, error) {
	rows := make([]row, 0, len(entries))
	for _, e := range entries {
		r, ok := w.rows[e.id]
		if !ok {
			return w.loadEntries(entries)
		}
		rows = append(rows, r)
	}
	return rows, nil
}
