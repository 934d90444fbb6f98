package cmstest

import "maps"

// final is what a role comes to: (inherited + positive) - negative. parents are the final permissions of the roles it
// inherits from.
//
// Certain: the formula, and that final permissions have the shape of the declared ones. Inferred, and decided here: flags
// and environments are united; a positive entry that a negative one covers whole disappears; negative entries stay
// listed, those of a parent only while no positive entry of the role itself gives back what they take.
func final(own permissions, parents []permissions) permissions {
	out := own.clone()
	for _, parent := range parents {
		for name, on := range parent.flags {
			out.flags[name] = out.flags[name] || on
		}
		out.access = uniteAccess(out.access, parent.access)
	}
	for _, family := range families() {
		plus, minus := positive(family), negative(family)
		for _, parent := range parents {
			out.lists[plus] = unite(out.lists[plus], parent.lists[plus])
			out.lists[minus] = unite(out.lists[minus], without(parent.lists[minus], own.lists[plus]))
		}
		out.lists[plus] = without(out.lists[plus], out.lists[minus])
	}
	return out
}

// uniteAccess is the environments that at least one of two roles may enter.
func uniteAccess(a, b string) string {
	switch {
	case a == b || b == "none":
		return a
	case a == "none":
		return b
	default: // primary_only with sandbox_only, or all with anything
		return "all"
	}
}

// unite adds the entries of more that list lacks.
func unite(list, more []entry) []entry {
	for _, e := range more {
		if !contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// without is list less the entries that one of taken covers.
func without(list, taken []entry) []entry {
	out := make([]entry, 0, len(list))
	for _, e := range list {
		if !covered(e, taken) {
			out = append(out, e)
		}
	}
	return out
}

func contains(list []entry, e entry) bool {
	for _, other := range list {
		if maps.Equal(other, e) {
			return true
		}
	}
	return false
}

func covered(e entry, by []entry) bool {
	for _, wide := range by {
		if covers(wide, e) {
			return true
		}
	}
	return false
}

// covers says that everything the narrow entry speaks of, the wide one speaks of too: each member is equal or, in the
// wide entry, means "any".
func covers(wide, narrow entry) bool {
	for key, value := range narrow {
		if wide[key] != value && !meansAny(key, wide[key]) {
			return false
		}
	}
	return true
}

func meansAny(key string, value any) bool {
	switch key {
	case "environment":
		return false
	case "action", "localization_scope":
		return value == "all" || (key == "localization_scope" && value == nil)
	case "on_creator":
		return value == "anyone" || value == nil
	default:
		return value == nil
	}
}
