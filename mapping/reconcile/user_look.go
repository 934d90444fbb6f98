package reconcile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// look reads what the CMS has for the user now and writes it to the record. A collaborator is read by id, everybody else
// is found in a picture of all people that begins now.
func (s *userSync) look(ctx context.Context) error {
	s.looked, s.called, s.last = true, true, cmp.Or(s.last, "look")
	s.send.until, s.waiting = time.Time{}, directory.Link{}
	seen, err := s.find(ctx)
	if err != nil {
		return err
	}
	if !s.resolved(seen.link) {
		s.doubt = true
	}
	err = s.found(ctx, seen)
	var taken *directory.TakenError
	if errors.As(err, &taken) && seen.stray.ID != "" {
		seen.stray = directory.Link{} // somebody else's by now
		err = s.found(ctx, seen)
	}
	if errors.As(err, &taken) && wishState(s.user) != mapping.Active {
		// Somebody else has it, and answers for it: nothing there is a leaver's any more.
		seen.link = directory.Link{}
		err = s.found(ctx, seen)
	}
	return err
}

// found writes what a look has seen.
func (s *userSync) found(ctx context.Context, seen sight) error {
	link, old, own := seen.merged()
	res := directory.UserResult{Link: &link, Own: own, Intent: s.cleared(), Applied: cmp.Or(s.moved(link), s.unsure())}
	if s.user.Old.ID != "" || old.ID != "" {
		res.Old = &old
	}
	if _, err := s.settle(ctx, res); err != nil {
		return err
	}
	s.user.Link, s.own = link, false
	s.learn(res)
	return nil
}

// moved is what is still agreed on once something else is linked at another address than what there was: nothing about it, or
// its address would be taken for somebody's change by hand when the wish returns to the former one. nil: it is not so.
func (s *userSync) moved(link directory.Link) *directory.Applied {
	a := s.user.Applied
	if !a.Known || a.Kind == directory.NoLink || link.ID == "" || same(link, s.user.Link) || mapping.SameAddress(link.Address, a.Address) {
		return nil
	}
	return &directory.Applied{Known: true, Kind: link.Kind, Address: link.Address, Writes: a.Writes}
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

// sight is what a look sees of one user.
type sight struct {
	link  directory.Link // what is theirs now
	had   directory.Link // the account that they were linked to, if that is still there beside it
	old   directory.Link // the former account, if that is still there
	stray directory.Link // what an invitation to an address that is not wished any more has brought
}

// merged is what to link, and what to keep as the former account until it is dealt with, so that nothing is left without a
// record. That place is free when nobody gets in by what is there. Else it is emptied first: the next look finds what had
// to wait for it by its address.
func (v sight) merged() (link, old directory.Link, own bool) {
	link, old = v.link, v.old
	free := old.Kind == directory.NoLink || (old.Kind == directory.Collaborator && !old.Active)
	switch {
	case v.had.ID != "" && free:
		return link, v.had, false
	case v.had.ID != "":
		return v.had, old, false
	case v.stray.ID != "" && free:
		return link, v.stray, false
	case v.stray.ID != "":
		return v.stray, old, true
	}
	return link, old, false
}

func (s *userSync) find(ctx context.Context) (v sight, err error) {
	if s.user.Old.Kind == directory.Collaborator {
		if v.old, err = s.account(ctx, s.user.Old); err != nil {
			return v, err
		}
	}
	if l := s.user.Link; l.Kind == directory.Collaborator && len(s.user.Asked) == 0 && !s.inviting() && s.user.Old.Kind != directory.Invitation {
		if v.link, err = s.account(ctx, l); err != nil || v.link.ID != "" {
			return v, err
		}
	}
	p, err := s.engine.pictures.get(ctx)
	if err != nil {
		return v, err
	}
	s.inPicture(p, &v)
	return v, nil
}

// account reads a collaborator; none when there is none any more.
func (s *userSync) account(ctx context.Context, l directory.Link) (directory.Link, error) {
	u, err := s.engine.cms.User(ctx, l.ID)
	switch {
	case err == nil:
		return userLink(u), nil
	case cmsclient.Classify(err) == cmsclient.Gone:
		return directory.Link{}, nil
	}
	return directory.Link{}, err
}

// inPicture finds the user: by the CMS id, or by the address of an invitation that was accepted, then by the wished address.
func (s *userSync) inPicture(p *people, v *sight) {
	if s.user.Old.Kind == directory.Invitation {
		v.old, _ = p.still(s.user.Old)
	}
	linked, there := p.still(s.user.Link)
	if there {
		v.link = linked
	}
	if l, ok := p.address(s.user.Address); ok && !same(l, linked) && !same(l, s.user.Old) {
		if !there || s.inviting() {
			v.link, v.had = l, linked
		} else {
			s.waiting = l
		}
	}
	if v.link.ID == "" {
		v.link, _ = p.address(s.user.Link.Address)
	}
	s.strayIn(p, v)
}

// strayIn finds what an invitation to a former address of the user has become, beside what is theirs.
func (s *userSync) strayIn(p *people, v *sight) {
	for _, addr := range s.user.Asked {
		if l, ok := p.address(addr); ok && !same(l, v.link) && !same(l, v.had) && !same(l, v.old) {
			v.stray = l
			return
		}
	}
}

func same(a, b directory.Link) bool { return a.Kind == b.Kind && a.ID == b.ID }

// inviting says that an invitation to the wished address may be under way: the person is to be sought by it.
func (s *userSync) inviting() bool {
	i, ok := s.openIntent()
	return ok && i.Op == mapping.Invite.String() || slices.Contains(s.user.Asked, fold(s.user.Address))
}

// asked are the addresses to which invitations may still be on their way once a result is written; nil: as before.
func (s *userSync) asked(res directory.UserResult) []string {
	if len(s.user.Asked) == 0 {
		return nil
	}
	if v := res.End.Verdict; v != nil && v.Outcome == queue.Done && s.certain() {
		return []string{}
	}
	if i, ok := s.openIntent(); ok && s.own && res.Intent == directory.ClearIntent && i.Op == mapping.Invite.String() {
		return lacking(s.user.Asked, i.Address)
	}
	return nil
}

// lacking is a new list without an address.
func lacking(list []string, address string) []string {
	return slices.DeleteFunc(append([]string{}, list...), func(a string) bool { return a == address })
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
