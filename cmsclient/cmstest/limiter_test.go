package cmstest_test

import (
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := newCMS(t, cmstest.Options{Rate: 3, Now: now.Now})
	quota := func(r *result, remaining, reset string) {
		t.Helper()
		if got := r.Header.Get("X-Ratelimit-Remaining"); got != remaining {
			t.Fatalf("remaining %q, want %q", got, remaining)
		}
		if got := r.Header.Get("X-Ratelimit-Reset"); got != reset {
			t.Fatalf("reset %q, want %q", got, reset)
		}
		if got := r.Header.Get("X-Ratelimit-Limit"); got != "3" {
			t.Fatalf("limit %q, want 3", got)
		}
	}
	quota(c.do("GET", "/site", "").is(200), "2", "")
	now.Advance(time.Second)
	quota(c.do("GET", "/nowhere", "").is(404), "1", "")
	quota(c.do("GET", "/site", "").is(200), "0", "")

	limited := c.do("GET", "/site", "")
	limited.refused(429, "RATE_LIMIT_EXCEEDED")
	quota(limited, "0", "2")
	now.Advance(1500 * time.Millisecond)
	quota(c.do("GET", "/site", "").is(429), "0", "1")

	// Two and a half seconds after the first call it still counts; at three it does not, and refused calls never did.
	now.Advance(500 * time.Millisecond)
	quota(c.do("GET", "/site", "").is(200), "0", "")
	quota(c.do("GET", "/site", "").is(429), "0", "1")

	equal(t, "calls", c.Calls(), cmstest.Calls{
		Total: 7, RateLimited: 3, ByEndpoint: map[string]int{"GET /site": 6, "unknown": 1},
	})
}

func TestLimiterCountsByToken(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Rate: 1, Now: newClock().Now})
	c.do("GET", "/site", "").is(200)
	c.do("GET", "/site", "").is(429)
	c.do("GET", "/site", "", "Authorization", "Bearer other").is(401)
	c.do("GET", "/site", "", "Authorization", "Bearer third").is(429)
}

func TestLimiterHoldsOverManyWindows(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := newCMS(t, cmstest.Options{Rate: 100, Window: time.Second, Now: now.Now})
	for range 8 {
		for range 100 {
			c.do("GET", "/nowhere", "").is(404)
		}
		c.do("GET", "/nowhere", "").is(429)
		now.Advance(time.Second)
	}
}

func TestNoRateMeansNoLimit(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{})
	for range 200 {
		if r := c.do("GET", "/site", "").is(200); r.Header.Get("X-Ratelimit-Limit") != "" {
			t.Fatal("limit header without a limit")
		}
	}
}

func TestControlIsNeitherLimitedNorCounted(t *testing.T) {
	t.Parallel()
	c := newCMS(t, cmstest.Options{Rate: 1, Now: newClock().Now})
	for range 5 {
		c.do("GET", "/_emulator/calls", "", "Authorization", "", "Accept", "", "X-Api-Version", "").is(200)
	}
	c.do("GET", "/site", "").is(200)
	equal(t, "total", c.Calls().Total, 1)
}
