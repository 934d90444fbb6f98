package cmstest

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
)

// listUsers lists every collaborator. The owner of the project is an account of its own and not among them.
func (s *store) listUsers(*call) (answer, error) { return okRows(s.users.rows) }

func (s *store) getUser(c *call) (answer, error) {
	u, found := s.users.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	return s.okIncluding(u.resource(), u.role, c)
}

func (s *store) updateUser(c *call) (answer, error) {
	u, found := s.users.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	roleID, err := s.linkedRole(c, u.role)
	if err != nil {
		return answer{}, err
	}
	s.moveRole(&u.role, roleID)
	attributes := c.attributes()
	if active, sent := attributes["is_active"].(bool); sent {
		u.active = active
	}
	s.setProfile(&u.profile, &u.fullName, attributes)
	return ok(u.resource())
}

func (s *store) deleteUser(c *call) (answer, error) {
	u, found := s.users.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	if u.id == s.current {
		return answer{}, refuse("CANNOT_DESTROY_CURRENT_USER", nil)
	}
	heir, err := s.destination(u, c.query)
	if err != nil {
		return answer{}, err
	}
	if heir != nil && u.content {
		heir.content = true
	}
	gone := u.resource()
	s.removeUser(u)
	return ok(gone)
}

// destination checks who gets the content of a deleted user, and is that user where it is one.
func (s *store) destination(u *user, query url.Values) (*user, error) {
	kind, id := query.Get("destination_user_type"), query.Get("destination_user_id")
	if kind == "" && id == "" {
		if u.content {
			return nil, refuse("DESTINATION_USER_REQUIRED", nil)
		}
		return nil, nil
	}
	known := false
	var heir *user
	switch kind {
	case "account":
		known = id == ownerID
	case "access_token":
		known = id == tokenID
	case "user":
		heir, known = s.users.find(id)
		known = known && heir != u
	case "sso_user": // there are none
	default:
		return nil, refuse("INVALID_DESTINATION_TYPE", nil)
	}
	if !known {
		return nil, refuse("INVALID_DESTINATION_USER", nil)
	}
	return heir, nil
}

func (s *store) listInvitations(*call) (answer, error) { return okRows(s.invitations.rows) }

func (s *store) getInvitation(c *call) (answer, error) {
	i, found := s.invitations.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	return ok(i.resource(""))
}

func (s *store) createInvitation(c *call) (answer, error) {
	attributes := c.attributes()
	email, _ := attributes["email"].(string)
	if !validEmail(email) {
		return answer{}, invalidEmail()
	}
	roleID, err := s.linkedRole(c, 0)
	if err != nil {
		return answer{}, err
	}
	if err := s.mayInvite(email); err != nil {
		return answer{}, err
	}
	i := &invitation{id: s.invitations.number(), email: email, sent: 1}
	s.moveRole(&i.role, roleID)
	s.setProfile(&i.profile, nil, attributes)
	s.invitations.add(i)
	return created(i.resource(i.link()))
}

func (s *store) mayInvite(email string) error {
	key := emailKey(email)
	if _, member := s.users.byKey[key]; member || key == emailKey(s.opts.Owner) {
		return alreadyMember()
	}
	if _, pending := s.invitations.byKey[key]; pending {
		return alreadyInvited()
	}
	if s.seats > 0 && seatsUsed(len(s.users.rows), len(s.invitations.rows)) >= s.seats {
		return planError("users")
	}
	return nil
}

func (s *store) updateInvitation(c *call) (answer, error) {
	i, found := s.invitations.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	roleID, err := s.linkedRole(c, i.role)
	if err != nil {
		return answer{}, err
	}
	s.moveRole(&i.role, roleID)
	s.setProfile(&i.profile, nil, c.attributes())
	return ok(i.resource(""))
}

func (s *store) deleteInvitation(c *call) (answer, error) {
	i, found := s.invitations.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	gone := i.resource("")
	s.removeInvitation(i)
	return ok(gone)
}

func (s *store) resendInvitation(c *call) (answer, error) {
	i, found := s.invitations.find(c.id)
	if !found {
		return answer{}, notFound()
	}
	i.expired = false
	i.sent++
	return ok(i.resource(i.link()))
}

// link is the address in the mail; every mail has another one.
func (i *invitation) link() string {
	query := url.Values{
		"email": {i.email}, "id": {strconv.Itoa(i.id)}, "preference": {"signup"},
		"token": {token("invitation", i.id, i.sent)},
	}
	return "https://dashboard.datocms.com/join-site?" + query.Encode()
}

// linkedRole is the role the body links to, or otherwise when it links to none.
func (s *store) linkedRole(c *call, otherwise int) (int, error) {
	id, sent := c.link("role")
	if !sent {
		return otherwise, nil
	}
	r, found := s.roles.find(id)
	if !found {
		return 0, missingRelated()
	}
	return r.id, nil
}

// moveRole gives a holder another role and keeps count of who holds what.
func (s *store) moveRole(holder *int, to int) {
	s.uses[*holder]--
	s.uses[to]++
	*holder = to
}

// setProfile keeps the extra attributes a body brings; full_name is a column where the entity has one.
func (s *store) setProfile(profile *map[string]any, fullName *string, attributes map[string]any) {
	for _, name := range s.opts.ProfileAttributes {
		value, sent := attributes[name]
		if !sent {
			continue
		}
		if own, isText := value.(string); isText && name == "full_name" && fullName != nil {
			*fullName = own
			continue
		}
		if *profile == nil {
			*profile = map[string]any{}
		}
		(*profile)[name] = value
	}
}

func (s *store) removeUser(u *user) {
	s.users.remove(u)
	s.uses[u.role]--
	if s.current == u.id {
		s.current = 0
	}
}

func (s *store) removeInvitation(i *invitation) {
	s.invitations.remove(i)
	s.uses[i.role]--
}

// accept turns an invitation into a collaborator with a new id.
func (s *store) accept(i *invitation, email, fullName string) (*user, error) {
	email = cmp.Or(email, i.email)
	if _, taken := s.users.byKey[emailKey(email)]; taken {
		return nil, fmt.Errorf("%s is a collaborator already", email)
	}
	own, _ := i.profile["full_name"].(string)
	u := &user{
		id: s.users.number(), email: email, active: true, profile: i.profile,
		fullName: cmp.Or(fullName, own, nameOf(email)),
	}
	delete(u.profile, "full_name")
	s.moveRole(&u.role, i.role)
	s.removeInvitation(i)
	s.users.add(u)
	return u, nil
}
