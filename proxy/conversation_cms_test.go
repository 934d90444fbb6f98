package proxy_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// line is the connection to the CMS. While it is cut nobody answers there.
type line struct {
	to  http.RoundTripper
	cut atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return l.to.RoundTrip(r)
}

// found is an entity of the CMS that has an address, and the type that the API gives it.
func (s *site) found(address string) (kind string, r cmstest.Resource, ok bool) {
	state := s.cms.State()
	for _, list := range [][]cmstest.Resource{state.Users, state.Invitations} {
		for _, r := range list {
			if strings.EqualFold(r.Text("email"), address) {
				if r.Type == "user" {
					return "collaborator", r, true
				}
				return "invitation", r, true
			}
		}
	}
	return "", cmstest.Resource{}, false
}

func (s *site) roleNames() []string {
	var names []string
	for _, r := range s.cms.State().Roles {
		names = append(names, r.Text("name"))
	}
	return names
}

func (s *site) roleID(name string) string {
	for _, r := range s.cms.State().Roles {
		if r.Text("name") == name {
			return r.ID
		}
	}
	return ""
}

// roleName is the name of the role that an entity has.
func (s *site) roleName(r cmstest.Resource) string {
	for _, role := range s.cms.State().Roles {
		if role.ID == r.RoleID() {
			return role.Text("name")
		}
	}
	return ""
}

// act does one thing in the CMS.
func (r *replay) act(a cmsAction) error {
	var errs []error
	for _, named := range []struct {
		address string
		do      func(id string) error
	}{
		{a.Accept, func(id string) error { _, err := r.cms.Accept(id); return err }},
		{a.Expire, func(id string) error { _, err := r.cms.Expire(id); return err }},
		{a.Withdraw, r.cms.Withdraw},
		{a.RemoveUser, r.cms.RemoveUser},
	} {
		if named.address != "" {
			errs = append(errs, r.toEntity(r.fill(named.address, nil), named.do))
		}
	}
	if a.AddUser != nil {
		_, err := r.cms.AddUser(*a.AddUser)
		errs = append(errs, err)
	}
	if a.EditUser != nil {
		errs = append(errs, r.toEntity(a.EditUser.Email, func(id string) error { _, err := r.cms.EditUser(id, *a.EditUser); return err }))
	}
	if a.Invite != nil {
		_, err := r.client.CreateInvitation(r.ctx, cmsclient.InvitationCreate{Email: a.Invite.Email, RoleID: r.roleID(a.Invite.Role)})
		errs, r.counted = append(errs, err), r.writes()
	}
	if a.RenameRole != nil {
		_, err := r.client.UpdateRole(r.ctx, r.roleID(a.RenameRole.From), cmsclient.RoleAttributes{Name: a.RenameRole.To})
		errs, r.counted = append(errs, err), r.writes()
	}
	if a.RemoveRole != "" {
		err := r.client.DeleteRole(r.ctx, r.roleID(a.RemoveRole))
		errs, r.counted = append(errs, err), r.writes()
	}
	if a.Seats != nil {
		r.cms.SetSeats(*a.Seats)
	}
	if a.ClearFaults {
		r.cms.ClearFaults()
	}
	if a.Down != nil {
		r.line.cut.Store(*a.Down)
	}
	if a.Fault != nil {
		errs = append(errs, r.cms.Fault(*a.Fault))
	}
	if a.Import {
		r.importCMS()
	}
	if a.Retry {
		_, err := r.queue.ReplayAll(r.ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *replay) toEntity(address string, do func(id string) error) error {
	_, entity, ok := r.found(address)
	if !ok {
		return fmt.Errorf("nobody has the address %s", address)
	}
	return do(entity.ID)
}

// comparePerson says in what somebody in the CMS is not as told; want nil is nobody.
func (r *replay) comparePerson(address string, want *person) []string {
	kind, got, ok := r.found(address)
	switch {
	case want == nil && ok:
		return []string{address + " is in the CMS: " + compact(got)}
	case want == nil:
		return nil
	case !ok:
		return []string{address + " is not in the CMS"}
	}
	var problems []string
	differ := func(what string, want, got any) {
		if want != got {
			problems = append(problems, fmt.Sprintf("%s: %s is %v, want %v", address, what, got, want))
		}
	}
	differ("type", want.Type, kind)
	if want.Role != "" {
		differ("role", want.Role, r.roleName(got))
	}
	if want.Active != nil {
		differ("is_active", *want.Active, got.Attributes["is_active"])
	}
	if kind == "invitation" {
		differ("expired", want.Expired, got.Attributes["expired"])
	}
	for name, value := range want.Attributes {
		if text, isText := value.(string); isText {
			value = r.fill(text, nil)
		}
		differ(name, value, got.Attributes[name])
	}
	if twins := r.count(address); twins > 1 {
		problems = append(problems, fmt.Sprintf("%s is %d times in the CMS", address, twins))
	}
	return problems
}

func (s *site) count(address string) int {
	state, n := s.cms.State(), 0
	for _, r := range slices.Concat(state.Users, state.Invitations) {
		if strings.EqualFold(r.Text("email"), address) {
			n++
		}
	}
	return n
}
