package redisconn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue/redisconn"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want string // network and addresses, or a part of the error
	}{
		{"redis://127.0.0.1:6379/0", "tcp 127.0.0.1:6379"},
		{"rediss://user:secret@redis.example/3?read_timeout=9s", "tcp redis.example:6379"},
		{"unix:///run/redis.sock?db=2", "unix /run/redis.sock"},
		{"redis://sentinel.example:26379?master_name=main", "FailoverClient"},
		{"redis://sentinel.example:26379?master_name=main&addr=other:26379", "FailoverClient"},
		{"redis://sentinel.example:26379?master_name=main&nonsense=1", "unexpected option: nonsense"},
		{"redis://sentinel.example:26379?master_name=main&replica_only=true", "reads go to the primary"},
		{"redis://sentinel.example:26379?master_name=main&route_randomly=true", "reads go to the primary"},
		{"http://127.0.0.1", "invalid URL scheme: http"},
		{"redis://a:6379?addr=b:6380", "cluster a:6379 b:6380"},
		{"rediss://user:secret@a?cluster=true", "cluster a:6379"},
		{"redis://a/0?cluster=true", "cluster a:6379"},
		{"redis://a/2?cluster=true", "database 0 only"},
		{"redis://a?cluster=maybe", "write cluster=true"},
		{"redis://a?cluster=true&read_only=true", "reads go to the primaries"},
		{"redis://a?cluster=true&nonsense=1", "unexpected option: nonsense"},
		{"redis://a?addr=b", "unable to parse addr"},
		{"unix:///run/redis.sock?cluster=true", "not a socket"},
		{"redis://user:secret@host:6379/%zz", "invalid URL escape"},
		{"", "invalid URL scheme"},
	} {
		t.Run(tt.url, func(t *testing.T) {
			t.Parallel()
			client, err := redisconn.Open(tt.url)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("error %v", err)
				}
				return
			}
			defer func() { _ = client.Close() }()
			if got := describe(t, client, strings.Contains(tt.url, "9s")); got != tt.want {
				t.Fatalf("opened %q", got)
			}
		})
	}
}

// describe says what a client goes to, after it has checked that the client repeats nothing and does not wait for long.
func describe(t *testing.T, client redis.UniversalClient, slow bool) string {
	t.Helper()
	read := map[bool]time.Duration{true: 9 * time.Second, false: redisconn.CallTimeout}[slow]
	if c, ok := client.(*redis.ClusterClient); ok {
		o := c.Options()
		if o.MaxRetries > 0 || o.DialTimeout != redisconn.DialTimeout || !o.ContextTimeoutEnabled || o.ReadTimeout != read {
			t.Fatalf("%+v", o)
		}
		return "cluster " + strings.Join(o.Addrs, " ")
	}
	single, ok := client.(*redis.Client)
	if !ok {
		t.Fatalf("%T", client)
	}
	o := single.Options()
	if o.MaxRetries > 0 || o.DialTimeout != redisconn.DialTimeout || !o.ContextTimeoutEnabled || o.ReadTimeout != read {
		t.Fatalf("%+v", o)
	}
	if o.Addr == "FailoverClient" {
		return o.Addr
	}
	return o.Network + " " + o.Addr
}
