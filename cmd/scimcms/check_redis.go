package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/scimcms/scimcms/queue"
)

// minRedis is the oldest major version of Redis that the scripts are tested with.
const minRedis = 7

// redisProbe asks a Redis about itself.
type redisProbe struct {
	ping  func(context.Context) error
	info  func(context.Context) (map[string]string, error)
	fsync func(context.Context) (string, error) // "" where it is not told
	close func() error
}

func openProbe(url string) (redisProbe, error) {
	rdb, err := queue.Open(url)
	if err != nil {
		return redisProbe{}, err
	}
	return redisProbe{
		ping: func(ctx context.Context) error { return rdb.Ping(ctx).Err() },
		info: func(ctx context.Context) (map[string]string, error) {
			text, err := rdb.Info(ctx).Result()
			return infoFields(text), err
		},
		fsync: func(ctx context.Context) (string, error) {
			found, err := rdb.ConfigGet(ctx, "appendfsync").Result()
			return found["appendfsync"], err
		},
		close: rdb.Close,
	}, nil
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

// inspectRedis finds out whether Redis answers, can run the scripts, and keeps what it is given.
func inspectRedis(ctx context.Context, c RedisConfig) []finding {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	f := &findings{subject: "redis"}
	probe, err := openProbe(c.URL.Value())
	if err != nil {
		f.error("%s", err)
		return f.all
	}
	defer func() { _ = probe.close() }()
	if err := probe.ping(ctx); err != nil {
		f.error("does not answer: %s", err)
		return f.all
	}
	info, err := probe.info(ctx)
	if err != nil || info["redis_version"] == "" {
		f.warning("answers, but does not tell its version and settings: see that it is Redis 7 or later, with appendonly yes and maxmemory-policy noeviction")
		return f.all
	}
	f.version(info)
	f.eviction(info)
	fsync, err := probe.fsync(ctx)
	if err != nil {
		fsync = ""
	}
	f.persistence(info, fsync, c.Durability)
	if c.Durability == "replica" {
		f.replicas(info)
	}
	return f.all
}

func (f *findings) version(info map[string]string) {
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < minRedis {
		f.error("version %s: %d or later is needed", version, minRedis)
	} else {
		f.ok("version %s answers", version)
	}
	if info["redis_mode"] == "cluster" {
		f.error("is a node of a cluster, which this version cannot use: give it one Redis, or Sentinels")
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
	case durability == "fsync":
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

func (f *findings) replicas(info map[string]string) {
	n, err := strconv.Atoi(info["connected_slaves"])
	if err != nil || n == 0 {
		f.error("redis.durability is replica, but no replica is connected")
		return
	}
	f.ok("%d %s connected", n, plural(n, "replica is", "replicas are"))
}
