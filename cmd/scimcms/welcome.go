package main

import (
	"fmt"
	"net"
	"strings"
)

// endpoints are the addresses that a started command answers on.
type endpoints struct{ scim, admin, cms string }

// tell calls the hook of a program that was given one.
func (p program) tell(e endpoints) {
	if p.ready != nil {
		p.ready(e)
	}
}

// demoPerson is the person that the printed curl lines create and find.
const demoPerson = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"lise.meitner@example.com",` +
	`"name":{"givenName":"Lise","familyName":"Meitner"},"emails":[{"value":"lise.meitner@example.com","primary":true}],"active":true}`

// welcome says how to reach the demo and what to try.
func (p program) welcome(o demoOptions, at endpoints) {
	base := "http://" + dialable(at.scim) + "/scim/v2"
	store := "in memory, NOT durable: all is gone when the demo stops"
	if o.redisURL != "" {
		store = "the Redis of --redis-url; the emulator starts afresh every time"
	}
	header := shellQuote("Authorization: Bearer " + o.token)
	_, _ = fmt.Fprintf(p.stdout, `scimcms demo: SCIM proxy, CMS emulator and store in one process

  SCIM base URL  %s
  token          %s
  console        http://%s/
  CMS emulator   http://%s  (its token %s; what it has: /_emulator/state)
  store          %s

Create a person, and find her again:

  curl -sS -H %s -H 'Content-Type: application/scim+json' -d %s %s/Users

  curl -sS -H %s -G --data-urlencode 'filter=userName eq "lise.meitner@example.com"' %s/Users

`, base, o.token, dialable(at.admin), at.cms, o.cmsToken, store, header, shellQuote(demoPerson), base, header, base)
	if !isLoopback(at.scim) {
		_, _ = fmt.Fprintf(p.stdout, "Other machines can reach this demo, and its token is all that keeps them out.\n\n")
	}
}

// dialable is an address that a client on this machine can call.
func dialable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// shellQuote makes one word of the text for every shell that follows POSIX.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
