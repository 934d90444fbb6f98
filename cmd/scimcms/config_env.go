package main

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// envPrefix begins the name of every variable that overrides a setting.
const envPrefix = "SCIMCMS_"

// environment turns "NAME=value" lines into a map. The last of a repeated name counts, as for the process itself.
func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

// applyOverrides sets every single-valued setting whose variable is there: redis.url by SCIMCMS_REDIS_URL, and
// projects[0].cms.rate of the project "site" by SCIMCMS_PROJECTS_SITE_CMS_RATE. A secret is overridden by its value.
func applyOverrides(c *Config, env map[string]string, r *report) {
	paths := map[string]string{}
	for _, f := range fields(c) {
		if !f.scalar() || f.env == "" {
			continue
		}
		value, ok := env[f.env]
		if !ok {
			continue
		}
		if other, twice := paths[f.env]; twice {
			r.problem(f.path, "%s names %s as well: rename one of them", f.env, other)
			continue
		}
		paths[f.env] = f.path
		override(f, value, r)
	}
}

func override(f field, value string, r *report) {
	if f.value.Type() == secretType {
		if value != "" {
			f.value.Set(reflect.ValueOf(Secret{env: f.env, value: value}))
		}
		return
	}
	if err := setText(f.value, value); err != nil {
		r.problem(f.path, "%s: %q: %s", f.env, value, err)
	}
}

// injectedNames are variables that Kubernetes sets in every container for a service that is called scimcms.
var injectedNames = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP)(_|$)|$)`)

// warnUnknown warns of SCIMCMS_ variables that mean nothing: an override with a typing mistake is not applied.
func warnUnknown(c *Config, env map[string]string, r *report) {
	known := map[string]bool{}
	for _, f := range fields(c) {
		if f.scalar() {
			known[f.env] = true
		}
		if secret, ok := reflect.TypeAssert[Secret](f.value); ok {
			known[secret.env] = true
		}
	}
	for _, p := range c.Projects {
		for _, t := range p.Tokens {
			known[t.Env] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(name, envPrefix) && !known[name] && !injectedNames.MatchString(name) {
			r.warning(name, "this environment variable is not a setting")
		}
	}
}
