package cmsclient

import (
	"context"
	"math"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var ada = User{
	ID: "7", Email: "ada@example.com", FullName: "Ada L", Active: true, RoleID: "34",
}

func TestUserIsRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		want User
	}{
		"whole": {userJSON, ada},
		"2022, without meta and 2FA": {
			`{"data":{"id":"7","type":"user","attributes":{"email":"a@b","full_name":null},"relationships":{"role":{"data":{"id":"1","type":"role"}}}}}`,
			User{ID: "7", Email: "a@b", Active: true, RoleID: "1"},
		},
		"suspended, never seen, no role": {
			`{"data":{"id":"7","type":"user","attributes":{"is_active":false},"relationships":{"role":{"data":null}},"meta":{"last_access":null}}}`,
			User{ID: "7"},
		},
	} {
		f := scripted(t, reply{status: 200, body: tt.body})
		got, err := f.User(t.Context(), "7")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUpdateUserSendsOnlyWhatChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		up   UserUpdate
		want string
	}{
		{
			"role", UserUpdate{RoleID: new("34")},
			`{"data":{"type":"user","id":"7","relationships":{"role":{"data":{"id":"34","type":"role"}}}}}`,
		},
		{"suspend", UserUpdate{Active: new(false)}, `{"data":{"type":"user","id":"7","attributes":{"is_active":false}}}`},
		{
			"both", UserUpdate{Active: new(true), RoleID: new("34")},
			`{"data":{"type":"user","id":"7","attributes":{"is_active":true},"relationships":{"role":{"data":{"id":"34","type":"role"}}}}}`,
		},
		{
			"profile", UserUpdate{Profile: map[string]any{"title": "Dr", "tags": []string{"a"}}},
			`{"data":{"type":"user","id":"7","attributes":{"tags":["a"],"title":"Dr"}}}`,
		},
		{
			"a profile cannot activate", UserUpdate{Active: new(false), Profile: map[string]any{"is_active": true}},
			`{"data":{"type":"user","id":"7","attributes":{"is_active":false}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, reply{status: 200, body: userJSON})
			got, err := f.UpdateUser(t.Context(), "7", tt.up)
			if err != nil || got != ada {
				t.Fatalf("%+v, %v", got, err)
			}
			sent := f.cms.requests()[0]
			if sent.method != "PUT" || sent.path != "/users/7" || sent.body != tt.want {
				t.Fatalf("sent %s %s\n%s, want\n%s", sent.method, sent.path, sent.body, tt.want)
			}
		})
	}
}

func TestCallsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: userJSON})
	for name, call := range map[string]func(context.Context) error{
		"empty user update": func(ctx context.Context) error { _, err := f.UpdateUser(ctx, "7", UserUpdate{}); return err },
		"empty role update": func(ctx context.Context) error { _, err := f.UpdateRole(ctx, "7", RoleAttributes{}); return err },
		"not JSON": func(ctx context.Context) error {
			_, err := f.UpdateUser(ctx, "7", UserUpdate{Profile: map[string]any{"x": math.NaN()}})
			return err
		},
		"no role": func(ctx context.Context) error {
			_, err := f.UpdateUser(ctx, "7", UserUpdate{RoleID: new("")})
			return err
		},
		"no role to invite to": func(ctx context.Context) error {
			_, err := f.CreateInvitation(ctx, InvitationCreate{Email: "a@example.com"})
			return err
		},
		"no role for an invitation": func(ctx context.Context) error {
			_, err := f.UpdateInvitation(ctx, "7", InvitationUpdate{RoleID: ""})
			return err
		},
	} {
		err := call(t.Context())
		if e := asError(t, err); e.Sent || e.Unknown || Classify(err) != Reject || e.Method == "" || e.Endpoint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(f.cms.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestDeleteUserNamesWhoTakesTheContent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		to   *Destination
		want url.Values
	}{
		"nobody": {nil, url.Values{}},
		"token": {
			&Destination{Type: "access_token", ID: "5&x=1"},
			url.Values{"destination_user_type": {"access_token"}, "destination_user_id": {"5&x=1"}},
		},
	} {
		f := scripted(t, reply{status: 200, body: userJSON})
		if err := f.DeleteUser(t.Context(), "7", tt.to); err != nil {
			t.Fatal(err)
		}
		sent := f.cms.requests()[0]
		query, err := url.ParseQuery(sent.query)
		if err != nil || sent.method != "DELETE" || sent.path != "/users/7" || sent.body != "" {
			t.Errorf("%s: %+v, %v", name, sent, err)
		}
		if diff := cmp.Diff(tt.want, query); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
