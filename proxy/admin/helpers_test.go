package admin_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/queue"
)

const token = "operator-token"

// fakeQueue answers from memory and remembers what was asked of it.
type fakeQueue struct {
	mu      sync.Mutex
	entries []queue.Entry
	past    []queue.Attempt
	stats   queue.Stats
	err     error
	dropErr error
	asked   []string
	listed  queue.ListOptions
}

func (f *fakeQueue) ask(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
	return f.err
}

func (f *fakeQueue) List(_ context.Context, opt queue.ListOptions) ([]queue.Entry, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed = opt
	next := ""
	if opt.Limit == 1 {
		next = "0:1"
	}
	return f.entries, next, f.err
}

func (f *fakeQueue) Show(_ context.Context, key string) (queue.Entry, bool, error) {
	for _, e := range f.entries {
		if e.Key == key {
			return e, true, f.err
		}
	}
	return queue.Entry{}, false, f.err
}

func (f *fakeQueue) Stats(context.Context) (queue.Stats, error) { return f.stats, f.err }

func (f *fakeQueue) Replay(_ context.Context, keys ...string) (int, error) {
	return len(keys), f.ask("replay " + strings.Join(keys, " "))
}

func (f *fakeQueue) ReplayCode(_ context.Context, code string, limit int) (int, error) {
	return len(f.entries), f.ask(fmt.Sprintf("replay code %q, %d", code, limit))
}

func (f *fakeQueue) History(context.Context, string) ([]queue.Attempt, error) { return f.past, f.err }

func (f *fakeQueue) Drop(ctx context.Context, key string) (bool, error) {
	if f.dropErr != nil {
		return false, f.dropErr
	}
	_, found, _ := f.Show(ctx, key)
	return found, f.ask("drop " + key)
}

func (f *fakeQueue) Pause(context.Context) error  { return f.ask("pause") }
func (f *fakeQueue) Resume(context.Context) error { return f.ask("resume") }

// errSecret is a cause that no response may show.
var errSecret = errors.New("dial tcp 10.0.0.7:6379: secret-cause")

func parkedQueue() *fakeQueue {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).UnixMilli()
	return &fakeQueue{
		entries: []queue.Entry{{
			Key: "user/7f", State: queue.Parked, Lane: queue.Interactive, Ticket: 4, Attempts: 12, Parked: at, Since: at - 1000,
			Code: "INVALID_EMAIL", Text: `The CMS refuses <script>alert(1)</script>`, Intent: "secret-intent",
		}},
		stats: queue.Stats{Depth: map[queue.Lane]int64{queue.Leavers: 2}, Leased: 1, Parked: 3, Codes: map[string]int64{"INVALID_EMAIL": 3}, OldestAge: 90 * time.Second, Paused: true, Circuit: "bad token"},
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newServer serves one project "site" with the queue; edit changes the options.
func newServer(t *testing.T, q *fakeQueue, edit func(*admin.Options)) (*admin.Server, *logBuffer) {
	t.Helper()
	sum := sha256.Sum256([]byte(token))
	logs := &logBuffer{}
	o := admin.Options{
		Projects: []admin.Project{{Name: "site", Queue: q}}, Token: &sum, Version: "1.2.3",
		Logger: slog.New(slog.NewTextHandler(logs, nil)),
	}
	if edit != nil {
		edit(&o)
	}
	s, err := admin.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, logs
}

func send(s http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func parse(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s is no JSON: %v", w.Code, w.Body, err)
	}
	return v
}
