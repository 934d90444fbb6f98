package directory

import "github.com/scimcms/scimcms/mapping/directory/directorytest"

// consistent compares every index, listing and set of the project with the records that they are made from.
func (r *rig) consistent() {
	r.Helper()
	if r.Failed() {
		return
	}
	for _, problem := range directorytest.Problems(r.dump()) {
		r.Errorf("%s", problem)
	}
}
