package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/scimcms/scimcms"
	maxLines = 400
)

// mayImport says which packages of the project each package may use: imports run one way. A package that is not
// listed here may not exist.
var mayImport = map[string][]string{
	"cmd/scimcms": {
		"proxy", "proxy/admin", "proxy/scim", "mapping", "mapping/directory", "mapping/reconcile", "queue", "cmsclient", "cmsclient/cmstest",
	},
	"proxy":                           {"proxy/scim", "mapping", "mapping/directory", "mapping/reconcile", "queue", "cmsclient"},
	"proxy/admin":                     {"proxy/scim", "mapping", "mapping/directory", "mapping/reconcile", "queue", "cmsclient"},
	"proxy/conformance":               {},
	"proxy/scim":                      {},
	"mapping/reconcile":               {"mapping", "mapping/directory", "queue", "cmsclient"},
	"mapping/directory":               {"queue"},
	"mapping/directory/directorytest": {},
	"mapping/reconcile/modeltest":     {},
	"mapping":                         {},
	"queue":                           {"queue/redisconn"},
	"queue/queuetest":                 {"queue/redisconn"},
	"queue/redisconn":                 {},
	"cmsclient":                       {},
	"cmsclient/cmstest":               {},
}

// homes says where each outside library lives. What is not listed may be used anywhere.
var homes = map[string][]string{
	"github.com/gin-gonic/gin":              {"proxy", "proxy/admin"},
	"github.com/prometheus/client_golang":   {"proxy", "proxy/admin"},
	"github.com/hashicorp/go-retryablehttp": {"cmsclient"},
	"github.com/redis/go-redis":             {"queue", "queue/queuetest", "queue/redisconn", "mapping/directory", "mapping/directory/directorytest"},
	"github.com/scim2/filter-parser":        {"proxy/scim"},
	"github.com/alicebob/miniredis":         {"queue/queuetest", "cmd/scimcms"},
	"github.com/spf13/cobra":                {"cmd/scimcms"},
	"github.com/goccy/go-yaml":              {"cmd/scimcms"},
}

// impure are the packages that mapping does without: it is a function of what it is given.
var impure = []string{"context", "crypto/rand", "io", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "sync"}

// sourceFile is one Go file of the project, parsed.
type sourceFile struct {
	// path and folder are relative to the project's root, with slashes.
	path, folder string
	test         bool
	lines        int
	set          *token.FileSet
	tree         *ast.File
}

// sources parses every Go file of the project. It reads them itself, so that the test cache sees each of them.
func sources(t *testing.T) []sourceFile {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []sourceFile
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(base, ".go") {
			return nil
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		all = append(all, sourceFile{
			path: rel, folder: path.Dir(rel), test: strings.HasSuffix(base, "_test.go"),
			lines: set.File(tree.Pos()).LineCount(), set: set, tree: tree,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go file found")
	}
	return all
}

// imports lists the import paths of a file.
func (f sourceFile) imports() []string {
	var all []string
	for _, spec := range f.tree.Imports {
		all = append(all, strings.Trim(spec.Path.Value, `"`))
	}
	return all
}

// production drops the test files.
func production(files []sourceFile) []sourceFile {
	return slices.DeleteFunc(slices.Clone(files), func(f sourceFile) bool { return f.test })
}

func TestArchitecture_ImportsRunOneWay(t *testing.T) {
	t.Parallel()
	for _, f := range production(sources(t)) {
		allowed, known := mayImport[f.folder]
		if !known {
			t.Errorf("%s: the package %s has no place in the import order", f.path, f.folder)
		}
		for _, imported := range f.imports() {
			inner, own := strings.CutPrefix(imported, module+"/")
			if own && !slices.Contains(allowed, inner) {
				t.Errorf("%s: %s must not import %s", f.path, f.folder, inner)
			}
		}
	}
}

func TestArchitecture_LibrariesHaveOneHome(t *testing.T) {
	t.Parallel()
	for _, f := range production(sources(t)) {
		for _, imported := range f.imports() {
			for library, home := range homes {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(home, f.folder) {
					t.Errorf("%s: %s is used in %s only", f.path, library, strings.Join(home, ", "))
				}
			}
		}
	}
}

func TestArchitecture_MappingIsPure(t *testing.T) {
	t.Parallel()
	for _, f := range production(sources(t)) {
		if f.folder != "mapping" {
			continue
		}
		for _, imported := range f.imports() {
			if slices.Contains(impure, imported) {
				t.Errorf("%s: mapping has no I/O, clock or chance, and so no %s", f.path, imported)
			}
		}
		for _, call := range f.calls("time", "Now") {
			t.Errorf("%s: mapping has no clock", call)
		}
	}
}

func TestArchitecture_EveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, f := range production(sources(t)) {
		documented[f.folder] = documented[f.folder] || f.tree.Doc != nil
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("the package %s has no comment", folder)
		}
	}
}

func TestArchitecture_FilesStayReadable(t *testing.T) {
	t.Parallel()
	for _, f := range production(sources(t)) {
		if f.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d", f.path, f.lines, maxLines)
		}
	}
}

func TestArchitecture_TestsDoNotSleep(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if !f.test {
			continue
		}
		for _, call := range f.calls("time", "Sleep") {
			t.Errorf("%s: wait for what the test needs, not for time to pass", call)
		}
	}
}

// calls lists the positions where pkg.name is called.
func (f sourceFile) calls(pkg, name string) []string {
	var found []string
	ast.Inspect(f.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == pkg {
				found = append(found, f.set.Position(call.Pos()).String())
			}
		}
		return true
	})
	return found
}
