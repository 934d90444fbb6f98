package redisconn

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Time limits where the URL does not say otherwise. A Redis that is away is told within two seconds, so that the
// identity provider gets its 503 before it gives up.
const (
	DialTimeout = 2 * time.Second
	CallTimeout = 3 * time.Second
)

// init drops what go-redis prints to standard error by itself, for the whole process: every failure is an error of some
// call as well. The library keeps its logger in an unguarded variable, so it is set before there are goroutines.
func init() { redis.SetLogger(&logging.VoidLogger{}) } //nolint:gochecknoinits // see above

// Parameters of a URL that say what kind of Redis it names. addr names further Sentinels or nodes.
const (
	paramSentinel = "master_name"
	paramCluster  = "cluster"
	paramAddr     = "addr"
)

// Open returns a client for redis://, rediss:// or unix:// with the options of go-redis in the query. With
// ?master_name=NAME the addresses are those of Sentinels; with ?cluster=true, or a second address (?addr=HOST:PORT), they
// are nodes of a Cluster. It connects at first use.
func Open(rawURL string) (redis.UniversalClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", withoutURL(err))
	}
	var client redis.UniversalClient
	switch q := u.Query(); {
	case q.Get(paramSentinel) != "":
		client, err = openSentinel(rawURL)
	case q.Has(paramCluster) || q.Has(paramAddr):
		var opt *redis.ClusterOptions
		if opt, err = clusterOptions(*u); err == nil {
			client = newCluster(opt)
		}
	default:
		client, err = openSingle(rawURL)
	}
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", withoutURL(err))
	}
	return client, nil
}

// common are the settings that the three kinds of client share, each in a type of its own.
type common struct {
	maxRetries, dialerRetries, pipelinePoolSize *int
	contextTimeout, disableIdentity             *bool
	dial, read, write                           *time.Duration
}

// set lets nothing be repeated by the library, and makes what is away known soon.
func (c common) set() {
	*c.maxRetries, *c.dialerRetries, *c.pipelinePoolSize = -1, 1, -1
	*c.contextTimeout, *c.disableIdentity = true, true
	*c.dial = orDefault(*c.dial, DialTimeout)
	*c.read = orDefault(*c.read, CallTimeout)
	*c.write = orDefault(*c.write, CallTimeout)
}

func openSingle(rawURL string) (redis.UniversalClient, error) {
	opt, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	common{
		&opt.MaxRetries, &opt.DialerRetries, &opt.PipelinePoolSize, &opt.ContextTimeoutEnabled, &opt.DisableIdentity,
		&opt.DialTimeout, &opt.ReadTimeout, &opt.WriteTimeout,
	}.set()
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(opt), nil
}

func openSentinel(rawURL string) (redis.UniversalClient, error) {
	opt, err := redis.ParseFailoverURL(rawURL)
	if err != nil {
		return nil, err
	}
	if opt.RouteByLatency || opt.RouteRandomly || opt.ReplicaOnly {
		return nil, errors.New("reads go to the primary: leave out route_by_latency, route_randomly and replica_only")
	}
	common{
		&opt.MaxRetries, &opt.DialerRetries, &opt.PipelinePoolSize, &opt.ContextTimeoutEnabled, &opt.DisableIdentity,
		&opt.DialTimeout, &opt.ReadTimeout, &opt.WriteTimeout,
	}.set()
	return redis.NewFailoverClient(opt), nil
}

func clusterOptions(u url.URL) (*redis.ClusterOptions, error) {
	if u.Scheme == "unix" {
		return nil, errors.New("a Cluster has addresses, not a socket")
	}
	if path := strings.Trim(u.Path, "/"); path != "" && path != "0" {
		return nil, fmt.Errorf("a Cluster has database 0 only, not %s", path)
	}
	q := u.Query()
	if on := q.Get(paramCluster); q.Has(paramCluster) && on != "true" {
		return nil, fmt.Errorf("cluster=%s: write cluster=true, or leave it out", on)
	}
	q.Del(paramCluster)
	u.RawQuery, u.Path = q.Encode(), ""
	opt, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, err
	}
	if opt.RouteByLatency || opt.RouteRandomly || opt.ReadOnly {
		return nil, errors.New("reads go to the primaries: leave out read_only, route_by_latency and route_randomly")
	}
	common{
		&opt.MaxRetries, &opt.DialerRetries, &opt.PipelinePoolSize, &opt.ContextTimeoutEnabled, &opt.DisableIdentity,
		&opt.DialTimeout, &opt.ReadTimeout, &opt.WriteTimeout,
	}.set()
	opt.DisableRoutingPolicies = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return opt, nil
}

// withoutURL drops the URL that net/url puts into its errors: it may carry the password.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
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
