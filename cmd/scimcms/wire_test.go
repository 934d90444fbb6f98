package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// wired is a proxy whose configuration says something special, beside its CMS.
type wired struct {
	*instance
	cms   *cmstest.Server
	store queuetest.Store
}

// user creates somebody and fails the test unless it is answered with the status.
func (w wired) user(want int, body string) map[string]any {
	w.t.Helper()
	return w.send(want, http.MethodPost, "/Users", body)
}

func (w wired) fault(f cmstest.Fault) {
	w.t.Helper()
	if err := w.cms.Fault(f); err != nil {
		w.t.Fatal(err)
	}
}

// TestWiring_EverySettingReachesItsPlace changes one setting at a time and looks at what it is for.
func TestWiring_EverySettingReachesItsPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		from, to string // in the file of configFile; from "" adds to the project
		check    func(t *testing.T, w wired)
	}{
		{"redis.prefix", "", "", func(t *testing.T, w wired) {
			t.Helper()
			w.user(201, person("max"))
			keys, err := w.store.Client.Keys(t.Context(), "*").Result()
			if err != nil || len(keys) == 0 {
				t.Fatalf("%d keys, %v", len(keys), err)
			}
			for _, key := range keys {
				if !strings.HasPrefix(key, prefixOf(w.store)+"{site}:") {
					t.Errorf("the key %q lies outside the project", key)
				}
			}
		}},
		{"sync.wait", "redis: {", "sync: {wait: 0s}\nredis: {", func(t *testing.T, w wired) {
			t.Helper()
			w.fault(cmstest.Fault{Method: http.MethodPost, Path: "/site-invitations", Action: cmstest.Delay, MS: 300, Times: 1})
			if s := synced(w.user(201, person("max"))); s["status"] != "pending" {
				t.Errorf("did not answer at once: %v", s)
			}
		}},
		{"queue.attempts", "redis: {", "queue: {attempts: 1}\nredis: {", func(t *testing.T, w wired) {
			t.Helper()
			w.fault(cmstest.Fault{Method: http.MethodPost, Path: "/roles", Action: cmstest.Status, Status: 500, Code: "EXCEPTION", Times: 100})
			w.send(201, http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Writers"}`)
			q := queueOf(t, w.store)
			eventually(t, func() error {
				if s, err := q.Stats(t.Context()); err != nil || s.Parked != 1 {
					return fmt.Errorf("%+v, %w", s, err)
				}
				return nil
			})
		}},
		{"limits.body", "redis: {", "limits: {body: 64KiB}\nredis: {", func(t *testing.T, w wired) {
			t.Helper()
			w.user(413, person(strings.Repeat("x", 70<<10)))
		}},
		{"limits.page", "redis: {", "limits: {page: 100}\nredis: {", func(t *testing.T, w wired) {
			t.Helper()
			if got := w.send(200, http.MethodGet, "/ServiceProviderConfig", ""); !strings.Contains(fmt.Sprint(got["filter"]), "maxResults:100") {
				t.Errorf("filter: %v", got["filter"])
			}
		}},
		{"cms.profile_attributes", "rate: none", "rate: none, profile_attributes: {full_name: displayName}", func(t *testing.T, w wired) {
			t.Helper()
			w.user(201, person("max"))
			if got := w.cms.State().Invitations[0].Attributes["full_name"]; got != "max Example" {
				t.Errorf("full_name in the CMS: %v", got)
			}
		}},
		{"roles.default", "default: Editor", "default: Admin, privileged: allow", func(t *testing.T, w wired) {
			t.Helper()
			w.user(201, person("max"))
			if ref, _ := w.cms.State().Invitations[0].Relationships["role"].Data.(cmstest.Ref); ref.ID != "302" {
				t.Errorf("role in the CMS: %v", ref)
			}
		}},
		{"roles.create", "create: true, template: Editor", "create: false", func(t *testing.T, w wired) {
			t.Helper()
			w.send(201, http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Writers"}`)
			if n := len(w.cms.State().Roles); n != 2 {
				t.Errorf("%d roles in the CMS", n)
			}
		}},
		{"users.without_email", "", "    users: {without_email: accept}\n", func(t *testing.T, w wired) {
			t.Helper()
			w.user(201, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"nobody","active":true}`)
		}},
		{"users.adopt", "", "    users: {adopt: false}\n", func(t *testing.T, w wired) {
			t.Helper()
			w.user(409, strings.NewReplacer(`"userName":"max@example.org"`, `"userName":"ada"`, "max@example.org", "ada@example.com").Replace(person("max")))
		}},
		{"groups.unknown_members", "", "    groups: {unknown_members: reject}\n", func(t *testing.T, w wired) {
			t.Helper()
			w.send(400, http.MethodPost, "/Groups",
				`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Writers","members":[{"value":"nobody"}]}`)
		}},
		{"protected", "", `    protected: ["max@example.org"]` + "\n", func(t *testing.T, w wired) {
			t.Helper()
			w.user(403, person("max"))
		}},
		{"on_delete", "", "    on_delete: remove\n    content_owner: {type: access_token, id: \"501\"}\n", func(t *testing.T, w wired) {
			t.Helper()
			found := w.send(200, http.MethodGet, filtered(`userName eq "grace@example.com"`), "")
			list, _ := found["Resources"].([]any)
			grace, _ := list[0].(map[string]any)
			w.send(204, http.MethodDelete, fmt.Sprintf("/Users/%s", grace["id"]), "")
			eventually(t, func() error {
				if n := len(w.cms.State().Users); n != 1 {
					return fmt.Errorf("%d people in the CMS", n)
				}
				return nil
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := queuetest.Stores(t)[0]
			cms, url := emulator(t, cmstest.Options{SeedUsers: 2, ProfileAttributes: []string{"full_name"}})
			s := settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url}
			if tt.from == "" {
				s.project = tt.to
			}
			file := configFile(t, s)
			if tt.from != "" {
				replaceIn(t, file, tt.from, tt.to)
			}
			tt.check(t, wired{instance: serveFile(t, file), cms: cms, store: store})
		})
	}
}

func TestWiring_Environment(t *testing.T) {
	t.Parallel()
	store := queuetest.Stores(t)[0]
	seen := make(chan string, 100)
	cms := cmstest.New(cmstest.Options{Token: cmsToken})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case seen <- r.Header.Get("X-Environment"):
		default:
		}
		cms.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	file := configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: server.URL})
	replaceIn(t, file, "rate: none", "rate: none, environment: main")
	serveFile(t, file)
	if got := <-seen; got != "main" {
		t.Errorf("X-Environment: %q", got)
	}
}

func TestPaceBase(t *testing.T) {
	t.Parallel()
	one, two := paceBase("p-", "a secret token"), paceBase("p-", "another token")
	if one == two || strings.Contains(one, "secret") || !strings.HasPrefix(one, "p-{cms:") || !strings.HasSuffix(one, "}") {
		t.Errorf("%s, %s", one, two)
	}
	if paceBase("p-", "a secret token") != one {
		t.Error("replicas must share the pacer of a token")
	}
}

func TestRun_ABrokenListenerEndsTheProcess(t *testing.T) {
	t.Parallel()
	store := queuetest.Stores(t)[0]
	_, url := emulator(t, cmstest.Options{})
	c, _, err := LoadConfig(configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url}),
		[]string{"OKTA=" + scimToken, "CMS=" + cmsToken, "ADMIN=" + adminToken})
	if err != nil {
		t.Fatal(err)
	}
	a, err := wiring{config: c, log: slog.New(slog.DiscardHandler)}.build()
	if err != nil {
		t.Fatal(err)
	}
	l, err := listenBoth(t.Context(), c.Listen, c.Admin.Listen)
	if err != nil {
		t.Fatal(err)
	}
	err = a.run(t.Context(), l, func(context.Context) {
		if err := l.scim.Close(); err != nil {
			t.Error(err)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "listener 127.0.0.1:") {
		t.Errorf("ended with %v", err)
	}
	if err := l.close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestProgram_APanicIsAnError(t *testing.T) {
	t.Parallel()
	p := program{stdout: &buffer{}, stderr: &buffer{}} // no source of randomness
	if err := p.run(t.Context(), []string{"token", "new"}); err == nil || !strings.HasPrefix(err.Error(), "internal error: ") {
		t.Errorf("got %v", err)
	}
}
