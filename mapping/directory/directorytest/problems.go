package directorytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Problems compares every index, listing and set of a project with the records that they are made from, and says what
// does not fit.
func Problems(dump map[string]Value) (wrong []string) {
	s := newSnapshot(dump)
	want := s.expected()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !maps.Equal(s.dump[name], want[name]) {
			wrong = append(wrong, fmt.Sprintf("%s holds %v, the records say %v", name, s.dump[name], want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.dump)) {
		for _, prefix := range []string{":xm:", ":xd:", ":ru:", ":rt:", ":ro:"} {
			if _, known := s.want[name]; strings.HasPrefix(name, prefix) && !known {
				wrong = append(wrong, fmt.Sprintf("%s holds %v, which no record has", name, s.dump[name]))
			}
		}
	}
	return slices.Sorted(slices.Values(slices.Concat(wrong, s.addresses(), s.externals(), s.members(), s.groups())))
}

// snapshot is a dump, with its records taken out.
type snapshot struct {
	dump        map[string]Value
	users, grps map[string]Value
	want        map[string]Value
	fans        Value
}

func newSnapshot(dump map[string]Value) *snapshot {
	s := &snapshot{dump: dump, users: map[string]Value{}, grps: map[string]Value{}, want: map[string]Value{}, fans: dump[":fans"]}
	for name, v := range dump {
		if id, ok := strings.CutPrefix(name, ":u:"); ok {
			s.users[id] = v
		}
		if id, ok := strings.CutPrefix(name, ":g:"); ok {
			s.grps[id] = v
		}
	}
	return s
}

func visible(v Value) bool { return v["state"] == "live" || v["state"] == "rejected" }

func (s *snapshot) put(name, field, val string) {
	if s.want[name] == nil {
		s.want[name] = Value{}
	}
	s.want[name][field] = val
}

// expected are the keys that follow from the records alone.
func (s *snapshot) expected() map[string]Value {
	for _, name := range []string{":x:un", ":x:cms", ":x:gname", ":x:gext", ":l:u", ":l:g", ":acc"} {
		s.want[name] = Value{}
	}
	for id, u := range s.users {
		s.expectUser(id, u)
	}
	for id, g := range s.grps {
		stands := g["roleid"] != "" && s.dump[":x:role"][g["roleid"]] == id
		if visible(g) || (stands && s.dump[":x:gname"][g["namef"]] == id) {
			s.put(":x:gname", g["namef"], id)
		}
		if visible(g) && g["ext"] != "" {
			s.put(":x:gext", g["ext"], id)
		}
		if g["state"] == "live" {
			s.put(":l:g", id, g["seq"])
		}
	}
	return s.want
}

func (s *snapshot) expectUser(id string, u Value) {
	if visible(u) {
		s.expectNames(id, u)
	}
	if u["state"] == "live" {
		s.put(":l:u", id, u["seq"])
	}
	s.expectLink(id, u)
}

// expectNames are the indexes of what a user is found by.
func (s *snapshot) expectNames(id string, u Value) {
	s.put(":x:un", u["unf"], id)
	for m := range strings.SplitSeq(u["mailsf"], "\n") {
		if m != "" {
			s.put(":xm:"+m, id, u["seq"])
		}
	}
	if u["dnf"] != "" {
		s.put(":xd:"+u["dnf"], id, u["seq"])
	}
}

// expectLink are the indexes of what a user has in the CMS.
func (s *snapshot) expectLink(id string, u Value) {
	if u["managed"] == "1" && (u["ckind"] == "invitation" || (u["ckind"] == "collaborator" && u["cactive"] == "1")) {
		s.put(":acc", id, "1")
	}
	if u["cid"] != "" {
		s.put(":x:cms", u["ckind"][:1]+u["cid"], id)
	}
	if u["ocid"] != "" {
		s.put(":x:cms", u["okind"][:1]+u["ocid"], id)
	}
	if u["orole"] != "" && u["ocid"] != "" {
		s.put(":ro:"+u["orole"], id, "1")
	}
	if u["crole"] != "" && u["cid"] != "" {
		holders := ":ru:"
		if !visible(u) {
			holders = ":rt:"
		}
		s.put(holders+u["crole"], id, u["seq"])
	}
}

// claim is how good a user's claim to an address is: d_claim in lua/lib.lua.
func claim(u Value, address string) int {
	has := u["caddrf"] == address || u["oaddrf"] == address
	switch {
	case visible(u) && u["addrf"] == address:
		return 4
	case visible(u) && has:
		return 3
	case has:
		return 2
	case u["addrf"] == address:
		return 1
	}
	return 0
}

// claims are, by address, the users who have one, and how good it is.
func (s *snapshot) claims() map[string]map[string]int {
	out := map[string]map[string]int{}
	for id, u := range s.users {
		for _, a := range []string{u["addrf"], u["caddrf"], u["oaddrf"]} {
			if a == "" {
				continue
			}
			if out[a] == nil {
				out[a] = map[string]int{}
			}
			out[a][id] = claim(u, a)
		}
	}
	return out
}

// addresses: whoever has the best claim to an address has it, and all others stand in line.
func (s *snapshot) addresses() (wrong []string) {
	claims, index, also := s.claims(), s.dump[":x:addr"], s.dump[":x:also"]
	for a, of := range claims {
		owner := index[a]
		for id, c := range of {
			if c > of[owner] {
				wrong = append(wrong, fmt.Sprintf("address %s of %s is indexed for %q, who has a worse claim", a, id, owner))
			}
			if in := strings.Contains("\n"+also[a]+"\n", "\n"+id+"\n"); in == (id == owner) {
				wrong = append(wrong, fmt.Sprintf("%s stands in line for address %s of %s: %t", id, a, owner, in))
			}
		}
	}
	for a, ids := range index {
		for id := range strings.SplitSeq(ids+"\n"+also[a], "\n") {
			if id != "" && claims[a][id] == 0 {
				wrong = append(wrong, "address index has "+a+" for "+id+", which does not have it")
			}
		}
	}
	for a := range also {
		if index[a] == "" {
			wrong = append(wrong, "address "+a+" has others in line, and no owner")
		}
	}
	return wrong
}

func (s *snapshot) externals() (wrong []string) {
	index := s.dump[":x:ext"]
	for id, u := range s.users {
		if e := u["ext"]; e != "" && visible(u) && index[e] != id {
			wrong = append(wrong, "externalId "+e+" of "+id+" is indexed for "+index[e])
		}
	}
	for e, id := range index {
		if s.users[id]["ext"] != e {
			wrong = append(wrong, "externalId index has "+e+" for "+id)
		}
	}
	return wrong
}

// members: the sets of groups and of users mirror each other, but for groups with an open fan-out.
func (s *snapshot) members() (wrong []string) {
	for name, set := range s.dump {
		g, ok := strings.CutPrefix(name, ":gm:")
		if !ok || strings.Contains(g, ":") {
			continue
		}
		for id := range set {
			if why := s.member(g, id); why != "" {
				wrong = append(wrong, why)
			}
		}
	}
	for name, set := range s.dump {
		id, ok := strings.CutPrefix(name, ":ug:")
		for g := range set {
			if ok && s.dump[":gm:"+g][id] == "" && s.fans[g] == "" {
				wrong = append(wrong, "user "+id+" is no member of "+g)
			}
		}
	}
	return wrong
}

// member says what is wrong with one member of a group.
func (s *snapshot) member(g, id string) string {
	u := s.users[id]
	switch {
	case !visible(s.grps[g]):
		return "group " + g + " is gone, but has member " + id
	case s.fans[g] != "":
	case !visible(u) || u["managed"] != "1":
		return "member " + id + " of " + g + " is no managed user"
	case s.dump[":ug:"+id][g] == "":
		return "user " + id + " does not know of group " + g
	}
	return ""
}

// groups: roles belong to whom the index says, and an open fan-out has a key in the queue to work it off.
func (s *snapshot) groups() []string {
	return slices.Concat(s.roles(), s.fanOuts(), s.strays())
}

func (s *snapshot) roles() (wrong []string) {
	for role, g := range s.dump[":x:role"] {
		if rec := s.grps[g]; rec["roleid"] != role && rec["drop"] != role && !slices.Contains(strings.Split(rec["drops"], "\n"), role) {
			wrong = append(wrong, "role "+role+" is indexed for "+g+", which does not have it")
		}
	}
	for id, g := range s.grps {
		if (g["owned"] == "1" || g["managed"] != "1") && g["roleid"] != "" && s.dump[":x:role"][g["roleid"]] != id {
			wrong = append(wrong, "role "+g["roleid"]+" of group "+id+" is indexed for "+s.dump[":x:role"][g["roleid"]])
		}
	}
	return wrong
}

func (s *snapshot) fanOuts() (wrong []string) {
	for id, g := range s.grps {
		open := g["fanscan"] != "" || s.dump[":gm:"+id+":old"] != nil || s.dump[":gm:"+id+":add"] != nil
		if open && s.fans[id] == "" {
			wrong = append(wrong, "group "+id+" has members to tell, but no open fan-out")
		}
	}
	for id := range s.fans {
		if s.dump[":k:group/"+id] == nil {
			wrong = append(wrong, "nobody works off the fan-out of group "+id)
		}
	}
	return wrong
}

// strays are sets of members without a group.
func (s *snapshot) strays() (wrong []string) {
	for _, name := range slices.Sorted(maps.Keys(s.dump)) {
		g, ok := strings.CutPrefix(name, ":gm:")
		if g, _, _ = strings.Cut(g, ":"); ok && s.grps[g] == nil && !strings.Contains(name, ":stage:") {
			wrong = append(wrong, name+" belongs to no group")
		}
	}
	return wrong
}
