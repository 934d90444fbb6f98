// Package cmsclient makes typed calls to a DatoCMS-style Content Management API: collaborators, invitations and
// roles, the credential behind the token, the project and its plan limits.
//
// It owns the wire: paths, headers, the JSON:API envelope, error codes, job results, and the few repeats that are
// safe within one call. It does not pace (a [Gate] does), decide who may be changed, or wait for long: whoever
// calls owns the long wait.
//
// What it promises:
//
//   - A write is repeated by itself only when it was certainly not applied: the CMS answered 429, or no connection
//     came about. At most once. A POST is never repeated blindly.
//   - An outcome is never guessed. A write whose request may have left and whose answer is missing or unreadable is
//     an [Error] with Sent and Unknown set, and [Classify] says [Look].
//   - Every attempt, job polls included, first passes the [Gate] and then the guard of its context ([WithGuard]);
//     what either refuses was not sent.
//   - A list is either complete or an error: a torn answer never passes for a small CMS.
//   - Errors and log lines carry no token, address, body or query. Invitation links are dropped on reading.
//
// Errors are values. [Classify] turns one into what to do next, by the one table in codes.go, which is also
// docs/cms-error-codes.md.
//
// Package cmsclient/cmstest is the CMS to test against.
package cmsclient
