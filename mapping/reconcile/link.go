package reconcile

import (
	"context"
	"errors"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

// maxCandidates is how many candidates are named.
const maxCandidates = 20

// candidates are the active collaborators who have appeared since a user's invitation came and belong to nobody: one of
// them may be the user, who accepted it with another account.
func (e *Engine) candidates(ctx context.Context, u directory.User) (ids []string, err error) {
	if u.InvitedSeq == 0 {
		return nil, nil
	}
	err = e.dir.ScanUsersSince(ctx, u.InvitedSeq, func(c directory.User) (bool, error) {
		if !c.Managed && c.Active && c.Link.Kind == directory.Collaborator {
			ids = append(ids, c.Link.ID)
		}
		return len(ids) < maxCandidates, nil
	})
	return ids, err
}

// unboundItem is what there is to tell of a leaver whose invitation vanished. Without candidates there is nothing.
func (e *Engine) unboundItem(ctx context.Context, id string) (DriftItem, error) {
	i := DriftItem{Kind: mapping.DriftUnboundCandidate, Key: directory.UserKey(id), Wished: "no access", Observed: "somebody may have joined with another account"}
	u, err := e.dir.UserRecord(ctx, id)
	if err != nil || (u.State == directory.Live && u.Active) || u.Link.Kind != directory.NoLink {
		return i, ignoreNotFound(err)
	}
	i.Name = u.Address
	i.Candidates, err = e.candidates(ctx, u)
	return i, err
}

func ignoreNotFound(err error) error {
	if errors.Is(err, directory.ErrNotFound) {
		return nil
	}
	return err
}

// vanished says that a leaver's invitation went away without the proxy's doing and without a collaborator of its address.
func (s *userSync) vanished() bool {
	if wishState(s.user) == mapping.Active || s.user.Link.Kind != directory.NoLink || s.user.InvitedSeq == 0 {
		return false
	}
	a := s.user.Applied
	return s.withdrawn || (a.Known && a.Active)
}

// warnUnbound notes such a leaver, so that an operator is told as long as there are candidates.
func (s *userSync) warnUnbound(ctx context.Context) error {
	if !s.vanished() {
		return nil
	}
	e := s.engine
	if err := e.dir.NoteUnbound(ctx, s.id, e.o.Now()); err != nil {
		return err
	}
	candidates, err := e.candidates(ctx, s.user)
	if err == nil && len(candidates) > 0 {
		e.log.WarnContext(ctx, "a leaver's invitation vanished, and collaborators have appeared since: one of them may be the leaver with another account",
			"project", e.o.Project, "key", s.lease.Key, "candidates", candidates)
	}
	return err
}

// Refusals to link.
var (
	ErrNoCollaborator = errors.New("the CMS has no collaborator of this id")
	ErrNoUser         = errors.New("no managed user has this id, userName or address")
)

// Link binds a user whose invitation vanished to the collaborator who accepted it with another account, by the CMS id.
func (e *Engine) Link(ctx context.Context, user, cmsID string) error {
	id, err := e.findUser(ctx, user)
	if err != nil {
		return err
	}
	if err := e.identify(ctx); err != nil {
		return err
	}
	c, err := e.cms.User(ctx, cmsID)
	if err != nil {
		if cmsclient.Classify(err) == cmsclient.Gone {
			return ErrNoCollaborator
		}
		return err
	}
	l := userLink(c)
	u, err := e.dir.UserRecord(ctx, id)
	switch {
	case err != nil:
		return err
	case e.protected(l.Address), e.binding.owns(l), e.untouchable(u):
		return ErrProtected
	}
	if err := e.dir.LinkUser(ctx, id, l); err != nil {
		return err
	}
	e.log.InfoContext(ctx, "user linked by an operator", "project", e.o.Project, "key", directory.UserKey(id), "cms_id", cmsID)
	e.o.Wake()
	return nil
}

// DismissUnbound says that nobody has joined in a leaver's place.
func (e *Engine) DismissUnbound(ctx context.Context, user string) error {
	id, err := e.findUser(ctx, user)
	if err != nil {
		return err
	}
	found, err := e.dir.ForgetUnbound(ctx, id)
	if err == nil && !found {
		return ErrNoUser
	}
	return err
}

// findUser finds a user, deleted ones by id only.
func (e *Engine) findUser(ctx context.Context, user string) (string, error) {
	if u, err := e.dir.UserRecord(ctx, user); err == nil {
		return u.ID, nil
	} else if !errors.Is(err, directory.ErrNotFound) {
		return "", err
	}
	for _, by := range []directory.Index{directory.ByUserName, directory.ByEmail} {
		p, err := e.dir.FindUsers(ctx, by, user, directory.Window{Start: 1, Count: 2})
		if err != nil {
			return "", err
		}
		if p.Total == 1 {
			return p.Items[0].ID, nil
		}
	}
	return "", ErrNoUser
}
