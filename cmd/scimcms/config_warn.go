package main

import (
	"net"
	"net/url"
	"strings"
)

// guessable is the length below which a SCIM token draws a warning: 32 random bytes have 43 characters.
const guessable = 32

// warn tells what is allowed but should be known, and what this version takes note of without enforcing it.
func warn(c *Config, env map[string]string, r *report) {
	warnUnknown(c, env, r)
	if u, err := url.Parse(c.Redis.URL.Value()); err == nil && c.Redis.URL.literal && r.lines["redis.url"] > 0 {
		if _, has := u.User.Password(); has {
			r.warning("redis.url", "has a password in the file: use {env: NAME} or {file: PATH}")
		}
	}
	if !isLoopback(c.Admin.Listen) && !c.Admin.Token.IsSet() {
		r.warning("admin.listen", "is reachable from other machines, and without admin.token nothing can be changed through it")
	}
	for i := range c.Projects {
		warnProject(&c.Projects[i], elementPath("projects", i), r)
	}
}

func warnProject(p *ProjectConfig, path string, r *report) {
	if u, err := url.Parse(p.CMS.BaseURL); err == nil && u.Scheme == "http" && !isLoopback(u.Host) {
		r.warning(path+".cms.base_url", "is not https: the CMS token travels in the clear")
	}
	if p.OnDelete == "deactivate" && p.ContentOwner.ID != "" {
		r.warning(path+".content_owner", "has no effect where on_delete is deactivate")
	}
	warnTokens(p.Tokens, path+".tokens", r)
}

func warnTokens(tokens []TokenConfig, path string, r *report) {
	for i, t := range tokens {
		if t.length > 0 && t.length < guessable {
			r.warning(elementPath(path, i), "is a short token: make one with: scimcms token new")
		}
	}
}

// isLoopback tells whether an address, with or without a port, stays on this machine.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
