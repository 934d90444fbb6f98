//go:build speed && unix

package main_test

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/scimcms/scimcms/queue"
)

// drained waits until every key has left the queue, and asks so little that it does not count. Who needs to know that
// none is parked asks settle afterwards.
func (w *world) drained(within time.Duration) {
	w.t.Helper()
	since := queue.Base("", project) + ":q:since"
	until(w.t, within, func() string {
		switch n, err := w.store.client.ZCard(w.t.Context(), since).Result(); {
		case err != nil:
			return err.Error()
		case n > 0:
			return fmt.Sprintf("%d keys are queued", n)
		}
		return ""
	})
}

// spent is the processor time in seconds that each of those who take part has used, and the commands that Redis has carried
// out, those inside of scripts apart.
type spent struct{ serve, redis, here, calls, inside float64 }

// spending notes what one process, Redis and this process (the CMS and the measuring) have used, and gives what it is for each of
// so many changes since.
func (w *world) spending(p *process) (since func(changes int) string) {
	w.t.Helper()
	before := w.spent(p)
	return func(changes int) string {
		now, n := w.spent(p), float64(changes)
		µs := func(after, before float64) float64 { return (after - before) * 1e6 / n }
		return fmt.Sprintf("%.0f µs of the processors in the process, %.0f in Redis, %.0f in the CMS and the measuring; "+
			"%.2f scripts and commands sent to Redis, %.0f commands inside of scripts",
			µs(now.serve, before.serve), µs(now.redis, before.redis), µs(now.here, before.here),
			(now.calls-before.calls)/n, (now.inside-before.inside)/n)
	}
}

func (w *world) spent(p *process) spent {
	w.t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		w.t.Fatal(err)
	}
	info, err := w.store.client.Info(context.WithoutCancel(w.t.Context()), "all").Result()
	if err != nil {
		w.t.Fatal(err)
	}
	s := spent{serve: w.metric(p, "process_cpu_seconds_total"), here: time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()}
	lines := bufio.NewScanner(strings.NewReader(info))
	all := 0.0
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch {
		case name == "used_cpu_sys", name == "used_cpu_user":
			s.redis += number(value)
		case strings.HasPrefix(name, "cmdstat_"):
			calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			all += number(calls)
		case name == "total_commands_processed":
			s.calls = number(value)
		}
	}
	s.inside = all - s.calls
	return s
}

func number(text string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0
	}
	return v
}
