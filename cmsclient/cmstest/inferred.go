package cmstest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file holds every fact about DatoCMS that was inferred, not seen: one function or table each, so that the day it
// is seen it is changed here alone. What takes more than a few lines has a file of its own: final.go, limiter.go.

// statusOf is the HTTP status of an error code. Seen: 401, 404, 406, 429 and 422 for INVALID_FORMAT, a missing API
// version and INVALID_ATTRIBUTES. Inferred: the rest; refusals of validation kind are 422 as those are.
func statusOf(code string) int {
	switch code {
	case "INVALID_JSON_BODY":
		return http.StatusBadRequest
	case "INVALID_AUTHORIZATION_HEADER":
		return http.StatusUnauthorized
	case "INSUFFICIENT_PERMISSIONS":
		return http.StatusForbidden
	case "NOT_FOUND", "INVALID_ENDPOINT":
		return http.StatusNotFound
	case "INVALID_ACCEPT_HEADER":
		return http.StatusNotAcceptable
	case "INVALID_CONTENT_TYPE_HEADER":
		return http.StatusUnsupportedMediaType
	case "RATE_LIMIT_EXCEEDED":
		return http.StatusTooManyRequests
	case "EXCEPTION":
		return http.StatusInternalServerError
	case "SERVICE_UNAVAILABLE", "PLATFORM_SCHEDULED_MAINTENANCE", "MAINTENANCE_MODE":
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnprocessableEntity
	}
}

// codeFor is the error code of a status fault that names none.
func codeFor(status int) string {
	codes := map[int]string{
		http.StatusBadRequest:           "INVALID_REQUEST",
		http.StatusUnauthorized:         "INVALID_AUTHORIZATION_HEADER",
		http.StatusForbidden:            "INSUFFICIENT_PERMISSIONS",
		http.StatusNotFound:             "NOT_FOUND",
		http.StatusNotAcceptable:        "INVALID_ACCEPT_HEADER",
		http.StatusUnsupportedMediaType: "INVALID_CONTENT_TYPE_HEADER",
		http.StatusUnprocessableEntity:  "INVALID_FORMAT",
		http.StatusTooManyRequests:      "RATE_LIMIT_EXCEEDED",
		http.StatusServiceUnavailable:   "SERVICE_UNAVAILABLE",
	}
	if code, ok := codes[status]; ok {
		return code
	}
	if status >= http.StatusInternalServerError {
		return "EXCEPTION"
	}
	return "INVALID_REQUEST"
}

// formatError is INVALID_FORMAT. The code is certain; that details carry schema messages is known, their shape is not.
func formatError(messages []string) *apiError {
	return refuse("INVALID_FORMAT", map[string][]string{"messages": messages})
}

// missingRelated is the answer when a body links to an entity that does not exist: the lookup of Rails fails as for
// the entity in the path, told apart only by the details (a published sample of NOT_FOUND has this message).
func missingRelated() *apiError {
	return refuse("NOT_FOUND", map[string]string{"message": "ActiveRecord::RecordNotFound"})
}

// otherEntity is the answer when data.id of a PUT is not the id in the path. The code exists; its meaning is a guess.
func otherEntity() *apiError { return refuse("INVALID_ENTITY_ID", nil) }

// roleInUse is the answer to deleting a role that somebody holds or inherits from. DatoCMS has DELETE_RESTRICTION (the
// name Rails gives this case) and REQUIRED_BY_ASSOCIATION (which speaks of records).
func roleInUse() *apiError { return refuse("DELETE_RESTRICTION", nil) }

// nameTaken is the answer to a second role of one name.
func nameTaken() *apiError { return fieldError("name", "VALIDATION_UNIQUENESS") }

// emptyName is the answer to a role with the name "".
func emptyName() *apiError { return fieldError("name", "VALIDATION_REQUIRED") }

// inheritsItself is the answer to a role that would inherit from itself, directly or through others.
func inheritsItself() *apiError { return fieldError("inherits_permissions_from", "VALIDATION_INVALID") }

// needsEnterprise is the answer to a feature of the Enterprise plan. That it is refused is certain; the name of the
// limit is not.
func needsEnterprise(feature string) *apiError { return planError(feature) }

// unknownInclude is the answer to an include parameter that names no relationship the endpoint can include.
func unknownInclude(include string) *apiError {
	return refuse("INVALID_PARAMS", map[string]string{"include": include})
}

// unknownEnvironment is the answer to X-Environment with another id than that of the primary environment.
func unknownEnvironment() *apiError { return refuse("INVALID_ENVIRONMENT", nil) }

// alreadyInvited is the answer to inviting an address that has a pending invitation, an expired one included.
func alreadyInvited() *apiError { return fieldError("email", "VALIDATION_UNIQUENESS") }

// alreadyMember is the answer to inviting a collaborator, suspended ones included, or the owner of the project.
func alreadyMember() *apiError { return refuse("ACCOUNT_ALREADY_JOINED_SITE", nil) }

// invalidEmail is the answer to inviting what is no address.
func invalidEmail() *apiError { return fieldError("email", "VALIDATION_FORMAT") }

// validEmail is the usual loose test of web applications: something, one @, a domain with a dot.
func validEmail(s string) bool { return len(s) <= 254 && emailShape.MatchString(s) }

var emailShape = regexp.MustCompile(`^[^@\x00-\x20]+@[^@\x00-\x20.]+(\.[^@\x00-\x20.]+)+$`)

// emailKey is what addresses are compared by: ASCII letters without case. Addresses are stored as they were sent.
func emailKey(email string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, email)
}

// roleKey is what role names are compared by: the name as it is, the default of a Rails uniqueness check.
func roleKey(name string) string { return name }

// seatsUsed is how many of the plan's seats are taken: collaborators, suspended ones too, and pending invitations,
// expired ones too. The owner takes none. So reactivating somebody never meets the limit.
func seatsUsed(collaborators, invitations int) int { return collaborators + invitations }

// copyName is the name of a duplicated role: the first of "X (copy)", "X (copy 2)", … that is free.
func copyName(name string, taken func(string) bool) string {
	candidate := name + " (copy)"
	for n := 2; taken(candidate); n++ {
		candidate = fmt.Sprintf("%s (copy %d)", name, n)
	}
	return candidate
}

// newRoleAccess is environments_access of a role created without one; its flags are false and its lists empty.
const newRoleAccess = "primary_only"

// bucketOf is what the limiter counts by. Whether DatoCMS counts per token or per project is unknown: per token. All
// callers without a valid token share one bucket.
func bucketOf(token string, valid bool) string {
	if valid {
		return "token " + token
	}
	return "others"
}

// nameOf is the full name of somebody who accepts an invitation, when the test does not say: their DatoCMS account has
// one, here made from the address.
func nameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune("._-+", r) })
	for i, w := range words {
		first, size := utf8.DecodeRuneInString(w)
		words[i] = string(unicode.ToUpper(first)) + w[size:]
	}
	if len(words) == 0 {
		return email
	}
	return strings.Join(words, " ")
}
