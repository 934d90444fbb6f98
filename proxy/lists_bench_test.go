package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/proxy/scim"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// readOnly reads people from a directory; the fake is there for what a listing does not call.
type readOnly struct {
	*fakeStore
	d *directory.Directory
}

func (s readOnly) FindUsers(ctx context.Context, by directory.Index, value string, w directory.Window) (directory.Page[directory.User], error) {
	return s.d.FindUsers(ctx, by, value, w)
}

func (s readOnly) ListUsers(ctx context.Context, w directory.Window) (directory.Page[directory.User], error) {
	return s.d.ListUsers(ctx, w)
}

func (s readOnly) RangeUsers(ctx context.Context, r directory.Range) (directory.Page[directory.User], error) {
	return s.d.RangeUsers(ctx, r)
}

func (s readOnly) UsersByID(ctx context.Context, ids []string) ([]directory.User, error) {
	return s.d.UsersByID(ctx, ids)
}

// listBench is a server over a record of many people on a real Redis, each of them in two of twenty groups.
type listBench struct {
	b      *testing.B
	store  queuetest.Store
	server *proxy.Server
	people int
}

func newListBench(b *testing.B) *listBench {
	b.Helper()
	l := &listBench{b: b, store: queuetest.Real(b)}
	q, err := queue.New(queue.Options{Redis: l.store.Client, Base: l.store.Base})
	l.ok(err)
	d, err := directory.New(directory.Options{Redis: l.store.Client, Queue: q, Base: l.store.Base, Project: "site", Fold: mapping.Fold,
		NewID: func(kind, key string, uses int64) string { return mapping.ID("site", kind, key, int(uses)) }})
	l.ok(err)
	l.server, err = proxy.New(proxy.Options{Projects: []proxy.Project{{Name: "site", Tokens: []proxy.Token{tok(token)},
		Users: readOnly{newFake(), d}, Groups: newFake()}}})
	l.ok(err)
	return l
}

func (l *listBench) ok(err error) {
	if err != nil {
		l.b.Helper()
		l.b.Fatal(err)
	}
}

func (l *listBench) address(n int) string { return fmt.Sprintf("person%06d@example.com", n) }

// grow writes people as commits leave them when nothing is left to do.
func (l *listBench) grow(to int) {
	l.b.Helper()
	ctx, base := l.b.Context(), l.store.Base
	for g := range 20 {
		l.ok(l.store.Client.HSet(ctx, fmt.Sprint(base, ":g:group", g), "state", "live", "name", fmt.Sprint("Group ", g)).Err())
	}
	for lo := l.people; lo < to; lo += 500 {
		p := l.store.Client.Pipeline()
		for n := lo; n < min(lo+500, to); n++ {
			l.write(ctx, p, base, n)
		}
		_, err := p.Exec(ctx)
		l.ok(err)
	}
	l.people = to
}

func (l *listBench) write(ctx context.Context, p redis.Pipeliner, base string, n int) {
	address, seq := l.address(n), n+1
	id := mapping.ID("site", "User", address, 0)
	res, err := scim.ParseUser([]byte(userBody(address, `,"active":true,"title":"Title `+strconv.Itoa(n%1000)+`"`)))
	l.ok(err)
	p.HSet(ctx, base+":u:"+id, "state", "live", "managed", "1", "doc", res.JSON(), "un", address, "ext", fmt.Sprint("00u", n), "addr", address,
		"active", "1", "seq", seq, "gen", 1, "created", 1_700_000_000_000, "modified", 1_700_000_000_000, "ckind", "collaborator", "cid", n,
		"crole", "301", "status", "synced", "lsync", 1_700_000_000_000)
	p.HSet(ctx, base+":x:un", address, id)
	p.ZAdd(ctx, base+":l:u", redis.Z{Score: float64(seq), Member: id})
	p.SAdd(ctx, base+":ug:"+id, fmt.Sprint("group", n%20), fmt.Sprint("group", (n+7)%20))
}

// get answers one request and returns its body.
func (l *listBench) get(query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/scim/v2/Users?"+query, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	l.server.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		l.b.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	return w
}

// deepCursor pages to the middle.
func (l *listBench) deepCursor() string {
	cursor := ""
	for n := 0; n < l.people/2; n += 500 {
		cursor = cursorOf(l.get("count=500&attributes=userName&cursor=" + cursor).Body.String())
	}
	return cursor
}

func cursorOf(body string) string {
	const name = `"nextCursor":"`
	for i := range len(body) - len(name) {
		if body[i:i+len(name)] == name {
			rest := body[i+len(name):]
			for j := range rest {
				if rest[j] == '"' {
					return rest[:j]
				}
			}
		}
	}
	return ""
}

// kinds are the requests that are measured.
func (l *listBench) kinds() []struct{ name, query string } {
	filter := func(text string) string { return "count=100&filter=" + url.QueryEscape(text) }
	return []struct{ name, query string }{
		{"indexed filter", filter(`userName eq "` + l.address(l.people/2) + `"`)},
		{"first page of 100", "startIndex=1&count=100"},
		{"deep page of 100", fmt.Sprintf("startIndex=%d&count=100", l.people-99)},
		{"cursor page of 100", "count=100&cursor=" + l.deepCursor()},
		{"unindexed filter", filter(`title eq "Title 77"`)},
		{"sorted page of 100", "count=100&sortBy=name.familyName"},
	}
}

// BenchmarkLists is the latency of kinds of listings, in records of growing size on a real Redis, and the most memory that one
// of them took. `make bench-lists` prints them as a table.
func BenchmarkLists(b *testing.B) {
	l := newListBench(b)
	for _, people := range []int{1_000, 10_000, 100_000} {
		l.grow(people)
		for _, k := range l.kinds() {
			b.Run(fmt.Sprintf("%s/people=%d", k.name, people), func(b *testing.B) {
				l.get(k.query)
				runtime.GC()
				peak := watchHeap()
				for b.Loop() {
					l.get(k.query)
				}
				b.ReportMetric(float64(peak())/(1<<20), "peak-MB")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/request")
			})
		}
	}
}

// watchHeap returns a function that tells by how much the heap has grown at most, garbage included.
func watchHeap() func() uint64 {
	read := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	began := read()
	var most atomic.Uint64
	var running sync.WaitGroup
	done := make(chan struct{})
	running.Go(func() {
		for {
			most.Store(max(most.Load(), read()))
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	return func() uint64 {
		close(done)
		running.Wait()
		return most.Load() - min(began, most.Load())
	}
}
