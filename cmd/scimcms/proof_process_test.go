//go:build unix

package main_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

const (
	oktaToken = "proof-token-of-the-identity-provider"
	cmsToken  = "proof-token-of-the-cms"
	project   = "site"

	// leaseTime is how long a killed or stopped process holds what it was at; lateTime is the deadline of a CMS call and
	// what may pass after it until the call has certainly ended.
	cmsTimeout = 2 * time.Second
	leaseTime  = 15 * time.Second
	lateTime   = cmsTimeout + 5*time.Second

	// patience is how long a proof waits for work that is due at once.
	patience = 45 * time.Second
)

// config is the configuration of every process: short calls, so that looks come soon.
const config = `
listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
redis: {url: %q, durability: %s}
projects:
  - name: ` + project + `
    tokens: [{name: okta, sha256: %q}]
    cms: {base_url: %q, token: {env: CMS_TOKEN}, rate: %s, timeout: 2s}
    brake: {percent: 100}
    roles:
      default: Viewer
      create: true
      template: Editor
      rules:
        - {group: "Reviewers *", role: Reviewer}
        - {when: 'title sw "Contractor"', role: Contributor}
`

// world is a Redis, a CMS, and what the processes that join them are started with.
type world struct {
	t      *testing.T
	stage  stage
	redis  *queuetest.Server // to kill
	store  store
	cms    *cms
	queue  *queue.Queue // to look into, not to work
	client *http.Client
	config string
}

// store is how the processes of a world keep what they accept.
type store struct {
	url, durability string
	address         string // where it listens beside its socket; "" where that is of no use
	client          redis.UniversalClient
}

// newWorld makes a world of one Redis that syncs every write, in which processes pace their calls at rate. The CMS has no
// limit: its front would make it count calls when they are applied, not when they come.
func newWorld(t *testing.T, s stage, rate string) *world {
	t.Helper()
	address := queuetest.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	server := queuetest.StartRedis(t, "--port", port, "--appendonly", "yes", "--appendfsync", "always")
	return newWorldOn(t, s, server, store{url: server.URL, address: address, durability: "fsync", client: server.Client}, rate)
}

func newWorldOn(t *testing.T, s stage, server *queuetest.Server, kept store, rate string) *world {
	t.Helper()
	w := &world{t: t, stage: s, redis: server, store: kept}
	w.cms = newCMS(t, cmstest.Options{Token: cmsToken, SeedUsers: 5})
	for _, role := range []string{"Viewer", "Reviewer", "Contributor"} {
		w.cms.addRole(role)
	}
	w.equip(w.cms.url, rate)
	return w
}

// equip gives a world what its processes are started with and asked by.
func (w *world) equip(cms, rate string) {
	w.t.Helper()
	var err error
	if w.queue, err = queue.New(queue.Options{Redis: w.store.client, Base: queue.Base("", project)}); err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}
	w.t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, Timeout: patience}
	digest := sha256.Sum256([]byte(oktaToken))
	w.config = filepath.Join(w.t.TempDir(), "scimcms.yaml")
	text := fmt.Sprintf(config, queuetest.Patient(w.store.url), w.store.durability, hex.EncodeToString(digest[:]), cms, rate)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// process is one scimcms serve.
type process struct {
	t           *testing.T
	cmd         *exec.Cmd
	scim, admin string // base URLs
	ended       chan struct{}
	exit        error // once ended is closed

	mu    sync.Mutex
	lines []string // warnings and worse
}

// serve starts a process and returns when it answers.
func (w *world) serve() *process {
	w.t.Helper()
	p := &process{t: w.t, ended: make(chan struct{})}
	p.cmd = exec.Command(w.stage.bin, "serve", "--config", w.config)
	p.cmd.Env = []string{"CMS_TOKEN=" + cmsToken, "PATH=" + os.Getenv("PATH"), "HOME=" + w.t.TempDir()}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	release := leash(w.t, p.cmd.Process.Pid)
	ready := make(chan struct{})
	go func() {
		p.read(stderr, ready)
		p.exit = p.cmd.Wait()
		release()
		close(p.ended)
	}()
	w.t.Cleanup(p.clean)
	select {
	case <-ready:
	case <-p.ended:
		w.t.Fatalf("serve ended: %v", p.exit)
	case <-time.After(patience):
		w.t.Fatal("serve does not get ready")
	}
	return p
}

// serveBound is serve for a process that has asked the CMS who it is: before that it accepts, and syncs nothing.
func (w *world) serveBound() *process {
	w.t.Helper()
	asked := w.cms.answered("users/me")
	p := w.serve()
	until(w.t, patience, func() string {
		if w.cms.answered("users/me") == asked {
			return "serve does not ask the CMS who it is"
		}
		return ""
	})
	return p
}

// leash starts a shell that ends the process when the test binary is gone, however it ended.
func leash(t *testing.T, pid int) (release func()) {
	t.Helper()
	guard := exec.Command("/bin/sh", "-c", `read -r line && exit 0; kill -9 "$1"`, "guard", strconv.Itoa(pid))
	in, err := guard.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_, _ = io.WriteString(in, "ended\n")
		_ = guard.Wait()
	}
}

// read takes the log until the process ends: the line that says it is ready, and everything that is out of order.
func (p *process) read(stderr io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct{ Level, Msg, Listen, Admin string }
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Level == "INFO" {
			if l.Msg == "ready" {
				p.scim, p.admin = "http://"+l.Listen+"/scim/v2", "http://"+l.Admin
				close(ready)
			}
			continue
		}
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		p.mu.Unlock()
	}
}

// clean ends the process if it still runs, and fails the test if it panicked.
func (p *process) clean() {
	p.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, "panic") || strings.Contains(l, "DATA RACE") || strings.HasPrefix(l, "fatal error") {
			p.t.Errorf("serve logged: %s", l)
		}
	}
	if p.t.Failed() {
		p.t.Logf("warnings of %s:\n%s", p.scim, strings.Join(p.lines[:min(len(p.lines), 60)], "\n"))
	}
}

// kill is kill -9, also of a stopped process.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %v", s, err)
	}
}

// metric reads one sample of the process's metrics.
func (w *world) metric(p *process, name string) float64 {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, p.admin+"/metrics", http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if rest, found := strings.CutPrefix(lines.Text(), name+" "); found {
			v, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				w.t.Fatalf("%s: %v", name, err)
			}
			return v
		}
	}
	w.t.Fatalf("no metric %s", name)
	return 0
}

// settle waits until the queue is empty: every key but that of the import has left it, and none is parked.
func (w *world) settle(within time.Duration) time.Duration {
	w.t.Helper()
	began := time.Now()
	until(w.t, within, func() string { return w.waiting(context.WithoutCancel(w.t.Context())) })
	return time.Since(began)
}

// waiting says what is in the queue, "" when nothing is. Whether it is empty is told by one command for the keys that are
// queued or leased, so that none is missed while it moves.
func (w *world) waiting(ctx context.Context) string {
	base := queue.Base("", project) + ":q:"
	keys, err := w.store.client.ZRange(ctx, base+"since", 0, -1).Result()
	if err != nil {
		return err.Error()
	}
	parked, err := w.store.client.ZRange(ctx, base+"parked", 0, -1).Result()
	if err != nil {
		return err.Error()
	}
	keys = slices.DeleteFunc(append(keys, parked...), func(key string) bool { return key == "import/all" })
	if len(keys) == 0 {
		return ""
	}
	var left strings.Builder
	fmt.Fprintf(&left, "%d keys in the queue:", len(keys))
	for _, key := range keys[:min(len(keys), 10)] {
		e, _, err := w.queue.Show(ctx, key)
		if err != nil {
			return err.Error()
		}
		now := time.Now().UnixMilli()
		fmt.Fprintf(&left, "\n%s %s in %s, attempts %d, due in %d ms, look in %d ms: %s %s", e.Key, e.State, e.Lane, e.Attempts,
			max(0, e.Due-now), max(0, e.Look-now), e.Code, e.Text)
	}
	return left.String()
}
