package scim

import (
	"net/http"
	"strconv"
	"strings"
)

// An operation whose data names a resource that a later operation creates has that one done first: nothing is moved behind what it
// stood before, so that what the client meant stays. Where two creations name each other, the first is made without the
// reference and completed by a PUT when the other is there (RFC 7644 section 3.7.1).

type bulkState int

const (
	bulkWaiting bulkState = iota
	bulkStarted
	bulkDone
)

type bulkRun struct {
	*Bulk
	base    string
	do      func(BulkCall) BulkResult
	states  []bulkState
	results []BulkResult
	partial []int // operations made without a reference to one that was under way
	errors  int
	gaveUp  *BulkResult
}

// Run does the operations, one at a time, and returns the response. base is the address of the SCIM service, for locations; do makes
// the single request that an operation stands for.
func (b *Bulk) Run(base string, do func(BulkCall) BulkResult) (response []byte, gaveUp bool) {
	r := &bulkRun{Bulk: b, base: base, do: do, states: make([]bulkState, len(b.operations)), results: make([]BulkResult, len(b.operations))}
	for i := range b.operations {
		r.run(i)
		if len(r.partial) > 0 {
			r.complete()
		}
	}
	return r.response(), r.gaveUp != nil && !r.succeeded()
}

// stopped tells that the client wants no more to be done.
func (r *bulkRun) stopped() bool { return r.failOnErrors > 0 && r.errors >= r.failOnErrors }

// run does an operation after those that it names.
func (r *bulkRun) run(i int) {
	if r.states[i] != bulkWaiting || r.stopped() {
		return
	}
	r.states[i] = bulkStarted
	op := &r.operations[i]
	if op.err == nil {
		for _, j := range op.refs {
			r.run(j)
		}
		if r.stopped() {
			r.states[i] = bulkWaiting
			return
		}
	}
	r.results[i] = r.result(i)
	r.states[i] = bulkDone
	r.count(i)
}

func (r *bulkRun) count(i int) {
	if r.results[i].Status >= http.StatusBadRequest {
		r.errors++
	}
	if r.results[i].GiveUp {
		r.gaveUp = &r.results[i]
	}
}

func (r *bulkRun) result(i int) BulkResult {
	op := &r.operations[i]
	if op.err != nil {
		return refusedCall(op.err)
	}
	open := false
	for _, j := range op.refs {
		switch {
		case r.states[j] == bulkStarted:
			open = true
		case r.results[j].ID == "":
			return refusedCall(Errorf(http.StatusConflict, "", "The operation with the bulkId %s, which this one names, was not done.", quote(r.operations[j].bulkID)))
		}
	}
	if r.gaveUp != nil {
		return *r.gaveUp
	}
	res := r.do(r.call(op))
	if open && res.ID != "" {
		r.partial = append(r.partial, i)
	}
	return res
}

// call is the operation with ids in the place of the bulkIds that are known by now.
func (r *bulkRun) call(op *bulkOperation) BulkCall {
	c := BulkCall{Method: op.method, Query: op.path.RawQuery, Version: op.version}
	refs := references{lookup: r.lookup}
	c.Path = "/" + strings.Join(refs.path(op.segments), "/")
	if op.data != nil {
		data, _ := refs.object(op.data)
		c.Body = appendRaw(nil, data)
	}
	return c
}

func (r *bulkRun) lookup(bulkID string, _ bool) (string, bool) {
	i, ok := r.defined[bulkID]
	if !ok || r.results[i].ID == "" {
		return "", false
	}
	return r.results[i].ID, true
}

// complete writes what was made without a reference once more, now that everything that was under way has ended.
func (r *bulkRun) complete() {
	partial := r.partial
	r.partial = nil
	for _, i := range partial {
		r.results[i] = r.completed(&r.operations[i], r.results[i])
		r.count(i)
	}
}

func (r *bulkRun) completed(op *bulkOperation, made BulkResult) BulkResult {
	res := BulkResult{ID: made.ID, Location: made.Location, Version: made.Version}
	for _, j := range op.refs {
		if r.results[j].ID == "" {
			e := Errorf(http.StatusConflict, "", "The resource was created without what the bulkId %s stands for, because that was not.", quote(r.operations[j].bulkID))
			res.Status, res.Body = e.Status, e.Body()
			return res
		}
	}
	c := r.call(op)
	c.Method, c.Path = http.MethodPut, c.Path+"/"+made.ID
	put := r.do(c)
	if put.Status != http.StatusOK {
		res.Status, res.Body, res.GiveUp = put.Status, put.Body, put.GiveUp
		return res
	}
	res.Status, res.Version = made.Status, put.Version
	return res
}

func refusedCall(e *Error) BulkResult { return BulkResult{Status: e.Status, Body: e.Body()} }

func (r *bulkRun) succeeded() bool {
	for i := range r.results {
		if r.states[i] == bulkDone && r.results[i].Status < http.StatusBadRequest {
			return true
		}
	}
	return false
}

// response lists what was done, in the order of the request.
func (r *bulkRun) response() []byte {
	b := []byte(`{"schemas":["` + bulkResponseURN + `"],"Operations":[`)
	first := true
	for i := range r.operations {
		if r.states[i] != bulkDone {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = r.appendResult(b, &r.operations[i], r.results[i])
	}
	return append(b, ']', '}')
}

func (r *bulkRun) appendResult(b []byte, op *bulkOperation, res BulkResult) []byte {
	b = append(b, '{')
	start := len(b)
	b = appendPair(b, start, "location", r.location(op, res))
	b = appendPair(b, start, "method", op.method)
	b = appendPair(b, start, "bulkId", op.bulkID)
	b = appendPair(b, start, "version", res.Version)
	b = appendPair(b, start, "status", strconv.Itoa(res.Status))
	if res.Status >= http.StatusBadRequest && len(res.Body) > 0 {
		b = append(append(b, `,"response":`...), res.Body...)
	}
	return append(b, '}')
}

// location is the address of the resource, which only a POST that failed has none of.
func (r *bulkRun) location(op *bulkOperation, res BulkResult) string {
	if res.Location != "" || op.method == http.MethodPost || len(op.segments) != 2 {
		return res.Location
	}
	return r.base + "/" + strings.Join(references{lookup: r.lookup}.path(op.segments), "/")
}
