package scim

import "strings"

// Needs are the top-level attributes (extensions by their URN) that a filter and an order look at. What is not needed of the
// records of a long list need not be read, nor parsed.
type Needs struct{ names []string }

// Needs tells what has to be known of a resource to answer the query, apart from what is shown.
func (q ListQuery) Needs() Needs {
	var n Needs
	if q.Filter != nil {
		q.Filter.root.needs(&n)
	}
	if q.Sort != nil {
		n.add(q.Sort.by)
	}
	return n
}

// Has tells whether a core attribute is looked at, or an extension.
func (n Needs) Has(name string) bool { return containsFold(n.names, name) }

// ServerSide tells whether anything is looked at that the server adds, apart from groups and members.
func (n Needs) serverSide() bool { return n.Has("id") || n.Has("meta") || n.Has(SyncURN) }

func (n *Needs) add(t target) {
	name := t.schema.id
	if t.schema.isCore() && t.attr != nil {
		name = t.attr.name
	}
	if !n.Has(name) {
		n.names = append(n.names, name)
	}
}

func (l *logical) needs(n *Needs) {
	l.left.needs(n)
	l.right.needs(n)
}

func (n *negation) needs(needs *Needs) { n.inner.needs(needs) }

func (c *comparison) needs(n *Needs) {
	if !c.entry {
		n.add(c.target)
	}
}

// PartialView is View with no more than what is needed.
func PartialView(in RenderInput, n Needs) (map[string]any, error) {
	r := reader{text: string(in.Stored)}
	view, err := r.partial(n)
	if err != nil {
		return nil, err
	}
	if n.Has("id") {
		view["id"] = in.ID
	}
	if !n.serverSide() && !n.Has("groups") && !n.Has("members") {
		return view, nil
	}
	if !n.Has("groups") {
		in.Groups = nil
	}
	if !n.Has("members") {
		in.Members = nil
	}
	return view, addServerSide(view, in)
}

// partial reads the members of the object that are needed, and skips the others.
func (r *reader) partial(n Needs) (map[string]any, error) {
	view := make(map[string]any, len(n.names)+1)
	if r.next() != '{' {
		return nil, r.unexpected("an object")
	}
	r.pos++
	if r.next() == '}' {
		return view, nil
	}
	for {
		if err := r.partialMember(n, view); err != nil {
			return nil, err
		}
		switch r.next() {
		case ',':
			r.pos++
		case '}':
			return view, nil
		default:
			return nil, r.unexpected("a comma or }")
		}
	}
}

func (r *reader) partialMember(n Needs, view map[string]any) error {
	if r.next() != '"' {
		return r.unexpected("an attribute name in quotes")
	}
	name, err := r.string()
	if err != nil {
		return err
	}
	if r.next() != ':' {
		return r.unexpected("a colon")
	}
	r.pos++
	if name == "schemas" || !n.Has(name) {
		return r.skipValue()
	}
	v, err := r.value(2)
	if kept := plain(v); err == nil && !empty(kept) {
		view[name] = kept
	}
	return err
}

// skipValue passes over a value of a document that was valid when it was stored: it looks at quotes and brackets only.
func (r *reader) skipValue() error {
	depth := 0
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case '"':
			if err := r.skipString(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return nil // of the object around
			}
			depth--
		case ',':
			if depth == 0 {
				return nil
			}
		}
		r.pos++
	}
	return r.unexpected("the end of a value")
}

func (r *reader) skipString() error {
	for r.pos++; r.pos < len(r.text); r.pos++ {
		i := strings.IndexAny(r.text[r.pos:], `"\`)
		if i < 0 {
			break
		}
		r.pos += i
		if r.text[r.pos] == '"' {
			r.pos++
			return nil
		}
		r.pos++ // the character after the backslash
	}
	r.pos = len(r.text)
	return r.unexpected("the end of a string")
}
