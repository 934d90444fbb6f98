package main

import (
	"maps"
	"net"
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcms/scimcms/proxy/scim"
)

// validate checks everything that the configuration alone can tell. It reads nothing and changes nothing.
func validate(c *Config, r *report) {
	for _, f := range fields(c) {
		checkRequired(f, r)
		checkBounds(f, r)
		checkChoice(f, r)
	}
	checkListeners(c, r)
	checkRedis(c.Redis, r)
	if c.Queue.MaxBackoff < c.Queue.Backoff {
		r.problem("queue.max_backoff", "must not be shorter than queue.backoff")
	}
	for i := range c.Projects {
		checkProject(&c.Projects[i], elementPath("projects", i), r)
	}
	checkUnique(c, r)
}

func checkRequired(f field, r *report) {
	empty := f.value.IsZero() || (f.value.Kind() == reflect.Slice && f.value.Len() == 0)
	if secret, ok := reflect.TypeAssert[Secret](f.value); ok {
		empty = !secret.IsSet()
	}
	if f.required() && empty && !r.failed(f.path) {
		r.problem(f.path, "must be set")
	}
}

// checkBounds compares a number, size or duration with the bounds of its tags.
func checkBounds(f field, r *report) {
	if r.failed(f.path) {
		return
	}
	for _, bound := range []string{"min", "max"} {
		text, ok := f.tag.Lookup(bound)
		if !ok {
			continue
		}
		limit := reflect.New(f.value.Type()).Elem()
		if err := setText(limit, text); err != nil {
			r.problem(f.path, "%s: %s", bound, err)
			continue
		}
		if bound == "min" && f.value.Int() < limit.Int() {
			r.problem(f.path, "must be at least %s", text)
		}
		if bound == "max" && f.value.Int() > limit.Int() {
			r.problem(f.path, "must be at most %s", text)
		}
	}
}

func checkChoice(f field, r *report) {
	choices := f.tag.Get("oneof")
	if choices == "" || r.failed(f.path) {
		return
	}
	allowed := strings.Split(choices, ",")
	value := f.value.String()
	_, hasDefault := f.tag.Lookup("default")
	if slices.Contains(allowed, value) || (value == "" && !hasDefault) {
		return
	}
	r.problem(f.path, "%q: must be one of %s", value, strings.Join(allowed, ", "))
}

func checkListeners(c *Config, r *report) {
	checkAddress("listen", c.Listen, r)
	checkAddress("admin.listen", c.Admin.Listen, r)
	if c.Listen == c.Admin.Listen && !strings.HasSuffix(c.Listen, ":0") {
		r.problem("admin.listen", "must not be the address of listen")
	}
}

// checkAddress takes port 0 as well: the system then chooses a free one.
func checkAddress(path, address string, r *report) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.problem(path, "%q: write HOST:PORT such as 127.0.0.1:8080, or :8080 for every address", address)
	}
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_.:-]*$`)

// checkRedis never repeats the URL: it could hold a password.
func checkRedis(c RedisConfig, r *report) {
	if !prefixPattern.MatchString(c.Prefix) {
		r.problem("redis.prefix", "%q: letters, digits and _ . : - only", c.Prefix)
	}
	if c.URL.Value() == "" {
		if !r.failed("redis.url") {
			r.problem("redis.url", "must be set")
		}
		return
	}
	u, err := url.Parse(c.URL.Value())
	if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) || u.Host+u.Path == "" {
		r.problem("redis.url", "write redis://HOST:PORT/DB, rediss://… for TLS, or unix:///PATH")
	}
}

var (
	namePattern      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	tokenNamePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)
)

func checkProject(p *ProjectConfig, path string, r *report) {
	if p.Name != "" && !namePattern.MatchString(p.Name) {
		r.problem(path+".name", "%q: small letters, digits and inner hyphens only, 63 at most: it is part of the base URL", p.Name)
	}
	checkCMS(p.CMS, path+".cms", r)
	checkRoles(p.Roles, path+".roles", r)
	checkContentOwner(p, path, r)
	for i, t := range p.Tokens {
		if t.Name != "" && !tokenNamePattern.MatchString(t.Name) {
			r.problem(elementPath(path+".tokens", i)+".name", "%q: letters, digits and . _ - only, 63 at most", t.Name)
		}
	}
	checkProtected(p.Protected, path+".protected", r)
}

func checkProtected(addresses []string, path string, r *report) {
	seen := map[string]bool{}
	for i, address := range addresses {
		at := elementPath(path, i)
		if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
			r.problem(at, "%q is not an e-mail address", address)
		}
		if folded := strings.ToLower(address); seen[folded] {
			r.problem(at, "%q is there twice", address)
		} else {
			seen[folded] = true
		}
	}
}

func checkCMS(c CMSConfig, path string, r *report) {
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		r.problem(path+".base_url", "write an address such as https://site-api.datocms.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		r.problem(path+".base_url", "must not have a user, a query or a fragment")
	}
	for _, name := range slices.Sorted(maps.Keys(c.ProfileAttributes)) {
		if from := c.ProfileAttributes[name]; !isAttribute(from) {
			r.problem(join(path+".profile_attributes", name), "%q is not a SCIM attribute of users", from)
		}
	}
}

func checkRoles(c RolesConfig, path string, r *report) {
	if c.Create && c.Template == "" {
		r.problem(path+".template", "must be set where create is true: the role that new roles are made from")
	}
	for i, rule := range c.Rules {
		at := elementPath(path+".rules", i)
		if (rule.Group == "") == (rule.When == "") {
			r.problem(at, "needs either group or when")
			continue
		}
		checkFilter(rule.When, at+".when", r)
		first := slices.IndexFunc(c.Rules, func(o RuleConfig) bool { return o.Group == rule.Group && o.When == rule.When })
		if first < i {
			r.problem(at, "is never reached: %s matches the same", elementPath(path+".rules", first))
		}
	}
}

// isAttribute asks the filter parser: whatever it can test for presence is an attribute.
func isAttribute(path string) bool {
	_, err := scim.ParseFilter(scim.UserType, path+" pr")
	return err == nil && !strings.ContainsAny(path, " ()[]")
}

// checkFilter reads the filter as the protocol does, so that a rule never fails when a person comes.
func checkFilter(text, path string, r *report) {
	if text == "" {
		return
	}
	if _, err := scim.ParseFilter(scim.UserType, text); err != nil {
		r.problem(path, "%q: %s", text, strings.TrimSuffix(scim.AsError(err).Detail, "."))
	}
}

func checkContentOwner(p *ProjectConfig, path string, r *report) {
	owner := p.ContentOwner
	switch {
	case (owner.Type == "") != (owner.ID == ""):
		r.problem(path+".content_owner", "needs both type and id")
	case p.OnDelete == "remove" && owner.ID == "":
		r.problem(path+".content_owner", "must be set where on_delete is remove: it gets the content of removed people")
	}
}

// checkUnique refuses what two projects or tokens cannot share.
func checkUnique(c *Config, r *report) {
	names, tokens, credentials := map[string]string{}, map[Digest]string{}, map[string]string{}
	for i, p := range c.Projects {
		path := elementPath("projects", i)
		if other, taken := claim(names, p.Name, path); taken {
			r.problem(path+".name", "%q is the name of %s", p.Name, other)
		}
		if secret := p.CMS.Token.Value(); secret != "" {
			if other, taken := claim(credentials, p.CMS.BaseURL+" "+secret, path); taken {
				r.problem(path+".cms.token", "is the token of %s: one CMS project cannot have two owners", other)
			}
		}
		tokenNames := map[string]string{}
		for j, t := range p.Tokens {
			at := elementPath(path+".tokens", j)
			if other, taken := claim(tokenNames, t.Name, at); taken {
				r.problem(at+".name", "%q is the name of %s", t.Name, other)
			}
			if other, taken := claim(tokens, t.Digest, at); taken {
				r.problem(at, "is the same token as %s: a token names its project", other)
			}
		}
	}
}

// claim notes that path has the key, and tells which path had it before. Nobody claims the zero key.
func claim[K comparable](seen map[K]string, key K, path string) (other string, taken bool) {
	var zero K
	if key == zero {
		return "", false
	}
	if other, taken = seen[key]; !taken {
		seen[key] = path
	}
	return other, taken
}
