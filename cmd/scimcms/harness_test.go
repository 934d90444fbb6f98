package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// TestMain lets scripts run this test binary as scimcms, and fails when tests leave goroutines behind.
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"scimcms": main})
}

type leakChecked struct{ *testing.M }

func (m leakChecked) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Secrets of the tests' configurations.
const (
	scimToken  = "a-scim-token-that-is-long-enough-for-a-test"
	cmsToken   = "a-cms-token"
	adminToken = "an-admin-token"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// eventually repeats f until it passes.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// instance is a command that runs in this process.
type instance struct {
	endpoints
	t              *testing.T
	client         *http.Client
	token          string
	stdout, stderr *buffer
	cancel         context.CancelFunc
	ended          chan error
	once           sync.Once
	err            error
}

// start runs a command in this process until the test ends, and returns when it answers.
func start(t *testing.T, token string, args ...string) *instance {
	t.Helper()
	i := &instance{t: t, token: token, stdout: &buffer{}, stderr: &buffer{}, ended: make(chan error, 1)}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	i.client = &http.Client{Transport: transport, Timeout: patience}
	ready := make(chan endpoints, 1)
	p := program{
		stdout: i.stdout, stderr: i.stderr, ready: func(e endpoints) { ready <- e },
		environ: []string{"OKTA=" + scimToken, "CMS=" + cmsToken, "ADMIN=" + adminToken},
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	i.cancel = cancel
	go func() { i.ended <- p.run(ctx, args) }()
	t.Cleanup(func() {
		if err := i.stop(); err != nil && !t.Failed() {
			t.Errorf("the command ended with: %v", err)
		}
		if t.Failed() {
			printed := i.stdout.String() + i.stderr.String()
			t.Logf("the end of what %s printed:\n%s", args[0], printed[max(0, len(printed)-3000):])
		}
	})
	select {
	case i.endpoints = <-ready:
	case err := <-i.ended:
		i.ended <- err
		t.Fatalf("%s did not start: %v", args[0], err)
	case <-time.After(patience):
		t.Fatalf("%s is not ready", args[0])
	}
	return i
}

// stop ends the command as SIGTERM does and gives its error.
func (i *instance) stop() error {
	i.once.Do(func() {
		i.cancel()
		select {
		case i.err = <-i.ended:
		case <-time.After(stopBudget + patience):
			i.err = errors.New("does not stop")
		}
	})
	return i.err
}

// answer is what an HTTP server said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// do sends one request with a JSON body and a bearer token, each "" for none.
func (i *instance) do(method, address, token, body string) (answer, error) {
	req, err := http.NewRequestWithContext(i.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	resp, err := i.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &a.body)
	}
	return a, err
}

// get reads JSON.
func (i *instance) get(address string, into any) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	resp, err := i.client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		i.t.Fatalf("%s: %v", address, err)
	}
}

// send sends a SCIM request and fails the test unless it is answered with the status.
func (i *instance) send(want int, method, path, body string) map[string]any {
	i.t.Helper()
	a, err := i.do(method, "http://"+i.scim+"/scim/v2"+path, i.token, body)
	if err != nil {
		i.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != want {
		i.t.Fatalf("%s %s: status %d, want %d: %v", method, path, a.status, want, a.body)
	}
	return a.body
}

// person is the body of Okta's create.
func person(name string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%[1]s@example.org",
		"name":{"givenName":"%[1]s","familyName":"Example"},"emails":[{"primary":true,"value":"%[1]s@example.org","type":"work"}],
		"displayName":"%[1]s Example","locale":"en-US","externalId":"00u%[1]s","groups":[],"password":"k3-placeholder","active":true}`, name)
}

// patch is the body of a PATCH with one operation.
func patch(operation string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operation + `]}`
}

func filtered(filter string) string {
	return "/Users?" + url.Values{"filter": {filter}, "startIndex": {"1"}, "count": {"100"}}.Encode()
}

// synced is the sync extension of a resource.
func synced(resource map[string]any) map[string]any {
	s, _ := resource["urn:scimcms:scim:schemas:sync:1.0"].(map[string]any)
	return s
}

// emulator starts a CMS emulator for the test.
func emulator(t *testing.T, o cmstest.Options) (*cmstest.Server, string) {
	t.Helper()
	o.Token = cmsToken
	s := cmstest.New(o)
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return s, h.URL
}

// settings are what a test's configuration differs in.
type settings struct {
	redisURL, prefix, cmsURL string
	// project is added to the project, indented by four.
	project string
}

// configFile writes a configuration for the test and gives its path.
func configFile(t *testing.T, s settings) string {
	t.Helper()
	text := fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0", token: {env: ADMIN}}
redis: {url: %q, prefix: %q}
projects:
  - name: site
    tokens: [{name: okta, env: OKTA}]
    cms: {base_url: %q, token: {env: CMS}, rate: none}
    roles: {default: Editor, create: true, template: Editor}
%s`, s.redisURL, s.prefix, s.cmsURL, s.project)
	path := filepath.Join(t.TempDir(), "scimcms.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// eachStore runs a test on the store in memory and on a Redis of its own; the demo takes the former for "".
func eachStore(t *testing.T, fn func(t *testing.T, redisURL string)) {
	t.Helper()
	t.Run(queuetest.Embedded, func(t *testing.T) {
		t.Parallel()
		fn(t, "")
	})
	t.Run(queuetest.Redis, func(t *testing.T) {
		t.Parallel()
		fn(t, queuetest.StartRedis(t).URL)
	})
}

// replaceIn changes a file.
func replaceIn(t *testing.T, path, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), from, to, 1)
	if text == string(raw) {
		t.Fatalf("%s has no %s", path, from)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
