// Package scim is the SCIM 2.0 protocol (RFC 7643, RFC 7644) without HTTP: resources, schemas, filters, PATCH, list
// queries, projections, errors and discovery documents, all as values and bytes.
//
// One table of attributes (see schema_user.go, schema_group.go) drives parsing, patching, filtering, rendering and the
// discovery documents; nothing about an attribute is stated twice.
//
// What it promises:
//
//   - A request body is read strictly where leniency would be ambiguous (duplicate keys, nesting, NUL, invalid UTF-8,
//     trailing data) and leniently where identity providers are known to differ (case of names, booleans and numbers as
//     strings, single values for lists, echoed read-only attributes).
//   - A refused request changes nothing: a Patch works on a copy.
//   - Member changes of a group are compiled into a GroupChange without knowing who is a member.
//   - Output is deterministic: schema order, then names in byte order. It is always valid JSON in valid UTF-8.
//   - Every refusal is an *Error with the status and scimType that RFC 7644 names and a detail that tells an
//     administrator what to do. Secrets (password) are dropped on reading and never kept.
//
// It never does I/O, reads a clock, or imports another package of this project. The HTTP layer is package proxy.
package scim
