//go:build unix

package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// team is a group that one client creates, renames and deletes, beside the groups that all clients share.
type team struct {
	name, id string
	members  map[*human]bool
}

// kinds of pushes that are about a team itself.
const (
	foundTeam   = "create group"
	renameTeam  = "rename group"
	disbandTeam = "delete group"
)

// aboutTeam says that a push creates, renames or deletes a group.
func (p *push) aboutTeam() bool {
	return p.kind == foundTeam || p.kind == renameTeam || p.kind == disbandTeam
}

// most teams that a client has at a time.
const most = 3

// nextTeam draws a push about the client's teams.
func (c *client) nextTeam() *push {
	x := c.rng.IntN(10)
	if len(c.teams) == 0 || x < 2 && len(c.teams) < most {
		c.named++
		return &push{kind: foundTeam, team: &team{members: map[*human]bool{}}, name: fmt.Sprintf("Crew %02d-%03d", c.n, c.named)}
	}
	t := c.teams[c.rng.IntN(len(c.teams))]
	switch {
	case x < 4:
		c.named++
		return &push{kind: renameTeam, team: t, name: fmt.Sprintf("Crew %02d-%03d", c.n, c.named)}
	case x < 5:
		return &push{kind: disbandTeam, team: t}
	}
	p := &push{kind: "members", team: t}
	for _, h := range c.people {
		switch {
		case c.rng.IntN(4) != 0 || len(p.add)+len(p.remove) > 5:
		case t.members[h]:
			p.remove = append(p.remove, h)
		case h.active:
			p.add = append(p.add, h)
		}
	}
	if len(p.add)+len(p.remove) == 0 {
		return nil
	}
	return p
}

// groupID is the group whose members a push changes.
func (c *client) groupID(p *push) string {
	if p.team != nil {
		return p.team.id
	}
	return c.groups[p.group]
}

func (c *client) sendTeam(ctx context.Context, p *push) error {
	switch p.kind {
	case foundTeam:
		found, err := c.findGroup(ctx, p.name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%s is there before it was pushed", p.name)
		}
		var g group
		body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": p.name, "members": []any{}}
		err = c.want(ctx, http.StatusCreated, request{http.MethodPost, "/Groups", body}, &g)
		p.team.id = g.ID
		return err
	case renameTeam:
		body := patch(op("replace", nil, map[string]any{"id": p.team.id, "displayName": p.name}))
		return c.want(ctx, http.StatusOK, request{http.MethodPatch, "/Groups/" + p.team.id, body}, nil)
	}
	return c.want(ctx, http.StatusNoContent, request{http.MethodDelete, "/Groups/" + p.team.id, nil}, nil)
}

// findGroup is the check whether a group exists that comes before a create.
func (o okta) findGroup(ctx context.Context, name string) (found []group, err error) {
	q := url.Values{"filter": {`displayName eq "` + name + `"`}, "startIndex": {"1"}, "count": {"100"}}
	var list struct{ Resources []group }
	err = o.want(ctx, http.StatusOK, request{method: http.MethodGet, path: "/Groups?" + q.Encode()}, &list)
	return list.Resources, err
}

func (c *client) acceptedTeam(p *push) {
	switch p.kind {
	case foundTeam:
		p.team.name = p.name
		c.teams = append(c.teams, p.team)
	case renameTeam:
		p.team.name = p.name
	default:
		for i, t := range c.teams {
			if t == p.team {
				c.teams = append(c.teams[:i:i], c.teams[i+1:]...)
				return
			}
		}
	}
}

func (c *client) teamWasDone(ctx context.Context, p *push) (bool, error) {
	if p.kind == foundTeam {
		found, err := c.findGroup(ctx, p.name)
		if err != nil || len(found) == 0 {
			return false, err
		}
		p.team.id = found[0].ID
		return true, nil
	}
	g, err := c.group(ctx, p.team.id)
	if p.kind == renameTeam {
		return g.DisplayName == p.name, err
	}
	if r, ok := errors.AsType[*refusal](err); ok && r.status == http.StatusNotFound {
		return true, nil
	}
	return false, err
}

// role is the name of the one that somebody has by what was accepted: that of the oldest of their groups.
func (c *client) role(h *human) string {
	for i, in := range h.groups {
		if in {
			return groupNames[i]
		}
	}
	for _, t := range c.teams {
		if t.members[h] {
			return t.name
		}
	}
	return "Viewer"
}
