package main

import (
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// demoArgs are the flags of a demo on free ports.
func demoArgs(more ...string) []string {
	return append([]string{"demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--cms-listen", "127.0.0.1:0"}, more...)
}

// cmsState asks the emulator for its invitations and its people, by address.
func (i *instance) cmsState() (invitations, people map[string]cmstest.Resource) {
	i.t.Helper()
	var state cmstest.State
	i.get("http://"+i.cms+"/_emulator/state", &state)
	byAddress := func(list []cmstest.Resource) map[string]cmstest.Resource {
		out := map[string]cmstest.Resource{}
		for _, r := range list {
			out[fmt.Sprint(r.Attributes["email"])] = r
		}
		return out
	}
	return byAddress(state.Invitations), byAddress(state.Users)
}

// cmsRole is the role that somebody has in the CMS, invited or joined.
func (i *instance) cmsRole(address string) any {
	i.t.Helper()
	invitations, people := i.cmsState()
	r, joined := people[address]
	if !joined {
		r = invitations[address]
	}
	ref, _ := r.Relationships["role"].Data.(map[string]any)
	return ref["id"]
}

// cmsWrites counts the calls that change the CMS, by endpoint.
func (i *instance) cmsWrites() map[string]int {
	i.t.Helper()
	var calls cmstest.Calls
	i.get("http://"+i.cms+"/_emulator/calls", &calls)
	maps.DeleteFunc(calls.ByEndpoint, func(endpoint string, _ int) bool { return strings.HasPrefix(endpoint, "GET ") })
	return calls.ByEndpoint
}

func TestDemo_InviteeIsTheSameUserAfterAccepting(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, redisURL string) {
		d := start(t, "demo-token", demoArgs("--redis-url", redisURL)...)
		if found := d.send(200, http.MethodGet, filtered(`userName eq "ada.new@example.org"`), ""); found["totalResults"] != 0.0 {
			t.Fatalf("exists check before the create: %v", found)
		}
		created := d.send(201, http.MethodPost, "/Users", person("ada.new"))
		id := fmt.Sprint(created["id"])
		if s := synced(created); s["status"] != "synced" || s["cmsType"] != "invitation" {
			t.Errorf("a new person must be invited at once: %v", s)
		}
		invitations, _ := d.cmsState()
		accept := "http://" + d.cms + "/_emulator/site-invitations/" + invitations["ada.new@example.org"].ID + "/accept"
		if a, err := d.do(http.MethodPost, accept, "", `{"full_name":"Ada New"}`); err != nil || a.status != 200 {
			t.Fatalf("accept: %v %v", a, err)
		}
		eventually(t, func() error { // the first page of a listing asks for a fresh picture of the CMS
			d.send(200, http.MethodGet, "/Users?startIndex=1&count=100", "")
			now := d.send(200, http.MethodGet, "/Users/"+id, "")
			if s := synced(now); s["cmsType"] != "collaborator" || s["status"] != "synced" {
				return fmt.Errorf("not a collaborator: %v", s)
			}
			return nil
		})
		if diff := cmp.Diff(map[string]int{"POST /site-invitations": 1}, d.cmsWrites()); diff != "" {
			t.Errorf("calls that change the CMS: %s", diff)
		}
	})
}

func TestDemo_LeaverAndGroup(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, redisURL string) {
		d := start(t, "demo-token", demoArgs("--redis-url", redisURL)...)
		id := fmt.Sprint(d.send(201, http.MethodPost, "/Users", person("max"))["id"])
		group := d.send(201, http.MethodPost, "/Groups",
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Writers","members":[{"value":"`+id+`"}]}`)
		if s := synced(group); s["status"] != "synced" || s["cmsType"] != "role" {
			t.Errorf("a new group must have its role at once: %v", s)
		}
		eventually(t, func() error {
			if role := d.cmsRole("max@example.org"); role != synced(group)["cmsId"] {
				return fmt.Errorf("the member has role %v, not that of the group: %v", role, synced(group))
			}
			return nil
		})
		gone := d.send(200, http.MethodPatch, "/Users/"+id, patch(`{"op":"replace","value":{"active":false}}`))
		if gone["active"] != false || synced(gone)["status"] != "synced" {
			t.Errorf("deactivated: %v", gone)
		}
		if invitations, _ := d.cmsState(); len(invitations) != 0 {
			t.Error("the invitation of somebody who left must be withdrawn")
		}
		back := d.send(200, http.MethodPatch, "/Users/"+id, patch(`{"op":"replace","value":{"active":true}}`))
		if back["active"] != true || back["id"] != id {
			t.Errorf("reactivated: %v", back)
		}
	})
}

func TestDemo_ListsThePeopleOfTheCMSAtOnce(t *testing.T) {
	t.Parallel()
	d := start(t, "demo-token", demoArgs("--seed-users", "3")...)
	if users := d.send(200, http.MethodGet, "/Users?startIndex=1&count=2", ""); users["totalResults"] != 3.0 || users["itemsPerPage"] != 2.0 {
		t.Errorf("test of the credentials: %v", users)
	}
	if groups := d.send(200, http.MethodGet, "/Groups?startIndex=1&count=100", ""); groups["totalResults"] != 2.0 {
		t.Errorf("groups: %v", groups)
	}
}

func TestDemo_TellsOperatorsThatItsStoreIsNotDurable(t *testing.T) {
	t.Parallel()
	d := start(t, "demo-token", demoArgs()...)
	a, err := d.do(http.MethodGet, "http://"+d.admin+"/readyz", "", "")
	if err != nil || a.status != 200 || !strings.Contains(fmt.Sprint(a.body["notes"]), "not durable") {
		t.Errorf("%v %v", a, err)
	}
	if out := d.stdout.String(); !strings.Contains(out, "NOT durable") || !strings.Contains(out, "http://"+d.scim+"/scim/v2") ||
		!strings.Contains(out, "http://"+d.admin+"/") || !strings.Contains(out, "demo-token") {
		t.Errorf("printed: %s", out)
	}
}

func TestDemo_PausedCallsNoCMS(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, redisURL string) {
		d := start(t, "demo-token", demoArgs("--redis-url", redisURL, "--workers-paused")...)
		created := d.send(201, http.MethodPost, "/Users", person("max"))
		if s := synced(created); s["status"] != "pending" {
			t.Errorf("status: %v", s)
		}
		d.send(201, http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Writers"}`)
		d.send(200, http.MethodGet, "/Users?startIndex=1&count=2", "")
		var calls cmstest.Calls
		if d.get("http://"+d.cms+"/_emulator/calls", &calls); calls.Total != 0 {
			t.Errorf("calls: %v", calls)
		}
	})
}

func TestDemo_WithoutEmail(t *testing.T) {
	t.Parallel()
	const nobody = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"no-address","active":true}`
	for policy, want := range map[string]int{"refuse": 400, "accept": 201} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			start(t, "demo-token", demoArgs("--without-email", policy)...).send(want, http.MethodPost, "/Users", nobody)
		})
	}
}

// curlLine matches what the demo prints to try.
var curlLine = regexp.MustCompile(`(?m)^  (curl .+)$`)

// TestDemo_PrintedLinesWorkAsPrinted gives the printed lines to a shell. Where there is no curl, a shell function that
// reads the same words stands in for it.
func TestDemo_PrintedLinesWorkAsPrinted(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"demo-token", `it's "quoted" $HOME`} {
		d := start(t, token, demoArgs("--token", token)...)
		lines := curlLine.FindAllStringSubmatch(d.stdout.String(), -1)
		if len(lines) != 2 {
			t.Fatalf("curl lines: %q", lines)
		}
		for n, want := range []string{`"status":"synced"`, `"totalResults":1`} {
			out, err := d.shell(lines[n][1])
			if err != nil || !strings.Contains(out, want) || !strings.Contains(out, "lise.meitner@example.com") {
				t.Errorf("%s\nprinted %s, %v", lines[n][1], out, err)
			}
		}
	}
}

// shell runs a line as a user does who pastes it.
func (i *instance) shell(line string) (string, error) {
	if _, err := exec.LookPath("curl"); err == nil {
		out, err := exec.CommandContext(i.t.Context(), "sh", "-c", line).CombinedOutput()
		return string(out), err
	}
	out, err := exec.CommandContext(i.t.Context(), "sh", "-c", `curl() { for word; do printf '%s\0' "$word"; done; }; `+line).Output()
	if err != nil {
		return "", err
	}
	return i.curl(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
}
