package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// match compares what came with a template and says where they differ. An object matches if each member of the template
// does; a list needs as many elements, in any order if the template's first is "<set>". These texts of a template match by
// what they say:
//
//	<any>        something that is not empty
//	<absent>     no such member
//	<number>     a JSON integer
//	<has:TEXT>   a text that contains TEXT, in either case
func match(at string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		return matchObject(at, w, got)
	case []any:
		return matchList(at, w, got)
	case string:
		if problem, special := matchText(w, got); special {
			return located(at, problem)
		}
	}
	if !reflect.DeepEqual(want, got) {
		return located(at, fmt.Sprintf("is %s, want %s", compact(got), compact(want)))
	}
	return nil
}

func matchObject(at string, want map[string]any, got any) []string {
	g, ok := got.(map[string]any)
	if !ok {
		return located(at, fmt.Sprintf("is %s, want an object", compact(got)))
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := g[name]
		switch {
		case want[name] == "<absent>":
			if there {
				problems = append(problems, located(at+"/"+name, "is there")...)
			}
		case !there:
			problems = append(problems, located(at+"/"+name, "is not there")...)
		default:
			problems = append(problems, match(at+"/"+name, want[name], value)...)
		}
	}
	return problems
}

func matchList(at string, want []any, got any) []string {
	g, ok := got.([]any)
	if ok && len(want) > 0 && want[0] == "<set>" {
		return matchSet(at, want[1:], g)
	}
	if !ok || len(g) != len(want) {
		return located(at, fmt.Sprintf("is %s, want a list of %d", compact(got), len(want)))
	}
	var problems []string
	for i := range want {
		problems = append(problems, match(at+"/"+strconv.Itoa(i), want[i], g[i])...)
	}
	return problems
}

func matchSet(at string, want, got []any) []string {
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g any) bool { return len(match("", w, g)) == 0 })
		if i < 0 {
			return located(at, fmt.Sprintf("is %s, without %s", compact(got), compact(w)))
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		return located(at, fmt.Sprintf("has %s beyond what is wanted", compact(left)))
	}
	return nil
}

func matchText(want string, got any) (problem string, special bool) {
	text, _ := got.(string)
	rest, has := strings.CutPrefix(want, "<has:")
	switch {
	case want == "<any>":
		if got == nil || got == "" || reflect.DeepEqual(got, []any{}) || reflect.DeepEqual(got, map[string]any{}) {
			return "is empty", true
		}
	case want == "<number>":
		n, _ := got.(json.Number)
		if _, err := n.Int64(); err != nil {
			return fmt.Sprintf("is %s, want an integer", compact(got)), true
		}
	case has:
		if part := strings.TrimSuffix(rest, ">"); !strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
			return fmt.Sprintf("is %s, want something with %q", compact(got), part), true
		}
	default:
		return "", false
	}
	return "", true
}

func located(at, problem string) []string {
	if problem == "" {
		return nil
	}
	if at == "" {
		at = "/"
	}
	return []string{at + " " + problem}
}

// compact is a value as JSON.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// decode reads JSON with its numbers as they are written.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// pointer finds a value by its JSON pointer (RFC 6901); "" is the whole.
func pointer(v any, at string) (any, error) {
	if at == "" {
		return v, nil
	}
	for _, part := range strings.Split(at, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch t := v.(type) {
		case map[string]any:
			var there bool
			if v, there = t[part]; !there {
				return nil, fmt.Errorf("%s: there is no %q", at, part)
			}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(t) {
				return nil, fmt.Errorf("%s: a list of %d has no %q", at, len(t), part)
			}
			v = t[i]
		default:
			return nil, fmt.Errorf("%s: %s has no %q", at, compact(v), part)
		}
	}
	return v, nil
}

// merge overlays a document as RFC 7396 says: null takes a member away.
func merge(into, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out := map[string]any{}
	if t, ok := into.(map[string]any); ok {
		out = maps.Clone(t)
	}
	for name, value := range p {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = merge(out[name], value)
	}
	return out
}

func TestMatch_SaysWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, want, got, problem string }{
		{"same", `{"a":1}`, `{"a":1,"b":2}`, ""},
		{"other value", `{"a":1}`, `{"a":2}`, "/a is 2, want 1"},
		{"number as text", `{"a":1}`, `{"a":"1"}`, `/a is "1", want 1`},
		{"missing", `{"a":{"b":1}}`, `{"a":{}}`, "/a/b is not there"},
		{"null is no value", `{"a":"x"}`, `{"a":null}`, `/a is null, want "x"`},
		{"list too long", `{"a":[1]}`, `{"a":[1,2]}`, "/a is [1,2], want a list of 1"},
		{"in a list", `[{"a":1}]`, `[{"a":2}]`, "/0/a is 2, want 1"},
		{"set", `["<set>",{"a":1},{"a":2}]`, `[{"a":2},{"a":1}]`, ""},
		{"set that lacks one", `["<set>",1]`, `[]`, "/ is [], without 1"},
		{"set with one too many", `["<set>",1]`, `[2,1]`, "/ has [2] beyond what is wanted"},
		{"no object", `{"a":1}`, `[]`, "/ is [], want an object"},
		{"any", `{"a":"<any>"}`, `{"a":0}`, ""},
		{"any of an empty text", `{"a":"<any>"}`, `{"a":""}`, "/a is empty"},
		{"any of an empty list", `{"a":"<any>"}`, `{"a":[]}`, "/a is empty"},
		{"absent", `{"a":"<absent>"}`, `{}`, ""},
		{"absent but there", `{"a":"<absent>"}`, `{"a":null}`, "/a is there"},
		{"number", `{"a":"<number>"}`, `{"a":7}`, ""},
		{"number that is none", `{"a":"<number>"}`, `{"a":"7"}`, `/a is "7", want an integer`},
		{"has", `{"a":"<has:SEAT>"}`, `{"a":"no seat left"}`, ""},
		{"has not", `{"a":"<has:seat>"}`, `{"a":"no"}`, `/a is "no", want something with "seat"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want, err := decode([]byte(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode([]byte(tt.got))
			if err != nil {
				t.Fatal(err)
			}
			if problem := strings.Join(match("", want, got), "; "); problem != tt.problem {
				t.Errorf("got %q, want %q", problem, tt.problem)
			}
		})
	}
}
