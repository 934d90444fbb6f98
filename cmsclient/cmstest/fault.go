package cmstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Action is what a fault does to a call.
type Action string

// The actions of faults.
const (
	// Status answers with an error of Status, Code, Details and Transient.
	Status Action = "status"
	// RateLimit answers 429 with X-RateLimit-Reset of Reset seconds.
	RateLimit Action = "rate_limit"
	// DropBefore closes the connection with nothing applied.
	DropBefore Action = "drop_before"
	// DropAfter applies the call, then closes the connection without an answer.
	DropAfter Action = "drop_after"
	// Delay waits MS milliseconds before the call is applied. A caller that leaves meanwhile takes the call back,
	// unless Late is set.
	Delay Action = "delay"
	// HTML answers with a web page of the given Status, as a gateway in front of the CMS does.
	HTML Action = "html"
	// Job applies a write at once but answers 202, and delivers the answer through /job-results.
	Job Action = "job"
)

// Fault makes calls go wrong until it is used up.
type Fault struct {
	// Method is the method it befalls; "" and "*" mean any.
	Method string `json:"method,omitempty"`
	// Path is the endpoint it befalls, as a template ("/users/:id") or as it stands ("/users/1003"); "" and "*" mean
	// any.
	Path string `json:"path,omitempty"`
	// Times is how many calls it befalls; 0 means all until the faults are cleared.
	Times int `json:"times,omitempty"`
	// Action is what it does.
	Action Action `json:"action"`
	// Status is the status of status (400 to 599, default 500) and html (default 502).
	Status int `json:"status,omitempty"`
	// Code is the error code of status; "" means the usual one of its status.
	Code string `json:"code,omitempty"`
	// Details are the error details of status; nothing means {}.
	Details json.RawMessage `json:"details,omitempty"`
	// Transient marks the error of status as transient.
	Transient bool `json:"transient,omitempty"`
	// Reset is the wait rate_limit asks for, in seconds; 0 means 1, less than 0 leaves the header out.
	Reset int `json:"reset,omitempty"`
	// MS is the wait of delay, in milliseconds.
	MS int `json:"ms,omitempty"`
	// Late makes delay apply the call even though the caller has gone.
	Late bool `json:"late,omitempty"`
	// Polls is how often job answers 404 before the result is there; 0 means once, less than 0 never.
	Polls int `json:"polls,omitempty"`
	// Applied makes status and html apply the call before they answer.
	Applied bool `json:"applied,omitempty"`
}

// check says everything that is wrong with a fault.
func (f *Fault) check(r *router) error {
	known := []Action{Status, RateLimit, DropBefore, DropAfter, Delay, HTML, Job}
	if !slices.Contains(known, f.Action) {
		return fmt.Errorf("action: %q is not one of %s", f.Action, list(known))
	}
	problems := []error{f.checkMethod(), f.checkPath(r)}
	for _, rule := range []struct {
		broken bool
		text   string
	}{
		{f.Times < 0, "times: must not be negative"},
		{f.Action == Status && outside(f.Status, 400, 599), "status: must be between 400 and 599"},
		{f.Action == HTML && outside(f.Status, 200, 599), "status: must be between 200 and 599"},
		{f.Action == Delay && f.MS <= 0, "ms: must be above 0 for action delay"},
		{len(f.Details) > 0 && !json.Valid(f.Details), "details: is not JSON"},
	} {
		if rule.broken {
			problems = append(problems, errors.New(rule.text))
		}
	}
	return errors.Join(problems...)
}

// outside says that a status that was given is not between low and high.
func outside(status, low, high int) bool { return status != 0 && (status < low || status > high) }

func (f *Fault) checkMethod() error {
	methods := []string{"", "*", http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}
	if !slices.Contains(methods, f.Method) {
		return fmt.Errorf("method: %q is not one of GET, POST, PUT, DELETE, *", f.Method)
	}
	if f.Action == Job && f.Method == http.MethodGet {
		return errors.New("method: action job befalls writes only")
	}
	return nil
}

// checkPath refuses endpoints that no call can ever meet.
func (f *Fault) checkPath(r *router) error {
	if isAny(f.Path) {
		return nil
	}
	if !strings.HasPrefix(f.Path, "/") {
		return fmt.Errorf("path: %q must begin with /", f.Path)
	}
	template, _, to := r.match(f.Method, f.Path)
	switch {
	case template == "":
		return fmt.Errorf("path: the CMS has no endpoint %q", f.Path)
	case to == nil && !isAny(f.Method):
		return fmt.Errorf("method: the CMS has no endpoint %s %s", f.Method, f.Path)
	}
	return nil
}

// isAny says that a method or path means every one.
func isAny(s string) bool { return s == "" || s == "*" }

func list(actions []Action) string {
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

// befalls says whether the call is one the fault is meant for.
func (f *Fault) befalls(c *call) bool {
	if !isAny(f.Method) && f.Method != c.method {
		return false
	}
	if f.Action == Job && (c.route == nil || !c.route.writes) {
		return false
	}
	return isAny(f.Path) || f.Path == c.path || f.Path == c.template
}

// faults are the active faults, oldest first.
type faults struct {
	mu   sync.Mutex
	list []Fault
}

func (l *faults) add(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, f)
}

// take finds the oldest fault that befalls the call and uses it up by one.
func (l *faults) take(c *call) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		f := &l.list[i]
		if !f.befalls(c) {
			continue
		}
		out := *f
		switch f.Times {
		case 0:
		case 1:
			l.list = slices.Delete(l.list, i, i+1)
		default:
			f.Times--
		}
		return out, true
	}
	return Fault{}, false
}

func (l *faults) snapshot() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Fault{}, l.list...)
}

func (l *faults) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}

// refusal is the answer of a status fault.
func (f *Fault) refusal() answer {
	refused := refuse(f.Code, nil)
	refused.status = f.Status
	if refused.status == 0 {
		refused.status = http.StatusInternalServerError
	}
	if f.Code == "" {
		refused.code = codeFor(refused.status)
	}
	if len(f.Details) > 0 {
		refused.details = compact(f.Details)
	}
	refused.transient = f.Transient
	return answerOf(answer{}, refused)
}

// page is what a gateway says when the CMS is away.
func page(status int) answer {
	if status == 0 {
		status = http.StatusBadGateway
	}
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	body := "<!DOCTYPE html><html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n"
	return answer{status: status, body: []byte(body)}
}
