package proxy

import (
	"net/http"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// maxID is the longest id that is looked up; ours have 36 characters.
const maxID = 128

// resourceID is the id in the path.
func (r *request) resourceID(kind scim.Type) (string, error) {
	id := r.Param("id")
	if id == "" || len(id) > maxID {
		return "", notFound(kind, id)
	}
	r.resource = id
	return id, nil
}

func (s *Server) createUser(r *request) error {
	res, err := r.parseUser()
	if err != nil {
		return err
	}
	q, err := r.query(scim.UserType)
	if err != nil {
		return err
	}
	active, given := res.Active()
	if res, err = r.entitled(res, nil, active || !given); err != nil {
		return err
	}
	w, err := r.tenant.wish(res, active || !given, true)
	if err != nil {
		return err
	}
	done, err := r.tenant.Users.CreateUser(r.Request.Context(), w)
	if err != nil {
		return err
	}
	return r.writeUser(http.StatusCreated, done.Item, q.Projection)
}

func (s *Server) readUser(r *request) error {
	id, err := r.resourceID(scim.UserType)
	if err != nil {
		return err
	}
	q, err := r.query(scim.UserType)
	if err != nil {
		return err
	}
	u, err := r.tenant.Users.User(r.Request.Context(), id)
	if err != nil {
		return named(err, scim.UserType, id)
	}
	if same, err := r.unchanged(userETag(u)); same || err != nil {
		return err
	}
	return r.writeUser(http.StatusOK, u, q.Projection)
}

func (s *Server) replaceUser(r *request) error {
	res, err := r.parseUser()
	if err != nil {
		return err
	}
	return s.updateUser(r, func(cur directory.User) (directory.UserWish, error) {
		held, err := r.heldRoles(cur)
		if err != nil {
			return directory.UserWish{}, err
		}
		active := r.replacedActive(res, cur)
		own, err := r.entitled(res, held, active)
		if err != nil {
			return directory.UserWish{}, err
		}
		return r.tenant.wish(own, active, false)
	})
}

func (s *Server) patchUser(r *request) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	patch, err := scim.ParsePatch(body)
	if err != nil {
		return err
	}
	return s.updateUser(r, func(cur directory.User) (directory.UserWish, error) {
		res, err := stored(cur)
		if err != nil {
			return directory.UserWish{}, err
		}
		held := r.rolesOf(res)
		res.SetRoles(held)
		if _, err := patch.WithRoles(r.roleValue).ApplyUser(res); err != nil {
			return directory.UserWish{}, err
		}
		active, _ := res.Active() // set by stored, and cannot be unassigned
		if res, err = r.entitled(res, held, active); err != nil {
			return directory.UserWish{}, err
		}
		return r.tenant.wish(res, active, false)
	})
}

func (s *Server) updateUser(r *request, edit func(directory.User) (directory.UserWish, error)) error {
	id, err := r.resourceID(scim.UserType)
	if err != nil {
		return err
	}
	q, err := r.query(scim.UserType)
	if err != nil {
		return err
	}
	done, err := r.tenant.Users.UpdateUser(r.Request.Context(), id, r.conditional(edit))
	if err != nil {
		return named(err, scim.UserType, id)
	}
	return r.writeUser(http.StatusOK, done.Item, q.Projection)
}

// conditional is an edit that is not made of a version that the client did not mean.
func (r *request) conditional(edit func(directory.User) (directory.UserWish, error)) func(directory.User) (directory.UserWish, error) {
	check := r.condition().userCheck()
	if check == nil {
		return edit
	}
	return func(cur directory.User) (directory.UserWish, error) {
		if err := check(cur); err != nil {
			return directory.UserWish{}, err
		}
		return edit(cur)
	}
}

func (s *Server) deleteUser(r *request) error {
	id, err := r.resourceID(scim.UserType)
	if err != nil {
		return err
	}
	if err := r.tenant.Users.DeleteUser(r.Request.Context(), id, r.condition().userCheck()); err != nil {
		return named(err, scim.UserType, id)
	}
	r.noContent()
	return nil
}

func (r *request) parseUser() (*scim.Resource, error) {
	body, err := r.body()
	if err != nil {
		return nil, err
	}
	return scim.ParseUser(body)
}

// replacedActive is what a PUT makes of active. Without the attribute an existing user stays as he is. An identity
// provider that reads, overlays and writes back may have read before a deactivation that it has sent by another job: the
// version it echoes tells, and then its active is not a wish.
func (r *request) replacedActive(res *scim.Resource, cur directory.User) bool {
	active, given := res.Active()
	if !given {
		return cur.Active || cur.State == directory.Rejected
	}
	if !active || cur.Active {
		return active
	}
	if gen, ok := parseETag(res.EchoedVersion()); ok && gen < cur.DeactivatedGen {
		r.note = "stale activation ignored"
		return false
	}
	return true
}

// stored is a user's document with what the record says of active. A rejected record has no wish: what was asked for when
// it was refused stands, so that any later write is a fresh attempt.
func stored(u directory.User) (*scim.Resource, error) {
	res, err := scim.FromJSON(u.Doc)
	if err != nil {
		return nil, unreadable(u.ID, err)
	}
	if _, given := res.Active(); !given || u.State != directory.Rejected {
		res.SetActive(u.Active)
	}
	return res, nil
}

// wish is what the record keeps of a resource. A person without an address is refused, unless the project accepts them;
// somebody who is to leave is never kept by a missing address.
func (t *tenant) wish(res *scim.Resource, active, create bool) (directory.UserWish, error) {
	emails := res.Emails()
	address, ok := mapping.Address(emails, res.UserName())
	if !ok {
		if t.WithoutEmail != AcceptWithoutEmail && (active || create) {
			return directory.UserWish{}, noAddress(address)
		}
		address = ""
	}
	if was, given := res.Active(); !given || was != active {
		res = res.Clone()
		res.SetActive(active)
	}
	displayName, _ := res.Attributes["displayName"].(string)
	return directory.UserWish{
		Doc: res.JSON(), UserName: res.UserName(), ExternalID: res.ExternalID(), DisplayName: displayName,
		Emails: emails, Address: address, Active: active,
	}, nil
}

func noAddress(got string) error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
		"The user has no usable e-mail address (%q): map an attribute with the address to emails (primary) or use it as userName in the app's attribute mappings.", shorten(got))
}
