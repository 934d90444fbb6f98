package cmstest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is an emulated CMS. It is safe for concurrent use.
type Server struct {
	opts    Options
	router  *router
	limiter *limiter
	calls   counter
	faults  faults
	jobs    jobs
	serial  atomic.Uint64 // of requests, for their ids

	mu      sync.RWMutex
	project *store
}

// New makes an emulated CMS.
func New(options Options) *Server {
	o := options.withDefaults()
	return &Server{
		opts: o, router: newRouter(newBodies(o.ProfileAttributes)), limiter: newLimiter(o), project: newStore(o),
	}
}

// Reset brings back the project as New made it, and forgets faults, counts, jobs and the limiter's window.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project = newStore(s.opts)
	s.faults.clear()
	s.calls.reset()
	s.jobs.reset()
	s.limiter.reset()
	s.serial.Store(0)
}

// reply is what goes back to the caller, if anything does.
type reply struct {
	answer
	dropped bool // the connection closes instead
	html    bool
	quota   quota
	noReset bool
	request uint64
}

// usualRate is the limit that a rate_limit fault names when the emulator has none.
const usualRate = 60

// errDropped is why a call has no reply.
var errDropped = errors.New("cmstest: connection dropped")

// serve counts, limits and, where no fault says otherwise, answers one call.
func (s *Server) serve(ctx context.Context, c *call) reply {
	s.calls.add(c.endpoint())
	r := reply{request: s.serial.Add(1)}
	if s.opts.Latency > 0 && s.opts.Sleep(ctx, s.opts.Latency) != nil {
		r.dropped = true
		return r
	}
	token, _ := bearer(c.header)
	if r.quota = s.limiter.take(bucketOf(token, s.isToken(token))); r.quota.limited {
		s.calls.limited()
		r.answer = answerOf(answer{}, refuse("RATE_LIMIT_EXCEEDED", nil))
		return r
	}
	if f, hit := s.faults.take(c); hit {
		s.misbehave(ctx, c, f, &r)
	} else {
		r.answer = s.apply(ctx, c)
	}
	r.dropped = r.dropped || r.status == 0
	return r
}

// misbehave does to the call what the fault says.
func (s *Server) misbehave(ctx context.Context, c *call, f Fault, r *reply) {
	if f.Applied || f.Action == DropAfter {
		s.apply(ctx, c)
	}
	switch f.Action {
	case DropBefore, DropAfter:
		r.dropped = true
	case Status:
		r.answer = f.refusal()
		if r.status == http.StatusTooManyRequests {
			s.calls.limited()
			r.quota.limited, r.noReset = true, true
		}
	case RateLimit:
		s.calls.limited()
		r.quota.limited, r.quota.limit, r.quota.remaining = true, cmp.Or(r.quota.limit, usualRate), 0
		r.quota.reset, r.noReset = max(f.Reset, 1), f.Reset < 0
		r.answer = answerOf(answer{}, refuse("RATE_LIMIT_EXCEEDED", nil))
	case HTML:
		r.answer, r.html = page(f.Status), true
	case Delay:
		r.answer = s.applyLater(ctx, c, f)
	case Job:
		r.answer = s.jobs.start(s.apply(ctx, c), f.Polls)
	}
}

// applyLater waits and applies; a caller that left takes the call back, unless the fault says that it is too late.
func (s *Server) applyLater(ctx context.Context, c *call, f Fault) answer {
	if f.Late {
		ctx = context.WithoutCancel(ctx)
	}
	if s.opts.Sleep(ctx, time.Duration(f.MS)*time.Millisecond) != nil {
		return answer{}
	}
	return s.apply(ctx, c)
}

// apply runs the checks and the handler of a call. A call whose caller has gone is not applied and has no answer.
func (s *Server) apply(ctx context.Context, c *call) answer {
	if ctx.Err() != nil {
		return answer{}
	}
	if err := s.check(c); err != nil {
		return answerOf(answer{}, err)
	}
	if c.template == "/job-results/:id" {
		return answerOf(s.jobs.result(c.id))
	}
	if c.route.writes {
		s.mu.Lock()
		defer s.mu.Unlock()
	} else {
		s.mu.RLock()
		defer s.mu.RUnlock()
	}
	return answerOf(c.route.run(s.project, c))
}
