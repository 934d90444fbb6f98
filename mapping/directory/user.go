package directory

import "time"

// State says what the record of a user or group is: alive, refused by the CMS at its creation, or deleted.
type State string

// The states of a record. A rejected record carries no wish: it is found by filter and by id, but not listed, and any
// later write is a fresh attempt under the same id. A deleted record (tombstone) is invisible and keeps its link.
const (
	Live     State = "live"
	Rejected State = "rejected"
	Deleted  State = "deleted"
)

// SyncState is what the identity provider is told about a record: does the CMS agree with the wish?
type SyncState string

// The values of the sync extension's status attribute.
const (
	Synced  SyncState = "synced"
	Pending SyncState = "pending"
	Failed  SyncState = "failed"
	Held    SyncState = "held"
)

// UserWish is what the identity provider wishes of one person. Doc is opaque to the directory; the other fields are
// what it indexes and what the sync engine reads.
type UserWish struct {
	Doc         []byte // canonical SCIM attributes as JSON, without id, meta, groups and password
	UserName    string
	ExternalID  string
	DisplayName string
	Emails      []string // primary first
	Address     string   // the person's address in the CMS; "" when there is none
	Active      bool
}

// User is one person's record: the wish, the link to the CMS and the state of the synchronisation.
type User struct {
	ID       string
	State    State
	Managed  bool // the identity provider has written it, or has put it into a group
	Adopted  bool // found in the CMS: keeps its CMS role until a rule or a role-owning group matches
	Doc      []byte
	UserName string // as written
	External string
	Address  string // wished CMS address, as written
	Active   bool   // wished
	Seq      int64  // order of creation, the order of listings
	Gen      int64  // counts the changes of the wish: the ETag
	// DeactivatedGen is the generation at which active last changed from true to false (0: never): a PUT that echoes an
	// older version cannot activate the person again.
	DeactivatedGen int64
	Created        time.Time
	Modified       time.Time
	Writes         int64 // counts writes of the identity provider, unchanged ones that asked for work included

	Link    Link // the CMS entity of this person
	Old     Link // with on_email_change reinvite: the collaborator under the former address
	Applied Applied
	Kept    bool // an operator discarded what the brake held: the role stays until the identity provider writes the user
	Groups  []GroupRef

	InvitedSeq int64 // newest Seq when the present or last invitation came; 0: there was none, or it was accepted
	Resends    int64 // how often that was sent again without a write
	// Asked are addresses, folded, to which an invitation may still be on its way, whatever is wished meanwhile.
	Asked []string

	Sync Sync
}

// LinkKind names the CMS entity that a user is linked to.
type LinkKind string

// The kinds of CMS entities behind a user.
const (
	NoLink       LinkKind = ""
	Invitation   LinkKind = "invitation"
	Collaborator LinkKind = "collaborator"
)

// Link is the CMS entity last seen for a record, as it was then.
type Link struct {
	Kind    LinkKind
	ID      string
	Address string
	RoleID  string
	Active  bool
	Expired bool
	Name    string // full name of a collaborator
}

// Applied is what the proxy last made the CMS have, or accepted of it.
type Applied struct {
	Known   bool
	Kind    LinkKind
	Address string
	RoleID  string
	Active  bool
	Writes  int64  // User.Writes at that time
	Profile string // profile attributes that the CMS was given, as JSON
}

// GroupRef is one group of a user, with what rules need of it.
type GroupRef struct {
	ID       string
	Name     string
	Seq      int64
	RoleID   string
	Imported bool   // its role was found in the CMS
	Status   string // "" | "pending" | "failed": is its own role there?
}

// Sync is the state of a record's synchronisation.
type Sync struct {
	State      SyncState
	Code       string // machine-readable reason of a failure
	Text       string // the same in words
	LastSynced time.Time
	Ticket     int64 // newest ticket of the record's queue key; 0 when nothing is queued
	Parked     bool
	Leased     bool // somebody is syncing it at this moment
}
