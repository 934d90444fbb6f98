package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Values of Config's choices. The first of each is the default.
const (
	ByRule     = "by_rule"    // Privileged, Link: only a rule gives such a role
	Allow      = "allow"      // Privileged: groups and the default may give it as well
	Keep       = "keep"       // Adopt: the CMS role stays; OnEmailChange: the CMS address stays
	Default    = "default"    // Adopt: roles.default, like everybody else
	Any        = "any"        // Link: linked groups give their role to their members
	Deactivate = "deactivate" // OnDelete: is_active=false
	Remove     = "remove"     // OnDelete: the collaborator is deleted
	Reinvite   = "reinvite"   // OnEmailChange: invite the new address, then deactivate the old collaborator
)

// Attributes is all the rules need of a user. proxy/scim satisfies it, and so does a map in a test.
type Attributes interface {
	// Values are the values at a SCIM attribute path, as text; none when it is absent.
	Values(path string) []string
}

// Predicate is a compiled `when`.
type Predicate func(Attributes) bool

// Rule gives a role to members of the groups whose name matches Group, or to the people for whom When holds. Exactly one
// of the two is set.
type Rule struct {
	Group string // glob: * any text, ? one character; ASCII letters in either case
	When  string // SCIM filter over the user
	Role  string // name of the role in the CMS
}

// Config is what a project says about roles and leavers. Empty choices take their default.
type Config struct {
	Default    string // role of people the proxy invites; required
	Create     bool   // groups without a rule own a role
	Template   string // the role whose permissions such a role gets; required with Create
	Privileged string // ByRule or Allow
	Adopt      string // Keep or Default
	Link       string // Any or ByRule
	Rules      []Rule
	// EntitlementsOrder are names of roles: of several that the identity provider assigns to a person, the one that comes
	// first in here is given. Roles that are not listed follow in the CMS's order.
	EntitlementsOrder []string
	Compile           func(filter string) (Predicate, error) `json:"-"` // compiles When; required when a rule has one
	Protected         []string                               // addresses that are never touched
	OnDelete          string                                 // Deactivate or Remove
	ContentOwner      *Destination                           // who gets the content of a removed collaborator
	OnEmailChange     string                                 // Keep or Reinvite
}

// Rules is a valid Config, ready to be asked. It is safe for concurrent use.
type Rules struct {
	config    Config
	when      []Predicate // by index of config.Rules; nil for a group rule
	protected map[string]bool
}

// NewRules checks the configuration and compiles its predicates. The error names every problem with its path.
func NewRules(c Config) (*Rules, error) {
	c.Rules = slices.Clone(c.Rules)
	r := &Rules{config: c, when: make([]Predicate, len(c.Rules)), protected: make(map[string]bool, len(c.Protected))}
	errs := []error{
		required("roles.default", c.Default),
		choice("roles.privileged", &r.config.Privileged, ByRule, Allow),
		choice("roles.adopt", &r.config.Adopt, Keep, Default),
		choice("roles.link", &r.config.Link, Any, ByRule),
		choice("on_delete", &r.config.OnDelete, Deactivate, Remove),
		choice("on_email_change", &r.config.OnEmailChange, Keep, Reinvite),
	}
	if c.Create {
		errs = append(errs, required("roles.template", c.Template))
	}
	if c.ContentOwner != nil {
		errs = append(errs, required("content_owner.id", c.ContentOwner.ID), destinationType(c.ContentOwner.Type))
	}
	for i, address := range c.Protected {
		if !LooksLikeAddress(strings.TrimSpace(address)) {
			errs = append(errs, fmt.Errorf("protected[%d]: %q is not an e-mail address", i, address))
		}
		r.protected[Fold(strings.TrimSpace(address))] = true
	}
	for i := range c.Rules {
		errs = append(errs, r.compile(i))
	}
	errs = append(errs, uniqueNames("roles.entitlements_order", c.EntitlementsOrder)...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Rules) compile(i int) error {
	rule, path := r.config.Rules[i], fmt.Sprintf("roles.rules[%d]", i)
	if err := required(path+".role", rule.Role); err != nil {
		return err
	}
	if (rule.Group == "") == (rule.When == "") {
		return fmt.Errorf("%s: give either group or when", path)
	}
	if rule.Group != "" {
		return nil
	}
	if r.config.Compile == nil {
		return fmt.Errorf("%s.when: no filter compiler", path)
	}
	when, err := r.config.Compile(rule.When)
	if err != nil {
		return fmt.Errorf("%s.when: %w", path, err)
	}
	r.when[i] = when
	return nil
}

func required(path, value string) error {
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("%s: must be given", path)
	}
	return nil
}

// uniqueNames refuses blanks and repetitions in a list.
func uniqueNames(path string, names []string) (errs []error) {
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := required(at, name); err != nil {
			errs = append(errs, err)
		} else if slices.Contains(names[:i], name) {
			errs = append(errs, fmt.Errorf("%s: %q is in the list already", at, name))
		}
	}
	return errs
}

// choice sets an empty value to the first of the allowed ones.
func choice(path string, value *string, allowed ...string) error {
	if *value == "" {
		*value = allowed[0]
	}
	if !slices.Contains(allowed, *value) {
		return fmt.Errorf("%s: %q is not one of %s", path, *value, strings.Join(allowed, ", "))
	}
	return nil
}

func destinationType(t string) error {
	return choice("content_owner.type", &t, "access_token", "user", "account", "sso_user")
}

// GroupRole is the role that a rule names for the members of a group of this name. ruled is false when no rule matches.
func (r *Rules) GroupRole(name string) (role string, ruled bool) {
	for _, rule := range r.config.Rules {
		if rule.Group != "" && matchGlob(rule.Group, name) {
			return rule.Role, true
		}
	}
	return "", false
}

// Protected reports whether the person of this address is never to be touched.
func (r *Rules) Protected(address string) bool { return r.protected[Fold(strings.TrimSpace(address))] }

// Config is the configuration with its defaults filled in.
func (r *Rules) Config() Config {
	c := r.config
	c.Rules, c.Protected, c.EntitlementsOrder = slices.Clone(c.Rules), slices.Clone(c.Protected), slices.Clone(c.EntitlementsOrder)
	return c
}

// Policy is the part of the configuration that Make needs. token is the id of the access token that the proxy uses in the
// CMS, "" when unknown.
func (r *Rules) Policy(token string) Policy {
	return Policy{
		Remove:      r.config.OnDelete == Remove,
		Reinvite:    r.config.OnEmailChange == Reinvite,
		Destination: r.config.ContentOwner,
		Token:       token,
	}
}

// RoleNames are the roles that the configuration names, each once, in the order written, the default first.
func (r *Rules) RoleNames() []string {
	names := []string{r.config.Default}
	if r.config.Create {
		names = append(names, r.config.Template)
	}
	for _, rule := range r.config.Rules {
		names = append(names, rule.Role)
	}
	names = append(names, r.config.EntitlementsOrder...)
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(names, func(n string) bool {
		dup := seen[n]
		seen[n] = true
		return dup
	})
}

// Fingerprint is the same for two configurations exactly when they say the same, so that replicas can tell whether they
// run on one set of rules.
func (r *Rules) Fingerprint() string {
	c := r.config
	c.Rules = append([]Rule{}, c.Rules...)
	c.Protected = slices.Sorted(maps.Keys(r.protected))
	text, err := json.Marshal(c)
	if err != nil { // cannot be: what is marshaled is text, booleans and lists of them
		return err.Error()
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
