package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// minimal is the least that a configuration must say.
const minimal = `projects:
  - name: site
    tokens: [{name: okta, sha256: "` + abcDigest + `"}]
    cms: {token: {env: CMS_TOKEN}}
    roles: {default: Viewer}
`

// abcDigest is the SHA-256 of "abc", from FIPS 180-4.
const abcDigest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

// load parses a configuration as LoadConfig does, with CMS_TOKEN set and the given variables beside it.
func load(t *testing.T, source string, env ...string) (Config, []string, []string) {
	t.Helper()
	vars := environment(append([]string{"CMS_TOKEN=cms-secret"}, env...))
	files := map[string]string{"token": "a token of more than thirty-two characters\n", "empty": "\n"}
	c, r, err := parseConfig([]byte(source), vars, func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, texts(r.sorted()), texts(r.warnings)
}

func texts(problems []Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, p.String())
	}
	return all
}

func TestLoadConfig_Defaults(t *testing.T) {
	t.Parallel()
	c, problems, warnings := load(t, minimal)
	if problems != nil || warnings != nil {
		t.Fatalf("problems %q, warnings %q", problems, warnings)
	}
	abc, err := ParseDigest(abcDigest)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: ":8080",
		Admin:  AdminConfig{Listen: "127.0.0.1:9090"},
		Redis:  RedisConfig{URL: Secret{literal: true, value: "redis://127.0.0.1:6379/0"}, Durability: "everysec"},
		Sync:   SyncConfig{Wait: 3 * time.Second, Workers: 8},
		Queue:  QueueConfig{Attempts: 12, Backoff: time.Second, MaxBackoff: 15 * time.Minute},
		Limits: LimitsConfig{Body: 4 << 20, Page: 200, CursorTimeout: time.Hour, BulkOperations: 1000, BulkPayload: 4 << 20},
		Projects: []ProjectConfig{{
			Name:   "site",
			Tokens: []TokenConfig{{Name: "okta", SHA256: abcDigest, Digest: abc}},
			CMS: CMSConfig{
				BaseURL: "https://site-api.datocms.com",
				Token:   Secret{env: "CMS_TOKEN", value: "cms-secret"},
				Rate:    Rate{Count: 60, Window: 3 * time.Second},
				Timeout: 8 * time.Second,
			},
			Roles:         RolesConfig{Default: "Viewer", Privileged: "by_rule", Adopt: "keep", Link: "any"},
			Users:         UsersConfig{WithoutEmail: "refuse", Adopt: true},
			Groups:        GroupsConfig{UnknownMembers: "skip"},
			OnDelete:      "deactivate",
			OnEmailChange: "keep",
			Invitations:   InvitationsConfig{Resend: 2}, Import: ImportConfig{Interval: 5 * time.Minute, MaxAge: 30 * time.Second},
			Drift: "report",
			Brake: BrakeConfig{Percent: 20, Min: 10, Window: time.Hour},
		}},
	}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(Secret{}, TokenConfig{})); diff != "" {
		t.Error(diff)
	}
}

func TestLoadConfig_EverythingSet(t *testing.T) {
	t.Parallel()
	c, problems, _ := load(t, `
listen: "127.0.0.1:0"
limits: {body: 512KiB, page: 100}
projects:
  - &site
    name: site
    tokens: [{name: okta, file: token}]
    cms:
      token: {file: token}
      rate: none
      profile_attributes: {full_name: displayName, team: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}
    roles: &roles
      default: Viewer
      create: true
      template: Editor
      rules:
        - {group: "Editors *", role: Editor}
        - {when: 'title eq "Contractor"', role: 1003}
    on_delete: remove
    content_owner: {type: access_token, id: 0042}
    protected: [owner@example.com]
  - <<: *site
    name: other
    tokens: [{name: okta, sha256: "`+abcDigest+`"}]
    cms: {token: {env: CMS_TOKEN}}
    roles: *roles
    brake: {percent: 100}
`)
	if problems != nil {
		t.Fatalf("problems: %q", problems)
	}
	one, two := c.Projects[0], c.Projects[1]
	if got := one.CMS.Token.Value(); got != "a token of more than thirty-two characters" {
		t.Errorf("the file's token without its line end: got %q", got)
	}
	if one.Tokens[0].Digest != DigestOf(one.CMS.Token.Value()) {
		t.Error("the digest of a token file is that of its text without the line end")
	}
	if !one.CMS.Rate.None() || one.ContentOwner.ID != "0042" || one.Roles.Rules[1].Role != "1003" {
		t.Errorf("rate none and ids as they are written: %+v", one)
	}
	if diff := cmp.Diff(one.Roles, two.Roles); diff != "" {
		t.Errorf("alias: %s", diff)
	}
	if two.OnDelete != "remove" || two.Name != "other" || two.Brake.Percent != 100 || two.Brake.Min != 10 {
		t.Errorf("merged map: own keys win, the rest is the merged or the default: %+v", two)
	}
}

func TestLoadConfig_Problems(t *testing.T) {
	t.Parallel()
	for _, tt := range problemCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems, _ := load(t, tt.source, tt.env...)
			if diff := cmp.Diff(tt.want, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadConfig_TellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "scimcms.yaml")
	if err := os.WriteFile(path, []byte("listn: x\nsync: {wait: 3}\nprojects: [{name: A_b}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := LoadConfig(path, nil)
	if _, ok := errors.AsType[*ConfigError](err); !ok {
		t.Fatalf("want a *ConfigError, got %v", err)
	}
	want := path + `: 6 problems
  listn: unknown key; did you mean listen? (line 1)
  sync.wait: "3": write a duration such as 30s, 5m or 1h (line 2)
  projects[0].tokens: must be set (line 3)
  projects[0].cms.token: must be set (line 3)
  projects[0].roles.default: must be set (line 3)
  projects[0].name: "A_b": small letters, digits and inner hyphens only, 63 at most: it is part of the base URL (line 3)`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestLoadConfig_NoFile(t *testing.T) {
	t.Parallel()
	_, _, err := LoadConfig(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "read the configuration: ") {
		t.Errorf("got %v", err)
	}
}

func TestLoadConfig_SecretFilesAreBesideTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cms-token":    "cms-secret",
		"scimcms.yaml": strings.Replace(minimal, "{env: CMS_TOKEN}", "{file: cms-token}", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, _, err := LoadConfig(filepath.Join(dir, "scimcms.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Projects[0].CMS.Token.Value(); got != "cms-secret" {
		t.Errorf("got %q", got)
	}
}

func TestLoadConfig_Overrides(t *testing.T) {
	t.Parallel()
	c, problems, warnings := load(
		t, minimal,
		"SCIMCMS_LISTEN=:80",
		"SCIMCMS_REDIS_URL=rediss://:hush@cache:6380/1",
		"SCIMCMS_SYNC_WAIT=500ms",
		"SCIMCMS_PROJECTS_SITE_CMS_RATE=none",
		"SCIMCMS_PROJECTS_SITE_CMS_TOKEN=another",
		"SCIMCMS_PROJECTS_SITE_ROLES_CREATE=true",
		"SCIMCMS_PROJECTS_SITE_ROLES_TEMPLATE=Editor",
		"SCIMCMS_ADMIN_TOKEN=",
	)
	if problems != nil || warnings != nil {
		t.Fatalf("problems %q, warnings %q", problems, warnings)
	}
	p := c.Projects[0]
	if c.Listen != ":80" || c.Redis.URL.Value() != "rediss://:hush@cache:6380/1" || c.Sync.Wait != 500*time.Millisecond {
		t.Errorf("got %+v", c)
	}
	if !p.CMS.Rate.None() || p.CMS.Token.Value() != "another" || !p.Roles.Create || p.Roles.Template != "Editor" {
		t.Errorf("got %+v", p)
	}
	if c.Admin.Token.IsSet() {
		t.Error("an empty variable sets no secret")
	}
}

func TestLoadConfig_Warnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		source string
		env    []string
		want   []string
	}{
		{name: "admin reachable", source: "admin: {listen: \":9090\"}\n" + minimal, want: []string{
			"admin.listen: is reachable from other machines, and without admin.token nothing can be changed through it (line 1)",
		}},
		{name: "password in the file", source: "redis: {url: \"redis://:hush@cache:6379/0\"}\n" + minimal, want: []string{
			"redis.url: has a password in the file: use {env: NAME} or {file: PATH} (line 1)",
		}},
		{
			name: "clear text", source: strings.Replace(minimal, "cms: {", "cms: {base_url: \"http://cms.example\", ", 1),
			want: []string{"projects[0].cms.base_url: is not https: the CMS token travels in the clear (line 4)"},
		},
		{name: "clear text at home", source: strings.Replace(minimal, "cms: {", "cms: {base_url: \"http://localhost:8081\", ", 1)},
		{name: "content owner without effect", source: minimal + "    content_owner: {type: user, id: 7}\n", want: []string{
			"projects[0].content_owner: has no effect where on_delete is deactivate (line 6)",
		}},
		{
			name: "short token", source: strings.Replace(minimal, "sha256: \""+abcDigest+"\"", "env: OKTA", 1), env: []string{"OKTA=short"},
			want: []string{"projects[0].tokens[0]: is a short token: make one with: scimcms token new (line 3)"},
		},
		{
			name: "unknown variables, but not those of Kubernetes", source: minimal, env: []string{
				"SCIMCMS_LISTN=x", "SCIMCMS_SERVICE_HOST=x", "SCIMCMS_SERVICE_PORT_HTTP=1", "SCIMCMS_PORT=x",
				"SCIMCMS_PORT_8080_TCP_ADDR=x", "SCIMCMS_REDIS_PORT=tcp://x",
			},
			want: []string{"SCIMCMS_LISTN: this environment variable is not a setting"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems, warnings := load(t, tt.source, tt.env...)
			if problems != nil {
				t.Errorf("problems: %q", problems)
			}
			if diff := cmp.Diff(tt.want, warnings); diff != "" {
				t.Error(diff)
			}
		})
	}
}
