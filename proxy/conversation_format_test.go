package proxy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
)

// A corpus is what one identity provider says: testdata/idp/NAME has client.json, what all its requests have in common,
// and one file for each conversation. A further provider is a further folder and one call of runCorpus.
//
// A conversation is told in steps. Each may first do something in the CMS (cms), then send one request, then check the
// answer (expect), and at last, when the queue is at rest, what became of it (then). In all texts ${name} stands for a
// variable: of vars, of an earlier capture, or app, n (a repeated step's count) and token.
type corpus struct {
	// Apps are the kinds of apps that the provider has; conversations happen once with each of their apps.
	Apps []string `json:"apps"`
	// Headers go with every request, BodyHeaders with those that have a body.
	Headers     map[string]string `json:"headers"`
	BodyHeaders map[string]string `json:"body_headers"`
	// Features are what the provider's admins can switch on; each needs a conversation with every app that has it.
	Features map[string][]string `json:"features"`
}

type conversation struct {
	name string

	// Feature is the provider's name of what is told; About is the rest of the story.
	Feature string            `json:"feature"`
	About   string            `json:"about"`
	Apps    []string          `json:"apps"` // empty: all of the corpus
	Setup   setup             `json:"setup"`
	Vars    map[string]string `json:"vars"`
	Steps   []step            `json:"steps"`
}

// setup is the CMS and the configuration that a conversation begins with.
type setup struct {
	SeedUsers         int               `json:"seed_users"`
	Seats             int               `json:"seats"`
	CMSRoles          []string          `json:"cms_roles"` // beside Admin and Editor
	Default           string            `json:"default_role"`
	GroupsOwnNoRole   bool              `json:"groups_own_no_role"`
	Rules             []setupRule       `json:"rules"`
	ProfileAttributes map[string]string `json:"profile_attributes"`
	EntitlementsOrder []string          `json:"entitlements_order"`
}

type setupRule struct {
	Group string `json:"group"`
	When  string `json:"when"`
	Role  string `json:"role"`
}

type step struct {
	Name    string      `json:"name"`
	App     string      `json:"app"`    // only with this kind of app
	Repeat  int         `json:"repeat"` // the step happens so often, with ${n} from 1
	CMS     []cmsAction `json:"cms"`
	Request *exchange   `json:"request"`
	Expect  *expected   `json:"expect"`
	Then    *outcome    `json:"then"`
}

// cmsAction is one thing that somebody does in the CMS, or that befalls it. People are named by their address.
type cmsAction struct {
	Accept      string           `json:"accept"`
	Expire      string           `json:"expire"`
	Withdraw    string           `json:"withdraw"`
	AddUser     *cmstest.NewUser `json:"add_user"`
	Invite      *cmstest.NewUser `json:"invite"`    // email and role
	EditUser    *cmstest.NewUser `json:"edit_user"` // whoever has the email; what else is given is changed
	RemoveUser  string           `json:"remove_user"`
	RenameRole  *renamed         `json:"rename_role"`
	RemoveRole  string           `json:"remove_role"`
	Seats       *int             `json:"seats"`
	Fault       *cmstest.Fault   `json:"fault"`
	ClearFaults bool             `json:"clear_faults"`
	Down        *bool            `json:"down"`   // nobody answers there, or somebody does again
	Import      bool             `json:"import"` // the proxy reads the CMS anew
	Retry       bool             `json:"retry"`  // an operator replays what is parked
}

// renamed is a role that gets another name.
type renamed struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// exchange is a request. With Echo, Body is merged (RFC 7396) into the document captured under that name, as apps do that
// read, overlay and write back. A header of "" is left out.
type exchange struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // after the SCIM base; values of variables are percent-encoded
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Echo    string            `json:"echo"`
}

// expected is what the answer must be. Body is compared as match says; Capture keeps values by JSON pointer.
type expected struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Capture map[string]string `json:"capture"`
}

// outcome is how things stand when the queue is at rest. Calls are the changing calls since calls were last looked at,
// all of them.
type outcome struct {
	Unfinished bool               `json:"unfinished"` // the queue cannot come to rest: do not wait
	Calls      map[string]int     `json:"calls"`
	People     map[string]*person `json:"people"` // by address; null: nobody
	Roles      []string           `json:"roles"`  // all of the CMS, in order of age
	StoreLacks []string           `json:"store_lacks"`
}

// person is a collaborator or an invitation of the CMS.
type person struct {
	Type       string         `json:"type"` // collaborator or invitation
	Role       string         `json:"role"`
	Active     *bool          `json:"active"`
	Expired    bool           `json:"expired"`
	Attributes map[string]any `json:"attributes"`
}

func (u setup) options() siteOptions {
	o := siteOptions{
		cms:      cmstest.Options{SeedUsers: u.SeedUsers, Seats: u.Seats},
		cmsRoles: u.CMSRoles, profile: u.ProfileAttributes,
		rules: mapping.Config{Default: "Editor", Create: !u.GroupsOwnNoRole, Template: "Editor", EntitlementsOrder: u.EntitlementsOrder},
	}
	if u.Default != "" {
		o.rules.Default = u.Default
	}
	for name := range u.ProfileAttributes {
		o.cms.ProfileAttributes = append(o.cms.ProfileAttributes, name)
	}
	for _, r := range u.Rules {
		o.rules.Rules = append(o.rules.Rules, mapping.Rule{Group: r.Group, When: r.When, Role: r.Role})
	}
	return o
}

// readCorpus reads the folder of a provider.
func readCorpus(t *testing.T, provider string) (corpus, []conversation) {
	t.Helper()
	dir := filepath.Join("testdata", "idp", provider)
	var c corpus
	if err := readStrict(filepath.Join(dir, "client.json"), &c); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []conversation
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if name == "client" {
			continue
		}
		talk := conversation{name: name}
		if err := errors.Join(readStrict(file, &talk), talk.check(&c)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, talk)
	}
	if err := c.covered(all); err != nil {
		t.Error(err)
	}
	return c, all
}

// readStrict reads a JSON file that has no unknown member.
func readStrict(file string, into any) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w (before byte %d)", err, d.InputOffset())
	}
	return nil
}

// check refuses a conversation that could not fail.
func (c *conversation) check(in *corpus) error {
	var problems []error
	if len(c.Apps) == 0 {
		c.Apps = in.Apps
	}
	if _, known := in.Features[c.Feature]; !known {
		problems = append(problems, fmt.Errorf("feature %q is not in client.json", c.Feature))
	}
	if len(c.Steps) == 0 {
		problems = append(problems, errors.New("no steps"))
	}
	for i, s := range c.Steps {
		switch {
		case s.Name == "":
			problems = append(problems, fmt.Errorf("step %d has no name", i+1))
		case s.Request != nil && (s.Expect == nil || s.Expect.Status == 0):
			problems = append(problems, fmt.Errorf("step %q expects no status", s.Name))
		case s.Request == nil && s.Expect != nil:
			problems = append(problems, fmt.Errorf("step %q expects an answer to nothing", s.Name))
		case s.App != "" && !slices.Contains(c.Apps, s.App):
			problems = append(problems, fmt.Errorf("step %q is for the app %q", s.Name, s.App))
		}
	}
	return errors.Join(problems...)
}

// covered says which features no conversation tells of.
func (c *corpus) covered(all []conversation) error {
	var missing []error
	for feature, apps := range c.Features {
		for _, app := range apps {
			if !slices.ContainsFunc(all, func(t conversation) bool { return t.Feature == feature && slices.Contains(t.Apps, app) }) {
				missing = append(missing, fmt.Errorf("no conversation about %q with %s", feature, app))
			}
		}
	}
	return errors.Join(missing...)
}
