package proxy_test

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// gate stands between the proxy and its store, and can be shut: nobody answers behind it then. Half shut it lets
// requests through and loses their answers.
type gate struct {
	t       *testing.T
	network string
	address string
	path    string // of its own socket

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	deaf     bool
	running  sync.WaitGroup
}

// gated gives the store behind a gate.
func gated(t *testing.T, store queuetest.Store) (*gate, queuetest.Store) {
	t.Helper()
	u, err := url.Parse(store.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, network: "tcp", address: u.Host, path: filepath.Join(t.TempDir(), "gate"), conns: map[net.Conn]bool{}}
	if u.Scheme == "unix" {
		g.network, g.address = "unix", u.Path
	}
	g.open()
	t.Cleanup(func() {
		g.shut()
		g.running.Wait()
	})
	client, err := queue.Open("unix://" + g.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	store.Client, store.URL = client, "unix://"+g.path
	return g, store
}

// open lets everything through.
func (g *gate) open() {
	g.t.Helper()
	l, err := net.Listen("unix", g.path)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.listener, g.deaf = l, false
	g.mu.Unlock()
	g.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.running.Go(func() { g.forward(c) })
		}
	})
}

// shut ends all connections and takes no new ones.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.listener.Close()
	for c := range g.conns {
		_ = c.Close()
	}
}

// losesAnswers lets requests through and ends the connection instead of giving an answer.
func (g *gate) losesAnswers() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deaf = true
}

func (g *gate) forward(client net.Conn) {
	server, err := net.Dial(g.network, g.address)
	if err != nil {
		_ = client.Close()
		return
	}
	g.keep(client, server)
	g.running.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err == nil && !g.isDeaf() {
			_, err = client.Write(buf[:n])
		} else if err == nil {
			err = io.EOF
		}
		if err != nil {
			break
		}
	}
	_ = client.Close()
	_ = server.Close()
}

func (g *gate) keep(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		g.conns[c] = true
	}
}

func (g *gate) isDeaf() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.deaf
}
