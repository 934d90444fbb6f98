package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

// look reads what the CMS has for the user now and writes it to the record. A collaborator is read by id, everybody else
// is found in a picture of all people that begins now.
func (s *userSync) look(ctx context.Context) error {
	s.looked, s.called, s.last = true, true, cmp.Or(s.last, "look")
	s.send.until = time.Time{}
	link, err := s.find(ctx)
	if err != nil {
		return err
	}
	if !s.resolved(link) {
		s.doubt = true
	}
	res := directory.UserResult{Link: &link, Intent: s.cleared(), Applied: s.unsure()}
	if old := s.user.Old; old.ID != "" {
		if old, err = s.findOld(ctx, old); err != nil {
			return err
		}
		res.Old = &old
	}
	_, err = s.settle(ctx, res)
	var taken *directory.TakenError
	if errors.As(err, &taken) && s.user.State == directory.Deleted {
		// Somebody new has the address: nothing there is a leaver's any more.
		link = directory.Link{}
		_, err = s.settle(ctx, res)
	}
	if err != nil {
		return err
	}
	s.user.Link, s.own = link, false
	return nil
}

// unsure is what is still agreed on while nobody knows what became of a call: what the call would have changed is not, and
// would otherwise be taken for somebody's change by hand when the wish returns to what it was. nil: as before.
func (s *userSync) unsure() *directory.Applied {
	i, open := s.openIntent()
	if !open || !s.user.Applied.Known || (!i.Role && !i.Access) {
		return nil
	}
	a := s.user.Applied
	if i.Role {
		a.RoleID = ""
	}
	a.Active = a.Active && !i.Access
	return &a
}

func (s *userSync) find(ctx context.Context) (directory.Link, error) {
	if l := s.user.Link; l.Kind == directory.Collaborator && !s.inviting() {
		u, err := s.engine.cms.User(ctx, l.ID)
		if err == nil {
			return userLink(u), nil
		}
		if cmsclient.Classify(err) != cmsclient.Gone {
			return directory.Link{}, err
		}
	}
	p, err := s.engine.pictures.get(ctx)
	if err != nil {
		return directory.Link{}, err
	}
	return s.inPicture(p), nil
}

// inPicture finds the user: by the CMS id, then by the wished and the linked address.
func (s *userSync) inPicture(p *people) directory.Link {
	if l, ok := p.entity(s.user.Link); ok && !s.inviting() {
		return l
	}
	for _, addr := range []string{s.user.Address, s.user.Link.Address} {
		if l, ok := p.address(addr); ok && (s.user.Old.ID == "" || l.ID != s.user.Old.ID) {
			return l
		}
	}
	if l, ok := p.entity(s.user.Link); ok {
		return l
	}
	return directory.Link{}
}

func (s *userSync) findOld(ctx context.Context, old directory.Link) (directory.Link, error) {
	u, err := s.engine.cms.User(ctx, old.ID)
	switch {
	case err == nil:
		return userLink(u), nil
	case cmsclient.Classify(err) == cmsclient.Gone:
		return directory.Link{}, nil
	}
	return directory.Link{}, err
}

func (s *userSync) openIntent() (intent, bool) {
	var i intent
	if s.lease.Intent == "" || json.Unmarshal([]byte(s.lease.Intent), &i) != nil {
		return intent{}, false
	}
	return i, true
}

// inviting says that an invitation may be under way: the person is to be sought by address.
func (s *userSync) inviting() bool {
	i, ok := s.openIntent()
	return ok && i.Op == mapping.Invite.String()
}

// resolved says that a look shows the effect of this sync's call, which can then not arrive any more: an invitation that is
// there, an entity that is gone. An update that is there may have been made by somebody else before it. A call of an
// earlier lease is the queue's to judge: it knows when this lease was taken.
func (s *userSync) resolved(found directory.Link) bool {
	i, ok := s.openIntent()
	if !ok || !s.own {
		return true
	}
	switch i.Op {
	case mapping.Invite.String():
		return found.Kind != directory.NoLink && fold(found.Address) == i.Address
	case mapping.Withdraw.String(), mapping.DeleteUser.String():
		return found.ID != i.ID
	}
	return false
}
