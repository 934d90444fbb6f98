package cmsclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	errInvalidID   = errors.New("not an id of the CMS")
	errEmptyUpdate = errors.New("nothing to change")
	errNotWritable = errors.New("the values cannot be written as JSON")
	errNotJSON     = errors.New("the answer is not JSON")
	errTooLarge    = errors.New("the answer is too large")
	errNoData      = errors.New("the answer has no data")
	errTorn        = errors.New("the answer is cut off or not valid JSON")
	errOtherEntity = errors.New("the answer is about another entity")
	errPartialList = errors.New("the list is not complete")
	errNoJob       = errors.New("the CMS promised a job without an id")
)

// Error is a call that did not succeed. Its text names no person, address, value or secret.
type Error struct {
	// Method and Endpoint are the call, as a template: PUT and /users/:id.
	Method, Endpoint string
	// Status is the HTTP status, 0 when no answer came. For a job that failed it is the job's own.
	Status int
	// Entries are the CMS's errors, in its order.
	Entries []Entry
	// RequestID is the CMS's id of the request.
	RequestID string
	// JobID is the job whose result is not known.
	JobID string
	// Reset is how long the CMS asks to hold off, 0 when it did not; at most one minute.
	Reset time.Duration
	// Sent tells that the request, or part of it, may have reached the CMS.
	Sent bool
	// Unknown tells that a write may or may not have been applied: look before anything is written again.
	Unknown bool

	held    bool  // the gate, the guard or the context held it back
	invalid bool  // the caller asked for something that cannot be sent
	foreign bool  // the answer is not JSON: not the CMS's own
	cause   error // below, where there is one
}

// Entry is one error of an answer.
type Entry struct {
	// Code is what happened, one of codes.go or one that is not known yet.
	Code string
	// Details is the CMS's own JSON about it. It may hold personal data: do not log it.
	Details json.RawMessage
	// Transient tells that the CMS expects a repeat to succeed.
	Transient bool
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cms: %s %s", e.Method, e.Endpoint)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d", e.Status)
	}
	for i, en := range e.Entries {
		sep := ", "
		if i == 0 {
			sep = " "
		}
		b.WriteString(sep + en.label())
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	switch {
	case e.Unknown:
		b.WriteString(" (outcome unknown)")
	case !e.Sent:
		b.WriteString(" (not sent)")
	}
	if e.JobID != "" {
		b.WriteString(" job " + e.JobID)
	}
	if e.RequestID != "" {
		b.WriteString(" request " + e.RequestID)
	}
	return b.String()
}

// Unwrap gives the error below: of the network, the context, the gate or the guard.
func (e *Error) Unwrap() error { return e.cause }

// Code is the code that decided the error's class, "" where the CMS gave none.
func (e *Error) Code() string { return e.deciding().Code }

// Field is the attribute that the CMS objects to, "" where it names none.
func (e *Error) Field() string { return e.deciding().detail("field") }

// Limit is the plan limit that was reached ("users" are the seats), "" where it is none.
func (e *Error) Limit() string { return e.deciding().detail("limit") }

// Unlisted tells that the CMS refused with a code that the table does not have.
func (e *Error) Unlisted() bool {
	en := e.deciding()
	if en.Code == "" {
		return false
	}
	_, listed := lookup(en)
	return !listed
}

// StopsInvitations says that the CMS would refuse every invitation alike, whoever is invited: no seat of the plan is free, or
// the inviting account's address is not verified.
func (e *Error) StopsInvitations() bool {
	return e.Code() == "EMAIL_NOT_VERIFIED" || (e.Code() == "PLAN_UPGRADE_REQUIRED" && e.Limit() == "users")
}

// deciding is the entry whose class is the error's; the zero Entry where there is none.
func (e *Error) deciding() Entry {
	var worst Entry
	class := None
	for _, en := range e.Entries {
		if c := e.entryClass(en); class == None || c.outranks(class) {
			worst, class = en, c
		}
	}
	return worst
}

// label is the entry for a log line: its code, and what the details name in the CMS's own words.
func (en Entry) label() string {
	for _, key := range []string{"field", "limit"} {
		if v := en.detail(key); v != "" {
			return en.Code + "(" + v + ")"
		}
	}
	return en.Code
}

// detail is a string of the details that is a name of the API's, not a value: "" for anything else.
func (en Entry) detail(key string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal(en.Details, &all) != nil {
		return ""
	}
	var v string
	if json.Unmarshal(all[key], &v) != nil || !isName(v) {
		return ""
	}
	return v
}

// isName tells a name of the API (email, role, VALIDATION_UNIQUENESS) from anything that people wrote.
func isName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

// outcomeUnknown tells whether a write that was answered with an error may have been applied: the CMS stumbled
// over it and did not say, in a code that we know, that nothing was done.
func outcomeUnknown(e *Error) bool {
	if e.Status >= 200 && e.Status < http.StatusInternalServerError {
		return false
	}
	for _, en := range e.Entries {
		r, listed := lookup(en)
		if en.Code != "" && en.Transient || listed && r.Class != Look {
			return false
		}
	}
	return true
}
