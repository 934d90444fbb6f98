//go:build unix

package main_test

import (
	"fmt"
	"strings"
)

// audit reads the log of calls and gives what the promises forbid: two writes at a time to one person, a write that
// changes nothing (somebody repeated what was done already, or wrote without knowing), and a write after one whose
// outcome nobody knew without a look at the CMS between them. A write is over for its caller when that gives up.
func (c *cms) audit() (violations []string, writes, unanswered int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := map[string]*call{}
	for _, w := range c.calls {
		if !w.write() || w.who == "" {
			continue
		}
		writes++
		before := last[w.who]
		last[w.who] = w
		if !c.outcomeKnown(w) {
			unanswered++
		}
		if w.end == 0 {
			continue
		}
		if w.status != 0 && !w.effect && !c.joinedBetween(w.who, before, w) && !c.landedLate(before, w) {
			violations = append(violations, c.describe("changed nothing", before, w))
		}
		switch {
		case before == nil:
		case before.over() == 0 || before.over() > w.start:
			violations = append(violations, c.describe("was made while another was under way", before, w))
		case !c.outcomeKnown(before) && !c.looked(before, w):
			violations = append(violations, c.describe("was made without a look", before, w))
		}
	}
	return violations, writes, unanswered
}

// outcomeKnown says that the caller of a call knew its outcome.
func (c *cms) outcomeKnown(w *call) bool {
	for _, at := range c.cuts {
		if w.start < at && (w.end == 0 || at < w.end) {
			return false
		}
	}
	return w.answered
}

// joinedBetween excuses what goes to an invitation that was accepted a moment ago.
func (c *cms) joinedBetween(who string, before, w *call) bool {
	var since int64
	if before != nil {
		since = before.start
	}
	for _, at := range c.joined[who] {
		if since < at && at < w.end {
			return true
		}
	}
	return false
}

// landedLate excuses a write that was repeated because its caller had given up on it, after a look that could not show it
// yet: which of the two comes first changes something.
func (c *cms) landedLate(before, w *call) bool {
	if w.left != 0 {
		return true
	}
	if before == nil || before.left == 0 {
		return false
	}
	seen := map[string]bool{}
	for _, r := range c.calls {
		if !r.write() && r.status == 200 && r.start > before.end && r.end < w.start {
			seen[r.path] = true
		}
	}
	return (!seen["users"] || !seen["site-invitations"]) && !seen[w.entity()]
}

// looked says that the person was read between two writes.
func (c *cms) looked(before, w *call) bool {
	for _, r := range c.calls {
		if r.write() || r.status != 200 || r.start < before.over() || r.end > w.start {
			continue
		}
		if r.path == "users" || r.path == "site-invitations" || c.known[r.path].who == w.who {
			return true
		}
	}
	return false
}

func (c *cms) describe(what string, before, w *call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a write to %s %s:", w.who, what)
	var first int64
	if before != nil {
		first = before.start
	}
	for _, l := range c.calls {
		if l.start < first || l.start > w.end {
			continue
		}
		if l.who == w.who || l == w || !l.write() && (l.path == "users" || l.path == "site-invitations" || c.known[l.path].who == w.who) {
			fmt.Fprintf(&b, "\n  %d-%d %s %s -> %d answered=%t effect=%t %s", l.start, l.end, l.method, l.path, l.status, l.answered, l.effect, l.body)
		}
	}
	return b.String()
}

// story is every call about a person, with those that read everybody.
func (c *cms) story(who string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.describe("is told here", nil, &call{who: who, end: c.tick})
}
