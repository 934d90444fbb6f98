package scim_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/proxy/scim"
)

func moment() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.FixedZone("", 3600)) }

func userInput(t testing.TB) scim.RenderInput {
	return scim.RenderInput{
		Type: scim.UserType, ID: "id-1", Created: moment(), LastModified: moment().Add(time.Hour), Version: `W/"3"`, Location: "https://x/scim/v2/Users/id-1",
		Stored: user(t, `{"userName":"a@x","active":true,"name":{"givenName":"A","familyName":"B"},"emails":[{"value":"a@x","type":"work"}],`+
			enterprise+`:{"department":"D","manager":{"value":"m"}},"urn:acme:1.0:User":{"b":1,"a":"x"}}`).JSON(),
		Groups: []scim.GroupRef{{ID: "g1", Display: `G "1"`, Ref: "https://x/scim/v2/Groups/g1"}, {ID: "g2"}},
		Sync:   &scim.SyncStatus{Status: "failed", CMSType: "invitation", CMSID: "77", Role: "Editor", LastSynced: moment(), LastError: "no seat"},
	}
}

func groupInput() scim.RenderInput {
	return scim.RenderInput{
		Type: scim.GroupType, ID: "g1", Stored: (&scim.Group{DisplayName: "G", ExternalID: "e"}).JSON(),
		Members: []scim.MemberRef{{ID: "u1", Display: "Ada", Ref: "r"}}, Sync: &scim.SyncStatus{Status: "synced"},
	}
}

func render(t testing.TB, in scim.RenderInput) string {
	t.Helper()
	b, err := scim.Render(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Fatalf("not JSON: %s", b)
	}
	return string(b)
}

func TestRenderUser(t *testing.T) {
	t.Parallel()
	want := `{"id":"id-1","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:scimcms:scim:schemas:sync:1.0",` + enterprise + `,"urn:acme:1.0:User"],` +
		`"userName":"a@x","name":{"familyName":"B","givenName":"A"},"active":true,"emails":[{"value":"a@x","type":"work"}],` +
		enterprise + `:{"department":"D","manager":{"value":"m"}},"urn:acme:1.0:User":{"a":"x","b":1},` +
		`"groups":[{"value":"g1","$ref":"https://x/scim/v2/Groups/g1","display":"G \"1\"","type":"direct"},{"value":"g2","type":"direct"}],` +
		`"urn:scimcms:scim:schemas:sync:1.0":{"status":"failed","cmsType":"invitation","cmsId":"77","role":"Editor","lastSynced":"2026-01-02T02:04:05.678Z","lastError":"no seat"},` +
		`"meta":{"resourceType":"User","created":"2026-01-02T02:04:05.678Z","lastModified":"2026-01-02T03:04:05.678Z","location":"https://x/scim/v2/Users/id-1","version":"W/\"3\""}}`
	if got := render(t, userInput(t)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRenderGroup(t *testing.T) {
	t.Parallel()
	want := `{"id":"g1","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","urn:scimcms:scim:schemas:sync:1.0"],"externalId":"e","displayName":"G",` +
		`"members":[{"value":"u1","$ref":"r","display":"Ada","type":"User"}],"urn:scimcms:scim:schemas:sync:1.0":{"status":"synced"},"meta":{"resourceType":"Group"}}`
	if got := render(t, groupInput()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	in := groupInput()
	in.Members, in.Sync = []scim.MemberRef{}, nil
	want = `{"id":"g1","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"e","displayName":"G","members":[],"meta":{"resourceType":"Group"}}`
	if got := render(t, in); got != want {
		t.Errorf("without members: %s", got)
	}
	in.Members = nil
	if got := render(t, in); strings.Contains(got, "members") {
		t.Errorf("members were not given: %s", got)
	}
}

func TestRenderAppends(t *testing.T) {
	t.Parallel()
	b, err := scim.Render([]byte("before"), groupInput())
	if want := "before" + render(t, groupInput()); err != nil || string(b) != want {
		t.Errorf("got %s (%v)", b, err)
	}
}

// Copying the stored bytes and building everything anew give the same bytes.
func TestRenderWithAndWithoutReparsingAgree(t *testing.T) {
	t.Parallel()
	everything := map[scim.Type]string{
		scim.UserType: scim.UserURN + "," + scim.EnterpriseURN + "," + scim.SyncURN + ",urn:acme:1.0:User", scim.GroupType: scim.GroupURN + "," + scim.SyncURN,
	}
	noMembers := groupInput()
	noMembers.Members, noMembers.Stored = nil, []byte(`{"schemas":["`+scim.GroupURN+`"],"displayName":"ü"}`)
	noRefs := userInput(t)
	noRefs.Groups, noRefs.Sync = []scim.GroupRef{}, nil
	for _, in := range []scim.RenderInput{userInput(t), groupInput(), noMembers, noRefs} {
		want := render(t, in)
		in.Projection = scim.ParseProjection(in.Type, everything[in.Type], "")
		if got := render(t, in); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestRenderProjection(t *testing.T) {
	t.Parallel()
	const schemas = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"`
	for _, tt := range []struct{ name, attributes, excluded, want string }{
		{"one", "userName", "", `{"id":"id-1",` + schemas + `],"userName":"a@x"}`},
		{"any case and blanks", " USERNAME , active ", "", `{"id":"id-1",` + schemas + `],"userName":"a@x","active":true}`},
		{"sub-attribute", "name.givenName,emails.value", "", `{"id":"id-1",` + schemas + `],"name":{"givenName":"A"},"emails":[{"value":"a@x"}]}`},
		{"sub-attribute that is not there", "emails.display,name.middleName", "", `{"id":"id-1",` + schemas + `]}`},
		{"unknown only", "nope", "", `{"id":"id-1",` + schemas + `]}`},
		{"by URN", "urn:ietf:params:scim:schemas:core:2.0:User:userName," + scim.EnterpriseURN + ":department", "",
			`{"id":"id-1",` + schemas + `,` + enterprise + `],"userName":"a@x",` + enterprise + `:{"department":"D"}}`},
		{"sub-attribute of an extension", scim.EnterpriseURN + ":manager.value", "", `{"id":"id-1",` + schemas + `,` + enterprise + `],` + enterprise + `:{"manager":{"value":"m"}}}`},
		{"whole extension", "urn:ACME:1.0:user", "", `{"id":"id-1",` + schemas + `,"urn:acme:1.0:User"],"urn:acme:1.0:User":{"a":"x","b":1}}`},
		{"attribute of a custom extension", "urn:acme:1.0:User:B", "", `{"id":"id-1",` + schemas + `,"urn:acme:1.0:User"],"urn:acme:1.0:User":{"b":1}}`},
		{"what the server adds", "meta.version,groups.value," + scim.SyncURN + ":status", "",
			`{"id":"id-1",` + schemas + `,"urn:scimcms:scim:schemas:sync:1.0"],"groups":[{"value":"g1"},{"value":"g2"}],"urn:scimcms:scim:schemas:sync:1.0":{"status":"failed"},"meta":{"version":"W/\"3\""}}`},
		{"excluded", "", "name,emails,groups,meta,active,id,schemas,urn:acme:1.0:User," + scim.EnterpriseURN + "," + scim.SyncURN, `{"id":"id-1",` + schemas + `],"userName":"a@x"}`},
		{"excluded sub-attributes", "", "name.givenName,emails.type,groups,meta,urn:acme:1.0:User:a," + scim.EnterpriseURN + ":manager," + scim.SyncURN,
			`{"id":"id-1",` + schemas + `,` + enterprise + `,"urn:acme:1.0:User"],"userName":"a@x","name":{"familyName":"B"},"active":true,"emails":[{"value":"a@x"}],` + enterprise + `:{"department":"D"},"urn:acme:1.0:User":{"b":1}}`},
		{"both", "userName,name", "name.givenName", `{"id":"id-1",` + schemas + `],"userName":"a@x","name":{"familyName":"B"}}`},
		{"unknown excluded", "userName", "nope", `{"id":"id-1",` + schemas + `],"userName":"a@x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := userInput(t)
			in.Projection = scim.ParseProjection(scim.UserType, tt.attributes, tt.excluded)
			if got := render(t, in); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Entra ID reads groups with excludedAttributes=members: the members need not even be read.
func TestProjectionSaysWhatNeedNotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		attributes, excluded string
		members, meta        bool
	}{
		{"", "", true, true}, {"", "members", false, true}, {"", "MEMBERS,meta", false, false}, {"", "members.display", true, true}, {"displayName", "", false, false},
		{"displayName,members.value", "", true, false}, {"members", "members", false, false}, {scim.GroupURN, "", true, true}, {"", scim.GroupURN, false, false},
		{"nope", "", false, false}, {"", "nope", true, true}, {" , ", "", true, true},
	} {
		p := scim.ParseProjection(scim.GroupType, tt.attributes, tt.excluded)
		if p.Wants("members") != tt.members || p.Wants("meta") != tt.meta {
			t.Errorf("attributes=%q excludedAttributes=%q: members %v, meta %v", tt.attributes, tt.excluded, p.Wants("members"), p.Wants("meta"))
		}
		if want := strings.Trim(tt.attributes, " ,") != ""; p.Explicit() != want {
			t.Errorf("attributes=%q: Explicit = %v", tt.attributes, p.Explicit())
		}
	}
	in := groupInput()
	in.Projection = scim.ParseProjection(scim.GroupType, "", "members")
	if got := render(t, in); strings.Contains(got, "members") || !strings.Contains(got, `"displayName":"G"`) {
		t.Errorf("got %s", got)
	}
	if !(scim.Projection{}).IsZero() || in.Projection.IsZero() {
		t.Error("IsZero")
	}
}

func TestRenderRefusesABrokenDocument(t *testing.T) {
	t.Parallel()
	in := userInput(t)
	for _, stored := range []string{``, `{`, `null`, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"`, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`} {
		in.Stored = []byte(stored)
		if b, err := scim.Render(nil, in); err == nil {
			t.Errorf("%q: rendered %s", stored, b)
		}
		if v, err := scim.View(in); err == nil {
			t.Errorf("%q: view %v", stored, v)
		}
	}
}

func TestViewIsWhatFiltersSee(t *testing.T) {
	t.Parallel()
	v, err := scim.View(userInput(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, filter := range []string{
		`id eq "id-1"`, `meta.lastModified gt "2026-01-02T02:30:00Z"`, `groups.value eq "g2"`, `urn:scimcms:scim:schemas:sync:1.0:status eq "failed"`,
		`urn:scimcms:scim:schemas:sync:1.0:lastSynced lt "2026-01-03T00:00:00Z"`, `emails[type eq "work"]`, `urn:acme:1.0:User:b eq 1`,
	} {
		f, err := scim.ParseFilter(scim.UserType, filter)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Match(v) {
			t.Errorf("%s does not match", filter)
		}
	}
}

func TestListResponse(t *testing.T) {
	t.Parallel()
	const head = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],`
	for _, tt := range []struct {
		list scim.List
		want string
	}{
		{scim.List{Total: 5, StartIndex: 3, Resources: [][]byte{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}},
			head + `"totalResults":5,"startIndex":3,"itemsPerPage":2,"Resources":[{"id":"a"},{"id":"b"}]}`},
		{scim.List{}, head + `"totalResults":0,"itemsPerPage":0,"Resources":[]}`},
		{scim.List{Total: -1, Next: "n", Prev: "p"}, head + `"itemsPerPage":0,"nextCursor":"n","previousCursor":"p","Resources":[]}`},
	} {
		if got := string(tt.list.JSON()); got != tt.want {
			t.Errorf("got %s", got)
		}
	}
}
