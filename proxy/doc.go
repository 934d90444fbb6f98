// Package proxy is SCIM 2.0 over HTTP: routes, authentication, bodies, errors, the access log and the metrics.
//
// It owns the wire and nothing behind it. A request is authenticated (every path needs a token, so that nothing is told
// to strangers), limited in size, parsed by proxy/scim and handed to the engine of its project (mapping/reconcile) behind
// the interfaces in engine.go. A handler returns an error; errors.go is the only place where an error becomes a response,
// always a SCIM error body, never with the text of an internal cause.
//
// It promises: unknown project and wrong token cannot be told apart; tokens are compared in constant time, as SHA-256; a
// panic costs one request; no name, address, filter value or token is ever logged; metrics are labelled by route template.
//
// The operations of a bulk request go through the same routes as the single requests that they stand for (bulk.go). Versions
// and conditions (condition.go) are judged on the record that is written. docs/scim-conformance.md has, for every MUST and
// SHOULD of the protocol, what is done and the test for it.
//
// It never talks to Redis or to the CMS itself. Next door: proxy/scim (the protocol without HTTP), proxy/admin (the
// second listener, for operators) and cmd/scimcms, which builds Options and owns the http.Server's life.
package proxy
