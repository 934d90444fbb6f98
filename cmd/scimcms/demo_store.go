package main

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// embeddedStore is a Redis in memory, for the demo: it speaks Redis's protocol on the loopback address, behind a
// password of its own, and keeps nothing.
type embeddedStore struct {
	url     string
	mini    *miniredis.Miniredis
	stopped chan struct{}
	aging   sync.WaitGroup
}

// ageEvery is how often keys with a time to live age: by themselves they do not.
const ageEvery = 10 * time.Second

func startEmbeddedStore() (*embeddedStore, error) {
	password := rand.Text()
	s := &embeddedStore{mini: miniredis.NewMiniRedis(), stopped: make(chan struct{})}
	s.mini.RequireAuth(password)
	if err := s.mini.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the store in memory: %w", err)
	}
	s.url = "redis://:" + password + "@" + s.mini.Addr() + "/0"
	s.aging.Go(s.age)
	return s, nil
}

func (s *embeddedStore) age() {
	t := time.NewTicker(ageEvery)
	defer t.Stop()
	for {
		select {
		case <-s.stopped:
			return
		case <-t.C:
			s.mini.FastForward(ageEvery)
		}
	}
}

func (s *embeddedStore) stop() {
	close(s.stopped)
	s.aging.Wait()
	s.mini.Close()
}
