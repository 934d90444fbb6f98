//go:build unix

// Package main_test proves what the program promises with real processes: the built binary, a real Redis that is killed
// and started again, a CMS emulator that loses and delays calls, and clients that write as Okta does. Nothing is
// simulated but the CMS, and the verdict is read from there.
package main_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestProof runs the proofs. Each draws what it does from a seed, which it prints; SCIMCMS_PROOF_SEED repeats one.
func TestProof(t *testing.T) {
	t.Parallel()
	bin := build(t)
	seed := seedOf(t)
	var proofs sync.WaitGroup // all at once: they mostly wait for leases to run out
	for _, p := range []struct {
		name  string
		prove func(*testing.T, stage)
	}{
		{"AcceptedMeansKept_ServeKilled", proveKillWithFastCMS},
		{"AcceptedMeansKept_ServeKilledWithCallsInFlight", proveKillWithSlowCMS},
		{"AcceptedMeansKept_RedisKilled", proveRedisRestart},
		{"AcceptedMeansKept_PrimaryKilled", proveFailover},
		{"AcceptedMeansKept_PrimaryOfAClusterKilled", proveClusterFailover},
		{"NewestWins_TwoProcessesManyClients", proveTwoProcesses},
		{"OneWriter_DeletedAndCreatedAnew", proveChurn},
		{"OneAtATime_ProcessStopped", proveStoppedProcess},
		{"GracefulStop", proveGracefulStop},
	} {
		proofs.Go(func() {
			t.Run(p.name, func(t *testing.T) {
				began := time.Now()
				p.prove(t, stage{bin: bin, seed: seed})
				t.Logf("seed %d, took %s", seed, time.Since(began).Round(100*time.Millisecond))
			})
		})
	}
	proofs.Wait()
}

// stage is what a proof gets.
type stage struct {
	bin  string
	seed uint64
}

// rng is the source of a proof's chance; n keeps the sources of one proof apart.
func (s stage) rng(n uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, n)) }

func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SCIMCMS_PROOF_SEED")
	if text == "" {
		return rand.Uint64() >> 32
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SCIMCMS_PROOF_SEED: %v", err)
	}
	return seed
}

// build builds the program that is proved. GOFLAGS holds, so that GOFLAGS=-race proves it with the race detector.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "scimcms")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// until repeats check until it gives "", or fails the test with what it gave last.
func until(t *testing.T, patience time.Duration, check func() string) {
	t.Helper()
	if missing := within(patience, check); missing != "" {
		t.Fatalf("not within %s: %s", patience, missing)
	}
}

// within repeats check until it gives "", or the time is over, and gives what it gave last.
func within(patience time.Duration, check func() string) string {
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := check()
		if missing == "" {
			return ""
		}
		select {
		case <-tick.C:
		case <-end.C:
			return missing
		}
	}
}

// pause lets d pass: how long something is in a state that the proof puts it into.
func pause(d time.Duration) { <-time.After(d) }

// verdict prints what was proved, unless it was not.
func verdict(t *testing.T, format string, args ...any) {
	t.Helper()
	if !t.Failed() {
		t.Logf("proved: "+format, args...)
	}
}
