package cmsclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

const (
	jobEndpoint  = "/job-results/:id"
	firstJobWait = 300 * time.Millisecond
	maxJobWait   = 2 * time.Second
)

// jobResult is the outcome of an asynchronous write, as the CMS would have answered it at once.
type jobResult struct {
	Status  int             `json:"status"`
	Payload json.RawMessage `json:"payload"`
}

// JobResult asks once for the outcome of a write that the CMS answered with 202. It is done when the CMS has an
// outcome: err is then nil for a success, else the error that the write would have had. Until then done is false.
func (c *Client) JobResult(ctx context.Context, jobID string) (done bool, err error) {
	res, err := c.jobResult(ctx, jobID)
	switch {
	case err != nil && pendingJob(err):
		return false, nil
	case err != nil:
		return false, err
	}
	cl := &call{client: c, method: http.MethodPost, endpoint: jobEndpoint}
	if err := cl.read(res.answer(nil)); err != nil {
		return true, err
	}
	return true, nil
}

// followJob polls the job that a 202 announced and reads its result like an answer. Whatever keeps it from an
// outcome leaves the write's outcome unknown.
func (cl *call) followJob(ctx context.Context, a answer) error {
	var doc struct {
		Data struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"data"`
	}
	if !isJSON(a.header) {
		return cl.unreadable(a, errNotJSON)
	}
	if err := decodeDocument(a.body, &doc); err != nil {
		return cl.unreadable(a, err)
	}
	if doc.Data.Type != "job" || !validID(doc.Data.ID) {
		return cl.unreadable(a, errNoJob)
	}
	jobStarted(ctx, doc.Data.ID)
	ctx, cancel := context.WithTimeout(ctx, cl.client.jobTimeout)
	defer cancel()
	res, err := cl.client.pollJob(ctx, doc.Data.ID)
	if err != nil {
		return cl.fail(err, &Error{
			Status: a.status, RequestID: requestID(a.header), JobID: doc.Data.ID, Sent: true, Unknown: true,
		})
	}
	if err := cl.read(res.answer(a.header)); err != nil {
		var e *Error
		if errors.As(err, &e) && e.Unknown {
			e.JobID = doc.Data.ID
		}
		return err
	}
	return nil
}

// pollJob waits for a job's result. It goes on over passing trouble until the context ends.
func (c *Client) pollJob(ctx context.Context, id string) (jobResult, error) {
	wait := firstJobWait
	for {
		if err := c.sleep(ctx, wait); err != nil {
			return jobResult{}, err
		}
		res, err := c.jobResult(ctx, id)
		if err == nil {
			return res, nil
		}
		if !pendingJob(err) && !passing(err) {
			return jobResult{}, err
		}
		wait = min(maxJobWait, max(wait*3/2, resetOf(err)))
	}
}

// pendingJob tells "not yet" from other trouble: the CMS has no result under the id so far.
func pendingJob(err error) bool { return Classify(err) == Gone }

// passing tells trouble that another poll may not meet from what ends the polling: a refusal, the gate, the guard.
func passing(err error) bool {
	var e *Error
	return errors.As(err, &e) && !e.held && e.class() == Retry
}

func resetOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reset
	}
	return 0
}

func (c *Client) jobResult(ctx context.Context, id string) (jobResult, error) {
	var res jobResult
	err := c.do(ctx, request{
		method: http.MethodGet, endpoint: jobEndpoint, id: id,
		decode: single[jobResultWire](&res, "job_result", id),
	})
	if err == nil && (res.Status < 200 || res.Status > 599) {
		return jobResult{}, &Error{
			Method: http.MethodGet, Endpoint: jobEndpoint, Status: http.StatusOK, Sent: true, cause: errNoData,
		}
	}
	return res, err
}

type jobResultWire struct {
	ref
	Attributes jobResult `json:"attributes"`
}

func (w jobResultWire) head() ref         { return w.ref }
func (w jobResultWire) entity() jobResult { return w.Attributes }

// answer dresses the result as the answer that it stands for; header is the 202's.
func (j jobResult) answer(header http.Header) answer {
	h := http.Header{"Content-Type": {mediaType}}
	if id := header.Get("X-Request-Id"); id != "" {
		h.Set("X-Request-Id", id)
	}
	return answer{status: j.Status, header: h, body: bytes.NewReader(j.Payload)}
}
