package reconcile

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/directory"
)

// missingLimit: a picture that shows less than this share of the known entities is an error, not a plan.
const missingLimit = 0.5

// askMost is how many entities that such a picture lacks are asked for one by one. In a project of a few people that is how
// those who have really left are told from a CMS that shows nobody.
const askMost = 3

// errShrunk refuses a picture that lacks most of what is known.
var errShrunk = errors.New("the CMS shows less than half of the people it had: the picture is not believed")

// believable refuses a picture that lacks most of what is known, unless that is very few, and the CMS itself says of each that it
// is gone. Whoever is missing counts as gone at the second such picture, as always.
func (e *Engine) believable(ctx context.Context, found *people) error {
	known, err := e.dir.CountLinked(ctx)
	if err != nil || float64(len(found.links)) >= missingLimit*float64(known) {
		return err
	}
	missing, err := e.missing(ctx, found)
	if err != nil {
		return err
	}
	for _, entity := range missing {
		gone, err := e.gone(ctx, entity)
		if err != nil {
			return err
		}
		if !gone {
			return errShrunk
		}
	}
	return nil
}

// missing are the known entities that a picture lacks, or errShrunk when they are too many to ask for.
func (e *Engine) missing(ctx context.Context, found *people) ([]string, error) {
	var out []string
	err := e.dir.Linked(ctx, func(chunk []directory.Missing) error {
		for _, m := range chunk {
			if _, there := found.byEntity[m.Entity]; !there {
				out = append(out, m.Entity)
			}
		}
		if len(out) > askMost {
			return errShrunk
		}
		return nil
	})
	return out, err
}

// gone asks the CMS for one entity, named as in the index of links.
func (e *Engine) gone(ctx context.Context, entity string) (bool, error) {
	var err error
	if id, invited := strings.CutPrefix(entity, directory.EntityKey(directory.Link{Kind: directory.Invitation})); invited {
		_, err = e.cms.Invitation(ctx, id)
	} else {
		_, err = e.cms.User(ctx, strings.TrimPrefix(entity, directory.EntityKey(directory.Link{Kind: directory.Collaborator})))
	}
	if ce, ok := errors.AsType[*cmsclient.Error](err); ok && ce.Status == http.StatusNotFound {
		return true, nil
	}
	return false, err
}
