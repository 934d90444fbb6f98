package directory

import (
	"errors"
	"fmt"
)

// ErrNotFound means that no visible record has the id.
var ErrNotFound = errors.New("no such record")

// ErrStale means that the record changed since it was read: read again and repeat the edit.
var ErrStale = errors.New("the record changed meanwhile")

// ErrLost means that the lease under which a result was to be written is gone: nothing was written.
var ErrLost = errors.New("the lease is gone")

// ErrMoved means that a commit has given the record another CMS entity since a sync read it: nothing was written.
var ErrMoved = errors.New("the record has another CMS entity by now")

// ErrBusy means that another key holds the CMS identity at the moment.
var ErrBusy = errors.New("the identity is leased by another key")

// ErrDryRun means that a replica of the project wants nothing sent to the CMS: no call was noted.
var ErrDryRun = errors.New("the project is in a dry run")

// HeldError means that the brake keeps a call back until an operator approves it: nothing was noted.
type HeldError struct {
	Takes   Taking
	People  int  // counted in the window
	Allowed int  // as many may be
	First   bool // no other key is held
}

// Error implements error.
func (e *HeldError) Error() string {
	return fmt.Sprintf("held by the brake: %d of %d people in the window", e.People, e.Allowed)
}

// ConflictError refuses a write because another record has a value that must be unique.
type ConflictError struct {
	Attribute string // SCIM name: userName, emails, externalId, displayName
	ID        string // the record that has it
	Other     string // a second record, when the write matches two
}

// Error implements error. It names ids, never addresses.
func (e *ConflictError) Error() string {
	if e.Other != "" {
		return fmt.Sprintf("the attributes match two records, %s and %s", e.ID, e.Other)
	}
	return fmt.Sprintf("%s is already used by %s", e.Attribute, e.ID)
}

// UnknownMembersError refuses a membership change that names ids which are no users.
type UnknownMembersError struct{ IDs []string }

// Error implements error.
func (e *UnknownMembersError) Error() string {
	return fmt.Sprintf("%d member ids are not users of this server", len(e.IDs))
}

// UnavailableError means that Redis did not answer, or refused: whether a write was kept is unknown.
type UnavailableError struct{ Cause error }

// Error implements error.
func (e *UnavailableError) Error() string { return "the store is unavailable: " + e.Cause.Error() }

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }
