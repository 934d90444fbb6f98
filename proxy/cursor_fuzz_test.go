package proxy

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/scimcms/scimcms/proxy/scim"
)

func testCursors(tb testing.TB, project, query string, sorted bool) cursors {
	tb.Helper()
	sealer, err := newSeal(project, [32]byte{1})
	if err != nil {
		tb.Fatal(err)
	}
	return cursors{sealer: sealer, query: []byte(query), now: time.Unix(1_700_000_000, 0), life: time.Hour, parts: 2, sort: sorted}
}

// What the server has made is read back as it was, by the same query only. Anything else, one changed byte of it included, is
// refused as a cursor that is not valid; nothing panics.
func FuzzCursor(f *testing.F) {
	for _, text := range []string{"", "x", "eyJzIjoxfQ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00", "\xff"} {
		f.Add(text, int64(1), "key", uint16(0))
	}
	f.Fuzz(func(t *testing.T, text string, seq int64, key string, at uint16) {
		c := testCursors(t, "site", "query-1", true)
		mustRefuse(t, c, text)
		if key = string(bytes.ToValidUTF8([]byte(key), nil)); len(key) > 256 {
			key = "" // keys are cut before
		}
		p := position{Back: seq%2 == 0, Incl: seq%3 == 0, Part: int(at) % 2, Seq: seq, Key: &scim.SortKey{Kind: scim.SortText, Text: key}}
		sealed := c.seal(p)
		got, err := c.open(sealed)
		if err != nil || *got.Key != *p.Key {
			t.Fatalf("%+v was read back as %+v: %v", p, got, err)
		}
		if got.Key = p.Key; got != p {
			t.Fatalf("%+v was read back as %+v", p, got)
		}
		raw, err := base64.RawURLEncoding.DecodeString(sealed)
		if err != nil {
			t.Fatal(err)
		}
		raw[int(at)%len(raw)] ^= byte(at>>8) | 1
		mustRefuse(t, c, base64.RawURLEncoding.EncodeToString(raw))
		mustRefuse(t, c, sealed+"A"+text)
		for _, other := range []cursors{
			testCursors(t, "other", "query-1", true), testCursors(t, "site", "query-2", true), testCursors(t, "site", "query-1", false),
		} {
			if _, err := other.open(sealed); !isRefusal(err, scim.InvalidCursor) {
				t.Fatalf("a cursor of another query or project: %v", err)
			}
		}
		c.now = c.now.Add(time.Hour + time.Minute)
		if _, err := c.open(sealed); !isRefusal(err, scim.ExpiredCursor) {
			t.Fatalf("an old cursor: %v", err)
		}
	})
}

// mustRefuse checks that a text that the server has not made is no cursor.
func mustRefuse(t *testing.T, c cursors, text string) {
	t.Helper()
	if _, err := c.open(text); !isRefusal(err, scim.InvalidCursor) {
		t.Fatalf("%q: %v", text, err)
	}
}

func isRefusal(err error, reason scim.ScimType) bool {
	e, ok := errors.AsType[*scim.Error](err)
	return ok && e.Status == http.StatusBadRequest && e.ScimType == reason && e.Detail != ""
}
