package queue

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// lossyProxy forwards to a unix socket and, while lossy, drops the connection instead of the answer to a script.
type lossyProxy struct {
	url     string
	lossy   atomic.Bool
	scripts atomic.Int64
}

func newLossyProxy(t *testing.T, backend string) *lossyProxy {
	t.Helper()
	sock := filepath.Join(t.TempDir(), "proxy.sock")
	listener, err := net.Listen("unix", sock)
	ok(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	p := &lossyProxy{url: "unix://" + sock}
	go func() {
		for {
			front, err := listener.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("unix", backend)
			if err != nil {
				_ = front.Close()
				continue
			}
			go p.pump(front, back)
		}
	}()
	return p
}

func (p *lossyProxy) pump(front, back net.Conn) {
	defer func() { _, _ = front.Close(), back.Close() }()
	buf, answer := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := front.Read(buf)
		if err != nil {
			return
		}
		script := strings.Contains(strings.ToLower(string(buf[:n])), "\r\neval")
		if _, err := back.Write(buf[:n]); err != nil {
			return
		}
		m, err := back.Read(answer) // it has run now
		if err != nil {
			return
		}
		if script {
			p.scripts.Add(1)
			if p.lossy.Load() {
				return
			}
		}
		if _, err := front.Write(answer[:m]); err != nil {
			return
		}
	}
}

func TestScriptWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	proxy := newLossyProxy(t, filepath.Join(server.Dir, "redis.sock"))
	client, err := Open(proxy.url)
	ok(t, err)
	defer func() { _ = client.Close() }()
	q, err := New(Options{Redis: client, Base: Base("", "p")})
	ok(t, err)
	first, err := q.Push(ctx, "user/1", Normal, true)
	ok(t, err)
	proxy.scripts.Store(0)
	proxy.lossy.Store(true)
	_, err = q.Push(ctx, "user/1", Normal, true)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("the outcome is unknown, but Push says %v", err)
	}
	equal(t, "scripts sent", proxy.scripts.Load(), int64(1))
	proxy.lossy.Store(false)
	next, err := q.Push(ctx, "user/1", Normal, true)
	ok(t, err)
	equal(t, "tickets", next, first+2)
}

func TestNew_NamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Base: "site", Renew: -1, Attempts: -1, Lease: 5 * time.Second})
	for _, want := range []string{"Redis is missing", "no hash tag", "must not be negative", "calls could not begin"} {
		if err == nil || !contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
