package proxy_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimcms/scimcms/proxy"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkRequests is what the wire costs, by kind of request: routing, authentication, parsing, rendering, log and metrics
// over a store in memory.
func BenchmarkRequests(b *testing.B) {
	store := newFake()
	m, err := proxy.NewMetrics(prometheus.NewRegistry(), "")
	if err != nil {
		b.Fatal(err)
	}
	s, err := proxy.New(proxy.Options{
		Projects: []proxy.Project{{Name: "site", Tokens: []proxy.Token{tok(token)}, Users: store, Groups: store}},
		Logger:   slog.New(slog.NewJSONHandler(io.Discard, nil)), Metrics: m, //nolint:sloglint // writing the line is part of the cost
	})
	if err != nil {
		b.Fatal(err)
	}
	serve := func(method, path, body string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
		s.ServeHTTP(&discard{http.Header{}}, r)
	}
	serve(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", ""))
	serve(http.MethodPost, "/scim/v2/Groups", `{"displayName":"Editors"}`)
	for _, bm := range []struct{ name, method, path, body string }{
		{"none", http.MethodGet, "/nothing", ""},
		{"read", http.MethodGet, "/scim/v2/Users/u1", ""},
		{"filter", http.MethodGet, "/scim/v2/Users?filter=userName%20eq%20%22ada%40example.com%22&startIndex=1&count=100", ""},
		{"create", http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", `,"active":true`)}, // parsed, then a conflict
		{"replace", http.MethodPut, "/scim/v2/Users/u1", userBody("ada@example.com", `,"active":true`)},
		{"patch", http.MethodPatch, "/scim/v2/Users/u1", fmt.Sprintf(patchBody, `{"op":"replace","value":{"active":true}}`)},
		{"patch group", http.MethodPatch, "/scim/v2/Groups/g2", fmt.Sprintf(patchBody, `{"op":"add","path":"members","value":[{"value":"u1","display":"x"}]}`)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve(bm.method, bm.path, bm.body)
			}
		})
	}
}
