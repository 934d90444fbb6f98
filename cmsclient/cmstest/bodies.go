package cmstest

import (
	"fmt"
	"slices"
)

// bodies are the schemas of every write that has a body.
type bodies struct {
	userUpdate, invitationCreate, invitationUpdate, roleCreate, roleUpdate schema
}

// newBodies makes the schemas; profile names the attributes that this CMS takes over and above DatoCMS's.
func newBodies(profile []string) bodies {
	role := map[string]member{"role": required(linkTo("role"))}
	invite := map[string]member{"email": required(text)}
	activity := map[string]member{"is_active": {schema: boolean, required: len(profile) == 0}}
	extra := map[string]member{}
	for _, name := range profile {
		invite[name], activity[name], extra[name] = optional(anything), optional(anything), optional(anything)
		if name == "full_name" {
			invite[name], activity[name], extra[name] = optional(text), optional(text), optional(text)
		}
	}
	update := map[string]member{
		"id":            required(text),
		"relationships": required(object(map[string]member{"role": optional(linkTo("role"))})),
	}
	if len(profile) > 0 {
		update["attributes"] = optional(object(extra))
		update["relationships"] = optional(object(map[string]member{"role": optional(linkTo("role"))}))
	}
	return bodies{
		userUpdate: document("user", map[string]member{
			"id": required(text), "attributes": optional(object(activity)), "relationships": optional(object(role)),
		}),
		invitationCreate: document("site_invitation", map[string]member{
			"attributes": required(object(invite)), "relationships": required(object(role)),
		}),
		invitationUpdate: document("site_invitation", update),
		roleCreate:       roleBody(true),
		roleUpdate:       roleBody(false),
	}
}

// roleBody is the body of creating or updating a role.
func roleBody(create bool) schema {
	attributes := map[string]member{
		"name":                {schema: text, required: create},
		"environments_access": optional(enum("all", "primary_only", "sandbox_only", "none")),
	}
	for _, flag := range flagNames() {
		attributes[flag] = optional(boolean)
	}
	for _, family := range families() {
		attributes[positive(family)] = optional(listOf(entrySchema(family)))
		attributes[negative(family)] = optional(listOf(entrySchema(family)))
	}
	data := map[string]member{
		"attributes": {schema: paired(object(attributes)), required: create},
		"relationships": optional(object(map[string]member{
			"inherits_permissions_from": optional(linksTo("role")),
		})),
	}
	if !create {
		data["id"] = required(text)
	}
	return document("role", data)
}

// paired adds the rule that the positive and the negative list of a family come together or not at all.
func paired(s schema) schema {
	return func(path string, v any, report *[]string) {
		s(path, v, report)
		in, _ := v.(map[string]any)
		for _, family := range families() {
			_, plus := in[positive(family)]
			_, minus := in[negative(family)]
			if plus != minus {
				complain(report, path, fmt.Sprintf("must have both %s and %s, or neither", positive(family), negative(family)))
			}
		}
	}
}

// entrySchema is the schema of one granular permission: which members an entry must and may fill depends on its
// action; all others must be absent or null.
func entrySchema(family string) schema {
	actions := actionsOf(family)
	if actions == nil {
		return object(map[string]member{family: optional(nullable(text))})
	}
	shape := object(entryMembers(family, actions))
	return func(path string, v any, report *[]string) {
		before := len(*report)
		shape(path, v, report)
		if len(*report) > before {
			return
		}
		in, _ := v.(map[string]any)
		action, _ := in["action"].(string)
		actions[action].check(path, family, in, report)
		if action == "all" && in["localization_scope"] != "all" {
			complain(report, path+".localization_scope", "must be all for action all")
		}
	}
}

// check holds the members of an entry against what its action needs and may have; environment and action, the first
// two of every family, go with every action.
func (rule actionRule) check(path, family string, in map[string]any, report *[]string) {
	for _, key := range entryKeys(family)[2:] {
		switch needed, allowed := slices.Contains(rule.needs, key), slices.Contains(rule.may, key); {
		case needed && in[key] == nil:
			complain(report, path+"."+key, "is missing")
		case !needed && !allowed && in[key] != nil:
			complain(report, path+"."+key, fmt.Sprintf("must be absent or null for action %s", in["action"]))
		}
	}
}

func entryMembers(family string, actions map[string]actionRule) map[string]member {
	names := make([]string, 0, len(actions))
	for name := range actions {
		names = append(names, name)
	}
	slices.Sort(names)
	members := map[string]member{}
	for _, key := range entryKeys(family) {
		members[key] = optional(nullable(text))
	}
	members["environment"] = required(text)
	members["action"] = required(enum(names...))
	members["on_creator"] = optional(nullable(enum("anyone", "self", "role")))
	members["localization_scope"] = optional(nullable(enum("all", "localized", "not_localized")))
	return members
}

// actionRule says which members of an entry an action must and may fill.
type actionRule struct{ needs, may []string }

func actionsOf(family string) map[string]actionRule {
	switch family {
	case "item_type":
		return itemActions()
	case "upload":
		return uploadActions()
	default:
		return nil
	}
}

func itemActions() map[string]actionRule {
	scoped, creator := []string{"on_creator", "localization_scope"}, []string{"on_creator"}
	staged := []string{"item_type", "workflow", "on_stage"}
	change := actionRule{scoped, append(slices.Clone(staged), "locale")}
	claim := actionRule{creator, staged}
	return map[string]actionRule{
		"all":           {scoped, append(slices.Clone(staged), "to_stage")},
		"read":          {creator, []string{"item_type", "workflow"}},
		"create":        {[]string{"localization_scope"}, []string{"item_type", "workflow", "locale"}},
		"update":        change,
		"publish":       change,
		"duplicate":     {nil, staged},
		"delete":        claim,
		"edit_creator":  claim,
		"take_over":     claim,
		"move_to_stage": {creator, append(slices.Clone(staged), "to_stage")},
	}
}

func uploadActions() map[string]actionRule {
	scoped, creator := []string{"on_creator", "localization_scope"}, []string{"on_creator"}
	where := []string{"upload_collection"}
	plain := actionRule{creator, where}
	return map[string]actionRule{
		"all":           {scoped, where},
		"update":        {scoped, []string{"upload_collection", "locale"}},
		"create":        {nil, where},
		"read":          plain,
		"delete":        plain,
		"edit_creator":  plain,
		"replace_asset": plain,
		"move":          {creator, []string{"upload_collection", "move_to_upload_collection"}},
	}
}

// checkPermissions refuses what needs a higher plan: workflows, their stages, and scopes by localization.
func checkPermissions(attributes map[string]any) error {
	for _, family := range []string{"item_type", "upload"} {
		for _, name := range []string{positive(family), negative(family)} {
			list, _ := attributes[name].([]any)
			for _, e := range entries(family, list) {
				if err := checkPlan(e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkPlan(e entry) error {
	if e["workflow"] != nil || e["on_stage"] != nil || e["to_stage"] != nil || e["action"] == "move_to_stage" {
		return needsEnterprise("workflows")
	}
	if scope := e["localization_scope"]; scope != nil && scope != "all" {
		return needsEnterprise("localization_scope")
	}
	return nil
}
