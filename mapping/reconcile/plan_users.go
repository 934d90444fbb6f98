package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
)

func quote(s string) string { return strconv.Quote(s) }

// planned is what a sync of a user would do.
type planned struct {
	decision mapping.RoleDecision
	mapping.Case
	mapping.Plan
}

// planUser decides and plans, as a sync and an explanation do. It calls nothing and writes nothing.
func (e *Engine) planUser(set *live, u directory.User, roles mapping.RoleSet, repairs bool) (planned, error) {
	decision, err := e.decideBy(set, u, roles)
	if err != nil {
		return planned{}, err
	}
	c := e.caseBy(set, u, decision)
	set.mend(&c, u, roles, repairs)
	plan := mapping.Make(c)
	plan.Steps = (&userSync{syncing: syncing{engine: e, set: set}, user: u}).withProfile(plan.Steps, c.Observed)
	return planned{decision, c, plan}, nil
}

// users plans everybody who is listed.
func (p *planning) users(ctx context.Context) error {
	p.roles = p.roles.With(p.virtual)
	return p.engine.dir.ScanUserRecords(ctx, func(u directory.User) (bool, error) {
		err := p.user(u)
		return err == nil, err
	})
}

// goneUsers plans those who are deleted and still queued.
func (p *planning) goneUsers(ctx context.Context) error {
	return p.gone(ctx, "user/", func(id string) error {
		u, err := p.engine.dir.UserRecord(ctx, id)
		if err != nil || u.State != directory.Deleted {
			return ignoreNotFound(err)
		}
		return p.user(u)
	})
}

func (p *planning) user(u directory.User) error {
	s := userSync{syncing: syncing{engine: p.engine, set: p.set}, user: u}
	if !s.concerned() {
		return nil
	}
	p.sum.People++
	item := PlanItem{Key: directory.UserKey(u.ID), Name: cmp.Or(u.Address, u.UserName), Status: u.Sync.State}
	if waitsForOperator(u.Sync.State) {
		item.Code, item.Reason = u.Sync.Code, u.Sync.Text
	}
	if s.nowhere() {
		item.Code, item.Reason = codeNoAddress, "the user has no e-mail address: map one in the identity provider"
		p.sum.Waiting[item.Code]++
		return p.tell(item)
	}
	if s.returns() {
		s.user.Applied = s.tookBack()
		s.user.Link, s.user.Old = u.Old, u.Link
	}
	for i, g := range s.user.Groups {
		if after, ok := p.made[g.ID]; ok {
			s.user.Groups[i] = after
		}
	}
	made, err := p.engine.planUser(p.set, s.user, p.roles, p.repairs)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errNoDocument, u.ID, err)
	}
	p.addCalls(&item, u, made)
	if made.Failed.Code != "" && item.Code == "" {
		item.Code, item.Reason = made.Failed.Code, made.Failed.Text
	}
	if made.Failed.Code != "" {
		p.sum.Waiting[made.Failed.Code]++
	}
	return p.tell(item)
}

func (p *planning) addCalls(item *PlanItem, u directory.User, made planned) {
	for _, st := range made.Steps {
		item.Calls = append(item.Calls, st.Describe(p.roles))
		item.Kinds = append(item.Kinds, st.Kind())
		takes := directory.Taking(made.Takes(st))
		if takes == directory.TakesNothing {
			continue
		}
		item.Takes = append(item.Takes, takes)
		if !waitsForOperator(item.Status) {
			p.window[takes][u.ID] = true
		}
	}
}
