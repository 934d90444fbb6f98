package queue

import (
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Time limits of a Redis client made by Open, where the URL does not say otherwise. A Redis that is away is told
// within two seconds, so that the identity provider gets its 503 before it gives up.
const (
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second
)

// init drops what go-redis prints to standard error by itself, for the whole process: every failure is an error of some
// call as well. The library keeps its logger in an unguarded variable, so it is set before there are goroutines.
func init() { redis.SetLogger(&logging.VoidLogger{}) } //nolint:gochecknoinits // see above

// Open returns a client for redis://, rediss:// or unix:// with the options of go-redis in the query; with
// ?master_name=… the address is that of a Sentinel. It connects at first use.
//
// The client never repeats a command by itself: a script whose connection breaks may have run, and a commit that
// runs twice meets its own record. (Cluster clients of go-redis do repeat, so a cluster URL is refused.)
func Open(rawURL string) (redis.UniversalClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", withoutURL(err))
	}
	if u.Query().Get("master_name") != "" {
		return openSentinel(rawURL)
	}
	opt, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", withoutURL(err))
	}
	opt.MaxRetries = -1
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true
	opt.DialerRetries = 1
	opt.DialTimeout = orDefault(opt.DialTimeout, dialTimeout)
	opt.ReadTimeout = orDefault(opt.ReadTimeout, callTimeout)
	opt.WriteTimeout = orDefault(opt.WriteTimeout, callTimeout)
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(opt), nil
}

func openSentinel(rawURL string) (redis.UniversalClient, error) {
	opt, err := redis.ParseFailoverURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", withoutURL(err))
	}
	opt.MaxRetries = -1
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true
	opt.DialerRetries = 1
	opt.DialTimeout = orDefault(opt.DialTimeout, dialTimeout)
	opt.ReadTimeout = orDefault(opt.ReadTimeout, callTimeout)
	opt.WriteTimeout = orDefault(opt.WriteTimeout, callTimeout)
	return redis.NewFailoverClient(opt), nil
}

// withoutURL drops the URL that net/url puts into its errors: it may carry the password.
func withoutURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // url.Parse returns it unwrapped
		return e.Err
	}
	return err
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}
