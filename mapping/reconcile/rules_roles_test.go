package reconcile

import (
	"slices"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
)

// Groups of an empty record are as old as their roles, in whatever order the CMS lists them.
func TestRolesAreImportedInTheOrderOfTheirIDs(t *testing.T) {
	t.Parallel()
	entries := []directory.RoleEntry{{ID: "1000"}, {ID: "99"}, {ID: "101"}, {ID: "100"}}
	slices.SortFunc(entries, byAge)
	if want := []directory.RoleEntry{{ID: "99"}, {ID: "100"}, {ID: "101"}, {ID: "1000"}}; !slices.Equal(entries, want) {
		t.Errorf("%v", entries)
	}
}
