package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// importChunk is how many entities one import script compares.
const importChunk = 200

// errSuperseded means that the importer lost its lease.
var errSuperseded = errors.New("another replica imports")

// importVerdict runs an import under the lease of its key.
func (e *Engine) importVerdict(ctx context.Context, l *queue.Lease) queue.Verdict {
	ctx = cmsclient.WithGuard(ctx, e.queue.Guard(l))
	err := e.importNow(ctx)
	switch {
	case err == nil:
		e.o.Observer.Imported("ok")
		e.answered(ctx, l)
		return queue.Verdict{Outcome: queue.Done}
	case errors.Is(err, errShrunk):
		e.o.Observer.Imported("refused")
		e.log.ErrorContext(ctx, "import refused", "project", e.o.Project, "error", err)
		return queue.Verdict{Outcome: queue.Wait, After: e.set().ImportEvery, Code: "import_refused", Text: err.Error()}
	}
	e.o.Observer.Imported("error")
	v := queue.Verdict{Outcome: queue.Retry, NeverPark: true, Code: "import_failed", Text: "the CMS could not be read"}
	if ce, ok := errors.AsType[*cmsclient.Error](err); ok {
		v.Code, v.Text = code(ce), ce.Reason()
		if cmsclient.Classify(err) == cmsclient.Stop {
			e.stop(ctx, ce)
		}
	}
	e.log.WarnContext(ctx, "import failed", "project", e.o.Project, "error", err)
	return v
}

// importNow reads a full picture of the CMS, roles first and collaborators last, and compares it with the record.
func (e *Engine) importNow(ctx context.Context) error {
	if err := e.rebind(ctx); err != nil {
		return err
	}
	end := directory.ImportEnd{Began: e.o.Now()}
	var err error
	if end.Mark, err = e.dir.WriteMark(ctx); err != nil {
		return err
	}
	if end.Picture, err = e.dir.BeginPicture(ctx); err != nil {
		return err
	}
	roles, err := e.rolesPicture(ctx)
	if err != nil {
		return err
	}
	found, err := e.readPeople(ctx)
	if err != nil {
		return err
	}
	end.People, end.Look = len(found.links), found.fingerprint(roles.JSON)
	if err := e.believable(ctx, found); err != nil {
		return err
	}
	if err := e.compare(ctx, end, roles, found); err != nil {
		return err
	}
	return e.dir.Imported(ctx, end)
}

// compare brings the record up to date with a picture that is believed.
func (e *Engine) compare(ctx context.Context, end directory.ImportEnd, roles directory.RolesPicture, found *people) error {
	if err := e.noteBegin(ctx, end.Began, end.People); err != nil {
		return err
	}
	if err := e.dir.ImportRoles(ctx, end.Picture, roles); err != nil {
		return err
	}
	if err := e.retryForRoles(ctx); err != nil {
		return err
	}
	reopened, err := e.importPeople(ctx, end.Picture, found)
	if err != nil {
		return err
	}
	if err := e.importMissing(ctx, end.Picture, found); err != nil {
		return err
	}
	if err := e.prune(ctx, end.Picture); err != nil {
		return err
	}
	return e.review(ctx, end.Began, reopened)
}

// pruneMost is how many tombstones one import looks at.
const pruneMost = 2000

// prune forgets whom the identity provider has deleted and of whom the CMS has nothing any more.
func (e *Engine) prune(ctx context.Context, picture int64) error {
	gone, err := e.dir.Prune(ctx, picture, pruneMost)
	if err == nil && gone != (directory.Pruned{}) {
		e.log.InfoContext(ctx, "deleted people and groups of whom the CMS has nothing are forgotten", "project", e.o.Project,
			"people", gone.Users, "groups", gone.Groups)
	}
	return err
}

// noteBegin remembers when the record was begun, and tells operators if the CMS had people then: at the first start with
// a project that is in use, or because Redis has lost the record.
func (e *Engine) noteBegin(ctx context.Context, began time.Time, people int) error {
	before, _, err := e.dir.Begun(ctx)
	if err != nil {
		return err
	}
	if before.IsZero() && people > 0 {
		e.log.WarnContext(ctx, "the record is new, and the CMS has people: they keep their roles until the identity provider pushes its groups",
			"project", e.o.Project, "people", people)
	}
	return e.dir.NoteBegin(ctx, began, people)
}

// byAge orders roles by their ids, which the CMS counts up: groups that are made from them are as old as they are, after a
// loss of the record, too.
func byAge(a, b directory.RoleEntry) int {
	return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
}

func (e *Engine) rolesPicture(ctx context.Context) (p directory.RolesPicture, err error) {
	if _, p.Version, err = e.dir.Roles(ctx); err != nil {
		return p, err
	}
	roles, err := e.cms.Roles(ctx)
	if err != nil {
		return p, err
	}
	for _, r := range roles {
		p.Entries = append(p.Entries, directory.RoleEntry{ID: r.ID, Name: r.Name})
	}
	slices.SortFunc(p.Entries, byAge)
	if p.JSON, err = json.Marshal(roles); err != nil {
		return p, fmt.Errorf("roles: %w", err)
	}
	return p, nil
}

// importPeople gives the leavers who had access again.
func (e *Engine) importPeople(ctx context.Context, picture int64, found *people) (reopened []string, err error) {
	for lo := 0; lo < len(found.links); lo += importChunk {
		if ctx.Err() != nil {
			return nil, errSuperseded
		}
		chunk := make([]directory.Entity, 0, importChunk)
		for _, l := range found.links[lo:min(lo+importChunk, len(found.links))] {
			chunk = append(chunk, directory.Entity{Link: l})
		}
		findings, err := e.dir.ImportUsers(ctx, picture, chunk)
		if err != nil {
			return nil, err
		}
		for _, f := range findings {
			switch {
			case f.What == "repair":
				reopened = append(reopened, f.ID)
			case f.At < len(chunk):
				if err := e.importPerson(ctx, picture, f.ID, chunk[f.At]); err != nil {
					return nil, err
				}
			}
		}
	}
	e.o.Wake()
	return reopened, nil
}

func (e *Engine) importPerson(ctx context.Context, picture int64, id string, entity directory.Entity) error {
	given, family := mapping.SplitName(entity.Name, entity.Address)
	active := entity.Kind == directory.Invitation || entity.Active
	p := Person{UserName: entity.Address, GivenName: given, FamilyName: family, Email: entity.Address, Active: active}
	doc, err := e.o.Document(p)
	if err != nil {
		return err
	}
	_, err = e.dir.ImportNewUser(ctx, picture, id, entity, directory.UserWish{
		Doc: doc, UserName: p.UserName, DisplayName: entity.Name, Emails: []string{p.Email}, Address: p.Email, Active: active,
	})
	return err
}

func (e *Engine) importMissing(ctx context.Context, picture int64, found *people) error {
	return e.dir.Linked(ctx, func(chunk []directory.Missing) error {
		var missing []directory.Missing
		for _, m := range chunk {
			if _, there := found.byEntity[m.Entity]; !there {
				missing = append(missing, m)
			}
		}
		gone, err := e.dir.ImportMissing(ctx, picture, missing)
		if gone > 0 {
			e.log.InfoContext(ctx, "collaborators or invitations are gone from the CMS", "project", e.o.Project, "count", gone)
		}
		return err
	})
}

// ImportNow queues an import before all other work and waits for its end.
func (e *Engine) ImportNow(ctx context.Context) error {
	ticket, err := e.queue.Push(ctx, importKey, queue.Interactive, true)
	if err != nil {
		return &directory.UnavailableError{Cause: err}
	}
	e.o.Wake()
	if _, err := e.queue.Await(ctx, importKey, ticket); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// freshen waits a little for a new picture when the last one is older than import.max_age. Its failure only means that
// the listing is older.
func (e *Engine) freshen(ctx context.Context) {
	last, err := e.dir.LastImport(ctx)
	if err != nil || e.o.Now().Sub(last) < e.set().MaxAge {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, e.o.ListingWait)
	defer cancel()
	if err := e.ImportNow(ctx); err != nil && ctx.Err() == nil {
		e.log.DebugContext(ctx, "listing shows an old picture", "project", e.o.Project, "error", err)
	}
}
