package cmsclient

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMe(t *testing.T) {
	t.Parallel()
	const role = `{"id":"34","type":"role","attributes":{"name":"Admin"},"meta":{"final_permissions":{"can_manage_users":true}}}`
	for name, tt := range map[string]struct {
		body     string
		typ      string
		roleName string
	}{
		"token": {
			`{"data":{"id":"5","type":"access_token","relationships":{"role":{"data":{"id":"34","type":"role"}}}},"included":[{"id":"1","type":"role"},` + role + `]}`,
			"access_token", "Admin",
		},
		"owner":             {`{"data":{"id":"5","type":"account"}}`, "account", ""},
		"role not included": {`{"data":{"id":"5","type":"user","relationships":{"role":{"data":{"id":"34","type":"role"}}}}}`, "user", ""},
		"other inclusions":  {`{"data":{"id":"5","type":"organization","relationships":{"role":{"data":null}}},"included":[` + role + `]}`, "organization", ""},
	} {
		f := scripted(t, reply{status: 200, body: tt.body})
		me, err := f.Me(t.Context())
		if err != nil || me.Type != tt.typ || me.ID != "5" || (me.Role != nil) != (tt.roleName != "") {
			t.Fatalf("%s: %+v, %v", name, me, err)
		}
		if me.Role != nil && (me.Role.Name != tt.roleName || !me.Role.Can("can_manage_users")) {
			t.Errorf("%s: role %+v", name, me.Role)
		}
		if sent := f.cms.requests()[0]; sent.path != "/users/me" || sent.query != "include=role" {
			t.Errorf("%s: sent %+v", name, sent)
		}
	}
	f := scripted(t, reply{status: 200, body: `{"data":{}}`})
	if _, err := f.Me(t.Context()); err == nil {
		t.Error("nobody passes for somebody")
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]Site{
		`{"owner":{"data":{"id":"8","type":"organization"}}}`:                                           {ID: "1", Name: "Blog", OwnerType: "organization", OwnerID: "8"},
		`{"account":{"data":{"id":"8","type":"account"}}}`:                                              {ID: "1", Name: "Blog", OwnerType: "account", OwnerID: "8"},
		`{"owner":{"data":{"id":"9","type":"account"}},"account":{"data":{"id":"8","type":"account"}}}`: {ID: "1", Name: "Blog", OwnerType: "account", OwnerID: "9"},
		`{}`: {ID: "1", Name: "Blog"},
	} {
		f := scripted(t, reply{status: 200, body: `{"data":{"id":"1","type":"site","attributes":{"name":"Blog"},"relationships":` + owner + `}}`})
		got, err := f.Site(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", owner, got, err)
		}
	}
}

func TestSubscriptionLimits(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: `{"data":[
		{"id":"users","type":"subscription_limit","attributes":{"code":"users","usage":4,"limit":10}},
		{"id":"roles","type":"subscription_limit","attributes":{"code":"roles","usage":2,"limit":null}}]}`})
	got, err := f.SubscriptionLimits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Limit{{Code: "users", Usage: 4, Max: new(int64(10))}, {Code: "roles", Usage: 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
