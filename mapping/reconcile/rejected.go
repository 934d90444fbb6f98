package reconcile

import (
	"errors"
	"strings"
)

// ErrProtected refuses a write to an account that is never touched.
var ErrProtected = errors.New("the account is protected: scimcms never changes it (see `protected` in the configuration)")

// RejectedError is a refusal for good by the CMS, as the identity provider is told it.
type RejectedError struct {
	Status   int    // 400 or 403
	ScimType string // invalidValue or ""
	Code     string
	Text     string // the CMS's reason in words
}

// Error implements error.
func (e *RejectedError) Error() string { return "the CMS refused: " + e.Text }

// forbidden are the codes of limits and permissions; every other refusal is about a value. Never 401, 404, 409 or 429:
// identity providers act on those by themselves.
var forbidden = []string{codeNoSeat, codePlanLimit, "insufficient_permissions", "not_on_per_site_pricing", "cannot_destroy_current_user",
	"joined_elsewhere", "delete_restriction", "required_by_association"}

func newRejected(code, text string) *RejectedError {
	for _, c := range forbidden {
		if strings.EqualFold(code, c) {
			return &RejectedError{Status: 403, Code: code, Text: text}
		}
	}
	return &RejectedError{Status: 400, ScimType: "invalidValue", Code: code, Text: text}
}
