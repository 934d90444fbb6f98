// Package queuetest gives tests the stores that this project must work on: an embedded one (miniredis over TCP), a real
// redis-server, and a Redis Cluster of three; the last two are started once per test binary and end with it.
//
//	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
//		q, err := queue.New(queue.Options{Redis: store.Client, Base: store.Base})
//		...
//	})
//
// Every store has a project base of its own, so parallel tests never meet. A missing redis-server fails the test
// and says what to install: a suite that skips half of its stores proves nothing. The Cluster is for the tests that ask for
// it (Everywhere, All, ClusterStore), and for all of them with SCIMCMS_TEST_REDIS=cluster (make cluster), which has those
// that run on each store in turn (Each, Everywhere) run on the Cluster alone: make test runs them on the others.
//
// StartRedis is for tests that need a process of their own: one that they kill, restart or configure. Clock is a
// millisecond clock that a test sets.
package queuetest
