package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// documented is a row of a table in docs/configuration.md.
type documented struct{ kind, preset string }

var settingRow = regexp.MustCompile("(?m)^\\| `([a-z_.0-9\\[\\]]+)` \\| ([^|]*) \\| ?([^|]*) ?\\| [^|]+ \\|$")

func documentedSettings(t *testing.T) map[string]documented {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]documented{}
	for _, row := range settingRow.FindAllStringSubmatch(string(raw), -1) {
		if _, twice := all[row[1]]; twice {
			t.Errorf("%s is documented twice", row[1])
		}
		all[row[1]] = documented{kind: row[2], preset: strings.Trim(row[3], "` ")}
	}
	return all
}

// schema is a configuration with one element in every list, so that every field is there to be visited.
func schema() *Config {
	return &Config{Projects: []ProjectConfig{{
		Tokens: []TokenConfig{{}},
		Roles:  RolesConfig{Rules: []RuleConfig{{}}},
	}}}
}

func TestDocs_EverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	docs := documentedSettings(t)
	for _, f := range fields(schema()) {
		path := strings.ReplaceAll(f.path, "[0]", "[]")
		row, ok := docs[path]
		if !ok {
			t.Errorf("docs/configuration.md does not have %s", path)
			continue
		}
		delete(docs, path)
		preset := f.tag.Get("default")
		if f.required() {
			preset = "must be set"
		}
		if row.preset != preset {
			t.Errorf("%s: the documented default is %q, want %q", path, row.preset, preset)
		}
		for _, tag := range []string{"min", "max"} {
			if bound := f.tag.Get(tag); !strings.Contains(row.kind, bound) {
				t.Errorf("%s: the documented type %q lacks %s %s", path, row.kind, tag, bound)
			}
		}
		if choices := f.tag.Get("oneof"); choices != "" && row.kind != "`"+strings.ReplaceAll(choices, ",", "`, `")+"`" {
			t.Errorf("%s: the documented type %q is not %s", path, row.kind, choices)
		}
	}
	for path := range docs {
		t.Errorf("docs/configuration.md has %s, which is no setting", path)
	}
}

// The example shows every setting, in the file or in a comment, and is valid as it is.
func TestDocs_ExampleIsValidAndComplete(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "deploy", "scimcms.example.yaml")
	c, warnings, err := LoadConfig(path, []string{
		"OKTA_SCIM_TOKEN=" + strings.Repeat("t", 43), "DATOCMS_API_TOKEN=cms-secret", "SCIMCMS_ADMIN_TOKEN=admin-secret",
	})
	if err != nil || warnings != nil {
		t.Fatalf("warnings %q, error %v", texts(warnings), err)
	}
	if len(c.Projects) != 1 || len(c.Projects[0].Roles.Rules) != 3 || c.Admin.Token.Value() != "admin-secret" {
		t.Errorf("got %+v", c)
	}

	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields(schema()) {
		key := f.path[strings.LastIndex(f.path, ".")+1:]
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(key) + `:`).Match(raw) {
			t.Errorf("the example does not show %s", f.path)
		}
	}
}

// What the example says of settings that have a default is the default, where it does not choose on purpose.
func TestDocs_ExampleSaysTheDefaults(t *testing.T) {
	t.Parallel()
	c, _, err := LoadConfig(filepath.Join("..", "..", "deploy", "scimcms.example.yaml"), []string{
		"OKTA_SCIM_TOKEN=okta", "DATOCMS_API_TOKEN=cms", "SCIMCMS_ADMIN_TOKEN=admin",
	})
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[string]bool{"projects[0].roles.create": true}
	for _, f := range fields(&c) {
		text, ok := f.tag.Lookup("default")
		if !ok || chosen[f.path] {
			continue
		}
		want := reflect.New(f.value.Type()).Elem()
		if err := setText(want, text); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f.value.Interface(), want.Interface()) {
			t.Errorf("the example has %s: %v, the default is %s", f.path, f.value, text)
		}
	}
}

// commandUse is a command line in a document: in code, after a path, or after a colon.
var commandUse = regexp.MustCompile("(?:`|/|: )scimcms ((?:[a-z]+ ?)+)((?:--[a-z-]+)?)")

// Every command that a document or a deployed file tells somebody to run is there, with its flag.
func TestDocs_CommandsExist(t *testing.T) {
	t.Parallel()
	root := program{}.root()
	found := 0
	for _, name := range []string{
		"README.md", "docs/operations.md", "docs/configuration.md", "docs/okta.md", "docs/security.md",
		"deploy/scimcms.example.yaml", "deploy/systemd/scimcms.service", "deploy/.env.example",
	} {
		raw, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range commandUse.FindAllStringSubmatch(string(raw), -1) {
			words := strings.Fields(use[1])
			command, _, err := root.Find(words)
			found++
			if err != nil || command == root || (command.HasSubCommands() && len(words) > 1) {
				t.Errorf("%s: there is no command %q", name, strings.Join(words, " "))
				continue
			}
			if flag := strings.TrimPrefix(use[2], "--"); flag != "" && command.Flag(flag) == nil {
				t.Errorf("%s: %q has no flag %s", name, strings.Join(words, " "), use[2])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands found in the documents", found)
	}
}
