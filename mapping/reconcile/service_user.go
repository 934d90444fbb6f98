package reconcile

import (
	"time"

	"github.com/google/uuid"

	"github.com/scimcms/scimcms/mapping/directory"
)

// serviceUser is the one user that is listed while nobody is: Okta's credential test calls an empty listing an
// authentication error ("No results for users returned"). It is read-only and never synced.
func serviceUser(o Options) directory.User {
	address := "scimcms@" + o.Project + ".invalid"
	doc, err := o.Document(Person{UserName: address, GivenName: "scimcms", FamilyName: "Service", Email: address, Active: true})
	if err != nil {
		doc = []byte("{}")
	}
	began := time.Unix(0, 0).UTC()
	return directory.User{
		ID:    uuid.NewSHA1(uuid.NameSpaceDNS, []byte("service-user."+o.Project+".scimcms")).String(),
		State: directory.Live, Doc: doc, UserName: address, Address: address, Active: true, Gen: 1,
		Created: began, Modified: began, Sync: directory.Sync{State: directory.Synced},
	}
}

func (e *Engine) meansServiceUser(by directory.Index, value string) bool {
	s := e.service
	switch by {
	case directory.ByID:
		return value == s.ID
	case directory.ByUserName, directory.ByEmail:
		return fold(value) == fold(s.UserName)
	}
	return false
}

func servicePage(s directory.User, w directory.Window) directory.Page[directory.User] {
	p := directory.Page[directory.User]{Total: 1}
	if w.Start <= 1 && w.Count > 0 {
		p.Items = []directory.User{s}
	}
	return p
}
