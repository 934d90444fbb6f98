package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// TestScripts runs the command lines of testdata/script. Each has a Redis project of its own ($PREFIX on $REDIS_URL) and
// free addresses ($SCIM, $ADMIN, $CMS), and the tokens that its configuration names.
func TestScripts(t *testing.T) {
	t.Parallel()
	store := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "everysec")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	var scripts atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "REDIS_URL="+store.URL, fmt.Sprintf("PREFIX=s%d-", scripts.Add(1)),
				"SCIM="+queuetest.FreeAddress(t), "ADMIN_ADDRESS="+queuetest.FreeAddress(t), "CMS_ADDRESS="+queuetest.FreeAddress(t),
				"OKTA="+scimToken, "CMS="+cmsToken, "ADMIN="+adminToken,
				"GORACE=atexit_sleep_ms=0") // the race detector would wait a second at the end of every command
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":       func(ts *testscript.TestScript, neg bool, args []string) { await(ts, client, neg, args) },
			"http":        func(ts *testscript.TestScript, neg bool, args []string) { request(ts, client, neg, args) },
			"await-queue": awaitQueue,
			"capture":     capture,
			"exits":       exits,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// await waits until a GET of the address is answered, without any of the texts: await URL [TEXT…].
func await(ts *testscript.TestScript, client *http.Client, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: await URL [TEXT…]")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		problem := answered(client, args[0], args[1:])
		if problem == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%v", problem)
		}
	}
}

func answered(client *http.Client, address string, without []string) error {
	resp, err := client.Get(address)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	for _, text := range without {
		if strings.Contains(string(body), text) {
			return fmt.Errorf("%s still says %s", address, text)
		}
	}
	return err
}

// request sends one request and shows status, headers that matter and body as its output: http METHOD URL [TOKEN [BODY]].
// It succeeds on 2xx.
func request(ts *testscript.TestScript, client *http.Client, neg bool, args []string) {
	if len(args) < 2 || len(args) > 4 {
		ts.Fatalf("usage: http METHOD URL [TOKEN [BODY]]")
	}
	args = append(args, "", "")
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(args[3]))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+args[2])
	req.Header.Set("Content-Type", "application/scim+json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Api-Version", "3")
	resp, err := client.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d\nX-Sync-Status: %s\n%s\n", resp.StatusCode, resp.Header.Get("X-Sync-Status"), body)
	ts.Check(err)
	if ok := resp.StatusCode/100 == 2; ok == neg {
		ts.Fatalf("%s %s was answered %s: %s", args[0], args[1], resp.Status, body)
	}
}

// awaitQueue runs queue show until what it prints contains the text: await-queue TEXT KEY.
func awaitQueue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await-queue TEXT KEY")
	}
	for deadline := time.Now().Add(patience); ; {
		_ = ts.Exec("scimcms", "queue", "show", "--json", args[1])
		if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: no %s", args[1], args[0])
		}
	}
}

// capture sets a variable to the part in parentheses of what the last output matches: capture VARIABLE REGEXP.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VARIABLE REGEXP")
	}
	expr, err := regexp.Compile(args[1])
	ts.Check(err)
	found := expr.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// exits runs scimcms and compares its exit code: exits CODE, and the arguments.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGUMENT…")
	}
	code := "0"
	if err := ts.Exec("scimcms", args[1:]...); err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}
