//go:build chaos && unix

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// outcome is what a round ends with, or several.
type outcome struct {
	writes, unanswered, kept, refused, seatless int64

	accepted, agree      tally // as clients were told, and as the CMS has it
	lost, doubled, stale int
	leftBehind           int // roles of groups that are gone, which leavers have still: they cannot be deleted, and are reported

	befell   map[string]int
	rest     time.Duration
	compared bool     // otherwise the round ended before its verdict
	wrong    []string // what does not agree
}

// tally counts things of a kind.
type tally struct{ people, groups, memberships int }

func (n tally) String() string {
	return fmt.Sprintf("%d people, %d groups, %d memberships", n.people, n.groups, n.memberships)
}

func (n *tally) add(m tally) {
	n.people += m.people
	n.groups += m.groups
	n.memberships += m.memberships
}

func (o *outcome) add(p *outcome) {
	o.writes += p.writes
	o.unanswered += p.unanswered
	o.kept += p.kept
	o.refused += p.refused
	o.seatless += p.seatless
	o.accepted.add(p.accepted)
	o.agree.add(p.agree)
	o.lost += p.lost
	o.doubled += p.doubled
	o.stale += p.stale
	o.leftBehind += p.leftBehind
	o.rest = max(o.rest, p.rest)
	for what, n := range p.befell {
		o.befell[what] += n
	}
}

func (o *outcome) String() string {
	var befell []string
	for _, what := range slices.Sorted(maps.Keys(o.befell)) {
		befell = append(befell, fmt.Sprintf("%s %d×", what, o.befell[what]))
	}
	return fmt.Sprintf("accepted %d writes: %s; in the CMS %s; lost %d, doubled %d, stale %d; %d roles left behind with leavers; %d writes without an answer (%d kept as a whole, the rest absent), "+
		"%d answers 503, %d writes refused for want of a seat; befell: %s; at rest after %s", o.writes, o.accepted, o.agree, o.lost, o.doubled, o.stale,
		o.leftBehind, o.unanswered, o.kept, o.refused, o.seatless, strings.Join(befell, ", "), o.rest.Round(100*time.Millisecond))
}

// compare counts what the record or the CMS lacks, has more than once, or has otherwise than was accepted last.
func (f *fleet) compare(t *testing.T, seeded int, had map[string]string) *outcome {
	t.Helper()
	o := &outcome{compared: true}
	inCMS := f.w.cms.people()
	leavers := rolesOfLeavers(inCMS)
	roles := map[string][]string{}
	for _, r := range f.w.cms.server.State().Roles {
		roles[r.Text("name")] = append(roles[r.Text("name")], r.ID)
	}
	for _, c := range f.clients {
		for _, h := range c.people {
			o.person(h, inCMS[h.address()], append(roles[c.role(h)], "none")[0])
			delete(inCMS, h.address())
		}
	}
	for i, name := range groupNames {
		o.group(t, f, &team{name: name, id: f.groups[i], members: f.members(i)}, roles[name])
		delete(roles, name)
	}
	for _, c := range f.clients {
		for _, g := range c.teams {
			o.group(t, f, g, roles[g.name])
			delete(roles, g.name)
		}
	}
	for name, ids := range roles {
		_, before := had[name]
		switch {
		case before:
		case len(ids) == 1 && leavers[ids[0]]:
			o.leftBehind++
		default:
			o.is(&o.stale, "role %s is in the CMS, of a group that is gone or has another name", name)
		}
	}
	for n := len(inCMS); n > seeded; n-- {
		o.is(&o.doubled, "the CMS has %d people that nobody pushed, and started with %d", len(inCMS), seeded)
	}
	return o
}

// rolesOfLeavers are the roles that nobody has but collaborators who are inactive.
func rolesOfLeavers(inCMS map[string]person) map[string]bool {
	out, held := map[string]bool{}, map[string]bool{}
	for _, p := range inCMS {
		for _, e := range p.invitations {
			held[e.role] = true
		}
		for _, e := range p.collaborators {
			held[e.role] = held[e.role] || e.active
			out[e.role] = true
		}
	}
	maps.DeleteFunc(out, func(role string, _ bool) bool { return held[role] })
	return out
}

// members are those of a group that all clients share.
func (f *fleet) members(group int) map[*human]bool {
	out := map[*human]bool{}
	for _, c := range f.clients {
		for _, h := range c.people {
			if h.groups[group] {
				out[h] = true
			}
		}
	}
	return out
}

func (o *outcome) person(h *human, p person, role string) {
	o.accepted.people++
	wrong := p.disagrees(h.active, role)
	switch n := len(p.collaborators) + len(p.invitations); {
	case wrong == "":
		o.agree.people++
	case n > 1:
		o.is(&o.doubled, "%s %s", h, wrong)
	case n == 0:
		o.is(&o.lost, "%s %s", h, wrong)
	default:
		o.is(&o.stale, "%s (active=%t) %s", h, h.active, wrong)
	}
}

// group compares a group with its record and the roles of its name.
func (o *outcome) group(t *testing.T, f *fleet, want *team, roles []string) {
	t.Helper()
	o.accepted.groups++
	g, err := f.clients[0].group(t.Context(), want.id)
	switch {
	case err != nil:
		o.is(&o.lost, "group %s: %v", want.name, err)
		return
	case len(roles) == 0:
		o.is(&o.lost, "group %s has no role in the CMS", want.name)
	case len(roles) > 1:
		o.is(&o.doubled, "group %s has %d roles in the CMS", want.name, len(roles))
	case g.DisplayName != want.name:
		o.is(&o.stale, "group %s is called %s", want.name, g.DisplayName)
	default:
		o.agree.groups++
	}
	has := map[string]bool{}
	for _, m := range g.Members {
		has[m.Value] = true
	}
	for h, in := range want.members {
		if !in {
			continue
		}
		o.accepted.memberships++
		if !has[h.id] {
			o.is(&o.lost, "%s is not in group %s", h, want.name)
			continue
		}
		o.agree.memberships++
		delete(has, h.id)
	}
	for id := range has {
		o.is(&o.stale, "%s is in group %s, and should not be", id, want.name)
	}
}

func (o *outcome) is(count *int, format string, args ...any) {
	*count++
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}
