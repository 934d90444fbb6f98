package cmsclient_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

const token = "emulator-token"

// emulated is a client on an emulator in memory, with waits that take no time.
func emulated(t *testing.T, o cmstest.Options) (*cmsclient.Client, *cmstest.Server) {
	t.Helper()
	o.Token = token
	cms := cmstest.New(o)
	c, err := cmsclient.New(cmsclient.Options{
		Token: token, Transport: cms.Transport(),
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, cms
}

func roleID(t *testing.T, c *cmsclient.Client, name string) string {
	t.Helper()
	roles, err := c.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(roles, func(r cmsclient.Role) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no role %q among %d", name, len(roles))
	}
	return roles[i].ID
}

// A person's whole life in the CMS, over a real socket and by the default transport.
func TestEmulator_LifeOfAPerson(t *testing.T) {
	t.Parallel()
	cms := cmstest.New(cmstest.Options{Token: token})
	srv := httptest.NewServer(cms.Handler())
	defer srv.Close()
	c, err := cmsclient.New(cmsclient.Options{Token: token, BaseURL: srv.URL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	ctx := t.Context()
	editor, admin := roleID(t, c, "Editor"), roleID(t, c, "Admin")

	inv, err := c.CreateInvitation(ctx, cmsclient.InvitationCreate{Email: "newcomer@example.com", RoleID: editor})
	must(t, err)
	if inv.Email != "newcomer@example.com" || inv.RoleID != editor || inv.Expired {
		t.Fatalf("invited %+v", inv)
	}
	again, err := c.UpdateInvitation(ctx, inv.ID, cmsclient.InvitationUpdate{RoleID: admin})
	must(t, err)
	if again.RoleID != admin {
		t.Fatalf("after the change %+v", again)
	}
	_, err = cms.Expire(inv.ID)
	must(t, err)
	list, err := c.Invitations(ctx)
	must(t, err)
	if len(list) != 1 || !list[0].Expired {
		t.Fatalf("expired: %+v", list)
	}
	_, err = c.ResendInvitation(ctx, inv.ID)
	must(t, err)
	joined, err := cms.Accept(inv.ID)
	must(t, err)
	if _, err := c.Invitation(ctx, inv.ID); cmsclient.Classify(err) != cmsclient.Gone {
		t.Fatalf("accepted, but %v", err)
	}

	user, err := c.UpdateUser(ctx, joined.ID, cmsclient.UserUpdate{RoleID: &editor, Active: new(false)})
	must(t, err)
	if user.Active || user.RoleID != editor || user.Email != "newcomer@example.com" {
		t.Fatalf("suspended %+v", user)
	}
	got, err := c.User(ctx, user.ID)
	must(t, err)
	if got != user {
		t.Fatalf("read %+v, want %+v", got, user)
	}
	must(t, c.DeleteUser(ctx, user.ID, nil))
	if err := c.DeleteUser(ctx, user.ID, nil); cmsclient.Classify(err) != cmsclient.Gone {
		t.Fatalf("deleted twice: %v", err)
	}
	users, err := c.Users(ctx)
	must(t, err)
	if len(users) != 0 {
		t.Fatalf("still there: %+v", users)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEmulator_Roles(t *testing.T) {
	t.Parallel()
	c, _ := emulated(t, cmstest.Options{SeedUsers: 3})
	ctx := t.Context()
	editor, err := c.Role(ctx, roleID(t, c, "Editor"))
	must(t, err)
	admin, err := c.Role(ctx, roleID(t, c, "Admin"))
	must(t, err)
	if editor.Privileged() || !admin.Privileged() {
		t.Fatalf("privileged: editor %v, admin %v", editor.Privileged(), admin.Privileged())
	}
	made, err := c.CreateRole(ctx, editor.Template("Writers"))
	must(t, err)
	if made.Name != "Writers" || made.Privileged() || len(made.Permissions) != len(editor.Permissions) {
		t.Fatalf("made %+v", made)
	}
	if _, err := c.CreateRole(ctx, editor.Template("Writers")); cmsclient.Classify(err) != cmsclient.Already {
		t.Fatalf("the same name again: %v", err)
	}
	heir, err := c.UpdateRole(ctx, made.ID, cmsclient.RoleAttributes{Name: "Heirs", InheritsFrom: []string{admin.ID}})
	must(t, err)
	if heir.Name != "Heirs" || !heir.Privileged() || !heir.Can("can_manage_users") {
		t.Fatalf("power by inheritance is not seen: %+v", heir)
	}
	copied, err := c.DuplicateRole(ctx, editor.ID)
	must(t, err)
	if copied.ID == editor.ID || copied.Name == editor.Name {
		t.Fatalf("copied %+v", copied)
	}
	must(t, c.DeleteRole(ctx, copied.ID))
	if err := c.DeleteRole(ctx, editor.ID); cmsclient.Classify(err) != cmsclient.Reject {
		t.Fatalf("deleted a role in use: %v", err)
	}
}

func TestEmulator_Project(t *testing.T) {
	t.Parallel()
	c, _ := emulated(t, cmstest.Options{SeedUsers: 4, Seats: 10, SiteID: "77"})
	me, err := c.Me(t.Context())
	must(t, err)
	if me.Type != "access_token" || me.Role == nil || !me.Role.Can("can_manage_users") {
		t.Fatalf("me %+v", me)
	}
	site, err := c.Site(t.Context())
	must(t, err)
	if site.ID != "77" || site.OwnerType == "" {
		t.Fatalf("site %+v", site)
	}
	limits, err := c.SubscriptionLimits(t.Context())
	must(t, err)
	i := slices.IndexFunc(limits, func(l cmsclient.Limit) bool { return l.Code == "users" })
	if i < 0 || limits[i].Max == nil || *limits[i].Max != 10 || limits[i].Usage < 4 {
		t.Fatalf("limits %+v", limits)
	}
}

func TestEmulator_Refusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		options cmstest.Options
		before  func(*testing.T, *cmsclient.Client, *cmstest.Server)
		call    func(context.Context, *cmsclient.Client, string) error
		class   cmsclient.Class
		reason  string
	}{
		{
			"invited twice", cmstest.Options{},
			func(t *testing.T, c *cmsclient.Client, _ *cmstest.Server) {
				t.Helper()
				must(t, invite(t.Context(), c, "newcomer@example.com", roleID(t, c, "Editor")))
			},
			func(ctx context.Context, c *cmsclient.Client, role string) error {
				return invite(ctx, c, "Newcomer@example.com", role)
			},
			cmsclient.Already, "The CMS has this email already.",
		},
		{
			"joined already", cmstest.Options{},
			func(t *testing.T, _ *cmsclient.Client, cms *cmstest.Server) {
				t.Helper()
				_, err := cms.AddUser(cmstest.NewUser{Email: "newcomer@example.com"})
				must(t, err)
			},
			func(ctx context.Context, c *cmsclient.Client, role string) error {
				return invite(ctx, c, "newcomer@example.com", role)
			},
			cmsclient.Already, "The person is a member of the project already.",
		},
		{
			"seats full", cmstest.Options{Seats: 1, SeedUsers: 1}, nil,
			func(ctx context.Context, c *cmsclient.Client, role string) error {
				return invite(ctx, c, "newcomer@example.com", role)
			},
			cmsclient.Reject, "The CMS plan has no free seat for another collaborator.",
		},
		{
			"no address", cmstest.Options{}, nil,
			func(ctx context.Context, c *cmsclient.Client, role string) error { return invite(ctx, c, "ada", role) },
			cmsclient.Reject, "",
		},
		{
			"unknown role", cmstest.Options{}, nil,
			func(ctx context.Context, c *cmsclient.Client, _ string) error {
				return invite(ctx, c, "newcomer@example.com", "424242")
			},
			cmsclient.Gone, "It is not in the CMS, or no longer.",
		},
		{
			"attribute that DatoCMS does not know", cmstest.Options{}, nil,
			func(ctx context.Context, c *cmsclient.Client, role string) error {
				_, err := c.CreateInvitation(ctx, cmsclient.InvitationCreate{
					Email: "newcomer@example.com", RoleID: role, Profile: map[string]any{"title": "Dr"},
				})
				return err
			},
			cmsclient.Reject, "The CMS does not accept the form of the request.",
		},
		{
			"token taken away", cmstest.Options{},
			func(_ *testing.T, _ *cmsclient.Client, cms *cmstest.Server) { cms.SetToken(false) },
			func(ctx context.Context, c *cmsclient.Client, role string) error {
				return invite(ctx, c, "newcomer@example.com", role)
			},
			cmsclient.Stop, "The CMS does not accept the token.",
		},
		{
			"token too weak", cmstest.Options{},
			func(t *testing.T, _ *cmsclient.Client, cms *cmstest.Server) {
				t.Helper()
				must(t, cms.SetTokenRole("Editor"))
			},
			func(ctx context.Context, c *cmsclient.Client, role string) error {
				return invite(ctx, c, "newcomer@example.com", role)
			},
			cmsclient.Stop, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, cms := emulated(t, tt.options)
			role := roleID(t, c, "Editor")
			if tt.before != nil {
				tt.before(t, c, cms)
			}
			invitations := len(cms.State().Invitations)
			err := tt.call(t.Context(), c, role)
			var e *cmsclient.Error
			if !errors.As(err, &e) || cmsclient.Classify(err) != tt.class || e.Unknown || !e.Sent || e.Code() == "" {
				t.Fatalf("class %v, want %v: %v", cmsclient.Classify(err), tt.class, err)
			}
			if tt.reason != "" && e.Reason() != tt.reason {
				t.Errorf("reason %q, want %q", e.Reason(), tt.reason)
			}
			if e.Unlisted() {
				t.Errorf("code %s is not in the table", e.Code())
			}
			if n := len(cms.State().Invitations); n != invitations {
				t.Errorf("refused, but there are %d invitations", n)
			}
		})
	}
}

func invite(ctx context.Context, c *cmsclient.Client, email, role string) error {
	_, err := c.CreateInvitation(ctx, cmsclient.InvitationCreate{Email: email, RoleID: role})
	return err
}

func TestEmulator_ProfileAttributes(t *testing.T) {
	t.Parallel()
	c, cms := emulated(t, cmstest.Options{SeedUsers: 1, ProfileAttributes: []string{"title"}})
	users, err := c.Users(t.Context())
	must(t, err)
	_, err = c.UpdateUser(t.Context(), users[0].ID, cmsclient.UserUpdate{Profile: map[string]any{"title": "Dr"}, Active: new(true)})
	must(t, err)
	if got := cms.State().Users[0].Text("title"); got != "Dr" {
		t.Fatalf("title %q", got)
	}
}
