package scim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// ScimType is the machine-readable reason of an Error, as RFC 7644 section 3.12 and RFC 9865 section 2.1 list them.
type ScimType string

// The reasons of RFC 7644 and RFC 9865. An Error with a status other than 400, 403 or 409 usually has none.
const (
	ExpiredCursor ScimType = "expiredCursor"
	InvalidCount  ScimType = "invalidCount"
	InvalidCursor ScimType = "invalidCursor"
	InvalidFilter ScimType = "invalidFilter"
	InvalidPath   ScimType = "invalidPath"
	InvalidSyntax ScimType = "invalidSyntax"
	InvalidValue  ScimType = "invalidValue"
	InvalidVers   ScimType = "invalidVers"
	Mutability    ScimType = "mutability"
	NoTarget      ScimType = "noTarget"
	Sensitive     ScimType = "sensitive"
	TooMany       ScimType = "tooMany"
	Uniqueness    ScimType = "uniqueness"
)

const errorURN = "urn:ietf:params:scim:api:messages:2.0:Error"

// Error is a refusal as the client sees it. Cause is what led to it and never leaves the process.
type Error struct {
	Status   int
	ScimType ScimType
	Detail   string
	Cause    error
}

// Errorf makes an Error. The detail is shown to the administrator of the identity provider: it says what to do, and never
// has the text of a cause in it; see WithCause.
func Errorf(status int, reason ScimType, format string, args ...any) *Error {
	return &Error{Status: status, ScimType: reason, Detail: fmt.Sprintf(format, args...)}
}

// WithCause returns a copy of the error that remembers what led to it.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error describes the refusal for a log: status, reason, detail and cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("scim: ")
	b.WriteString(strconv.Itoa(e.Status))
	if e.ScimType != "" {
		b.WriteByte(' ')
		b.WriteString(string(e.ScimType))
	}
	b.WriteString(": ")
	b.WriteString(e.Detail)
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Body is the JSON of the error response. The status is a string in it, as the RFC and Okta's suite want it.
func (e *Error) Body() []byte {
	b := append(make([]byte, 0, 160+len(e.Detail)), `{"schemas":["`+errorURN+`"],"status":"`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, '"')
	if e.ScimType != "" {
		b = append(b, `,"scimType":`...)
		b = appendString(b, string(e.ScimType))
	}
	b = append(b, `,"detail":`...)
	b = appendString(b, e.Detail)
	return append(b, '}')
}

// AsError finds the Error in err; anything else becomes a 500 whose detail tells nothing of the cause.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{
		Status: http.StatusInternalServerError,
		Detail: "Internal error; the server's log has the cause.",
		Cause:  err,
	}
}

func badRequest(reason ScimType, format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, reason, format, args...)
}

// quote shows a client's own text back in a detail: at most 64 runes, on one line.
func quote(s string) string {
	const most = 64
	n := 0
	for i := range s {
		if n == most {
			return strconv.Quote(s[:i]) + "…"
		}
		n++
	}
	return strconv.Quote(s)
}
