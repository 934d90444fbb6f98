package cmstest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
)

// keptJobs is how many results are kept; older ones are gone, as if they had expired.
const keptJobs = 1000

// jobs keeps the answers of calls that were answered 202.
type jobs struct {
	mu   sync.Mutex
	made int
	list []*job
}

type job struct {
	id     string
	polls  int // answers of 404 left
	answer answer
}

// start keeps the answer for later and answers 202 with the id of a job.
func (j *jobs) start(a answer, polls int) answer {
	if a.status == 0 {
		return a
	}
	if polls == 0 {
		polls = 1
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.made++
	made := &job{id: token("job", j.made)[:24], polls: max(polls, 0), answer: a}
	j.list = append(j.list, made)
	if len(j.list) > keptJobs {
		j.list = slices.Delete(j.list, 0, 1)
	}
	return answerOf(envelope(http.StatusAccepted, map[string]any{"data": Ref{ID: made.id, Type: "job"}}))
}

// result answers a poll: 404 until the job is done, then its result.
func (j *jobs) result(id string) (answer, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := slices.IndexFunc(j.list, func(made *job) bool { return made.id == id })
	if at < 0 {
		return answer{}, notFound()
	}
	made := j.list[at]
	if made.polls > 0 {
		made.polls--
		return answer{}, notFound()
	}
	return ok(map[string]any{"id": id, "type": "job_result", "attributes": map[string]any{
		"status": made.answer.status, "statusText": http.StatusText(made.answer.status),
		"payload": json.RawMessage(made.answer.body),
	}})
}

func (j *jobs) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.made, j.list = 0, nil
}
