package cmstest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

const (
	editorID = "301"
	adminID  = "302"
)

// cms is an emulator and a caller of it.
type cms struct {
	*cmstest.Server
	t       *testing.T
	client  *http.Client
	headers map[string]string
}

func newCMS(t *testing.T, o cmstest.Options) *cms {
	t.Helper()
	s := cmstest.New(o)
	return &cms{Server: s, t: t, client: &http.Client{Transport: s.Transport()}, headers: map[string]string{
		"Authorization": "Bearer demo-cms-token", "Accept": "application/json",
		"Content-Type": "application/json", "X-Api-Version": "3",
	}}
}

// result is what a call came to.
type result struct {
	t      *testing.T
	call   string
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any
}

// try makes a call; headers override the usual ones, "" leaves one out.
func (c *cms) try(method, path, body string, headers ...string) (*result, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://cms.test"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	out := &result{t: c.t, call: method + " " + path, Status: res.StatusCode, Header: res.Header, Raw: string(raw)}
	_ = json.Unmarshal(raw, &out.Body)
	return out, nil
}

// do makes a call that must get an answer.
func (c *cms) do(method, path, body string, headers ...string) *result {
	c.t.Helper()
	out, err := c.try(method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return out
}

// is checks the status.
func (r *result) is(status int) *result {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s: status %d, want %d: %s", r.call, r.Status, status, r.Raw)
	}
	return r
}

// refused checks status and error code, and returns the details as JSON.
func (r *result) refused(status int, code string) string {
	r.t.Helper()
	r.is(status)
	list, _ := r.Body["data"].([]any)
	if len(list) != 1 {
		r.t.Fatalf("%s: not one error: %s", r.call, r.Raw)
	}
	if got := path(list[0], "attributes", "code"); got != code {
		r.t.Fatalf("%s: code %v, want %s", r.call, got, code)
	}
	return asJSON(path(list[0], "attributes", "details"))
}

// get follows member names down the body.
func (r *result) get(names ...string) any { return path(r.Body, names...) }

// id is data.id.
func (r *result) id() string {
	r.t.Helper()
	id, ok := r.get("data", "id").(string)
	if !ok {
		r.t.Fatalf("%s: no data.id: %s", r.call, r.Raw)
	}
	return id
}

// ids are the ids of a list.
func (r *result) ids() string {
	list, _ := r.Body["data"].([]any)
	ids := make([]string, 0, len(list))
	for _, item := range list {
		ids = append(ids, fmt.Sprint(path(item, "id")))
	}
	return strings.Join(ids, " ")
}

func path(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func asJSON(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return strings.TrimSpace(buf.String())
}

// canonical is v as JSON with sorted members.
func canonical(v any) string {
	var out any
	_ = json.Unmarshal([]byte(asJSON(v)), &out)
	return asJSON(out)
}

// equal compares two values by their JSON.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := canonical(got), canonical(want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func inviteBody(email, role string) string {
	return fmt.Sprintf(`{"data":{"type":"site_invitation","attributes":{"email":%q},"relationships":{"role":{"data":{"type":"role","id":%q}}}}}`, email, role)
}

func (c *cms) invite(email, role string) *result {
	c.t.Helper()
	return c.do("POST", "/site-invitations", inviteBody(email, role))
}

func roleBody(attributes, more string) string {
	return `{"data":{"type":"role","attributes":` + attributes + more + `}}`
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
