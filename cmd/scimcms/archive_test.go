package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// raw reads a SCIM answer byte by byte.
func (i *instance) raw(path string) string {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, "http://"+i.scim+"/scim/v2"+path, http.NoBody)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+scimToken)
	resp, err := i.client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	return strings.ReplaceAll(resp.Status+" "+resp.Header.Get("ETag")+" "+string(body), i.scim, "HOST")
}

func TestBackupToAnotherRedis_RestoredAnswersAreIdentical(t *testing.T) {
	t.Parallel()
	_, cms := emulator(t, cmstest.Options{SeedUsers: 4})
	from := configFile(t, settings{redisURL: queuetest.StartRedis(t).URL, cmsURL: cms})
	to := configFile(t, settings{redisURL: queuetest.ClusterStore(t).URL, prefix: "restored:", cmsURL: cms})
	file := filepath.Join(t.TempDir(), "record.jsonl")

	busy := start(t, scimToken, "serve", "--config", from)
	paths := []string{"/Users", "/Users?startIndex=2&count=2", "/Users?filter=" + url.QueryEscape(`displayName co "a"`), "/Groups", "/Users?count=0"}
	var members []string
	for _, name := range []string{"ada", "bob", "cleo", "dan"} {
		u := busy.send(http.StatusCreated, http.MethodPost, "/Users", person(name))
		id, _ := u["id"].(string)
		members = append(members, `{"value":"`+id+`"}`)
		paths = append(paths, "/Users/"+id, "/Users?filter="+url.QueryEscape(`userName eq "`+name+`@example.org"`))
	}
	g := busy.send(http.StatusCreated, http.MethodPost, "/Groups", `{"displayName":"Writers","members":[`+strings.Join(members, ",")+`]}`)
	gid, _ := g["id"].(string)
	paths = append(paths, "/Groups/"+gid, "/Groups?filter="+url.QueryEscape(`displayName eq "Writers"`))
	if err := busy.stop(); err != nil {
		t.Fatal(err)
	}
	// One who waits, one who is deleted, and nobody who syncs them.
	idle := start(t, scimToken, "serve", "--config", from, "--workers-paused")
	idle.send(http.StatusCreated, http.MethodPost, "/Users", person("eve"))
	gone := idle.send(http.StatusCreated, http.MethodPost, "/Users", person("fay"))
	id, _ := gone["id"].(string)
	if a, err := idle.do(http.MethodDelete, "http://"+idle.scim+"/scim/v2/Users/"+id, scimToken, ""); err != nil || a.status != http.StatusNoContent {
		t.Fatalf("%v %v", a, err)
	}
	paths = append(paths, "/Users/"+id)

	environ := []string{"OKTA=" + scimToken, "CMS=" + cmsToken, "ADMIN=" + adminToken}
	run := func(args ...string) error {
		return program{stdout: io.Discard, stderr: io.Discard, environ: environ}.run(t.Context(), args)
	}
	if err := run("backup", "--config", from, "--out", file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	if err := run("restore", "--config", to, "--in", file); err != nil {
		t.Fatal(err)
	}
	if err := run("restore", "--config", to, "--in", file); err == nil || !strings.Contains(err.Error(), "--replace") {
		t.Fatalf("over a record: %v", err)
	}
	restored := start(t, scimToken, "serve", "--config", to, "--workers-paused")
	for _, path := range paths {
		if diff := cmp.Diff(idle.raw(path), restored.raw(path)); diff != "" {
			t.Errorf("GET %s (-before +restored): %s", path, diff)
		}
	}
}
