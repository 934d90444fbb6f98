package directory

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// documented are the patterns of all keys, from the comment in keys.go, the one place that lists them.
func documented(t tb) []*regexp.Regexp {
	t.Helper()
	src, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(src), "type keys struct")
	var patterns []*regexp.Regexp
	for _, name := range regexp.MustCompile(`(?:^|[\t (])(:[a-zA-Z:]+)`).FindAllStringSubmatch(comment, -1) {
		p := regexp.QuoteMeta(name[1])
		for _, wildcard := range []string{"ID", "ROLE", "EMAIL", "NAME", "RUN", "MONTH"} {
			p = strings.ReplaceAll(p, wildcard, ".+")
		}
		patterns = append(patterns, regexp.MustCompile("(?s)^"+p+"$"))
	}
	if len(patterns) < 25 {
		t.Fatalf("only %d keys are documented", len(patterns))
	}
	return patterns
}

func isDocumented(patterns []*regexp.Regexp, name string) bool {
	for _, p := range patterns {
		if p.MatchString(name) {
			return true
		}
	}
	return false
}

// ours fails the test for a key that keys.go does not name. The queue's are the queue's.
func (r *rig) ours() {
	r.Helper()
	patterns := documented(r)
	for _, full := range r.keys() {
		name, ok := strings.CutPrefix(full, r.store.Base+":")
		if !ok || (!strings.HasPrefix(name, "k:") && !strings.HasPrefix(name, "q:") && !isDocumented(patterns, ":"+name)) {
			r.Errorf("%s is not listed in keys.go", full)
		}
	}
}

func TestKeys_ThatScriptsBuildAreListed(t *testing.T) {
	t.Parallel()
	patterns := documented(t)
	literal := regexp.MustCompile(`p\.\.'(:[a-z:]+)'|m\.\.'(:[a-z]+)'`)
	found := 0
	err := fs.WalkDir(luaFiles, "lua", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := luaFiles.ReadFile(path)
		for _, m := range literal.FindAllStringSubmatch(string(src), -1) {
			name := m[1]
			if m[2] != "" {
				name = ":gm:x" + m[2]
			}
			found++
			if strings.HasPrefix(name, ":q:") { // the queue's own list has it
				continue
			}
			if !isDocumented(patterns, name) && !isDocumented(patterns, name+"x") && !isDocumented(patterns, name+"u") {
				t.Errorf("%s builds %s, which is not listed in keys.go", path, name)
			}
		}
		return err
	})
	if err != nil || found < 100 {
		t.Fatalf("%d keys found: %v", found, err)
	}
}

func TestKeys_OfEveryCallBearTheBase(t *testing.T) {
	each(t, func(r *rig) {
		all := func() map[string]bool {
			out := map[string]bool{}
			for _, key := range must(r.store.Keys(r.ctx))(r) {
				if strings.HasPrefix(key, r.store.Base) || !strings.HasPrefix(key, "t:{") {
					out[key] = true
				}
			}
			return out
		}
		before := all()
		newFixture(r)
		r.picture(RoleEntry{ID: "r1", Name: "Editor"})
		r.found(collaborator("7", "joe@x.org"))
		r.reinvited()
		r.leaver("leaver@x.org", collaborator("9", "leaver@x.org"))
		r.replaced(r.createGroup("Long").ID, r.seed(3))
		must(r.d.SaveRoles(r.ctx, nil, "1"))(r)
		r.ok(r.d.NoteBegin(r.ctx, time.UnixMilli(began), 1))
		r.ok(r.d.Imported(r.ctx, ImportEnd{Picture: 1, Began: time.UnixMilli(began), People: 1}))
		must(r.d.Bind(r.ctx, "site"))(r)
		for name := range all() {
			if !before[name] && !strings.HasPrefix(name, r.store.Base+":") {
				r.Errorf("%s does not begin with the project's base", name)
			}
		}
		r.ours()
	})
}

func TestKeys_OfHostileValuesStayInTheirPlace(t *testing.T) {
	each(t, func(r *rig) {
		for _, hostile := range []string{"{x}", "a:b", "*", "\n", "a\nb", "\x00", "../..", "__proto__", strings.Repeat("é", 300)} {
			u := r.create("u"+hostile, external("e"+hostile), address("a"+hostile), emails(hostile, "m"+hostile), displayed(hostile))
			r.equal("by e-mail", r.find(ByEmail, "m"+strings.ReplaceAll(hostile, "\n", " ")), []string{u.ID})
			r.createGroup("g"+hostile, u.ID)
		}
		r.ours()
	})
}
