package cmsclient

import (
	"context"
	"net/http"
)

const (
	typeInvitation      = "site_invitation"
	invitationsEndpoint = "/site-invitations"
	invitationEndpoint  = "/site-invitations/:id"
)

// Invitation is a person who was asked to join and has not done so yet. The link that lets them in is never kept.
type Invitation struct {
	ID      string
	Email   string
	RoleID  string
	Expired bool
}

// InvitationCreate is whom to invite.
type InvitationCreate struct {
	Email  string
	RoleID string
	// Profile are further attributes, for a CMS that accepts more than DatoCMS does.
	Profile map[string]any
}

// Invitations lists all pending invitations, expired ones included.
func (c *Client) Invitations(ctx context.Context) ([]Invitation, error) {
	return collect(func(yield func(Invitation) error) error { return c.EachInvitation(ctx, yield) })
}

// EachInvitation is to Invitations what EachUser is to Users.
func (c *Client) EachInvitation(ctx context.Context, yield func(Invitation) error) error {
	return c.do(ctx, request{
		method: http.MethodGet, endpoint: invitationsEndpoint, decode: list[invitationWire](typeInvitation, yield),
	})
}

// Invitation reads one invitation. It is gone once it was accepted.
func (c *Client) Invitation(ctx context.Context, id string) (Invitation, error) {
	return c.invitation(ctx, request{method: http.MethodGet, endpoint: invitationEndpoint, id: id})
}

// CreateInvitation invites a person; the CMS sends the e-mail.
func (c *Client) CreateInvitation(ctx context.Context, in InvitationCreate) (Invitation, error) {
	all := attributes(in.Profile)
	all["email"] = in.Email
	return c.invitation(ctx, request{
		method: http.MethodPost, endpoint: invitationsEndpoint,
		body: &outgoing{Type: typeInvitation, Attributes: all, Relationships: toRole(in.RoleID)},
	})
}

// InvitationUpdate is what to change of an invitation: its role, the only thing that DatoCMS lets change, and extra
// attributes for a CMS that keeps more.
type InvitationUpdate struct {
	RoleID  string
	Profile map[string]any
}

// UpdateInvitation changes an invitation.
func (c *Client) UpdateInvitation(ctx context.Context, id string, up InvitationUpdate) (Invitation, error) {
	out := &outgoing{Type: typeInvitation, ID: id, Relationships: toRole(up.RoleID)}
	if len(up.Profile) > 0 {
		out.Attributes = attributes(up.Profile)
	}
	return c.invitation(ctx, request{method: http.MethodPut, endpoint: invitationEndpoint, id: id, body: out})
}

// DeleteInvitation withdraws an invitation.
func (c *Client) DeleteInvitation(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, endpoint: invitationEndpoint, id: id})
}

// ResendInvitation has the CMS send the e-mail again and renews an expired invitation.
func (c *Client) ResendInvitation(ctx context.Context, id string) (Invitation, error) {
	return c.invitation(ctx, request{method: http.MethodPost, endpoint: invitationEndpoint + "/resend", id: id})
}

func (c *Client) invitation(ctx context.Context, r request) (Invitation, error) {
	var inv Invitation
	r.decode = single[invitationWire](&inv, typeInvitation, r.id)
	err := c.do(ctx, r)
	return inv, err
}

type invitationWire struct {
	ref
	Attributes struct {
		Email   string `json:"email"`
		Expired bool   `json:"expired"`
	} `json:"attributes"`
	Relationships struct {
		Role related `json:"role"`
	} `json:"relationships"`
}

func (w invitationWire) head() ref { return w.ref }

func (w invitationWire) entity() Invitation {
	return Invitation{
		ID: w.ID, Email: w.Attributes.Email, RoleID: w.Relationships.Role.Data.ID, Expired: w.Attributes.Expired,
	}
}
