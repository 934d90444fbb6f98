package modeltest

import (
	"slices"

	"github.com/scimcms/scimcms/mapping/directory"
)

// outcome is what the identity provider was told of a write.
type outcome int

const (
	maybe    outcome = iota // nothing, or that the CMS refused it: it may have been kept
	accepted                // it is kept
	noEffect                // it was refused
)

func (o outcome) String() string { return [...]string{"maybe", "accepted", "no effect"}[o] }

// event is a write of the identity provider.
type event struct {
	n          int
	start, end int // ticks; end is 0 while nobody was told anything
	outcome    outcome

	user     string // the record, "" when unknown
	wish     *directory.UserWish
	same     bool // it wished what was wished already
	off      bool // and that was no access: a creation that the CMS refused is shown so
	group    string
	name     string
	deletes  bool
	replaces bool
	joins    map[string]bool
	leaves   map[string]bool
}

type history []*event

// stands says whether a value that e wrote can be what is there at the end: if nothing that wrote to the same was
// accepted and begun after e had ended.
func (h history) stands(e *event, same func(*event) bool) bool {
	if e.outcome == noEffect {
		return false
	}
	for _, f := range h {
		if f != e && f.outcome == accepted && same(f) && e.end != 0 && f.start > e.end {
			return false
		}
	}
	return true
}

// byNonce finds the write with a number.
func (h history) byNonce(n int) *event {
	for _, e := range h {
		if e.n == n {
			return e
		}
	}
	return nil
}

// writes says which writes set a user's wish.
func writes(id string) func(*event) bool {
	return func(e *event) bool { return e.user == id && e.group == "" && !e.same && (e.wish != nil || e.deletes) }
}

// off says that a user was wished to have no access because a client sent back what it was shown.
func (h history) off(id string) bool {
	return slices.ContainsFunc(h, func(e *event) bool { return e.user == id && e.off && e.outcome != noEffect })
}

// names says which writes set a group's name, or took the group away.
func names(id string) func(*event) bool {
	return func(e *event) bool { return e.group == id && (e.name != "" || e.deletes) }
}

// membership says which writes decided whether a user is in a group.
func membership(group, user string) func(*event) bool {
	return func(e *event) bool {
		if e.group == group && (e.replaces || e.joins[user] || e.leaves[user]) {
			return true
		}
		return e.user == user && e.deletes
	}
}
