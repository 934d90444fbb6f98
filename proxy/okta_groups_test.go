package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/queue/queuetest"
)

const groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"

// memberList is a list of members as Okta sends it.
func memberList(ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = `{"value":"` + id + `","display":"user@x.example"}`
	}
	return "[" + strings.Join(list, ",") + "]"
}

func addMembers(ids []string) string {
	return fmt.Sprintf(patchBody, `{"op":"add","path":"members","value":`+memberList(ids)+`}`)
}

// groupBody is a whole group, as apps send it that PUT.
func groupBody(id, name string, members []string) string {
	return fmt.Sprintf(`{"schemas":[%q],"id":%q,"displayName":%q,"members":%s}`, groupSchema, id, name, memberList(members))
}

// oktaGroup makes an empty group as Okta does and gives its id.
func (s *site) oktaGroup(name string) string {
	s.t.Helper()
	made := s.okta(http.StatusCreated, "POST", "/Groups", fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[]}`, groupSchema, name))
	return fmt.Sprint(made["id"])
}

// members are the ids of a group's members, in order.
func (s *site) members(group map[string]any) []string {
	s.t.Helper()
	found, _ := group["members"].([]any)
	ids := make([]string, 0, len(found))
	for _, m := range found {
		id, err := pointer(m, "/value")
		s.must(err)
		ids = append(ids, fmt.Sprint(id))
	}
	slices.Sort(ids)
	return ids
}

// userIDs are the ids of all users, in order.
func (s *site) userIDs() []string {
	s.t.Helper()
	var ids []string
	for {
		page := s.okta(http.StatusOK, "GET", fmt.Sprintf("/Users?startIndex=%d&count=1000&attributes=id", len(ids)+1), "")
		found, _ := page["Resources"].([]any)
		for _, r := range found {
			id, err := pointer(r, "/id")
			s.must(err)
			ids = append(ids, fmt.Sprint(id))
		}
		if len(found) == 0 || len(ids) == integer(page["totalResults"]) {
			slices.Sort(ids)
			return ids
		}
	}
}

// TestOktaGroups_TenThousandMembers fills one group in PATCHes of a hundred, as apps from the integration network do, and
// another one with one PUT, as apps from the wizard do. The queue is paused: it is the requests that must be able to do
// this. People are imported once, on the real Redis; the embedded store gets a copy.
func TestOktaGroups_TenThousandMembers(t *testing.T) {
	t.Parallel()
	const people = 10_000
	options := siteOptions{cms: cmstest.Options{SeedUsers: people}, rules: mapping.Config{Default: "Editor"}}
	seeded := newSite(t, queuetest.Real(t), options)
	users := seeded.userIDs()
	if len(users) != people {
		t.Fatalf("%d users were imported", len(users))
	}
	copied := queuetest.Stores(t)[0]
	seeded.copyTo(copied)
	options.idle = true
	for name, s := range map[string]*site{queuetest.Redis: seeded, copied.Name: newSite(t, copied, options)} {
		s.must(s.queue.Pause(s.ctx))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("PATCH", func(t *testing.T) { s.with(t).fillByPatch(users) })
			t.Run("PUT", func(t *testing.T) { s.with(t).fillByPut(users, name == queuetest.Redis) })
		})
	}
}

func (s *site) fillByPatch(users []string) {
	s.t.Helper()
	gid := s.oktaGroup("Everybody by PATCH")
	for i, chunk := range slices.Collect(slices.Chunk(users, 100)) {
		status := http.StatusNoContent // the answer does not grow with the group
		if i == 0 {
			status = http.StatusOK
		}
		s.okta(status, "PATCH", "/Groups/"+gid, addMembers(chunk))
	}
	if got := s.members(s.okta(http.StatusOK, "GET", "/Groups/"+gid, "")); !slices.Equal(got, users) {
		s.t.Errorf("the group has %d members, want %d", len(got), len(users))
	}
	stats, err := s.queue.Stats(s.ctx)
	s.must(err)
	if n := stats.Depth["normal"]; n < int64(len(users)) {
		s.t.Errorf("%d keys are queued: every member is to be looked at, %+v", n, stats)
	}
	// One in or out costs what it costs in a small group; the listing shows all of them still.
	s.okta(http.StatusNoContent, "PATCH", "/Groups/"+gid, fmt.Sprintf(patchBody, `{"op":"remove","path":"members[value eq \"`+users[0]+`\"]"}`))
	found := s.okta(http.StatusOK, "GET", "/Groups?filter=displayName%20eq%20%22everybody%20by%20patch%22&startIndex=1&count=100", "")
	listed, err := pointer(found, "/Resources/0")
	s.must(err)
	group, _ := listed.(map[string]any)
	if got := s.members(group); !slices.Equal(got, users[1:]) {
		s.t.Errorf("after one has left the listing shows %d members", len(got))
	}
}

// fillByPut sends whole lists; further ones only where they do not take the embedded store's time.
func (s *site) fillByPut(users []string, further bool) {
	s.t.Helper()
	const name = "Everybody by PUT"
	gid := s.oktaGroup(name)
	filled := s.okta(http.StatusOK, "PUT", "/Groups/"+gid, groupBody(gid, name, users))
	if got := s.members(filled); !slices.Equal(got, users) {
		s.t.Errorf("the answer has %d members, want %d", len(got), len(users))
	}
	// The queue is paused, so nobody has told the members yet. Their own resources know all the same.
	last := users[len(users)-1]
	if shown := compact(s.okta(http.StatusOK, "GET", "/Users/"+last, "")["groups"]); !strings.Contains(shown, gid) {
		s.t.Errorf("a member's groups are %s", shown)
	}
	if !further {
		return
	}
	again := s.okta(http.StatusOK, "PUT", "/Groups/"+gid, groupBody(gid, name, users))
	if before, after := compact(filled["meta"]), compact(again["meta"]); before != after {
		s.t.Errorf("the same list again is a change: %s, then %s", before, after)
	}
	s.okta(http.StatusOK, "PUT", "/Groups/"+gid, groupBody(gid, name, users[:len(users)-1]))
	if got := s.members(s.okta(http.StatusOK, "GET", "/Groups/"+gid, "")); !slices.Equal(got, users[:len(users)-1]) {
		s.t.Errorf("after one has left there are %d members", len(got))
	}
	if shown := compact(s.okta(http.StatusOK, "GET", "/Users/"+last, "")["groups"]); strings.Contains(shown, gid) {
		s.t.Errorf("the groups of somebody who has left are %s", shown)
	}
	emptied := s.okta(http.StatusOK, "PUT", "/Groups/"+gid, groupBody(gid, name, nil))
	if got := s.members(emptied); len(got) != 0 {
		s.t.Errorf("the emptied group has %d members", len(got))
	}
}

// TestOktaGroups_ConcurrentPatchesLoseNobody changes one group from many jobs at a time, as Okta does when many people
// are assigned at once. Each has people of its own that come, and one that goes.
func TestOktaGroups_ConcurrentPatchesLoseNobody(t *testing.T) {
	t.Parallel()
	const jobs, each = 16, 4
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{cms: cmstest.Options{SeedUsers: jobs * each}})
		users, gid := s.userIDs(), s.oktaGroup("Crowd")
		first := make([]string, 0, jobs) // there from the start; they go
		var want []string
		for own := range slices.Chunk(users, each) {
			first = append(first, own[0])
			want = append(want, own[1:]...)
		}
		s.okta(http.StatusOK, "PATCH", "/Groups/"+gid, addMembers(first))
		var running sync.WaitGroup
		for i, own := range slices.Collect(slices.Chunk(users, each)) {
			running.Go(func() {
				for _, body := range []string{
					fmt.Sprintf(patchBody, fmt.Sprintf(`{"op":"replace","value":{"id":%q,"displayName":"Crowd"}}`, gid)),
					fmt.Sprintf(patchBody, `{"op":"remove","path":"members[value eq \"`+first[i]+`\"]"},`+
						`{"op":"add","path":"members","value":`+memberList(own[1:3])+`}`),
					addMembers(own[3:]),
				} {
					got, err := s.send("PATCH", "/Groups/"+gid, oktaHeader(true), []byte(body))
					if err != nil || got.status != http.StatusOK {
						t.Errorf("%s: %d %s %v", body, got.status, got.body, err)
					}
				}
			})
		}
		running.Wait()
		if got := s.members(s.okta(http.StatusOK, "GET", "/Groups/"+gid, "")); !slices.Equal(got, want) {
			t.Errorf("%d members, want %d:\n%v\n%v", len(got), len(want), got, want)
		}
		s.rest()
		held := 0
		for _, u := range s.cms.State().Users {
			if s.roleName(u) == "Crowd" {
				held++
			}
		}
		if held != len(want) {
			t.Errorf("%d people have the group's role in the CMS, want %d", held, len(want))
		}
		if n := s.writes()["POST /roles"]; n != 1 {
			t.Errorf("%d roles were made", n)
		}
	})
}
