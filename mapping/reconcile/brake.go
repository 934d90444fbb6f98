package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// codeBrake is the reason of a key that the brake holds.
const codeBrake = "brake"

// hold ends a sync whose call the brake keeps back. The queue holds the key for its ticket: a newer wish is judged anew.
func (s *userSync) hold(ctx context.Context, why *directory.HeldError) (outcome, error) {
	if why.First {
		s.engine.log.WarnContext(ctx, "the brake holds people back until an operator releases or discards them: scimcms brake status",
			"project", s.engine.o.Project, "takes", string(why.Takes), "people", why.People, "allowed", why.Allowed)
	}
	loses := "access"
	if why.Takes == directory.TakesRole {
		loses = "role"
	}
	return s.finish(ctx, directory.UserResult{}, queue.Verdict{Outcome: queue.Hold, Code: codeBrake,
		Text: fmt.Sprintf("held by the brake: %d people have lost their %s already, and %d may within its window", why.People, loses, why.Allowed)})
}

// SetBrake puts other bounds of the brake in force in this process.
func (e *Engine) SetBrake(b directory.Brake) { e.dir.SetBrake(b) }

// Release lets people go on with what the brake holds for them: those of these keys, or all that are held now. It returns
// how many were held.
func (e *Engine) Release(ctx context.Context, keys ...string) (int, error) {
	defer e.o.Wake()
	if len(keys) == 0 {
		return e.queue.ApproveAll(ctx)
	}
	return e.queue.Approve(ctx, keys...)
}

// Discard gives up what the brake holds: of these keys, or of all that are held now. The CMS stays as it is until the
// identity provider writes those people again. It returns how many were discarded.
func (e *Engine) Discard(ctx context.Context, keys ...string) (int, error) {
	defer e.o.Wake()
	if len(keys) == 0 {
		var err error
		if keys, err = e.queue.HeldKeys(ctx); err != nil {
			return 0, err
		}
	}
	n := 0
	for _, key := range keys {
		id, ok := strings.CutPrefix(key, "user/")
		if !ok {
			continue
		}
		switch err := e.discard(ctx, id); {
		case err == nil:
			n++
		case !errors.Is(err, directory.ErrStale) && !errors.Is(err, directory.ErrNotFound):
			return n, err
		}
	}
	return n, nil
}

func (e *Engine) discard(ctx context.Context, id string) error {
	u, err := e.dir.UserRecord(ctx, id)
	if err != nil {
		return err
	}
	if u.Sync.State != directory.Held {
		return directory.ErrStale
	}
	link := u.Link
	if link.Kind == directory.NoLink {
		link = u.Old
	}
	active := link.Kind == directory.Invitation || link.Active
	r := directory.Restored{}
	if u.State == directory.Deleted {
		if r, err = e.restored(link, active); err != nil {
			return err
		}
	}
	return e.dir.Discard(ctx, u, active, r)
}

// restored is somebody as an import would find them.
func (e *Engine) restored(l directory.Link, active bool) (directory.Restored, error) {
	given, family := mapping.SplitName(l.Name, l.Address)
	doc, err := e.o.Document(Person{UserName: l.Address, GivenName: given, FamilyName: family, Email: l.Address, Active: active})
	return directory.Restored{Doc: doc, UserName: l.Address, DisplayName: l.Name, Address: l.Address}, err
}

// Brake says what the brake has counted. No counts: it never holds.
func (e *Engine) Brake(ctx context.Context) ([]directory.BrakeCount, error) {
	return e.dir.BrakeCounts(ctx)
}
