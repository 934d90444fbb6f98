package cmstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema checks one value of a request body and reports every violation with its path. Schemas are strict: an object
// may have no member that its schema does not name.
type schema func(path string, v any, report *[]string)

// member is one member of an object.
type member struct {
	schema   schema
	required bool
}

func required(s schema) member { return member{schema: s, required: true} }
func optional(s schema) member { return member{schema: s} }

// object is a JSON object with exactly these members.
func object(members map[string]member) schema {
	names := slices.Sorted(maps.Keys(members))
	return func(path string, v any, report *[]string) {
		in, ok := v.(map[string]any)
		if !ok {
			complain(report, path, "must be an object")
			return
		}
		for _, name := range slices.Sorted(maps.Keys(in)) {
			if _, known := members[name]; !known {
				complain(report, path+"."+name, "is not a permitted key")
			}
		}
		for _, name := range names {
			value, sent := in[name]
			switch m := members[name]; {
			case sent:
				m.schema(path+"."+name, value, report)
			case m.required:
				complain(report, path+"."+name, "is missing")
			}
		}
	}
}

func text(path string, v any, report *[]string) {
	if _, ok := v.(string); !ok {
		complain(report, path, "must be a string")
	}
}

func boolean(path string, v any, report *[]string) {
	if _, ok := v.(bool); !ok {
		complain(report, path, "must be a boolean")
	}
}

func anything(string, any, *[]string) {}

// enum is one of the given strings.
func enum(values ...string) schema {
	return func(path string, v any, report *[]string) {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			complain(report, path, "must be one of: "+strings.Join(values, ", "))
		}
	}
}

// listOf is an array whose items all pass s.
func listOf(s schema) schema {
	return func(path string, v any, report *[]string) {
		list, ok := v.([]any)
		if !ok {
			complain(report, path, "must be an array")
			return
		}
		for i, item := range list {
			s(fmt.Sprintf("%s[%d]", path, i), item, report)
		}
	}
}

// nullable is null or what passes s.
func nullable(s schema) schema {
	return func(path string, v any, report *[]string) {
		if v != nil {
			s(path, v, report)
		}
	}
}

func complain(report *[]string, path, what string) {
	*report = append(*report, path+" "+what)
}

// reference is {"type":kind,"id":…}.
func reference(kind string) schema {
	return object(map[string]member{"type": required(enum(kind)), "id": required(text)})
}

// linkTo is a relationship to one entity, which may not be null.
func linkTo(kind string) schema {
	return object(map[string]member{"data": required(reference(kind))})
}

// linksTo is a relationship to any number of entities.
func linksTo(kind string) schema {
	return object(map[string]member{"data": required(listOf(reference(kind)))})
}

// document is the envelope of a request body. An echoed meta is let through unread.
func document(kind string, members map[string]member) schema {
	data := map[string]member{"type": required(enum(kind)), "meta": optional(anything)}
	maps.Copy(data, members)
	return object(map[string]member{"data": required(object(data))})
}

// check is the INVALID_FORMAT error of a body, or nil.
func check(s schema, body any) error {
	var report []string
	s("body", body, &report)
	if len(report) == 0 {
		return nil
	}
	return formatError(report)
}
