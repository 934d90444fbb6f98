package mapping

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Resource types as they stand in ids. They are SCIM's own names and must never change.
const (
	ResourceUser  = "User"
	ResourceGroup = "Group"
)

// idSpace is what the namespace of all ids is made of. It must never change: the identity provider remembers the ids.
const idSpace = "https://github.com/scimcms/scimcms"

// ID is the SCIM id of a resource: a UUIDv5 over the project, the resource type, the folded natural key (a user's address
// in the CMS or, without one, the userName; a group's displayName) and how often that key was used before. So an import
// into an empty record gives people the ids that the identity provider remembers.
func ID(project, resource, key string, count int) string {
	var name strings.Builder
	for _, part := range []string{project, resource, Fold(key), strconv.Itoa(count)} {
		name.WriteString(strconv.Itoa(len(part)))
		name.WriteByte(':')
		name.WriteString(part)
	}
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte(idSpace))
	return uuid.NewSHA1(space, []byte(name.String())).String()
}
