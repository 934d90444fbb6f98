package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/directory"
)

// people are the collaborators and invitations of the CMS as one look saw them.
type people struct {
	links     []directory.Link
	byEntity  map[string]int
	byAddress map[string]int
}

// readPeople reads everybody. Invitations come first: somebody who accepts in between is in both, and counts as a
// collaborator.
func (e *Engine) readPeople(ctx context.Context) (*people, error) {
	invitations, err := e.cms.Invitations(ctx)
	if err != nil {
		return nil, err
	}
	users, err := e.cms.Users(ctx)
	if err != nil {
		return nil, err
	}
	return gather(invitations, users), nil
}

func gather(invitations []cmsclient.Invitation, users []cmsclient.User) *people {
	p := &people{
		links:     make([]directory.Link, 0, len(invitations)+len(users)),
		byEntity:  make(map[string]int, len(invitations)+len(users)),
		byAddress: make(map[string]int, len(invitations)+len(users)),
	}
	for _, u := range users {
		p.add(userLink(u))
	}
	for _, i := range invitations {
		if _, joined := p.byAddress[fold(i.Email)]; !joined {
			p.add(invitationLink(i))
		}
	}
	return p
}

func (p *people) add(l directory.Link) {
	p.byEntity[directory.EntityKey(l)] = len(p.links)
	p.byAddress[fold(l.Address)] = len(p.links)
	p.links = append(p.links, l)
}

// fingerprint is the same for two pictures that show the same people and roles, in whatever order.
func (p *people) fingerprint(roles []byte) string {
	lines := make([]string, 0, len(p.links))
	for _, l := range p.links {
		lines = append(lines, fmt.Sprintf("%q", []any{l.Kind, l.ID, l.Address, l.RoleID, l.Active, l.Expired, l.Name}))
	}
	slices.Sort(lines)
	sum := sha256.New()
	sum.Write(roles)
	for _, line := range lines {
		sum.Write([]byte(line)) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// entity finds a CMS entity by its id.
func (p *people) entity(l directory.Link) (directory.Link, bool) {
	i, ok := p.byEntity[directory.EntityKey(l)]
	if !ok || l.ID == "" {
		return directory.Link{}, false
	}
	return p.links[i], true
}

// still finds a CMS entity by its id, and a collaborator who was an invitation by the address.
func (p *people) still(l directory.Link) (directory.Link, bool) {
	now, ok := p.entity(l)
	if !ok && l.Kind == directory.Invitation {
		now, ok = p.address(l.Address)
	}
	return now, ok
}

// address finds who has an address: a collaborator rather than an invitation.
func (p *people) address(addr string) (directory.Link, bool) {
	i, ok := p.byAddress[fold(addr)]
	if !ok || addr == "" {
		return directory.Link{}, false
	}
	return p.links[i], true
}

func userLink(u cmsclient.User) directory.Link {
	return directory.Link{Kind: directory.Collaborator, ID: u.ID, Address: u.Email, RoleID: u.RoleID, Active: u.Active, Name: u.FullName}
}

func invitationLink(i cmsclient.Invitation) directory.Link {
	return directory.Link{Kind: directory.Invitation, ID: i.ID, Address: i.Email, RoleID: i.RoleID, Expired: i.Expired}
}

// pictures shares looks at the CMS: whoever needs one gets a look that began after the request, together with everybody
// else who waits for it.
type pictures struct {
	read func(context.Context) (*people, error)

	mu      sync.Mutex
	running bool
	next    *pictureCall
}

type pictureCall struct {
	done chan struct{}
	p    *people
	err  error
}

func newPictures(read func(context.Context) (*people, error)) *pictures { return &pictures{read: read} }

// get gives a picture whose reading begins after the call to get.
func (s *pictures) get(ctx context.Context) (*people, error) {
	s.mu.Lock()
	if s.next == nil {
		s.next = &pictureCall{done: make(chan struct{})}
	}
	call := s.next
	if !s.running {
		s.running = true
		go s.run(context.WithoutCancel(ctx))
	}
	s.mu.Unlock()
	select {
	case <-call.done:
		return call.p, call.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *pictures) run(ctx context.Context) {
	for {
		s.mu.Lock()
		call := s.next
		s.next = nil
		if call == nil {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		call.p, call.err = s.read(ctx)
		close(call.done)
	}
}
