package cmsclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	defaultBaseURL    = "https://site-api.datocms.com"
	defaultTimeout    = 8 * time.Second
	defaultJobTimeout = time.Minute
	apiVersion        = "3"
	mediaType         = "application/json"
)

// Options says how to reach one project of the CMS. Only Token is required.
type Options struct {
	// BaseURL is where the API lives, with or without a path prefix; default https://site-api.datocms.com.
	BaseURL string
	// Token is the API token; it selects the project.
	Token string
	// Environment is sent as X-Environment; "" is the primary one.
	Environment string
	// Version names this program in the User-Agent header: scimcms/<version>. Default "dev".
	Version string
	// Transport sends one request; default an HTTP/1.1 transport of this client's own (see newTransport).
	Transport http.RoundTripper
	// Timeout bounds one attempt from sending to the last byte of the answer; default 8s. Time spent waiting for
	// the Gate does not count.
	Timeout time.Duration
	// JobTimeout bounds the polling of an asynchronous job where the context has no earlier deadline; default 1m.
	JobTimeout time.Duration
	// Gate paces every attempt; nil means no pacing.
	Gate Gate
	// Observer hears of every attempt; nil means nobody does.
	Observer Observer
	// Logger gets one debug line per repeat; nil means none.
	Logger *slog.Logger
	// Rand spreads waits, 0 <= Rand() < 1; default math/rand/v2.
	Rand func() float64
	// Now is the clock that measures attempts; default time.Now.
	Now func() time.Time
	// Sleep waits for d or until ctx ends, whose error it returns; default a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Gate is asked before every attempt and told about every answer: the pacer of a CMS token.
type Gate interface {
	// Wait returns when the next request may be sent. Its error aborts the call as not sent.
	Wait(ctx context.Context) error
	// Report tells what the CMS answered. Its context outlives a canceled call.
	Report(ctx context.Context, f Feedback)
}

// Feedback is what one attempt taught about the rate limit.
type Feedback struct {
	Status    int           // HTTP status, 0 when there was no answer
	Limited   bool          // the CMS answered 429
	Reset     time.Duration // how long to hold off, 0 when not told; at most one minute
	Limit     int           // requests per window, 0 when not told
	Remaining int           // requests left in the window, -1 when not told
}

// Observer hears of every attempt that was sent, with the endpoint as a template (/users/:id) so that it can label
// a metric, and the time to the answer's header. Status is 0 when no answer came.
type Observer interface {
	Call(method, endpoint string, status int, took time.Duration)
}

// Client calls one project of the CMS. It is safe for concurrent use.
type Client struct {
	base       string
	header     func() http.Header // a function, so that printing a Client cannot print the token
	http       *http.Client
	idle       func()
	timeout    time.Duration
	jobTimeout time.Duration
	gate       Gate
	observer   Observer
	log        *slog.Logger
	rand       func() float64
	now        func() time.Time
	sleep      func(context.Context, time.Duration) error
	readOnly   *atomic.Bool // behind a pointer: a Client may be copied
}

// New returns a client. It sends nothing; Me checks the token.
func New(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := checkToken(o.Token); err != nil {
		return nil, err
	}
	if o.Environment != "" && !validID(o.Environment) {
		return nil, errors.New("cms environment: not a name of an environment")
	}
	c := &Client{
		readOnly:   new(atomic.Bool),
		base:       base,
		header:     headers(o.Token, o.Version, o.Environment),
		timeout:    orDuration(o.Timeout, defaultTimeout),
		jobTimeout: orDuration(o.JobTimeout, defaultJobTimeout),
		gate:       o.Gate,
		observer:   o.Observer,
		log:        o.Logger,
		rand:       o.Rand,
		now:        o.Now,
		sleep:      o.Sleep,
	}
	c.setDefaults()
	transport := o.Transport
	if transport == nil {
		transport = newTransport()
	}
	c.idle = (&http.Client{Transport: transport}).CloseIdleConnections
	c.http = &http.Client{
		Transport: &attempts{client: c, next: transport},
		// A redirect would carry a write, and the token, to another place or turn it into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// CloseIdle closes connections that no call is using.
func (c *Client) CloseIdle() { c.idle() }

func (c *Client) setDefaults() {
	if c.gate == nil {
		c.gate = openGate{}
	}
	if c.observer == nil {
		c.observer = nobody{}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.rand == nil {
		c.rand = rand.Float64
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
}

func orDuration(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// headers returns the function that makes a request's header.
func headers(token, version, environment string) func() http.Header {
	if version == "" {
		version = "dev"
	}
	return func() http.Header {
		h := make(http.Header, 8)
		h.Set("Authorization", "Bearer "+token)
		h.Set("X-Api-Version", apiVersion)
		h.Set("Accept", mediaType)
		h.Set("Content-Type", mediaType)
		h.Set("User-Agent", "scimcms/"+version)
		if environment != "" {
			h.Set("X-Environment", environment)
		}
		return h
	}
}

func parseBase(raw string) (string, error) {
	if raw == "" {
		raw = defaultBaseURL
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("cms base url: not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("cms base url: scheme %q: must be http or https", u.Scheme)
	case u.Host == "":
		return "", errors.New("cms base url: no host")
	case u.User != nil:
		return "", errors.New("cms base url: must not carry a user or password")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("cms base url: must not carry a query or fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func checkToken(token string) error {
	if token == "" {
		return errors.New("cms token: empty")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return errors.New("cms token: has blanks or characters that cannot stand in a header")
		}
	}
	return nil
}

// newTransport speaks HTTP/1.1 only: one connection then carries one request, so that a connection that breaks
// leaves one outcome unknown and net/http sees no reason to send a write again. Idle connections are given up
// before common servers do (20s and more), which keeps writes off connections that are about to be closed. What
// net/http still repeats by itself, unseen by the gate, is a GET on such a connection, and what it could not write.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        15 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              &protocols,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// openGate lets everything pass.
type openGate struct{}

func (openGate) Wait(context.Context) error       { return nil }
func (openGate) Report(context.Context, Feedback) {}

// nobody observes nothing.
type nobody struct{}

func (nobody) Call(string, string, int, time.Duration) {}
