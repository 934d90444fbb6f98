package directory

import (
	"strconv"
	"time"
)

// GroupWish is what the identity provider wishes of one group, members aside.
type GroupWish struct {
	Name       string // displayName
	ExternalID string
	Doc        []byte // further SCIM attributes as JSON; nil when there are none
}

// Group is one group's record, members aside.
type Group struct {
	ID       string
	State    State
	Managed  bool
	Imported bool // made from a role that was found in the CMS
	Name     string
	External string
	Doc      []byte
	Seq      int64
	Gen      int64
	MembGen  int64 // counts membership changes; guards full replacements
	Size     int64 // stored members; for an unmanaged group the people who hold its role
	Created  time.Time
	Modified time.Time

	RoleID   string // the CMS role that members get through this group; "" while it has none
	RoleName string // that role's name when last applied
	Owned    bool   // the proxy made the role, and deletes it with the group
	DropRole string // a role that the proxy made and that goes when nobody holds it any more
	FanOut   bool   // members are still to be queued

	Members []Member // up to the number asked for; nil when not asked
	Sync    Sync
}

// Member is one member as it is shown.
type Member struct {
	ID      string
	Display string // userName
}

// Version is what a group's ETag counts: the changes of its attributes, and those of its membership.
type Version struct{ Gen, Members int64 }

// Version is the version that the group is at.
func (g Group) Version() Version { return Version{Gen: g.Gen, Members: g.MembGen} }

// arg is the version as the scripts compare it; nil is any.
func (v *Version) arg() string {
	if v == nil {
		return ""
	}
	return strconv.FormatInt(v.Gen, 10) + "." + strconv.FormatInt(v.Members, 10)
}

// MemberChange is a change of membership. With Replace, Add is the whole new list and Remove is ignored.
type MemberChange struct {
	Replace bool
	Add     []string
	Remove  []string
	At      *Version // what the group must be at, else the change is ErrStale; nil: whatever it is at
}

// Empty reports whether the change changes nothing.
func (m MemberChange) Empty() bool { return !m.Replace && len(m.Add) == 0 && len(m.Remove) == 0 }
