package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// levels gives the levels and the beginnings of findings.
func levels(all []finding) []string {
	var out []string
	for _, f := range all {
		words := strings.Fields(f.text)
		out = append(out, f.level+" "+strings.Join(words[:min(len(words), 3)], " "))
	}
	return out
}

func TestCheckRedis_Persistence(t *testing.T) {
	t.Parallel()
	on := map[string]string{"aof_enabled": "1", "aof_last_write_status": "ok"}
	for _, tt := range []struct {
		name              string
		info              map[string]string
		fsync, durability string
		want              []string
	}{
		{"off", map[string]string{"aof_enabled": "0"}, "everysec", "everysec", []string{"error appendonly is off:"}},
		{"always", on, "always", "everysec", []string{"ok appendonly is on"}},
		{"always as promised", on, "always", "fsync", []string{"ok appendonly is on"}},
		{"everysec", on, "everysec", "everysec", []string{"warning appendfsync is everysec:"}},
		{"everysec is less than promised", on, "everysec", "fsync", []string{"error redis.durability is fsync,"}},
		{"no", on, "no", "everysec", []string{"error appendfsync is no:"}},
		{"not told", on, "", "everysec", []string{"warning appendonly is on,"}},
		{
			"disk full", map[string]string{"aof_enabled": "1", "aof_last_write_status": "err"}, "always", "everysec",
			[]string{"ok appendonly is on", "error could not write"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var f findings
			f.persistence(tt.info, tt.fsync, tt.durability)
			if diff := cmp.Diff(tt.want, levels(f.all)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckRedis_VersionAndRole(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		info string
		want []string
	}{
		{"redis_version:7.0.15\r\nrole:master\r\n", []string{"ok version 7.0.15 answers"}},
		{"redis_version:8.2.1", []string{"ok version 8.2.1 answers"}},
		{"redis_version:6.2.14", []string{"error version 6.2.14: 7"}},
		{"redis_version:unknown", []string{"error version unknown: 7"}},
		{"redis_version:7.2.0\nrole:slave", []string{"ok version 7.2.0 answers", "error is a read-only"}},
	} {
		var f findings
		f.version(said(tt.info))
		if diff := cmp.Diff(tt.want, levels(f.all)); diff != "" {
			t.Errorf("%q: %s", tt.info, diff)
		}
	}
}

// said reads lines "name:value".
func said(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	return fields
}

func TestCheckRedis_EvictionAndReplicas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		info string
		want []string
	}{
		{"maxmemory_policy:noeviction\nconnected_slaves:1\nleast:1", []string{"ok maxmemory-policy is noeviction", "ok 1 replica is", "ok min-replicas-to-write is 1"}},
		{"maxmemory_policy:allkeys-lru\nmaxmemory:0\nconnected_slaves:2\nleast:0", []string{"warning maxmemory-policy is allkeys-lru:", "ok 2 replicas are", "error min-replicas-to-write is 0:"}},
		{"maxmemory_policy:allkeys-lru\nmaxmemory:100", []string{"error maxmemory-policy is allkeys-lru:", "error redis.durability is replica,", "warning does not tell"}},
		{"connected_slaves:0", []string{"warning does not tell", "error redis.durability is replica,", "warning does not tell"}},
	} {
		var f findings
		f.eviction(said(tt.info))
		f.replicas(said(tt.info), said(tt.info)["least"])
		if diff := cmp.Diff(tt.want, levels(f.all)); diff != "" {
			t.Errorf("%q: %s", tt.info, diff)
		}
	}
}

func TestCheckRedis_AsksTheServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		url        func(t *testing.T) string
		durability string
		want       []string
	}{
		{
			"as it should be", func(t *testing.T) string {
				t.Helper()
				return queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always").URL
			}, "fsync",
			[]string{"ok version", "ok maxmemory-policy is noeviction", "ok appendonly is on"},
		},
		{
			"as it should not be", func(t *testing.T) string {
				t.Helper()
				return queuetest.StartRedis(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru").URL
			}, "replica",
			[]string{"ok version", "error maxmemory-policy is allkeys-lru:", "error appendonly is off:", "error redis.durability is replica,", "error min-replicas-to-write is 0:"},
		},
		{
			"a Cluster", func(t *testing.T) string {
				t.Helper()
				return queuetest.ClusterStore(t).URL
			}, "everysec",
			[]string{
				"ok version", "ok maxmemory-policy is noeviction", "error appendonly is off:",
				"ok version", "ok maxmemory-policy is noeviction", "error appendonly is off:",
				"ok version", "ok maxmemory-policy is noeviction", "error appendonly is off:",
			},
		},
		{
			"a node of a Cluster", func(t *testing.T) string {
				t.Helper()
				url, _, _ := strings.Cut(queuetest.ClusterStore(t).URL, "?")
				return url
			}, "everysec",
			[]string{"ok version", "error is a node", "ok maxmemory-policy is noeviction", "error appendonly is off:"},
		},
		{
			"too old to tell", func(t *testing.T) string {
				t.Helper()
				return queuetest.Stores(t)[0].URL
			}, "everysec",
			[]string{"warning answers, but does"},
		},
		{"away", func(*testing.T) string { return "redis://127.0.0.1:1/0" }, "everysec", []string{"error does not answer:"}},
		{"no address", func(*testing.T) string { return "redis://127.0.0.1:1/no" }, "everysec", []string{"error redis url: redis:"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			secret := Secret{literal: true, value: tt.url(t)}
			got := levels(inspectRedis(t.Context(), RedisConfig{URL: secret, Durability: tt.durability}))
			for i := range got {
				if strings.HasPrefix(got[i], "ok version") {
					got[i] = "ok version"
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
