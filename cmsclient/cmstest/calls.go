package cmstest

import (
	"maps"
	"sync"
)

// Calls counts the requests to the CMA since the start or the last reset, those that faults answered or dropped
// included. Control requests are not counted.
type Calls struct {
	// Total is every call, limited ones included.
	Total int `json:"total"`
	// RateLimited is how many of Total were answered 429.
	RateLimited int `json:"rate_limited"`
	// ByEndpoint splits Total by method and template, as in "POST /site-invitations" or "PUT /users/:id"; calls to
	// paths the CMA does not have are under "unknown".
	ByEndpoint map[string]int `json:"by_endpoint"`
}

// counter is the running count behind Calls.
type counter struct {
	mu    sync.Mutex
	calls Calls
}

func (c *counter) add(endpoint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls.ByEndpoint == nil {
		c.calls.ByEndpoint = map[string]int{}
	}
	c.calls.Total++
	c.calls.ByEndpoint[endpoint]++
}

func (c *counter) limited() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.RateLimited++
}

func (c *counter) snapshot() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.calls
	out.ByEndpoint = maps.Clone(c.calls.ByEndpoint)
	if out.ByEndpoint == nil {
		out.ByEndpoint = map[string]int{}
	}
	return out
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = Calls{}
}
