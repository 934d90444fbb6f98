//go:build chaos && unix

package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// links are connections through a toxiproxy, which is told over its HTTP API to cut and delay them.
type links struct {
	t   *testing.T
	api string
}

// startLinks starts toxiproxy-server, which must be on PATH (`make chaos` installs it).
func startLinks(t *testing.T) *links {
	t.Helper()
	bin, err := exec.LookPath("toxiproxy-server")
	if err != nil {
		t.Fatal("toxiproxy-server is not on PATH: run `make chaos`")
	}
	address := queuetest.FreeAddress(t)
	host, port, _ := strings.Cut(address, ":")
	cmd := exec.Command(bin, "-host", host, "-port", port)
	cmd.Env = append(os.Environ(), "LOG_LEVEL=error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	release := leash(t, cmd.Process.Pid)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		release()
	})
	l := &links{t: t, api: "http://" + address}
	until(t, patience, func() string {
		if resp, err := http.Get(l.api + "/version"); err == nil {
			_ = resp.Body.Close()
			return ""
		}
		return "toxiproxy does not answer"
	})
	return l
}

// add makes a link to an address and gives the address to use instead.
func (l *links) add(name, upstream string) string {
	listen := queuetest.FreeAddress(l.t)
	l.ask(http.MethodPost, "/proxies", map[string]any{"name": name, "listen": listen, "upstream": upstream, "enabled": true})
	return listen
}

// cut breaks a link, with the connections over it, and undo mends it.
func (l *links) cut(name string) (undo func()) {
	l.ask(http.MethodPost, "/proxies/"+name, map[string]any{"enabled": false})
	return func() { l.ask(http.MethodPost, "/proxies/"+name, map[string]any{"enabled": true}) }
}

// slow delays what comes back over a link.
func (l *links) slow(name string, by, jitter time.Duration) (undo func()) {
	return l.toxic(name, "latency", map[string]any{"latency": by.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// reset ends connections in the middle of what they bring.
func (l *links) reset(name string, after time.Duration) (undo func()) {
	return l.toxic(name, "reset_peer", map[string]any{"timeout": after.Milliseconds()})
}

func (l *links) toxic(name, kind string, attributes map[string]any) (undo func()) {
	l.ask(http.MethodPost, "/proxies/"+name+"/toxics", map[string]any{"name": kind, "type": kind, "stream": "downstream", "attributes": attributes})
	return func() { l.ask(http.MethodDelete, "/proxies/"+name+"/toxics/"+kind, nil) }
}

func (l *links) ask(method, path string, body any) {
	l.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		l.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.api+path, bytes.NewReader(b))
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		l.t.Fatalf("toxiproxy: %s %s: %s", method, path, resp.Status)
	}
}
