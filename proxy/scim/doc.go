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
// Where RFC 7643 and 7644 leave room, or identity providers need otherwise, this is what was decided:
//
//   - Attributes that no schema knows are ignored in bodies and in values without path, and refused (invalidPath) when a path
//     names them: a mapping that can never work is to be seen. Under an extension URN of their own, or under the
//     enterprise URN, they are kept and returned.
//   - The attributes of the enterprise extension are found without its URN too, in bodies, paths and filters: Entra ID asks for
//     manager eq "id". A manager whose value is taken away is gone, with its name and address.
//   - null, "" and [] all mean "unassigned". On userName, displayName of a group, and active that is refused in a PATCH: a
//     leaver must not come back because somebody unassigned active.
//   - An add or replace of emails[type eq "work"].value creates the entry that is not there, out of the filter's terms, for
//     Entra ID; a replace of the entry itself is refused (noTarget). A remove that finds nothing has succeeded.
//   - A remove of members with a value removes those listed and no others; without a value it empties the group.
//   - Members are selected by their id only. Who is a member is not known here, and need not be.
//   - At most one entry is primary: the last one that was made so, of several at once the first.
//   - Two entries with one value are one, unless their types differ.
//   - password is accepted, never kept, and cannot be used in a filter.
//   - In a bulk request what an operation names is created before it, and nothing else is moved; two that name each other are
//     made one after the other and the first completed. A bulkId that comes twice is refused the second time.
//
// A request goes through these files: json.go reads it, target.go and path.go find what a name means, coerce.go turns values
// into those of the schema, apply.go, assign.go, entries.go and selection.go change a user, group_patch.go compiles what
// changes a group; filter_scan.go, filter_compile.go and filter_match.go are a filter's three stages; stored.go and render.go
// write the answer, projection.go leaves parts of it out. bulk.go reads a bulk request, bulk_refs.go knows references,
// bulk_run.go the order.
//
// It never does I/O, reads a clock, or imports another package of this project. The HTTP layer is package proxy.
package scim
