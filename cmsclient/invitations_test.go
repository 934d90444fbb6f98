package cmsclient

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestInvitationCalls(t *testing.T) {
	t.Parallel()
	const toEditor = `"relationships":{"role":{"data":{"id":"34","type":"role"}}}`
	for _, tt := range []struct {
		name               string
		call               func(context.Context, *Client) (Invitation, error)
		method, path, body string
	}{
		{
			"read", func(ctx context.Context, c *Client) (Invitation, error) { return c.Invitation(ctx, "9") },
			"GET", "/site-invitations/9", "",
		},
		{
			"create", func(ctx context.Context, c *Client) (Invitation, error) {
				return c.CreateInvitation(ctx, InvitationCreate{Email: "ada@example.com", RoleID: "34"})
			},
			"POST", "/site-invitations", `{"data":{"type":"site_invitation","attributes":{"email":"ada@example.com"},` + toEditor + `}}`,
		},
		{
			"create with a profile", func(ctx context.Context, c *Client) (Invitation, error) {
				return c.CreateInvitation(ctx, InvitationCreate{
					Email: "ada@example.com", RoleID: "34", Profile: map[string]any{"title": "Dr", "email": "other@example.com"},
				})
			},
			"POST", "/site-invitations", `{"data":{"type":"site_invitation","attributes":{"email":"ada@example.com","title":"Dr"},` + toEditor + `}}`,
		},
		{
			"change", func(ctx context.Context, c *Client) (Invitation, error) {
				return c.UpdateInvitation(ctx, "9", InvitationUpdate{RoleID: "34"})
			},
			"PUT", "/site-invitations/9", `{"data":{"type":"site_invitation","id":"9",` + toEditor + `}}`,
		},
		{
			"resend", func(ctx context.Context, c *Client) (Invitation, error) { return c.ResendInvitation(ctx, "9") },
			"POST", "/site-invitations/9/resend", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, reply{status: 200, body: invitationJSON})
			got, err := tt.call(t.Context(), f.Client)
			if err != nil || got != (Invitation{ID: "9", Email: "ada@example.com", RoleID: "34"}) {
				t.Fatalf("%+v, %v", got, err)
			}
			sent := f.cms.requests()[0]
			if sent.method != tt.method || sent.path != tt.path || sent.body != tt.body {
				t.Fatalf("sent %s %s\n%s", sent.method, sent.path, sent.body)
			}
			if strings.Contains(fmt.Sprintf("%#v", got), "JOINTOKEN") {
				t.Fatal("keeps the link that lets people in")
			}
		})
	}
}

func TestInvitationsAreListed(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: `{"data":[
		{"id":"9","type":"site_invitation","attributes":{"email":"a@x","expired":true},"relationships":{"role":{"data":{"id":"1","type":"role"}}}},
		{"id":"10","type":"site_invitation","attributes":{"email":"b@x"},"relationships":{"role":{"data":{"id":"2","type":"role"}}}}]}`})
	got, err := f.Invitations(t.Context())
	if err != nil || len(got) != 2 || got[0] != (Invitation{"9", "a@x", "1", true}) || got[1] != (Invitation{"10", "b@x", "2", false}) {
		t.Fatalf("%+v, %v", got, err)
	}
}
