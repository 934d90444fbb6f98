package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// rebuilt is a proxy whose Redis is emptied, and what its identity provider remembers.
type rebuilt struct {
	t     *testing.T
	cms   *cmstest.Server
	redis redis.UniversalClient
	file  string
	proxy *instance
	ids   map[string]string // of people by the name before the @, of groups by name
}

// onOwnStores runs a test on an embedded store and on a redis-server that nobody else uses, so that it may empty them.
func onOwnStores(t *testing.T, fn func(t *testing.T, store queuetest.Store)) {
	t.Helper()
	t.Run(queuetest.Embedded, func(t *testing.T) {
		t.Parallel()
		fn(t, queuetest.Stores(t)[0])
	})
	t.Run(queuetest.Redis, func(t *testing.T) {
		t.Parallel()
		server := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
		fn(t, queuetest.Store{Name: queuetest.Redis, URL: server.URL, Client: server.Client})
	})
}

func newRebuilt(t *testing.T, store queuetest.Store, project string) *rebuilt {
	t.Helper()
	cms, address := emulator(t, cmstest.Options{SeedUsers: 3})
	r := &rebuilt{t: t, cms: cms, redis: store.Client, ids: map[string]string{}}
	r.file = configFile(t, settings{redisURL: store.URL, cmsURL: address, project: project})
	replaceIn(t, r.file, "template: Editor}", `template: Editor, rules: [{group: "CMS Admins", role: Admin}]}`)
	r.proxy = serveFile(t, r.file)
	return r
}

// create pushes somebody as Okta does: a look whether there is such a person, then the POST.
func (r *rebuilt) create(name, userName string) {
	r.t.Helper()
	body := strings.Replace(person(name), `"userName":"`+name+`@example.org"`, fmt.Sprintf(`"userName":%q`, userName), 1)
	if found := r.proxy.send(200, http.MethodGet, filtered(`userName eq "`+userName+`"`), ""); found["totalResults"] != 0.0 {
		r.t.Fatalf("%s is there before the create", userName)
	}
	u := r.proxy.send(201, http.MethodPost, "/Users", body)
	if s := synced(u); s["status"] != "synced" {
		r.t.Fatalf("%s: %v", name, s)
	}
	r.ids[name] = fmt.Sprint(u["id"])
}

// link finds somebody whom the CMS had before, and writes them, as Okta does.
func (r *rebuilt) link(name, address string) {
	r.t.Helper()
	found := r.proxy.send(200, http.MethodGet, filtered(`userName eq "`+address+`"`), "")
	list, _ := found["Resources"].([]any)
	if len(list) != 1 {
		r.t.Fatalf("%s: %v", address, found)
	}
	u, _ := list[0].(map[string]any)
	r.ids[name] = fmt.Sprint(u["id"])
	r.proxy.send(200, http.MethodPut, "/Users/"+r.ids[name], strings.ReplaceAll(person(name), name+"@example.org", address))
}

func (r *rebuilt) accept(names ...string) {
	r.t.Helper()
	for _, name := range names {
		for _, i := range r.cms.State().Invitations {
			if strings.EqualFold(i.Text("email"), name+"@example.org") {
				if _, err := r.cms.Accept(i.ID); err != nil {
					r.t.Fatal(err)
				}
			}
		}
	}
}

func (r *rebuilt) active(name string, on bool) map[string]any {
	r.t.Helper()
	return r.proxy.send(200, http.MethodPatch, "/Users/"+r.ids[name], patch(fmt.Sprintf(`{"op":"replace","value":{"active":%t}}`, on)))
}

// push creates a group with its members.
func (r *rebuilt) push(group string, names ...string) {
	r.t.Helper()
	g := r.proxy.send(201, http.MethodPost, "/Groups",
		fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":%q,"members":[%s]}`, group, r.members(names)))
	r.ids[group] = fmt.Sprint(g["id"])
}

func (r *rebuilt) members(names []string) string {
	var list []string
	for _, name := range names {
		list = append(list, fmt.Sprintf(`{"value":%q}`, r.ids[name]))
	}
	return strings.Join(list, ",")
}

// atRest waits until the CMS is read, and nothing is queued.
func (r *rebuilt) atRest() {
	r.t.Helper()
	eventually(r.t, func() error {
		if ready := r.proxy.readyz(); strings.Contains(ready, "nothing has been imported") {
			return fmt.Errorf("not ready: %s", ready)
		}
		if n, err := r.redis.ZCard(r.t.Context(), "{site}:q:since").Result(); err != nil || n > 0 {
			return fmt.Errorf("%d keys are queued, %w", n, err)
		}
		return nil
	})
}

// emptied stops the proxy, empties Redis, and starts the proxy again.
func (r *rebuilt) emptied() {
	r.t.Helper()
	if err := r.proxy.stop(); err != nil {
		r.t.Fatal(err)
	}
	if err := r.redis.FlushAll(r.t.Context()).Err(); err != nil {
		r.t.Fatal(err)
	}
	r.proxy = serveFile(r.t, r.file)
}

// listed gives the ids of all who are listed, by an attribute.
func (r *rebuilt) listed(path, attribute string) map[string]string {
	r.t.Helper()
	out := map[string]string{}
	list, _ := r.proxy.send(200, http.MethodGet, path+"?startIndex=1&count=100", "")["Resources"].([]any)
	for _, e := range list {
		resource, _ := e.(map[string]any)
		out[fmt.Sprint(resource[attribute])] = fmt.Sprint(resource["id"])
	}
	return out
}

func (r *rebuilt) roleOf(address string) string {
	r.t.Helper()
	s := r.cms.State()
	for _, e := range append(s.Users, s.Invitations...) {
		if strings.EqualFold(e.Text("email"), address) {
			for _, role := range s.Roles {
				if role.ID == e.RoleID() {
					return role.Text("name")
				}
			}
		}
	}
	return ""
}

// TestRebuild_WithRedisEmptiedTheIdsAreThoseThatOktaRemembers empties Redis behind people in every state, and lets Okta write
// them again under the ids that it has.
func TestRebuild_WithRedisEmptiedTheIdsAreThoseThatOktaRemembers(t *testing.T) {
	t.Parallel()
	onOwnStores(t, func(t *testing.T, store queuetest.Store) {
		r := newRebuilt(t, store, "")
		r.create("joined", "joined@example.org")
		r.create("invited", "invited@example.org")
		r.create("left", "left@example.org")
		r.create("Mixed.Case", "Mixed.Case@example.org")
		r.create("login", "jdoe") // a userName that is no address: the id follows the address
		r.create("boss", "boss@example.org")
		r.create("never", "never@example.org")
		r.link("ada", "ada@example.com")
		r.accept("joined", "left", "mixed.case", "login", "boss")
		r.proxy.send(200, http.MethodGet, "/Users?startIndex=1&count=100", "")
		r.push("Writers", "joined", "invited", "left")
		r.push("Authors", "login")
		r.push("CMS Admins", "boss")
		r.active("left", false)
		r.active("never", false) // whose invitation is withdrawn: the CMS knows nothing of this person
		r.atRest()
		people, groups := r.listed("/Users", "userName"), r.listed("/Groups", "displayName")
		calls := writesOf(r.cms)

		r.emptied()
		r.atRest()
		if diff := cmp.Diff(calls, writesOf(r.cms)); diff != "" {
			t.Errorf("a rebuild changed the CMS: %s", diff)
		}
		if ready := r.proxy.readyz(); !strings.Contains(ready, "the record is new") {
			t.Errorf("operators are not told that the record is new: %s", ready)
		}
		r.remembers(t, people, groups)
		r.pushesWhatIsThere(t)
		r.changes(t)
	})
}

// remembers compares people, groups and their ids with those before.
func (r *rebuilt) remembers(t *testing.T, people, groups map[string]string) {
	t.Helper()
	for name, id := range r.ids {
		switch name {
		case "never", "CMS Admins": // of whom the CMS has nothing
		case "Writers", "Authors":
			if now := r.listed("/Groups", "displayName")[name]; now != id || groups[name] != id {
				t.Errorf("group %s was %s, and is %s", name, id, now)
			}
		default:
			r.proxy.send(200, http.MethodGet, "/Users/"+id, "")
		}
	}
	delete(people, "never@example.org")
	people["login@example.org"] = people["jdoe"] // the CMS has no other name
	delete(people, "jdoe")
	if diff := cmp.Diff(folded(people), folded(r.listed("/Users", "userName"))); diff != "" {
		t.Errorf("people and their ids (-before +rebuilt): %s", diff)
	}
}

func folded(people map[string]string) map[string]string {
	out := map[string]string{}
	for name, id := range people {
		out[strings.ToLower(name)] = id
	}
	return out
}

// writesOf counts the calls that changed the CMS.
func writesOf(cms *cmstest.Server) map[string]int {
	calls := cms.Calls().ByEndpoint
	maps.DeleteFunc(calls, func(endpoint string, _ int) bool { return strings.HasPrefix(endpoint, "GET ") })
	return calls
}

// pushesWhatIsThere has Okta write what it has, by the ids that it has: nobody gets or loses anything by it.
func (r *rebuilt) pushesWhatIsThere(t *testing.T) {
	t.Helper()
	calls := writesOf(r.cms)
	put := func(name, userName string) map[string]any {
		t.Helper()
		body := strings.Replace(person(name), `"userName":"`+name+`@example.org"`, fmt.Sprintf(`"userName":%q`, userName), 1)
		return r.proxy.send(200, http.MethodPut, "/Users/"+r.ids[name], body)
	}
	for name, userName := range map[string]string{"joined": "joined@example.org", "invited": "invited@example.org", "Mixed.Case": "Mixed.Case@example.org", "login": "jdoe", "boss": "boss@example.org"} {
		if u := put(name, userName); u["userName"] != userName || u["id"] != r.ids[name] || synced(u)["status"] != "synced" {
			t.Errorf("%s after the rebuild: %v", name, u)
		}
	}
	for group, names := range map[string][]string{"Writers": {"joined", "invited", "left"}, "Authors": {"login"}} {
		a, err := r.proxy.do(http.MethodPatch, "http://"+r.proxy.scim+"/scim/v2/Groups/"+r.ids[group], r.proxy.token,
			patch(`{"op":"replace","path":"members","value":[`+r.members(names)+`]}`))
		if err != nil || a.status != http.StatusOK {
			t.Errorf("members of %s: %v %v", group, a, err)
		}
	}
	r.atRest()
	if diff := cmp.Diff(calls, writesOf(r.cms)); diff != "" {
		t.Errorf("pushing what the CMS has already changed it: %s", diff)
	}
}

// changes has Okta change people and groups by the ids that it has, push anew what is not there, and looks at the CMS.
func (r *rebuilt) changes(t *testing.T) {
	t.Helper()
	if u := r.active("left", true); u["active"] != true || synced(u)["status"] != "synced" {
		t.Errorf("reactivated: %v", u)
	}
	if u := r.active("invited", false); u["active"] != false || synced(u)["status"] != "synced" {
		t.Errorf("deactivated: %v", u)
	}
	if u := r.active("joined", false); synced(u)["status"] != "synced" {
		t.Errorf("deactivated: %v", u)
	}
	r.proxy.send(200, http.MethodPatch, "/Groups/"+r.ids["Authors"], patch(`{"op":"add","path":"members","value":[`+r.members([]string{"ada"})+`]}`))
	r.proxy.send(404, http.MethodGet, "/Groups/"+r.ids["CMS Admins"], "")
	before := r.ids["CMS Admins"]
	r.push("CMS Admins", "boss")
	r.create("never", "never@example.org")
	if r.ids["CMS Admins"] != before {
		t.Errorf("a group that is pushed anew was %s, and is %s", before, r.ids["CMS Admins"])
	}
	r.atRest()
	for address, want := range map[string]string{
		"left@example.org": "Writers", "login@example.org": "Authors", "ada@example.com": "Authors", "boss@example.org": "Admin",
		"invited@example.org": "", "mixed.case@example.org": "Editor", "never@example.org": "Editor",
	} {
		if got := r.roleOf(address); got != want {
			t.Errorf("%s has role %q in the CMS, not %q", address, got, want)
		}
	}
	for _, u := range r.cms.State().Users {
		if on := u.Attributes["is_active"]; (u.Text("email") == "joined@example.org") == (on == true) {
			t.Errorf("%s: is_active=%v", u.Text("email"), on)
		}
	}
	if found := r.proxy.send(200, http.MethodGet, "/Users?"+url.Values{"filter": {`emails.value eq "joined@example.org"`}}.Encode(), ""); found["totalResults"] != 1.0 {
		t.Errorf("twins: %v", found)
	}
}

// TestRebuild_OfARedisThatComesBackEmptyUnderARunningProxy empties Redis without a restart, as a primary without a file does.
func TestRebuild_OfARedisThatComesBackEmptyUnderARunningProxy(t *testing.T) {
	t.Parallel()
	onOwnStores(t, func(t *testing.T, store queuetest.Store) {
		r := newRebuilt(t, store, "    import: {interval: 1s}\n")
		r.create("joined", "joined@example.org")
		r.create("invited", "invited@example.org")
		r.accept("joined")
		r.push("Writers", "joined")
		r.atRest()
		site, err := r.redis.HGet(t.Context(), "{site}:meta", "site").Result()
		if err != nil || site == "" {
			t.Fatalf("site %q: %v", site, err)
		}
		calls := writesOf(r.cms)
		if err := r.redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			for name, id := range r.ids {
				path := "/Users/" + id
				if name == "Writers" {
					path = "/Groups/" + id
				}
				if a, err := r.proxy.do(http.MethodGet, "http://"+r.proxy.scim+"/scim/v2"+path, r.proxy.token, ""); err != nil || a.status != 200 {
					return fmt.Errorf("%s is not back: %d %w", name, a.status, err)
				}
			}
			return nil
		})
		r.atRest()
		if diff := cmp.Diff(calls, writesOf(r.cms)); diff != "" {
			t.Errorf("a rebuild changed the CMS: %s", diff)
		}
		if ready := r.proxy.readyz(); !strings.Contains(ready, "the record is new") {
			t.Errorf("operators are not told that the record is new: %s", ready)
		}
		if again, err := r.redis.HGet(t.Context(), "{site}:meta", "site").Result(); again != site {
			t.Errorf("the record is of CMS project %q, and was of %q: %v", again, site, err)
		}
		if u := r.active("joined", false); synced(u)["status"] != "synced" {
			t.Errorf("deactivated: %v", u)
		}
	})
}
