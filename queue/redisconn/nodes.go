package redisconn

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Node is one primary that holds keys, and what it says about itself. What it refuses to tell is absent.
type Node struct {
	Address  string
	Info     map[string]string // INFO
	Settings map[string]string // CONFIG GET, of the settings that Nodes was asked for
}

// Nodes asks every primary about itself: one, or those of a Cluster.
func Nodes(ctx context.Context, client redis.UniversalClient, settings ...string) ([]Node, error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		n, err := node(ctx, client, settings)
		return []Node{n}, err
	}
	var mu sync.Mutex
	var all []Node
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		n, err := node(ctx, c, settings)
		n.Address = c.Options().Addr
		mu.Lock()
		defer mu.Unlock()
		all = append(all, n)
		return err
	})
	return all, err
}

// node fails only when the server does not answer at all.
func node(ctx context.Context, c redis.UniversalClient, settings []string) (Node, error) {
	n := Node{Info: map[string]string{}, Settings: map[string]string{}}
	if err := c.Ping(ctx).Err(); err != nil {
		return n, err
	}
	if text, err := c.Info(ctx).Result(); err == nil {
		n.Info = infoFields(text)
	}
	for _, name := range settings {
		if found, err := c.ConfigGet(ctx, name).Result(); err == nil {
			n.Settings[name] = found[name]
		}
	}
	return n, nil
}

// infoFields reads the lines "name:value" of INFO.
func infoFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}
