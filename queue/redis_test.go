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

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want string // network and address, or a part of the error
	}{
		{"redis://127.0.0.1:6379/0", "tcp 127.0.0.1:6379"},
		{"rediss://user:secret@redis.example/3?read_timeout=9s", "tcp redis.example:6379"},
		{"unix:///run/redis.sock?db=2", "unix /run/redis.sock"},
		{"redis://sentinel.example:26379?master_name=main", "FailoverClient"},
		{"redis://sentinel.example:26379?master_name=main&nonsense=1", "unexpected option: nonsense"},
		{"http://127.0.0.1", "invalid URL scheme: http"},
		{"redis://a:6379?addr=b:6379", "unexpected option: addr"}, // a cluster
		{"redis://user:secret@host:6379/%zz", "invalid URL escape"},
		{"", "invalid URL scheme"},
	} {
		t.Run(tt.url, func(t *testing.T) {
			t.Parallel()
			client, err := Open(tt.url)
			if err != nil {
				if !contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("error %v", err)
				}
				return
			}
			defer func() { _ = client.Close() }()
			single, isClient := client.(*redis.Client)
			if !isClient {
				t.Fatalf("%T", client)
			}
			opt := single.Options()
			if got := opt.Network + " " + opt.Addr; got != tt.want && opt.Addr != tt.want {
				t.Fatalf("opened %q", got)
			}
			if opt.MaxRetries > 0 || opt.DialTimeout != 2*time.Second || !opt.ContextTimeoutEnabled {
				t.Fatalf("retries %d, dial timeout %s, context timeout %v", opt.MaxRetries, opt.DialTimeout, opt.ContextTimeoutEnabled)
			}
			if want := map[bool]time.Duration{true: 9 * time.Second, false: callTimeout}[strings.Contains(tt.url, "9s")]; opt.ReadTimeout != want {
				t.Fatalf("read timeout %s", opt.ReadTimeout)
			}
		})
	}
}

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
