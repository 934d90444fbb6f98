package main

import "strings"

// with is the minimal configuration with one piece replaced.
func with(old, replacement string) string {
	if !strings.Contains(minimal, old) {
		panic("not in the minimal configuration: " + old)
	}
	return strings.Replace(minimal, old, replacement, 1)
}

const (
	cmsPart   = "cms: {token: {env: CMS_TOKEN}}"
	tokenPart = "tokens: [{name: okta, sha256: \"" + abcDigest + "\"}]"
	rolesPart = "roles: {default: Viewer}"
)

// problemCases has each thing that can be wrong with a configuration, and the words in which it is told.
var problemCases = []struct {
	name   string
	source string
	env    []string
	want   []string
}{
	// The document.
	{name: "empty", source: "", want: []string{"the file is empty"}},
	{name: "not YAML", source: "listen: [\n", want: []string{"not a YAML document: sequence end token ']' not found (line 1)"}},
	{name: "two documents", source: minimal + "---\nlisten: x\n", want: []string{"only one YAML document is read (line 7)"}},
	{name: "a list", source: "- listen\n", want: []string{"must be a group of settings, not a list (line 1)", "projects: must be set"}},
	{name: "unknown key", source: minimal + "extra: 1\n", want: []string{"extra: unknown key (line 6)"}},
	{
		name: "unknown key within", source: with(rolesPart, "roles: {default: Viewer, colour: blue}"),
		want: []string{"projects[0].roles.colour: unknown key (line 5)"},
	},
	{
		name: "almost a key", source: with(rolesPart, rolesPart+"\n    ondelete: remove"),
		want: []string{"projects[0].ondelete: unknown key; did you mean on_delete? (line 6)"},
	},
	{name: "key twice", source: "listen: :1\nlisten: :2\n" + minimal, want: []string{"listen: is there twice (line 2)"}},
	{name: "no such anchor", source: with(rolesPart, "roles: *roles"), want: []string{
		"projects[0].roles: refers to an anchor that is not there (line 5)", "projects[0].roles.default: must be set (line 5)",
	}},
	{name: "merge of a list", source: with(rolesPart, "roles: {default: Viewer, <<: [1]}"), want: []string{"projects[0].roles: << must refer to a map (line 5)"}},

	// Kinds of values.
	{name: "group where text", source: "listen: {port: 1}\n" + minimal, want: []string{"listen: must be a single value, not a map (line 1)"}},
	{name: "text where group", source: "redis: here\n" + minimal, want: []string{"redis: must be a group of settings, not a single value (line 1)"}},
	{name: "text where list", source: with(rolesPart, rolesPart+"\n    protected: a@b.example"), want: []string{"projects[0].protected: must be a list, not a single value (line 6)"}},
	{name: "list where map", source: with("cms: {", "cms: {profile_attributes: [1], "), want: []string{"projects[0].cms.profile_attributes: must be a map, not a list (line 4)"}},
	{name: "truth where text", source: with("Viewer", "true"), want: []string{
		"projects[0].roles.default: must be text: put true in quotes if it is meant (line 5)",
	}},
	{name: "no duration", source: "sync: {wait: 3}\n" + minimal, want: []string{`sync.wait: "3": write a duration such as 30s, 5m or 1h (line 1)`}},
	{name: "no number", source: "sync: {workers: many}\n" + minimal, want: []string{`sync.workers: "many": must be a whole number (line 1)`}},
	{name: "no truth value", source: with(rolesPart, "roles: {default: Viewer, create: yes}"), want: []string{`projects[0].roles.create: "yes": must be true or false (line 5)`}},
	{name: "no size", source: "limits: {body: 4M}\n" + minimal, want: []string{`limits.body: "4M": write a size such as 512KiB or 4MiB (line 1)`}},
	{name: "no rate", source: with("cms: {", "cms: {rate: 60, "), want: []string{`projects[0].cms.rate: "60": write COUNT/DURATION such as 60/3s, or none (line 4)`}},

	// Bounds and choices.
	{name: "too small", source: "sync: {workers: 1}\n" + minimal, want: []string{"sync.workers: must be at least 2 (line 1)"}},
	{name: "too long", source: with("cms: {", "cms: {timeout: 9s, "), want: []string{"projects[0].cms.timeout: must be at most 8s (line 4)"}},
	{name: "too large", source: "limits: {body: 1GiB}\n" + minimal, want: []string{"limits.body: must be at most 64MiB (line 1)"}},
	{name: "no choice", source: "redis: {durability: always}\n" + minimal, want: []string{`redis.durability: "always": must be one of everysec, fsync, replica (line 1)`}},
	{name: "back-off", source: "queue: {backoff: 1m, max_backoff: 1s}\n" + minimal, want: []string{"queue.max_backoff: must not be shorter than queue.backoff (line 1)"}},

	// Listeners and Redis.
	{name: "address", source: "listen: localhost\nadmin: {listen: \":http\"}\n" + minimal, want: []string{
		`listen: "localhost": write HOST:PORT such as 127.0.0.1:8080, or :8080 for every address (line 1)`,
		`admin.listen: ":http": write HOST:PORT such as 127.0.0.1:8080, or :8080 for every address (line 2)`,
	}},
	{name: "one address twice", source: "admin: {listen: \":8080\"}\n" + minimal, want: []string{"admin.listen: must not be the address of listen (line 1)"}},
	{name: "prefix", source: "redis: {prefix: \"a{b}\"}\n" + minimal, want: []string{`redis.prefix: "a{b}": letters, digits and _ . : - only (line 1)`}},
	{name: "Redis URL", source: "redis: {url: \"http://:hush@cache\"}\n" + minimal, want: []string{"redis.url: write redis://HOST:PORT/DB, rediss://… for TLS, or unix:///PATH (line 1)"}},
	{name: "broken Redis URL", source: "redis: {url: \"redis://:hu%sh@cache\"}\n" + minimal, want: []string{"redis.url: write redis://HOST:PORT/DB, rediss://… for TLS, or unix:///PATH (line 1)"}},
	{name: "no Redis URL", source: "redis: {url: \"\"}\n" + minimal, want: []string{"redis.url: must be set (line 1)"}},

	// Secrets.
	{name: "secret written out", source: with("{env: CMS_TOKEN}", "hush"), want: []string{"projects[0].cms.token: a secret is not written into the file: use {env: NAME} or {file: PATH} (line 4)"}},
	{name: "secret from nowhere", source: with("{env: CMS_TOKEN}", "{}"), want: []string{"projects[0].cms.token: a secret is either {env: NAME} or {file: PATH} (line 4)"}},
	{name: "secret from two places", source: with("{env: CMS_TOKEN}", "{env: A, file: b}"), want: []string{"projects[0].cms.token: a secret is either {env: NAME} or {file: PATH} (line 4)"}},
	{name: "secret from elsewhere", source: with("{env: CMS_TOKEN}", "{vault: x}"), want: []string{"projects[0].cms.token.vault: unknown key (line 4)", "projects[0].cms.token: must be set (line 4)"}},
	{name: "variable not set", source: with("CMS_TOKEN", "NONE"), want: []string{"projects[0].cms.token: environment variable NONE is not set (line 4)"}},
	{name: "no secret file", source: with("{env: CMS_TOKEN}", "{file: gone}"), want: []string{"projects[0].cms.token: cannot read file gone: file does not exist (line 4)"}},
	{name: "empty secret file", source: with("{env: CMS_TOKEN}", "{file: empty}"), want: []string{"projects[0].cms.token: file empty is empty (line 4)"}},

	// Tokens.
	{name: "no tokens", source: with(tokenPart, "tokens: []"), want: []string{"projects[0].tokens: must be set (line 3)"}},
	{name: "token without a source", source: with(tokenPart, "tokens: [{name: okta}]"), want: []string{"projects[0].tokens[0]: needs exactly one of sha256, env and file (line 3)"}},
	{name: "token with two sources", source: with(tokenPart, "tokens: [{name: okta, env: A, file: b}]"), want: []string{"projects[0].tokens[0]: needs exactly one of sha256, env and file (line 3)"}},
	{name: "no digest", source: with(abcDigest, "abc"), want: []string{"projects[0].tokens[0].sha256: must be the 64 hexadecimal digits of a SHA-256; make one with: scimcms token new (line 3)"}},
	{name: "token names", source: with(tokenPart, "tokens: [{name: okta, file: token}, {name: okta, env: CMS_TOKEN}, {file: none}]"), want: []string{
		"projects[0].tokens[2]: cannot read file none: file does not exist (line 3)",
		"projects[0].tokens[2].name: must be set (line 3)",
		`projects[0].tokens[1].name: "okta" is the name of projects[0].tokens[0] (line 3)`,
	}},

	{name: "token name", source: with("okta", "\"okta 1\""), want: []string{`projects[0].tokens[0].name: "okta 1": letters, digits and . _ - only, 63 at most (line 3)`}},

	// Projects.
	{name: "no projects", source: "listen: :8080\n", want: []string{"projects: must be set"}},
	{name: "project name", source: with("site", "my_site"), want: []string{
		`projects[0].name: "my_site": small letters, digits and inner hyphens only, 63 at most: it is part of the base URL (line 2)`,
	}},
	{name: "shared by projects", source: minimal + strings.TrimPrefix(minimal, "projects:\n"), want: []string{
		`projects[1].name: "site" is the name of projects[0] (line 6)`,
		"projects[1].tokens[0]: is the same token as projects[0].tokens[0]: a token names its project (line 7)",
		"projects[1].cms.token: is the token of projects[0]: one CMS project cannot have two owners (line 8)",
	}},
	{name: "base URL", source: with("cms: {", "cms: {base_url: site-api.datocms.com, "), want: []string{"projects[0].cms.base_url: write an address such as https://site-api.datocms.com (line 4)"}},
	{name: "base URL with a user", source: with("cms: {", "cms: {base_url: \"https://u:p@cms.example\", "), want: []string{"projects[0].cms.base_url: must not have a user, a query or a fragment (line 4)"}},
	{name: "profile attribute", source: with("cms: {", "cms: {profile_attributes: {a: \"emails[0]\", b: colour, c: name.givenName, d: title pr and userName}, "), want: []string{
		`projects[0].cms.profile_attributes.a: "emails[0]" is not a SCIM attribute of users (line 4)`,
		`projects[0].cms.profile_attributes.b: "colour" is not a SCIM attribute of users (line 4)`,
		`projects[0].cms.profile_attributes.d: "title pr and userName" is not a SCIM attribute of users (line 4)`,
	}},
	{name: "no default role", source: with("default: Viewer", "create: false"), want: []string{"projects[0].roles.default: must be set (line 5)"}},
	{name: "no template", source: with("default: Viewer", "default: Viewer, create: true"), want: []string{"projects[0].roles.template: must be set where create is true: the role that new roles are made from (line 5)"}},
	{name: "rules", source: with(rolesPart, "roles:\n      default: Viewer\n      rules:\n        - {role: Editor}\n        - {group: a, when: b pr, role: Editor}\n        - {group: a}\n        - {group: a, role: Admin}\n"), want: []string{
		"projects[0].roles.rules[0]: needs either group or when (line 8)",
		"projects[0].roles.rules[1]: needs either group or when (line 9)",
		"projects[0].roles.rules[2].role: must be set (line 10)",
		"projects[0].roles.rules[3]: is never reached: projects[0].roles.rules[2] matches the same (line 11)",
	}},
	{name: "filter", source: with(rolesPart, "roles:\n      default: Viewer\n      rules:\n        - {when: 'title is \"x\"', role: Editor}\n        - {when: 'colour eq \"x\"', role: Editor}"), want: []string{
		`projects[0].roles.rules[0].when: "title is \"x\"": The filter is not valid: an operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le) is expected after "title", at character 9 (line 8)`,
		`projects[0].roles.rules[1].when: "colour eq \"x\"": Unknown attribute "colour": correct the filter, or give the attribute an extension URN of its own (line 9)`,
	}},
	{name: "content owner", source: with(rolesPart, rolesPart+"\n    on_delete: remove\n    content_owner: {id: 7}"), want: []string{"projects[0].content_owner: needs both type and id (line 7)"}},
	{name: "content owner's type", source: with(rolesPart, rolesPart+"\n    content_owner: {id: 7, type: robot}"), want: []string{`projects[0].content_owner.type: "robot": must be one of account, user, access_token, sso_user (line 6)`}},
	{name: "no content owner", source: with(rolesPart, rolesPart+"\n    on_delete: remove"), want: []string{"projects[0].content_owner: must be set where on_delete is remove: it gets the content of removed people (line 2)"}},
	{name: "protected", source: with(rolesPart, rolesPart+"\n    protected: [owner, a@b.example, A@b.example]"), want: []string{
		`projects[0].protected[0]: "owner" is not an e-mail address (line 6)`,
		`projects[0].protected[2]: "A@b.example" is there twice (line 6)`,
	}},

	// Overrides.
	{name: "override", source: minimal, env: []string{"SCIMCMS_SYNC_WORKERS=some", "SCIMCMS_SYNC_WAIT=1h"}, want: []string{
		`sync.workers: SCIMCMS_SYNC_WORKERS: "some": must be a whole number`,
		"sync.wait: must be at most 30s",
	}},
	{
		name: "two settings of one variable", source: with(tokenPart, "tokens: [{name: a-b, sha256: \""+abcDigest+"\"}, {name: a_b, file: token}]"),
		env: []string{"SCIMCMS_PROJECTS_SITE_TOKENS_A_B_SHA256=" + abcDigest}, want: []string{
			"projects[0].tokens[1].sha256: SCIMCMS_PROJECTS_SITE_TOKENS_A_B_SHA256 names projects[0].tokens[0].sha256 as well: rename one of them (line 3)",
		},
	},
}
