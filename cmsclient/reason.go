package cmsclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Reason says in words for an administrator why the call did not succeed. Like the error's text it names no person,
// value or secret.
func (e *Error) Reason() string {
	switch {
	case e.Unknown:
		return "The CMS gave no clear answer, so it is not known whether the change was made."
	case e.invalid && e.cause != nil:
		return "The call could not be made: " + e.cause.Error() + "."
	case e.held:
		return "The call was held back before it was sent."
	case e.Status == 0:
		return e.unansweredReason()
	case e.Code() != "":
		return codeReason(e.deciding())
	default:
		return e.statusReason()
	}
}

func (e *Error) unansweredReason() string {
	if errors.Is(e.cause, context.DeadlineExceeded) {
		return "The CMS did not answer in time."
	}
	return "The CMS could not be reached."
}

func codeReason(en Entry) string {
	r, listed := lookup(en)
	if !listed {
		return "The CMS refused the call (" + en.Code + ")."
	}
	field := en.detail("field")
	if field == "" {
		field = "one of the values"
	}
	return strings.ReplaceAll(r.Words, "{field}", field)
}

func (e *Error) statusReason() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "The CMS does not accept the token."
	case http.StatusTooManyRequests:
		return "The CMS limits the rate of calls."
	case http.StatusForbidden:
		if !e.foreign {
			return "The CMS token is not allowed to do this."
		}
	case http.StatusNotFound:
		if e.foreign {
			return "There is no CMS at this address: check its base URL."
		}
		return "It is not in the CMS, or no longer."
	}
	switch e.Status / 100 {
	case 2:
		return "The CMS's answer could not be read."
	case 3:
		return "The CMS answered with a redirect: check its base URL."
	case 4:
		return fmt.Sprintf("The CMS refused the call (status %d).", e.Status)
	default:
		return fmt.Sprintf("The CMS failed over the request (status %d).", e.Status)
	}
}
