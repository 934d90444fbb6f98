// Package cmstest emulates the content management API (CMA) of DatoCMS as far as provisioning needs it: collaborators,
// invitations, roles, the caller's identity, plan limits and the (empty) single sign-on lists. It is what the tests of
// this project run against, what "scimcms emulate" serves, and what the official JavaScript client accepts as the real
// thing (see the folder official).
//
// # Contract
//
// The emulator answers as DatoCMS does, certain facts first: JSON with "data" on everything, errors under "data" with the
// id rule of DatoCMS (first six hex digits of the MD5 of code and details), 201 for creates and 200 with the entity for
// everything else, strict request schemas (422 INVALID_FORMAT), decimal string ids, lists without pages, the owner of the
// project not among the collaborators, an invitation link only on create and resend. Checks come in the order seen live:
// path, token, Accept, presence of a token, API version, content type, permission, body.
//
// A limiter of Options.Rate calls per Options.Window and token puts its headers on every answer, X-RateLimit-Reset only
// on a 429. A seat limit and the answers of /subscription-limits come from the same figures.
//
// Ids are deterministic: the same calls in the same order, on a new Server or after Reset, give the same ids. Nothing here
// reads the clock, sleeps or draws random numbers but through Options.
//
// # Control
//
// What happens outside the API (a person accepts, a week passes, the network fails) is done by methods of Server and,
// over HTTP, under /_emulator/. The control paths need no token, are never limited and are not counted. They refuse
// state-changing requests that a browser sends from another origin. See control_http.go for the list.
//
// # What is inferred
//
// Facts about DatoCMS that could not be seen anywhere are choices of this package. Each stands in inferred.go, in one
// function or table of its own, with the reason: statuses of error codes, the details of INVALID_FORMAT, who uses a
// seat, how addresses and role names compare, what an address is, the answer to a missing related entity, to a double
// invitation, to inviting a member or the owner, to deleting a role in use, to a circle of roles and to what needs a
// higher plan, the name and the defaults of a role, the bucket of the limiter, what a redeemed invitation becomes. Two
// inferences are whole files: limiter.go (a sliding window, the strictest reading of "60 per 3 seconds") and final.go
// (how lists of permissions are united and reduced).
//
// # Not emulated
//
// Content (records, models, uploads, environments), writing access tokens, switching single sign-on on, the audit log and
// the organisation API. Paths of those answer 404 INVALID_ENDPOINT; writes of single sign-on answer PLAN_UPGRADE_REQUIRED
// as on a plan without it.
package cmstest
