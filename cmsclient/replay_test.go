package cmsclient

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// tcpCMS is a CMS on a real socket. It answers the first request of a connection and drops the connection in the
// middle of the second, after having read all of it: what net/http calls a reused connection that went away.
type tcpCMS struct {
	url string

	mu    sync.Mutex
	seen  map[string]int
	conns int
}

func newTCPCMS(t *testing.T, drop func(net.Conn)) *tcpCMS {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tcpCMS{url: "http://" + l.Addr().String(), seen: map[string]int{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(conn, drop) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return s
}

func (s *tcpCMS) serve(conn net.Conn, drop func(net.Conn)) {
	defer conn.Close() //nolint:errcheck // a test's connection
	s.mu.Lock()
	s.conns++
	s.mu.Unlock()
	in := bufio.NewReader(conn)
	for n := 0; ; n++ {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		s.mu.Lock()
		s.seen[req.Method]++
		s.mu.Unlock()
		if n == 1 {
			drop(conn)
			return
		}
		const empty = `{"data":[]}`
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n"+empty)
	}
}

func (s *tcpCMS) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[method]
}

func (s *tcpCMS) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// net/http repeats what it takes for idempotent when a reused connection breaks. No write of ours may be among it,
// neither with nor without a body.
func TestAWriteIsNeverReplayedOnAReusedConnection(t *testing.T) {
	t.Parallel()
	drops := map[string]func(net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset": func(c net.Conn) {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		},
		"half an answer": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Ty")
			_ = c.Close()
		},
	}
	for name, drop := range drops {
		for _, o := range writes() {
			t.Run(name+"/"+o.name, func(t *testing.T) {
				t.Parallel()
				cms := newTCPCMS(t, drop)
				c, err := New(Options{Token: testToken, BaseURL: cms.url})
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseIdle()
				if _, err := c.Users(t.Context()); err != nil { // opens the connection
					t.Fatal(err)
				}
				e := asError(t, o.call(t.Context(), c))
				if got, conns := cms.count(o.method), cms.opened(); got != 1 || conns != 1 {
					t.Fatalf("the CMS saw %s %d times, over %d connections", o.method, got, conns)
				}
				if !e.Sent || !e.Unknown || Classify(e) != Look {
					t.Fatalf("got %v", e)
				}
			})
		}
	}
}

// Nor can any other transport send a write's body again: it is given no way to get a second one.
func TestAWritesBodyCanBeReadOnce(t *testing.T) {
	t.Parallel()
	for _, o := range writes() {
		c, err := New(Options{Token: testToken, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.GetBody != nil {
				t.Errorf("%s: the body can be had again", o.name)
			}
			return nil, io.EOF
		})})
		if err != nil {
			t.Fatal(err)
		}
		_ = o.call(t.Context(), c)
	}
}

func TestAReadComesThroughABrokenConnection(t *testing.T) {
	t.Parallel()
	cms := newTCPCMS(t, func(c net.Conn) { _ = c.Close() })
	c, err := New(Options{Token: testToken, BaseURL: cms.url, Sleep: (&clock{}).Sleep})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	for range 4 {
		if _, err := c.Users(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A connection that cannot be opened is known not to have carried anything, by the transport's own word.
func TestAClosedPortIsNotSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{url, "https" + url[len("http"):]} {
		clk := &clock{}
		c, err := New(Options{Token: testToken, BaseURL: base, Sleep: clk.Sleep})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range writes() {
			if e := asError(t, o.call(t.Context(), c)); e.Sent || e.Unknown || Classify(e) != Retry {
				t.Errorf("%s: %v", o.name, e)
			}
		}
		if n := len(clk.waits()); n != len(writes()) {
			t.Errorf("%d repeats, want one per write", n)
		}
	}
}

// A server that is not trusted, or does not speak TLS, got no request.
func TestAFailedHandshakeIsNotSent(t *testing.T) {
	t.Parallel()
	cms := newTCPCMS(t, func(c net.Conn) { _ = c.Close() })
	c, err := New(Options{Token: testToken, BaseURL: "https" + cms.url[len("http"):], Sleep: (&clock{}).Sleep})
	if err != nil {
		t.Fatal(err)
	}
	if e := asError(t, byMethod("POST").call(t.Context(), c)); e.Sent || e.Unknown {
		t.Fatalf("got %v", e)
	}
}

// Connections are kept for the next call, after errors and unread bodies too.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	conns := 0
	srv := &http.Server{
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				mu.Lock()
				conns++
				mu.Unlock()
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.Method == http.MethodDelete { // its document is not read
				_, _ = io.WriteString(w, `{"data":"`+strings.Repeat("x", 20<<10)+`"}`)
				return
			}
			if r.Method != http.MethodGet {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = io.WriteString(w, apiError("INVALID_FORMAT", "", false)+"   ")
				return
			}
			_, _ = io.WriteString(w, `{"data":[]}`)
		}),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	c, err := New(Options{Token: testToken, BaseURL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	for range 5 {
		for _, o := range writes() {
			if class := Classify(o.call(t.Context(), c)); class != Reject && o.method != http.MethodDelete {
				t.Fatalf("%s: %v", o.name, class)
			}
		}
		if _, err := c.Users(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if conns != 1 {
		t.Errorf("%d connections for calls one after the other", conns)
	}
}
