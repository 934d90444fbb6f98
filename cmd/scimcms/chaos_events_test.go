//go:build chaos && unix

package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// newChaos starts two processes, each with links of its own to Redis and the CMS.
func newChaos(w *world) *chaos {
	w.t.Helper()
	c := &chaos{w: w, rng: w.stage.rng(1), links: startLinks(w.t), count: map[string]int{}, began: time.Now()}
	cms := strings.TrimPrefix(w.cms.url, "http://")
	digest := sha256.Sum256([]byte(oktaToken))
	for n := range c.sides {
		own := *w
		s := &side{n: n, world: &own}
		own.config = filepath.Join(w.t.TempDir(), "scimcms.yaml")
		text := fmt.Sprintf(config, "redis://"+c.links.add(s.link("redis"), w.store.address)+"/0", "fsync", hex.EncodeToString(digest[:]),
			"http://"+c.links.add(s.link("cms"), cms), "none")
		text = strings.Replace(text, "projects:", "queue: {max_backoff: 10s}\nprojects:", 1) + "    import: {interval: 10s}\n"
		if err := os.WriteFile(own.config, []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
		s.start()
		c.sides[n] = s
	}
	return c
}

func (s *side) link(to string) string { return fmt.Sprintf("%s-%d", to, s.n) }

func (s *side) start() {
	s.process = s.world.serve()
	s.address.Store(s.process.scim)
}

// event is something that may befall; it gives how it is told, for how long it lasts and what ends it, or "" when it
// cannot befall now.
type event struct {
	name  string
	begin func(c *chaos) (undo func(), lasts time.Duration)
}

// events is the table of everything that befalls. Durations are drawn anew each time.
var events = []event{
	{"serve killed", (*chaos).killServe},
	{"serve killed", (*chaos).killServe},
	{"serve ended", (*chaos).endServe},
	{"serve stopped", (*chaos).stopServe},
	{"redis killed", (*chaos).killRedis},
	{"redis stopped", (*chaos).stopRedis},
	{"link to redis cut", func(c *chaos) (func(), time.Duration) {
		return c.links.cut(c.any().link("redis")), c.between(200*time.Millisecond, 4*time.Second)
	}},
	{"link to redis slow", func(c *chaos) (func(), time.Duration) {
		return c.links.slow(c.any().link("redis"), c.between(10*time.Millisecond, 150*time.Millisecond), 20*time.Millisecond), c.between(2*time.Second, 8*time.Second)
	}},
	{"link to the CMS cut", func(c *chaos) (func(), time.Duration) {
		return c.links.cut(c.any().link("cms")), c.between(200*time.Millisecond, 6*time.Second)
	}},
	{"link to the CMS slow", func(c *chaos) (func(), time.Duration) {
		return c.links.slow(c.any().link("cms"), c.between(100*time.Millisecond, 2500*time.Millisecond), 100*time.Millisecond), c.between(3*time.Second, 8*time.Second)
	}},
	{"link to the CMS resets", func(c *chaos) (func(), time.Duration) {
		return c.links.reset(c.any().link("cms"), c.between(0, 100*time.Millisecond)), c.between(time.Second, 4*time.Second)
	}},
	{"link to redis resets", func(c *chaos) (func(), time.Duration) {
		return c.links.reset(c.any().link("redis"), c.between(0, 50*time.Millisecond)), c.between(500*time.Millisecond, 3*time.Second)
	}},
	{"CMS loses calls", (*chaos).loseCalls},
	{"CMS killed", (*chaos).killCMS},
	{"CMS stopped", (*chaos).stopCMS},
	{"seats full", (*chaos).fillSeats},
	{"token revoked", func(c *chaos) (func(), time.Duration) {
		c.w.cms.server.SetToken(false)
		return func() { c.w.cms.server.SetToken(true) }, c.between(2*time.Second, 6*time.Second)
	}},
}

// run lets things befall for so long, one every second or two, several at a time.
func (c *chaos) run(d time.Duration) {
	end, next := time.Now().Add(d), time.Now()
	running := map[string]bool{}
	for time.Now().Before(end) {
		c.undo(time.Now())
		if time.Now().After(next) {
			next = time.Now().Add(c.between(300*time.Millisecond, 2*time.Second))
			e := events[c.rng.IntN(len(events))]
			if running[e.name] {
				continue
			}
			undo, lasts := e.begin(c)
			if undo == nil {
				continue
			}
			c.tell(fmt.Sprintf("%s for %s", e.name, lasts.Round(10*time.Millisecond)))
			c.count[e.name]++
			running[e.name] = true
			c.ends = append(c.ends, ending{at: time.Now().Add(lasts), undo: func() { undo(); running[e.name] = false }})
		}
		pause(20 * time.Millisecond)
	}
}

// undo ends what has lasted long enough. What cannot end yet puts itself back.
func (c *chaos) undo(now time.Time) {
	all := c.ends
	c.ends = nil
	for _, e := range all {
		if e.at.After(now) {
			c.ends = append(c.ends, e)
		} else {
			e.undo()
		}
	}
}

// end ends everything.
func (c *chaos) end() {
	for len(c.ends) > 0 { // what starts a process may have to wait for Redis
		c.undo(time.Now().Add(time.Hour))
		pause(20 * time.Millisecond)
	}
	c.tell("everything has ended")
}

func (c *chaos) between(a, b time.Duration) time.Duration {
	return a + time.Duration(c.rng.Int64N(int64(b-a)))
}

func (c *chaos) any() *side { return c.sides[c.rng.IntN(len(c.sides))] }

func (c *chaos) tell(what string) {
	c.told = append(c.told, fmt.Sprintf("%7.2fs %s", time.Since(c.began).Seconds(), what))
}

func (c *chaos) story() string { return strings.Join(c.told, "\n") }

func (c *chaos) killServe() (func(), time.Duration) {
	s := c.any()
	if s.busy {
		return nil, 0
	}
	s.busy = true
	s.address.Store("")
	s.process.kill()
	return func() { c.restart(s) }, c.between(100*time.Millisecond, 4*time.Second)
}

// restart starts a process again, once it can reach Redis.
func (c *chaos) restart(s *side) {
	if !reachable(s.redisAddress()) {
		c.ends = append(c.ends, ending{at: time.Now().Add(200 * time.Millisecond), undo: func() { c.restart(s) }})
		return
	}
	s.start()
	s.busy = false
}

// endServe ends a process as an update does, by SIGTERM: it finishes what it is at.
func (c *chaos) endServe() (func(), time.Duration) {
	s := c.any()
	if s.busy {
		return nil, 0
	}
	s.busy = true
	s.address.Store("")
	s.process.signal(syscall.SIGTERM)
	return func() { c.replace(s, time.Now().Add(patience)) }, c.between(time.Second, 5*time.Second)
}

// replace starts a process again once its predecessor has ended.
func (c *chaos) replace(s *side, latest time.Time) {
	select {
	case <-s.process.ended:
		c.restart(s)
		return
	default:
	}
	if time.Now().After(latest) {
		c.w.t.Errorf("serve does not end within %s of SIGTERM", patience)
		s.process.kill()
	}
	c.ends = append(c.ends, ending{at: time.Now().Add(200 * time.Millisecond), undo: func() { c.replace(s, latest) }})
}

func (s *side) redisAddress() string {
	text, err := os.ReadFile(s.world.config)
	if err != nil {
		s.world.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "redis://")
	address, _, _ := strings.Cut(rest, "/")
	return address
}

// reachable says that something answers there as Redis does.
func reachable(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	var b [5]byte
	n, err := conn.Read(b[:])
	return err == nil && string(b[:n]) == "+PONG"
}

func (c *chaos) stopServe() (func(), time.Duration) {
	s := c.any()
	if s.busy {
		return nil, 0
	}
	s.busy = true
	s.process.signal(syscall.SIGSTOP)
	return func() {
		s.process.signal(syscall.SIGCONT)
		s.busy = false
	}, c.between(500*time.Millisecond, 20*time.Second)
}

func (c *chaos) killRedis() (func(), time.Duration) {
	if c.redisBusy() {
		return nil, 0
	}
	c.w.redis.Kill()
	return c.w.redis.Restart, c.between(100*time.Millisecond, 2*time.Second)
}

func (c *chaos) stopRedis() (func(), time.Duration) {
	if c.redisBusy() || !c.steady.TryLock() {
		return nil, 0
	}
	c.w.redis.Freeze()
	return func() {
		c.w.redis.Thaw()
		pause(500 * time.Millisecond)
		c.steady.Unlock()
	}, c.between(300*time.Millisecond, 3*time.Second)
}

// redisBusy says that Redis is away already.
func (c *chaos) redisBusy() bool { return !reachable(c.w.store.address) }

// misbehave has the CMS behave in some manner until undo, unless it behaves in another one already.
func (c *chaos) misbehave(manners func(*call) manner) (undo func()) {
	if c.odd {
		return nil
	}
	c.odd = true
	c.w.cms.behave(manners)
	return func() {
		c.w.cms.behave(nil)
		c.odd = false
	}
}

func (c *chaos) loseCalls() (func(), time.Duration) {
	share := c.rng.IntN(30)
	rng := c.w.stage.rng(uint64(1 << 20))
	return c.misbehave(func(*call) manner {
		m := manner{delay: time.Duration(rng.IntN(30)) * time.Millisecond}
		if x := rng.IntN(100); x < share {
			m.lost, m.lostUnasked = x%2 == 0, x%2 == 1
		}
		return m
	}), c.between(2*time.Second, 8*time.Second)
}

// killCMS has the CMS break its connections, and take no call until it is back, with what it has stored.
func (c *chaos) killCMS() (func(), time.Duration) {
	undo := c.misbehave(func(*call) manner { return manner{lostUnasked: true} })
	if undo != nil {
		c.w.cms.front.CloseClientConnections()
	}
	return undo, c.between(200*time.Millisecond, 5*time.Second)
}

// stopCMS has calls wait as they do for a process that is stopped: what was sent meanwhile is carried out when it goes on, whether
// its caller is still there or not. It lasts shorter than what a late call is allowed to take.
func (c *chaos) stopCMS() (func(), time.Duration) {
	held := make(chan struct{})
	undo := c.misbehave(func(*call) manner { return manner{held: held} })
	if undo == nil {
		return nil, 0
	}
	return func() { undo(); close(held) }, c.between(300*time.Millisecond, lateTime/2)
}

func (c *chaos) fillSeats() (func(), time.Duration) {
	state := c.w.cms.server.State()
	c.w.cms.server.SetSeats(len(state.Users) + len(state.Invitations))
	return func() { c.w.cms.server.SetSeats(0) }, c.between(3*time.Second, 10*time.Second)
}
