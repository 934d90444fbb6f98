package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcms/scimcms/queue"
)

// minRedis is the oldest major version of Redis that the scripts are tested with.
const minRedis = 7

// Values of redis.durability that Redis has to be set up for.
const (
	durableFsync   = "fsync"
	durableReplica = "replica"
)

// The settings that are asked for beside what INFO tells.
const (
	settingFsync    = "appendfsync"
	settingReplicas = "min-replicas-to-write"
)

// inspectRedis finds out whether Redis answers, can run the scripts, and keeps what it is given: the one, or every primary
// of a Cluster.
func inspectRedis(ctx context.Context, c RedisConfig) []finding {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	f := &findings{subject: "redis"}
	rdb, err := queue.Open(c.URL.Value())
	if err != nil {
		f.error("%s", err)
		return f.all
	}
	defer func() { _ = rdb.Close() }()
	nodes, err := queue.Nodes(ctx, rdb, settingFsync, settingReplicas)
	if err != nil {
		f.error("does not answer: %s", err)
		return f.all
	}
	slices.SortFunc(nodes, func(a, b queue.Node) int { return strings.Compare(a.Address, b.Address) })
	for _, n := range nodes {
		if len(nodes) > 1 {
			f.subject = "redis " + n.Address
		}
		f.node(n, c.Durability)
	}
	return f.all
}

func (f *findings) node(n queue.Node, durability string) {
	if n.Info["redis_version"] == "" {
		f.warning("answers, but does not tell its version and settings: see that it is Redis 7 or later, with appendonly yes and maxmemory-policy noeviction")
		return
	}
	f.version(n.Info)
	if n.Info["redis_mode"] == "cluster" && n.Address == "" {
		f.error("is a node of a Cluster: add ?cluster=true to redis.url")
	}
	f.eviction(n.Info)
	f.persistence(n.Info, n.Settings[settingFsync], durability)
	if durability == durableReplica {
		f.replicas(n.Info, n.Settings[settingReplicas])
	}
}

func (f *findings) version(info map[string]string) {
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < minRedis {
		f.error("version %s: %d or later is needed", version, minRedis)
	} else {
		f.ok("version %s answers", version)
	}
	if info["role"] == "slave" {
		f.error("is a read-only replica: name the primary")
	}
}

func (f *findings) eviction(info map[string]string) {
	switch policy := info["maxmemory_policy"]; {
	case policy == "noeviction":
		f.ok("maxmemory-policy is noeviction")
	case policy == "":
		f.warning("does not tell its maxmemory-policy: it must be noeviction")
	case info["maxmemory"] == "0":
		f.warning("maxmemory-policy is %s: set noeviction before somebody sets maxmemory, or wishes will be evicted", policy)
	default:
		f.error("maxmemory-policy is %s: wishes and queue may be evicted; set noeviction", policy)
	}
}

// persistence compares how Redis writes its file with what the configuration promises.
func (f *findings) persistence(info map[string]string, fsync, durability string) {
	switch {
	case info["aof_enabled"] != "1":
		f.error("appendonly is off: what was accepted since the last snapshot is lost when Redis stops; set appendonly yes")
	case fsync == "always":
		f.ok("appendonly is on and appendfsync is always")
	case fsync == "":
		f.warning("appendonly is on, but appendfsync is not told (CONFIG GET is refused)")
	case durability == durableFsync:
		f.error("redis.durability is fsync, but appendfsync is %s: set appendfsync always", fsync)
	case fsync == "everysec":
		f.warning("appendfsync is everysec: up to 2 s of accepted writes can be lost when the machine of Redis fails")
	default:
		f.error("appendfsync is %s: accepted writes of half a minute can be lost; set everysec or always", fsync)
	}
	if info["aof_last_write_status"] == "err" || info["rdb_last_bgsave_status"] == "err" {
		f.error("could not write its file the last time: look at its log and its disk")
	}
}

// replicas looks at what redis.durability: replica builds on: somebody who acknowledges, and a primary that takes no writes
// when nobody does.
func (f *findings) replicas(info map[string]string, least string) {
	if n, err := strconv.Atoi(info["connected_slaves"]); err != nil || n == 0 {
		f.error("redis.durability is replica, but no replica is connected")
	} else {
		f.ok("%d %s connected", n, plural(n, "replica is", "replicas are"))
	}
	switch n, err := strconv.Atoi(least); {
	case least == "":
		f.warning("does not tell min-replicas-to-write: it must be 1 or more for redis.durability replica")
	case err != nil || n < 1:
		f.error("min-replicas-to-write is %s: set 1 or more, so that a primary that is cut off takes no writes", least)
	default:
		f.ok("min-replicas-to-write is %s", least)
	}
}
