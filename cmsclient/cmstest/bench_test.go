package cmstest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// BenchmarkCMS takes one call of each kind, at several sizes of the project, from all processors at once.
func BenchmarkCMS(b *testing.B) {
	for _, users := range []int{10, 1_000, 100_000} {
		server := cmstest.New(cmstest.Options{SeedUsers: users})
		transport := server.Transport()
		var serial atomic.Int64
		for _, bm := range []struct {
			name, method, path string
			body               func() string
		}{
			{"get", http.MethodGet, "/users/1005", func() string { return "" }},
			{"update", http.MethodPut, "/users/1005", func() string {
				return `{"data":{"type":"user","id":"1005","attributes":{"is_active":false}}}`
			}},
			{"invite", http.MethodPost, "/site-invitations", func() string {
				return inviteBody(fmt.Sprintf("n%d@example.org", serial.Add(1)), editorID)
			}},
			{"list", http.MethodGet, "/users", func() string { return "" }},
		} {
			b.Run(fmt.Sprintf("%s/users=%d", bm.name, users), func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						benchCall(b, transport, bm.method, bm.path, bm.body())
					}
				})
			})
		}
	}
}

func benchCall(b *testing.B, transport http.RoundTripper, method, path, body string) {
	r, err := http.NewRequestWithContext(b.Context(), method, "http://cms.test"+path, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	r.Header = http.Header{
		"Authorization": {"Bearer demo-cms-token"}, "Accept": {"application/json"},
		"Content-Type": {"application/json"}, "X-Api-Version": {"3"},
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		b.Error(err)
		return
	}
	_ = res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		b.Errorf("%s %s: status %d", method, path, res.StatusCode)
	}
}
