package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// eventful is a project in which people and groups have come into every state: synced, invited, inactive, deleted, refused,
// parked, held, and not synced yet.
type eventful struct {
	t        *testing.T
	cms      *cmstest.Server
	file     string // configuration
	idle     *instance
	users    []string // ids, those too that are not listed
	eve, fay string   // who waits, and who is deleted before anybody was invited
}

func newEventful(t *testing.T) *eventful {
	t.Helper()
	cms, address := emulator(t, cmstest.Options{SeedUsers: 4})
	e := &eventful{t: t, cms: cms}
	e.file = configFile(t, settings{redisURL: queuetest.StartRedis(t, "--appendonly", "yes").URL, cmsURL: address, project: "    brake: {percent: 1, min: 1}\n"})
	replaceIn(t, e.file, "template: Editor}", `template: Editor, rules: [{group: "CMS Admins", role: Admin}]}`)
	busy := serveFile(t, e.file)
	e.happen(busy)
	if err := busy.stop(); err != nil {
		t.Fatal(err)
	}
	e.idle = start(t, scimToken, "serve", "--config", e.file, "--workers-paused")
	e.eve = e.create(e.idle, "eve")
	e.fay = e.create(e.idle, "fay")
	e.idle.remove("/Users/" + e.fay)
	e.idle.send(201, http.MethodPost, "/Groups", `{"displayName":"Unsynced","members":[{"value":"`+e.eve+`"}]}`)
	return e
}

func (e *eventful) create(i *instance, name string) string {
	e.t.Helper()
	id := fmt.Sprint(i.send(201, http.MethodPost, "/Users", person(name))["id"])
	e.users = append(e.users, id)
	return id
}

func (i *instance) remove(path string) {
	i.t.Helper()
	if a, err := i.do(http.MethodDelete, "http://"+i.scim+"/scim/v2"+path, scimToken, ""); err != nil || a.status != http.StatusNoContent {
		i.t.Fatalf("DELETE %s: %v %v", path, a, err)
	}
}

func (e *eventful) refuse(method, path, code string) {
	e.t.Helper()
	if err := e.cms.Fault(cmstest.Fault{Method: method, Path: path, Action: cmstest.Status, Status: 422, Code: code, Times: 1}); err != nil {
		e.t.Fatal(err)
	}
}

// happen brings about everything that needs somebody who syncs.
func (e *eventful) happen(i *instance) {
	e.t.Helper()
	ids := map[string]string{}
	for _, name := range []string{"ada", "bob", "cleo", "dan", "gil", "hal", "ivy"} {
		ids[name] = e.create(i, name)
	}
	role := i.everyID("/Roles")[0]
	e.users = append(e.users, fmt.Sprint(i.send(201, http.MethodPost, "/Users", strings.Replace(person("kim"), `"active":true`,
		`"active":true,"title":"Chief “of” <Å>","roles":[{"value":"`+role+`"}],"urn:example:ext":{"x":[1.50,null,{"y":"z"}]}`, 1))["id"]))
	member := func(names ...string) string {
		var list []string
		for _, name := range names {
			list = append(list, `{"value":"`+ids[name]+`"}`)
		}
		return strings.Join(list, ",")
	}
	group := func(name, members string) string {
		return fmt.Sprint(i.send(201, http.MethodPost, "/Groups", `{"displayName":"`+name+`","members":[`+members+`]}`)["id"])
	}
	group("Writers", member("ada", "bob", "cleo"))
	group("CMS Admins", member("gil"))
	gone := group("Gone", "")
	i.remove("/Groups/" + gone)
	for _, invited := range e.cms.State().Invitations {
		if strings.HasPrefix(invited.Text("email"), "ada@") || strings.HasPrefix(invited.Text("email"), "bob@") {
			if _, err := e.cms.Accept(invited.ID); err != nil {
				e.t.Fatal(err)
			}
		}
	}
	i.send(200, http.MethodGet, "/Users?startIndex=1&count=100", "")
	e.refuse(http.MethodPut, "/roles/:id", "INVALID_FIELD")
	renamed := group("Renamed", "")
	i.send(400, http.MethodPatch, "/Groups/"+renamed, patch(`{"op":"replace","value":{"displayName":"Parked"}}`))
	e.refuse(http.MethodPost, "/site-invitations", "INVALID_EMAIL")
	i.send(400, http.MethodPost, "/Users", person("refused"))
	off := patch(`{"op":"replace","value":{"active":false}}`)
	if u := i.send(200, http.MethodPatch, "/Users/"+ids["dan"], off); synced(u)["status"] != "synced" {
		e.t.Fatalf("the first leaver passes the brake: %v", u)
	}
	if u := i.send(200, http.MethodPatch, "/Users/"+ids["hal"], off); synced(u)["status"] != "held" {
		e.t.Fatalf("the second leaver is held: %v", u)
	}
	i.remove("/Users/" + ids["ivy"]) // held, too
}

// TestBackupToAnotherRedis_RestoredAnswersAreIdentical compares every answer before a backup with that of a restored project: on
// one server, on a Cluster, and in the embedded store. Nothing may differ but what chance and the time have a part in: the text of
// cursors, and ages.
func TestBackupToAnotherRedis_RestoredAnswersAreIdentical(t *testing.T) {
	t.Parallel()
	e := newEventful(t)
	before, told := e.idle.walkSCIM(), operated(t, e.file, e.users)
	file := filepath.Join(t.TempDir(), "record.jsonl")
	if _, err := operate(t, "backup", "--config", e.file, "--out", file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	before.same(t, e.idle.walkSCIM()) // the backup changed nothing
	for _, store := range queuetest.All(t) {
		t.Run(store.Name, func(t *testing.T) {
			t.Parallel()
			to := e.copied(t, store)
			if _, err := operate(t, "restore", "--config", to, "--in", file); err != nil {
				t.Fatal(err)
			}
			if _, err := operate(t, "restore", "--config", to, "--in", file); err == nil || !strings.Contains(err.Error(), "--replace") {
				t.Fatalf("over a record: %v", err)
			}
			restored := start(t, scimToken, "serve", "--config", to, "--workers-paused")
			before.same(t, restored.walkSCIM())
			told.same(t, operated(t, to, e.users))
			for _, id := range e.users {
				version := strings.Fields(e.idle.ask(http.MethodGet, "/Users/"+id, ""))
				if len(version) > 2 && strings.HasPrefix(version[2], `W/"`) {
					if got := restored.ask(http.MethodGet, "/Users/"+id, "", "If-None-Match", version[2]); !strings.HasPrefix(got, "304 ") {
						t.Errorf("the version %s of %s is not known any more: %s", version[2], id, got)
					}
				}
			}
		})
	}
}

// TestRestoredProject_GoesOnWhereItWas has a restored project sync what waited in the backup, once.
func TestRestoredProject_GoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	e := newEventful(t)
	file := filepath.Join(t.TempDir(), "record.jsonl")
	if _, err := operate(t, "backup", "--config", e.file, "--out", file); err != nil {
		t.Fatal(err)
	}
	if err := e.idle.stop(); err != nil {
		t.Fatal(err)
	}
	to := e.copied(t, queuetest.Stores(t)[1])
	if _, err := operate(t, "restore", "--config", to, "--in", file); err != nil {
		t.Fatal(err)
	}
	before := len(e.cms.State().Invitations)
	restored := serveFile(t, to)
	eventually(t, func() error {
		if s := synced(restored.send(200, http.MethodGet, "/Users/"+e.eve, "")); s["status"] != "synced" {
			return fmt.Errorf("who waited: %v", s)
		}
		return nil
	})
	invited := 0
	for _, i := range e.cms.State().Invitations {
		if i.Text("email") == "eve@example.org" {
			invited++
		}
		if i.Text("email") == "fay@example.org" {
			t.Error("somebody was invited who was deleted before the backup")
		}
	}
	if invited != 1 || len(e.cms.State().Invitations) != before+1 {
		t.Errorf("%d invitations of who waited, %d in all after %d", invited, len(e.cms.State().Invitations), before)
	}
	restored.send(404, http.MethodGet, "/Users/"+e.fay, "")
	if told, err := operate(t, "queue", "ls", "--config", to); err != nil || !strings.Contains(told, "1 parked, 2 held") {
		t.Errorf("what was parked and held is so no more: %s %v", told, err)
	}
}

// copied is the configuration of another installation with the same rules, on a store of its own.
func (e *eventful) copied(t *testing.T, store queuetest.Store) string {
	t.Helper()
	text, err := os.ReadFile(e.file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for n, line := range lines {
		if strings.HasPrefix(line, "redis:") {
			lines[n] = fmt.Sprintf("redis: {url: %q, prefix: %q}", store.URL, prefixOf(store))
		}
	}
	to := filepath.Join(t.TempDir(), "scimcms.yaml")
	if err := os.WriteFile(to, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// operate runs a command and gives what it printed.
func operate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out buffer
	p := program{stdout: &out, stderr: io.Discard, environ: []string{"OKTA=" + scimToken, "CMS=" + cmsToken, "ADMIN=" + adminToken}}
	err := p.run(t.Context(), args)
	return out.String(), err
}
