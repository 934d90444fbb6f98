package cmstest

import (
	"maps"
	"slices"
)

// flagNames are the boolean permissions of a role, in the order the CMS lists them.
func flagNames() []string {
	return []string{
		"can_edit_favicon", "can_edit_site", "can_edit_schema", "can_manage_menu", "can_edit_environment",
		"can_promote_environments", "can_manage_users", "can_manage_shared_filters", "can_manage_upload_collections",
		"can_manage_build_triggers", "can_manage_search_indexes", "can_manage_webhooks", "can_manage_environments",
		"can_manage_sso", "can_access_audit_log", "can_manage_workflows", "can_manage_access_tokens",
		"can_perform_site_search", "can_access_build_events_log", "can_access_search_index_events_log",
	}
}

// families are the kinds of granular permissions; each has a list of positive and one of negative entries.
func families() []string { return []string{"item_type", "upload", "build_trigger", "search_index"} }

func positive(family string) string { return "positive_" + family + "_permissions" }
func negative(family string) string { return "negative_" + family + "_permissions" }

// entryKeys are the members of an entry of each family; the CMS returns every one of them, null where nothing was said.
func entryKeys(family string) []string {
	switch family {
	case "item_type":
		return []string{
			"environment", "action", "item_type", "workflow", "on_stage", "to_stage", "on_creator",
			"localization_scope", "locale",
		}
	case "upload":
		return []string{
			"environment", "action", "upload_collection", "move_to_upload_collection", "on_creator",
			"localization_scope", "locale",
		}
	default:
		return []string{family}
	}
}

// entry is one granular permission.
type entry map[string]any

// fill is the entry with every member of its family, null where it had none.
func fill(family string, in map[string]any) entry {
	out := entry{}
	for _, key := range entryKeys(family) {
		out[key] = in[key]
	}
	return out
}

// permissions is what a role allows: what it says itself, or what it comes to with everything inherited.
type permissions struct {
	flags  map[string]bool
	access string
	lists  map[string][]entry
}

func newPermissions() permissions {
	p := permissions{flags: map[string]bool{}, access: newRoleAccess, lists: map[string][]entry{}}
	for _, f := range flagNames() {
		p.flags[f] = false
	}
	for _, f := range families() {
		p.lists[positive(f)], p.lists[negative(f)] = []entry{}, []entry{}
	}
	return p
}

func (p permissions) clone() permissions {
	out := permissions{flags: maps.Clone(p.flags), access: p.access, lists: map[string][]entry{}}
	for name, list := range p.lists {
		out.lists[name] = slices.Clone(list)
	}
	return out
}

// attributes lists every permission by its attribute name.
func (p permissions) attributes() map[string]any {
	out := map[string]any{"environments_access": p.access}
	for name, on := range p.flags {
		out[name] = on
	}
	for name, list := range p.lists {
		out[name] = list
	}
	return out
}

// set takes over the attributes of a request that passed the schema: what is absent stays, a list replaces the list.
func (p permissions) set(attributes map[string]any) permissions {
	out := p.clone()
	for _, name := range flagNames() {
		if on, ok := attributes[name].(bool); ok {
			out.flags[name] = on
		}
	}
	if access, ok := attributes["environments_access"].(string); ok {
		out.access = access
	}
	for _, family := range families() {
		for _, name := range []string{positive(family), negative(family)} {
			if list, ok := attributes[name].([]any); ok {
				out.lists[name] = entries(family, list)
			}
		}
	}
	return out
}

func entries(family string, list []any) []entry {
	out := make([]entry, 0, len(list))
	for _, item := range list {
		in, _ := item.(map[string]any)
		out = append(out, fill(family, in))
	}
	return out
}
