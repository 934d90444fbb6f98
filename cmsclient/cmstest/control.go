package cmstest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// NewUser describes a collaborator to put in, or the changes to one.
type NewUser struct {
	// Email is the address; required for a new user.
	Email string `json:"email,omitempty"`
	// FullName is the name; for a new user "" means one made from the address.
	FullName string `json:"full_name,omitempty"`
	// Role is the id or the name of a role; for a new user "" means Editor.
	Role string `json:"role,omitempty"`
	// Active is whether the user may log in; for a new user nil means yes.
	Active *bool `json:"is_active,omitempty"`
	// OwnsContent makes deleting the user need a destination.
	OwnsContent *bool `json:"owns_content,omitempty"`
	// Current makes the user the person behind the API token.
	Current *bool `json:"is_current,omitempty"`
}

// State is everything in the project.
type State struct {
	Users       []Resource `json:"users"`
	Invitations []Resource `json:"invitations"`
	Roles       []Resource `json:"roles"`
}

// ErrNoEntity is what control methods return for an id that does not exist.
var ErrNoEntity = errors.New("no such entity")

// Accept makes the invitee a collaborator, as if they had redeemed the invitation. An expired one cannot be redeemed.
func (s *Server) Accept(id string) (Resource, error) { return s.AcceptAs(id, "", "") }

// AcceptAs is Accept by an account that has a name of its own and, perhaps, another address than the one invited; ""
// means neither.
func (s *Server) AcceptAs(id, fullName, email string) (Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.project.invitations.find(id)
	if !found {
		return Resource{}, fmt.Errorf("site-invitation %q: %w", id, ErrNoEntity)
	}
	if i.expired {
		return Resource{}, fmt.Errorf("site-invitation %s has expired: resend it first", id)
	}
	if email != "" && !validEmail(email) {
		return Resource{}, fmt.Errorf("email: %q is not an address", email)
	}
	u, err := s.project.accept(i, email, fullName)
	if err != nil {
		return Resource{}, err
	}
	return u.resource(), nil
}

// Expire makes an invitation too old to be redeemed.
func (s *Server) Expire(id string) (Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.project.invitations.find(id)
	if !found {
		return Resource{}, fmt.Errorf("site-invitation %q: %w", id, ErrNoEntity)
	}
	i.expired = true
	return i.resource(""), nil
}

// Withdraw deletes an invitation by hand.
func (s *Server) Withdraw(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.project.invitations.find(id)
	if !found {
		return fmt.Errorf("site-invitation %q: %w", id, ErrNoEntity)
	}
	s.project.removeInvitation(i)
	return nil
}

// AddUser puts in a collaborator who joined without this project's doing. The seat limit does not hold here.
func (s *Server) AddUser(n NewUser) (Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !validEmail(n.Email) {
		return Resource{}, fmt.Errorf("email: %q is not an address", n.Email)
	}
	if n.Role == "" {
		n.Role = editorName
	}
	if n.FullName == "" {
		n.FullName = nameOf(n.Email)
	}
	u := &user{active: true}
	if err := s.project.mayEdit(u, n); err != nil {
		return Resource{}, err
	}
	u.id = s.project.users.number()
	s.project.edit(u, n)
	s.project.users.add(u)
	return u.resource(), nil
}

// EditUser changes a collaborator by hand; what n leaves out stays. Unlike the CMA it can change the address and the
// name, which belong to the person's account.
func (s *Server) EditUser(id string, n NewUser) (Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, found := s.project.users.find(id)
	if !found {
		return Resource{}, fmt.Errorf("user %q: %w", id, ErrNoEntity)
	}
	if err := s.project.mayEdit(u, n); err != nil {
		return Resource{}, err
	}
	s.project.users.rekey(u, func() { s.project.edit(u, n) })
	return u.resource(), nil
}

// RemoveUser deletes a collaborator by hand.
func (s *Server) RemoveUser(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, found := s.project.users.find(id)
	if !found {
		return fmt.Errorf("user %q: %w", id, ErrNoEntity)
	}
	s.project.removeUser(u)
	return nil
}

// SetSeats changes how many people the plan allows; 0 means any number.
func (s *Server) SetSeats(seats int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project.seats = max(seats, 0)
}

// SetRoleLimit changes how many roles the plan allows; 0 means any number.
func (s *Server) SetRoleLimit(roles int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project.roleLimit = max(roles, 0)
}

// SetToken makes the API token valid or not.
func (s *Server) SetToken(valid bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project.tokenValid = valid
}

// SetTokenRole gives the API token another role, by id or name.
func (s *Server) SetTokenRole(role string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found := s.project.roleNamed(role)
	if !found {
		return fmt.Errorf("role: the project has none named %q", role)
	}
	s.project.tokenRole = r.id
	return nil
}

// Fault makes calls go wrong from now on. Faults are tried in the order they were given; one befalls a call.
func (s *Server) Fault(f Fault) error {
	f.Method = strings.ToUpper(f.Method)
	if err := f.check(s.router); err != nil {
		return err
	}
	s.faults.add(f)
	return nil
}

// Faults lists the faults that are not used up, with the times each has left.
func (s *Server) Faults() []Fault { return s.faults.snapshot() }

// ClearFaults ends all faults.
func (s *Server) ClearFaults() { s.faults.clear() }

// Calls counts the calls to the CMA so far.
func (s *Server) Calls() Calls { return s.calls.snapshot() }

// State shows everything in the project, each in the order of ids.
func (s *Server) State() State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.project
	out := State{
		Users:       make([]Resource, 0, len(p.users.rows)),
		Invitations: make([]Resource, 0, len(p.invitations.rows)),
		Roles:       make([]Resource, 0, len(p.roles.rows)),
	}
	for _, u := range p.users.rows {
		out.Users = append(out.Users, u.resource())
	}
	for _, i := range p.invitations.rows {
		out.Invitations = append(out.Invitations, i.resource(""))
	}
	for _, r := range p.roles.rows {
		out.Roles = append(out.Roles, p.roleResource(r))
	}
	return out
}

// roleNamed finds a role by id or by name.
func (s *store) roleNamed(idOrName string) (*role, bool) {
	if r, found := s.roles.find(idOrName); found {
		return r, true
	}
	r, found := s.roles.byKey[roleKey(idOrName)]
	return r, found
}

// mayEdit says why the changes cannot be made to u.
func (s *store) mayEdit(u *user, n NewUser) error {
	if n.Email != "" {
		if !validEmail(n.Email) {
			return fmt.Errorf("email: %q is not an address", n.Email)
		}
		if other, taken := s.users.byKey[emailKey(n.Email)]; taken && other != u {
			return fmt.Errorf("email: %s is collaborator %s already", n.Email, strconv.Itoa(other.id))
		}
	}
	if n.Role != "" {
		if _, found := s.roleNamed(n.Role); !found {
			return fmt.Errorf("role: the project has none named %q", n.Role)
		}
	}
	return nil
}

// edit makes changes that mayEdit allowed. u has its id.
func (s *store) edit(u *user, n NewUser) {
	if n.Email != "" {
		u.email = n.Email
	}
	if n.FullName != "" {
		u.fullName = n.FullName
	}
	if r, found := s.roleNamed(n.Role); found && n.Role != "" {
		s.moveRole(&u.role, r.id)
	}
	if n.Active != nil {
		u.active = *n.Active
	}
	if n.OwnsContent != nil {
		u.content = *n.OwnsContent
	}
	switch {
	case n.Current == nil:
	case *n.Current:
		s.current = u.id
	case s.current == u.id:
		s.current = 0
	}
}
