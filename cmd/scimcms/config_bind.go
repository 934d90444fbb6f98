package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxAliasDepth bounds how deep aliases and merged maps may refer to each other.
const maxAliasDepth = 16

// binder fills a Config from a YAML document. It goes on after a problem, so that all are told at once; the YAML
// library's own strict decoding stops at the first.
type binder struct {
	anchors map[string]ast.Node
	report  *report
}

// bindYAML fills c from the document and notes the line of each path that it sets. It is false when there is no
// document to speak of.
func bindYAML(source []byte, c *Config, r *report) bool {
	file, err := parser.ParseBytes(source, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		syntaxProblem(err, r)
		return false
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) == 0 {
		r.add("", 0, "the file is empty")
		return false
	}
	if len(docs) > 1 {
		r.add("", line(docs[1].Body), "only one YAML document is read")
	}
	b := binder{anchors: map[string]ast.Node{}, report: r}
	ast.Walk(&b, docs[0].Body)
	b.bind(docs[0].Body, field{value: reflect.ValueOf(c).Elem()})
	return true
}

// syntaxProblem keeps the parser's message and position and leaves out the lines around it: they could hold a secret.
func syntaxProblem(err error, r *report) {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		r.add("", syntax.GetToken().Position.Line, "not a YAML document: %s", syntax.GetMessage())
		return
	}
	r.add("", 0, "not a YAML document")
}

// Visit collects the anchors of the document.
func (b *binder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		b.anchors[a.Name.GetToken().Value] = a.Value
	}
	return b
}

// resolve follows anchors, aliases and tags to the node that they stand for.
func (b *binder) resolve(n ast.Node) ast.Node {
	for range maxAliasDepth {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			n = b.anchors[v.Value.GetToken().Value]
		default:
			return n
		}
	}
	return nil
}

func (b *binder) bind(n ast.Node, at field) {
	at0 := line(n)
	n = b.resolve(n)
	if at.path != "" {
		b.report.lines[at.path] = at0
	}
	if n == nil {
		b.report.add(at.path, at0, "refers to an anchor that is not there")
		return
	}
	if _, null := n.(*ast.NullNode); null {
		delete(b.report.lines, at.path)
		return
	}
	switch kind := at.value.Kind(); {
	case at.value.Type() == secretType:
		b.bindSecret(n, at)
	case at.scalar():
		b.bindScalar(n, at)
	case kind == reflect.Struct:
		b.bindStruct(n, at)
	case kind == reflect.Slice:
		b.bindList(n, at)
	default:
		b.bindMap(n, at)
	}
}

func (b *binder) bindScalar(n ast.Node, at field) {
	text, ok := scalarText(n)
	if !ok {
		b.report.add(at.path, line(n), "must be a single value, not %s", kindName(n))
		return
	}
	if _, isBool := n.(*ast.BoolNode); isBool && at.value.Kind() == reflect.String {
		b.report.add(at.path, line(n), "must be text: put %s in quotes if it is meant", text)
		return
	}
	if err := setText(at.value, text); err != nil {
		b.report.add(at.path, line(n), "%q: %s", text, err)
	}
}

// bindSecret never repeats what it was given: it could be the secret.
func (b *binder) bindSecret(n ast.Node, at field) {
	if text, ok := scalarText(n); ok {
		if at.tag.Get("literal") != "true" {
			b.report.add(at.path, line(n), "a secret is not written into the file: use {env: NAME} or {file: PATH}")
			return
		}
		at.value.Set(reflect.ValueOf(Secret{literal: true, value: text}))
		return
	}
	var source struct {
		Env  string `yaml:"env"`
		File string `yaml:"file"`
	}
	before := len(b.report.problems)
	b.bindStruct(n, field{path: at.path, value: reflect.ValueOf(&source).Elem()})
	switch {
	case len(b.report.problems) > before:
	case (source.Env == "") == (source.File == ""):
		b.report.add(at.path, line(n), "a secret is either {env: NAME} or {file: PATH}")
	default:
		at.value.Set(reflect.ValueOf(Secret{env: source.Env, file: source.File}))
	}
}

func (b *binder) bindStruct(n ast.Node, at field) {
	pairs, ok := b.pairs(n, at.path, maxAliasDepth)
	if !ok {
		b.report.add(at.path, line(n), "must be a group of settings, not %s", kindName(n))
		return
	}
	known := map[string]field{}
	t := at.value.Type()
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); t.Field(i).IsExported() && key != "-" {
			known[key] = field{path: join(at.path, key), tag: t.Field(i).Tag, value: at.value.Field(i)}
		}
	}
	for _, p := range pairs {
		f, ok := known[p.key]
		if !ok {
			b.report.add(join(at.path, p.key), line(p.value), "unknown key%s", suggestion(p.key, known))
			continue
		}
		b.bind(p.value, f)
	}
}

func (b *binder) bindList(n ast.Node, at field) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		b.report.add(at.path, line(n), "must be a list, not %s", kindName(n))
		return
	}
	at.value.Set(reflect.MakeSlice(at.value.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		element := at.value.Index(i)
		if element.Kind() == reflect.Struct {
			if err := setDefaults(element); err != nil {
				b.report.add(at.path, line(item), "%s", err)
			}
		}
		b.bind(item, field{path: elementPath(at.path, i), value: element})
	}
}

func (b *binder) bindMap(n ast.Node, at field) {
	pairs, ok := b.pairs(n, at.path, maxAliasDepth)
	if !ok {
		b.report.add(at.path, line(n), "must be a map, not %s", kindName(n))
		return
	}
	at.value.Set(reflect.MakeMap(at.value.Type()))
	for _, p := range pairs {
		element := reflect.New(at.value.Type().Elem()).Elem()
		b.bind(p.value, field{path: join(at.path, p.key), value: element})
		at.value.SetMapIndex(reflect.ValueOf(p.key), element)
	}
}

// pair is one entry of a map.
type pair struct {
	key   string
	value ast.Node
}

// pairs lists the entries of a map in order, merged maps ("<<") after its own and without what they would repeat.
func (b *binder) pairs(n ast.Node, path string, depth int) ([]pair, bool) {
	m, ok := n.(*ast.MappingNode)
	if !ok || depth == 0 {
		return nil, false
	}
	var own, merged []pair
	for _, entry := range m.Values {
		key := entry.Key.GetToken().Value
		if _, merge := entry.Key.(*ast.MergeKeyNode); merge {
			more, ok := b.pairs(b.resolve(entry.Value), path, depth-1)
			if !ok {
				b.report.add(path, line(entry), "<< must refer to a map")
			}
			merged = append(merged, more...)
			continue
		}
		if slices.ContainsFunc(own, func(p pair) bool { return p.key == key }) {
			b.report.add(join(path, key), line(entry.Value), "is there twice")
			continue
		}
		own = append(own, pair{key, entry.Value})
	}
	for _, p := range merged {
		if !slices.ContainsFunc(own, func(o pair) bool { return o.key == p.key }) {
			own = append(own, p)
		}
	}
	return own, true
}

// scalarText is the text of a single value as it is written, so that 0123 stays 0123.
func scalarText(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

func kindName(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// suggestion names the known key that was probably meant.
func suggestion(key string, known map[string]field) string {
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if distance(key, k) <= min(2, len(key)/3) {
			return fmt.Sprintf("; did you mean %s?", k)
		}
	}
	return ""
}

// distance counts the letters to add, drop or change to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
