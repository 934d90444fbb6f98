//go:build unix

package main_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// proveRedisRestart kills Redis in the middle of pushes. Until it is back every request is answered 503 with Retry-After;
// then everything goes on by itself, and nothing that was accepted is lost.
func proveRedisRestart(t *testing.T, s stage) {
	w := newWorld(t, s, "none")
	rng, delays := s.rng(1), s.rng(2)
	w.cms.behave(func(*call) manner { return manner{delay: time.Duration(10+delays.IntN(60)) * time.Millisecond} })
	f := newFleet(w, 12, 360)
	f.refusedWith = http.StatusServiceUnavailable
	p := w.serveBound()
	f.use(p)
	f.addGroups()
	at := 80 + rng.IntN(150)
	reached := f.after(at)
	stopped := f.run(pushThroughOutage)
	select {
	case <-reached:
	case <-stopped:
	}
	pause(time.Duration(rng.IntN(20)) * time.Millisecond)
	w.redis.Kill()
	until(t, patience, func() string {
		if n := f.refused.Load(); n < 40 {
			return fmt.Sprintf("%d requests were answered 503 while Redis is away, want 40", n)
		}
		return ""
	})
	if status := w.get(p.admin + "/healthz"); status != http.StatusOK {
		t.Errorf("healthz while Redis is away: %d", status)
	}
	if status := w.get(p.admin + "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz while Redis is away: %d", status)
	}
	before, back := f.pushes.Load(), time.Now()
	w.redis.Restart()
	until(t, patience, func() string {
		if f.pushes.Load() == before {
			return "no push is answered after Redis is back"
		}
		return ""
	})
	recovered := time.Since(back)
	<-stopped
	f.fail(t)
	took := w.settle(leaseTime + lateTime + patience)
	people := f.verify(t)
	violations, writes, _ := w.cms.audit()
	for _, v := range violations {
		t.Error(v)
	}
	verdict(t, "%d pushes of %d people answered, Redis killed after %d; %d answers 503 with Retry-After, %d pushes of unknown outcome (%d kept as a "+
		"whole, the rest absent); first push answered %s after the restart began; %d CMS writes; queue empty %s after the last push: lost 0, twins 0",
		f.pushes.Load(), people, at, f.refused.Load(), f.unanswered.Load(), f.kept.Load(), recovered.Round(time.Millisecond), writes,
		took.Round(100*time.Millisecond))
}

// pushThroughOutage goes on after every 503.
func pushThroughOutage(c *client) error {
	for end := time.Now().Add(patience); time.Now().Before(end); pause(50 * time.Millisecond) {
		err := c.push()
		if _, refused := errors.AsType[*refusal](err); err == nil || !refused || !errors.Is(err, errUnanswered) {
			return lost(err)
		}
	}
	return errors.New("Redis does not come back")
}

// lost makes a broken connection an error that counts: nobody ended the server.
func lost(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("pushing: %v", err) //nolint:errorlint // not to be taken for errUnanswered
}

// get gives the status of a GET.
func (w *world) get(address string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
