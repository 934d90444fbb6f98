package queue

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// benchQueue is a queue on the real redis-server with n keys that are due in an hour.
func benchQueue(b *testing.B, n int) *Queue {
	b.Helper()
	store := queuetest.Real(b)
	q, err := New(Options{Redis: store.Client, Base: store.Base})
	if err != nil {
		b.Fatal(err)
	}
	fill := Script(`local now = q_now(KEYS[1], ARGV[1])
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) do q_push(KEYS[1], 'user/waiting' .. i, 'normal', now + 3600000, '1') end`)
	for i := 0; i < n; i += 1000 {
		if err := fill.Run(ctx, store.Client, []string{store.Base}, "", i, min(i+999, n-1)).Err(); err != nil && err.Error() != "redis: nil" {
			b.Fatal(err)
		}
	}
	return q
}

// BenchmarkPushTakeFinish is the queue's share of a write that a worker syncs: three round trips.
func BenchmarkPushTakeFinish(b *testing.B) {
	for _, waiting := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			q := benchQueue(b, waiting)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key := fmt.Sprintf("user/%d", i)
				_, err := q.Push(ctx, key, Interactive, true)
				if err != nil {
					b.Fatal(err)
				}
				l, err := q.Take(ctx, TakeOptions{})
				if err != nil || l == nil || l.Key != key {
					b.Fatalf("took %v, %v", l, err)
				}
				if result, err := q.Finish(ctx, l, Verdict{Outcome: Done}); err != nil || result != ResultDone {
					b.Fatalf("finish: %s, %v", result, err)
				}
			}
		})
	}
}

// BenchmarkPushTakeFinishParallel is the same from eight clients per processor: what one Redis takes.
func BenchmarkPushTakeFinishParallel(b *testing.B) {
	q := benchQueue(b, 1_000)
	var n atomic.Int64
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := q.Push(ctx, fmt.Sprintf("user/%d", n.Add(1)), Interactive, true); err != nil {
				b.Error(err)
				return
			}
			l, err := q.Take(ctx, TakeOptions{})
			if err != nil || l == nil {
				b.Errorf("took %v, %v", l, err)
				return
			}
			if _, err := q.Finish(ctx, l, Verdict{Outcome: Done}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkCommitLease is the queue's share of a commit script: push, lease, read the record, in one round trip.
func BenchmarkCommitLease(b *testing.B) {
	q := benchQueue(b, 1_000)
	commit := Script(`local p, now = KEYS[1], q_now(KEYS[1], ARGV[1])
q_push(p, ARGV[2], 'interactive', now, '1')
q_lease(p, ARGV[2], ARGV[3], now, 15000)
return q_record(p, ARGV[2])`)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := commit.Run(ctx, q.opt.Redis, []string{q.keys.base}, "", fmt.Sprintf("user/%d", i), "token").Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleLook is what an idle project costs at each poll.
func BenchmarkIdleLook(b *testing.B) {
	q := benchQueue(b, 1_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := q.NextDue(ctx, TakeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPacerBook is what each CMS call costs in Redis.
func BenchmarkPacerBook(b *testing.B) {
	store := queuetest.Real(b)
	p, err := NewPacer(PacerOptions{Redis: store.Client, Base: store.Base, Limit: 1_000_000, Window: 1_000_000})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := p.Book(ctx, 1<<62); err != nil {
			b.Fatal(err)
		}
	}
}
