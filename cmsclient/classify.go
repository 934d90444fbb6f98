package cmsclient

import (
	"errors"
	"net/http"
)

// Class is what to do about an error.
type Class int

// The classes of errors. Their order has no meaning.
const (
	None    Class = iota // no error
	Retry                // not applied: the same again later
	Look                 // may have been applied, or contradicts what was seen: read the CMS before writing
	Gone                 // the entity is not there
	Already              // it exists already, perhaps as somebody else's: find it
	Reject               // refused for good: the same again changes nothing
	Stop                 // no call of this project can succeed: an operator is needed
)

// String names the class in lower case.
func (c Class) String() string {
	switch c {
	case None:
		return "none"
	case Retry:
		return "retry"
	case Look:
		return "look"
	case Gone:
		return "gone"
	case Already:
		return "already"
	case Reject:
		return "reject"
	case Stop:
		return "stop"
	default:
		return "unknown"
	}
}

// outranks tells which class decides when an answer has several errors: what concerns the whole project first, then
// what a look can settle by finding the entity, then what stays refused.
func (c Class) outranks(other Class) bool { return c.rank() > other.rank() }

func (c Class) rank() int {
	for i, known := range [...]Class{None, Retry, Look, Gone, Reject, Already, Stop} {
		if c == known {
			return i
		}
	}
	return 0
}

// Classify says what to do about the error of a call: decided by the CMS's code, and by the status only where there
// is no code that the table has. A nil error is None; an error that is no *Error is Retry.
func Classify(err error) Class {
	if err == nil {
		return None
	}
	var e *Error
	if !errors.As(err, &e) {
		return Retry
	}
	return e.class()
}

func (e *Error) class() Class {
	switch {
	case e.Unknown:
		return Look
	case e.invalid:
		return Reject
	case len(e.Entries) > 0:
		return e.entryClass(e.deciding())
	default:
		return e.statusClass()
	}
}

// entryClass is the class of one entry in the light of its call.
func (e *Error) entryClass(en Entry) Class {
	r, listed := lookup(en)
	class := r.Class
	if !listed {
		class = e.statusClass()
	}
	if en.Transient {
		switch class {
		case Stop:
		case Already:
			// A look answers it, whether it passes or not.
			class = Look
		default:
			class = Retry
		}
	}
	if class == Look && e.Method == http.MethodGet {
		return Retry // a read is its own look
	}
	return class
}

// statusClass is the fallback for answers without a known code.
func (e *Error) statusClass() Class {
	switch {
	case e.Status >= 300 && e.Status <= 399, e.Status == http.StatusUnauthorized,
		e.Status == http.StatusProxyAuthRequired, e.Status == http.StatusNotAcceptable:
		return Stop
	case e.foreign:
		return e.foreignClass()
	}
	switch e.Status {
	case http.StatusForbidden:
		return Stop
	case http.StatusNotFound, http.StatusGone:
		return Gone
	case http.StatusConflict:
		return e.lookFirst()
	case http.StatusRequestTimeout, http.StatusLocked, http.StatusTooEarly, http.StatusTooManyRequests:
		return Retry
	}
	if e.Status >= 400 && e.Status <= 499 {
		return Reject
	}
	return Retry
}

// foreignClass is for answers of something between us and the CMS: they say nothing about the entity.
func (e *Error) foreignClass() Class {
	if e.Status == http.StatusNotFound {
		return Stop // no CMS at this address
	}
	return Retry
}

func (e *Error) lookFirst() Class {
	if e.Method == http.MethodGet {
		return Retry
	}
	return Look
}
