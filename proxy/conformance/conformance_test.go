//go:build conformance

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

const token = "conformance-token"

// TestConformance starts the demo once and lets each tool loose on it.
func TestConformance(t *testing.T) {
	base := startDemo(t)
	t.Run("newman", func(t *testing.T) { newman(t, base) })
	t.Run("scimmy", func(t *testing.T) { run(t, "scimmy.mjs", base, token) })
}

// newman runs the collection and counts: every request was sent, and none of them without something to be true of it.
func newman(t *testing.T, base string) {
	const collection = "entra.postman_collection.json"
	report := filepath.Join(t.TempDir(), "report.json")
	run(t, filepath.Join("node_modules", "newman", "bin", "newman.js"), "run", collection, "--env-var", "base="+base, "--env-var", "token="+token,
		"--reporters", "cli,json", "--reporter-cli-no-console", "--reporter-cli-no-success-assertions", "--reporter-json-export", report)
	var done struct {
		Run struct {
			Stats    map[string]struct{ Total, Failed int }
			Failures []any
		}
	}
	readJSON(t, report, &done)
	var planned struct{ Item []struct{ Item []any } }
	readJSON(t, collection, &planned)
	requests := 0
	for _, folder := range planned.Item {
		requests += len(folder.Item)
	}
	sent, judged := done.Run.Stats["requests"], done.Run.Stats["assertions"]
	if sent.Total != requests || sent.Failed > 0 || judged.Total < 3*requests || judged.Failed > 0 || len(done.Run.Failures) > 0 {
		t.Errorf("%+v sent of %d requests, %+v assertions, failures: %v", sent, requests, judged, done.Run.Failures)
	}
	t.Logf("%d requests, %d assertions", sent.Total, judged.Total)
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a Node program.
func run(t *testing.T, args ...string) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", args...)
	node.Stdout, node.Stderr = os.Stdout, os.Stderr
	if err := node.Run(); err != nil {
		t.Errorf("node %s: %v", args[0], err)
	}
}

// startDemo builds the program, starts its demo on free ports, and returns the base URL of SCIM.
func startDemo(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "scimcms")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../../cmd/scimcms")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	scim, admin := queuetest.FreeAddress(t), queuetest.FreeAddress(t)
	ctx, stop := context.WithCancel(context.Background())
	demo := exec.CommandContext(ctx, binary, "demo", "--listen", scim, "--admin-listen", admin, "--cms-listen", queuetest.FreeAddress(t), "--token", token, "--rate", "0")
	demo.Cancel = func() error { return demo.Process.Signal(syscall.SIGTERM) }
	demo.WaitDelay = 20 * time.Second
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := demo.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the demo: %v", err)
		}
	})
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(2 * time.Minute)
	for err := ready(t, admin); err != nil; err = ready(t, admin) {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
	return "http://" + scim + "/scim/v2"
}

func ready(t *testing.T, admin string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %s", resp.Status)
	}
	return nil
}
