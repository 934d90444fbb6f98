package queuetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports are drawn from below those that systems give to outgoing connections: one of these must not take the port of a
// server that a test is about to start, or to start again.
const (
	firstPort = 10_000
	lastPort  = 32_000
)

// FreePorts returns ports that nobody listens on at the moment.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range 100 * n {
		port := firstPort + rand.IntN(lastPort-firstPort) //nolint:gosec // nobody gains by guessing it
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
		if err != nil {
			continue // taken
		}
		defer func() { _ = l.Close() }() //nolint:gocritic // only at the end, so that no port comes twice
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("find a free port: all that were tried are taken")
}

// FreeAddress is a loopback address that nobody listens on at the moment.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	ports, err := FreePorts(1)
	if err != nil {
		tb.Fatal(err)
	}
	return net.JoinHostPort(loopback, strconv.Itoa(ports[0]))
}
