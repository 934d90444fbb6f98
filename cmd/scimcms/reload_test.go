package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestMergeConfig_TakesWhatCanChangeAndNamesTheRest(t *testing.T) {
	t.Parallel()
	load := func(change func(*Config)) Config {
		c := Config{Listen: ":1", Sync: SyncConfig{Wait: 1, Workers: 2}, Projects: []ProjectConfig{
			{Name: "a", Protected: []string{"x@example.org"}, CMS: CMSConfig{BaseURL: "https://one.example"}}, {Name: "b"},
		}}
		change(&c)
		return c
	}
	now := load(func(*Config) {})
	next := load(func(c *Config) {
		c.Listen, c.Sync = ":2", SyncConfig{Wait: 9, Workers: 7}
		a := c.Projects[0]
		a.Protected, a.CMS.BaseURL, a.Roles.Default = nil, "https://two.example", "Viewer"
		a.Users.Adopt = true
		c.Projects = []ProjectConfig{{Name: "c"}, a}
	})
	got, changed, kept := mergeConfig(now, next)
	want := []string{"sync.wait", "projects[0].roles", "projects[0].users.adopt", "projects[0].protected"}
	if !slices.Equal(changed, want) {
		t.Errorf("changed %q", changed)
	}
	want = []string{"listen", "sync.workers", "projects[0].cms.base_url", "projects[1] (b)", "projects (c is new)"}
	if !slices.Equal(kept, want) {
		t.Errorf("kept %q", kept)
	}
	a := got.Projects[0]
	if got.Listen != ":1" || got.Sync != (SyncConfig{Wait: 9, Workers: 2}) || len(got.Projects) != 2 || a.Protected != nil ||
		a.CMS.BaseURL != "https://one.example" || a.Roles.Default != "Viewer" || !a.Users.Adopt {
		t.Errorf("%+v", got)
	}
	if now.Projects[0].Roles.Default != "" {
		t.Error("the configuration in force was written to")
	}
}

// roleIn is the role of an invitation in the CMS.
func roleIn(cms *cmstest.Server, address string) string {
	for _, in := range cms.State().Invitations {
		if ref, _ := in.Relationships["role"].Data.(cmstest.Ref); in.Attributes["email"] == address {
			return ref.ID
		}
	}
	return ""
}

// served by the former configuration until SIGHUP; then rules and tokens are the new ones, and what is wrong changes nothing.
func TestServe_ReloadsOnHangup(t *testing.T) {
	t.Parallel()
	store := queuetest.Stores(t)[0]
	cms, url := emulator(t, cmstest.Options{SeedUsers: 2})
	file := configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url})
	i := serveFile(t, file)
	w := wired{instance: i, cms: cms, store: store}
	own := make(chan os.Signal, 1) // the signal never ends this process
	signal.Notify(own, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(own) })
	hangup := func(logged string) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			if !strings.Contains(i.stderr.String(), logged) {
				return fmt.Errorf("not logged: %s", logged)
			}
			return nil
		})
	}

	replaceIn(t, file, "{default: Editor, create: true, template: Editor}", "{default: Admin, privileged: allow}\n    drif: x")
	hangup("projects[0].drif: unknown key")
	first := w.user(201, person("max"))
	if got := roleIn(cms, "max@example.org"); got == "302" {
		t.Error("the refused configuration is in force")
	}

	replaceIn(t, file, "\n    drif: x", "")
	replaceIn(t, file, "rate: none", "rate: 60/3s")
	hangup("configuration reloaded")
	if log := i.stderr.String(); !strings.Contains(log, `"settings":"projects[0].cms.rate"`) {
		t.Errorf("what was not changed is not named: %s", log)
	}
	eva := w.user(201, person("eva"))
	if got := roleIn(cms, "eva@example.org"); got != "302" {
		t.Errorf("role %s", got)
	}
	// Everybody else gets the new default, too.
	eventually(t, func() error {
		for _, in := range cms.State().Invitations {
			if ref, _ := in.Relationships["role"].Data.(cmstest.Ref); ref.ID != "302" {
				return fmt.Errorf("%v has role %s", in.Attributes["email"], ref.ID)
			}
		}
		return nil
	})

	replaceIn(t, file, "{default: Admin, privileged: allow}", "{default: Admin, privileged: allow}\n    brake: {percent: 1, min: 1}")
	hangup(`"changed":"projects[0].brake"`)
	for _, who := range []map[string]any{first, eva} {
		i.send(204, http.MethodDelete, fmt.Sprint("/Users/", who["id"]), "")
	}
	eventually(t, func() error {
		out, err := i.curl([]string{"http://" + i.admin + "/metrics"})
		if err == nil && !strings.Contains(out, `scimcms_queue_held{project="site"} 1`) {
			err = errors.New("the new brake holds nobody")
		}
		return err
	})

	replaceIn(t, file, "{name: okta, env: OKTA}", "{name: okta, env: ADMIN}")
	hangup(`"changed":"projects[0].tokens"`)
	if a, err := i.do("GET", "http://"+i.scim+"/scim/v2/Users", scimToken, ""); err != nil || a.status != 401 {
		t.Errorf("the former token: %d, %v", a.status, err)
	}
	if a, err := i.do("GET", "http://"+i.scim+"/scim/v2/Users", adminToken, ""); err != nil || a.status != 200 {
		t.Errorf("the new token: %d, %v", a.status, err)
	}
}

func TestReloader_ReadsTheFileAgainWhenItChanged(t *testing.T) {
	t.Parallel()
	store := queuetest.Stores(t)[0]
	_, url := emulator(t, cmstest.Options{})
	file := configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url})
	environ := []string{"OKTA=" + scimToken, "CMS=" + cmsToken, "ADMIN=" + adminToken}
	c, _, err := LoadConfig(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	out := &buffer{}
	log := slog.New(slog.NewJSONHandler(out, nil))
	a, err := wiring{config: c, log: log}.build()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	r := &reloader{app: a, path: file, environ: environ, flags: func(*Config) {}, log: log, now: c}
	r.mark()
	lines := func() int { return strings.Count(out.String(), "\n") }
	r.poll(t.Context())
	if lines() != 0 {
		t.Fatalf("reloaded without a change: %s", out)
	}
	replaceIn(t, file, "default: Editor", "default: Viewer")
	r.poll(t.Context())
	if r.now.Projects[0].Roles.Default != "Viewer" || lines() != 1 {
		t.Errorf("%q: %s", r.now.Projects[0].Roles.Default, out)
	}
	replaceIn(t, file, "default: Viewer", "defaul: Viewer")
	r.poll(t.Context())
	r.poll(t.Context()) // told once
	if r.now.Projects[0].Roles.Default != "Viewer" || lines() != 2 || !strings.Contains(out.String(), "roles.default: must be set") {
		t.Errorf("%q: %s", r.now.Projects[0].Roles.Default, out)
	}
}
