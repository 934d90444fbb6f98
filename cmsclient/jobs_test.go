package cmsclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

var (
	accepted   = reply{status: 202, body: `{"data":{"id":"abc","type":"job"}}`, header: map[string]string{"X-Request-Id": "r-202"}}
	notYet     = reply{status: 404, body: apiError("NOT_FOUND", "", false)}
	notAllowed = reply{status: 401, body: apiError("INVALID_AUTHORIZATION_HEADER", "", false)}
)

func TestEveryWriteFollowsAJob(t *testing.T) {
	t.Parallel()
	for _, o := range writes() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			done := reply{status: 200, body: jobJSON(o.ok.status, o.ok.body)}
			f := scripted(t, accepted, notYet, notYet, done)
			var started []string
			ctx := WithJobStarted(t.Context(), func(id string) {
				started = append(started, id)
				if n := len(f.cms.requests()); n != 1 {
					t.Errorf("told after %d requests, want before the first poll", n)
				}
			})
			if err := o.call(ctx, f.Client); err != nil {
				t.Fatal(err)
			}
			sent := f.cms.requests()
			if len(sent) != 4 || sent[0].method != o.method || sent[3].method != "GET" || sent[3].path != "/job-results/abc" {
				t.Fatalf("sent %+v", sent)
			}
			if !slices.Equal(started, []string{"abc"}) {
				t.Fatalf("told of %q", started)
			}
			want := []time.Duration{300 * time.Millisecond, 450 * time.Millisecond, 675 * time.Millisecond}
			if got := f.clock.waits(); !slices.Equal(got, want) {
				t.Fatalf("waited %v, want %v", got, want)
			}
		})
	}
}

func TestJobThatGivesTheEntity(t *testing.T) {
	t.Parallel()
	f := scripted(t, accepted, reply{status: 200, body: jobJSON(200, userJSON)})
	u, err := f.UpdateUser(t.Context(), "7", UserUpdate{RoleID: new("34")})
	if err != nil || u.Email != "ada@example.com" {
		t.Fatalf("%+v, %v", u, err)
	}
}

func TestJobOutcomes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		status  int
		payload string
		unknown bool
		class   Class
	}{
		{"rejected", 422, apiError("PLAN_UPGRADE_REQUIRED", `{"limit":"users"}`, false), false, Reject},
		{"already", 422, apiError("ACCOUNT_ALREADY_JOINED_SITE", "", false), false, Already},
		{"gone", 404, apiError("NOT_FOUND", "", false), false, Gone},
		{"limited", 429, apiError("RATE_LIMIT_EXCEEDED", "", false), false, Retry},
		{"failed without a code", 500, `null`, true, Look},
		{"failed with an exception", 500, apiError("EXCEPTION", "", false), true, Look},
		{"done without the entity", 201, `null`, true, Look},
		{"done with another entity", 201, `{"data":{"id":"1","type":"upload"}}`, true, Look},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, accepted, reply{status: 200, body: jobJSON(tt.status, tt.payload)})
			_, err := f.CreateInvitation(t.Context(), InvitationCreate{Email: "a@example.com", RoleID: "1"})
			e := asError(t, err)
			if e.Unknown != tt.unknown || Classify(e) != tt.class || e.Status != tt.status || !e.Sent {
				t.Fatalf("unknown %v class %v: %v", e.Unknown, Classify(e), e)
			}
			if e.Endpoint != "/site-invitations" || e.Method != http.MethodPost || e.RequestID != "r-202" {
				t.Fatalf("not the write's error: %+v", e)
			}
			if tt.unknown != (e.JobID == "abc") {
				t.Fatalf("job %q", e.JobID)
			}
		})
	}
	f := scripted(t, accepted, reply{status: 200, body: jobJSON(200, `null`)})
	if err := f.DeleteUser(t.Context(), "7", nil); err != nil {
		t.Errorf("a delete needs no document: %v", err)
	}
}

func TestJobWithoutAnOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	lost := errors.New("the lease is lost")
	for _, tt := range []struct {
		name    string
		replies []reply
		job     string
		polls   int
	}{
		{"no id", []reply{{status: 202, body: `{"data":{"type":"job"}}`}}, "", 0},
		{"no job", []reply{{status: 202, body: `{"data":{"id":"abc","type":"user"}}`}}, "", 0},
		{"id that is a path", []reply{{status: 202, body: `{"data":{"id":"../users","type":"job"}}`}}, "", 0},
		{"not JSON", []reply{{status: 202, header: map[string]string{"Content-Type": "text/plain"}}}, "", 0},
		{"cut", []reply{{status: 202, body: `{"da`}}, "", 0},
		{"refused poll", []reply{accepted, notAllowed}, "abc", 1},
		{"odd status", []reply{accepted, {status: 200, body: jobJSON(7, `null`)}, notAllowed}, "abc", 2},
		{"another job's", []reply{accepted, {status: 200, body: `{"data":{"id":"x","type":"job_result","attributes":{"status":200}}}`}, notAllowed}, "abc", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, tt.replies...)
			e := asError(t, byMethod("PUT").call(t.Context(), f.Client))
			if !e.Sent || !e.Unknown || Classify(e) != Look || e.JobID != tt.job || e.Method != http.MethodPut {
				t.Fatalf("got %v", e)
			}
			if got := len(f.cms.requests()) - 1; got != tt.polls {
				t.Fatalf("%d polls, want %d", got, tt.polls)
			}
		})
	}
	t.Run("guard", func(t *testing.T) {
		t.Parallel()
		f := scripted(t, accepted, notYet)
		ctx := WithGuard(t.Context(), func() error {
			if len(f.cms.requests()) > 2 {
				return lost
			}
			return nil
		})
		e := asError(t, byMethod("PUT").call(ctx, f.Client))
		if !e.Sent || !e.Unknown || e.JobID != "abc" || !errors.Is(e, lost) || len(f.cms.requests()) != 3 {
			t.Fatalf("got %v after %d requests", e, len(f.cms.requests()))
		}
	})
}

func TestJobPollsOutlastPassingTrouble(t *testing.T) {
	t.Parallel()
	limited := reply{status: 429, header: map[string]string{"X-RateLimit-Reset": "9"}}
	f := scripted(t, accepted, reply{status: 503}, reply{status: 503}, reply{status: 503}, limited,
		reply{err: io.EOF}, notYet, reply{status: 200, body: jobJSON(200, userJSON)})
	if err := byMethod("PUT").call(t.Context(), f.Client); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(f.clock.waits(), 2*time.Second) {
		t.Errorf("the polls' waits are not capped: %v", f.clock.waits())
	}
}

func TestJobEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := scripted(t, accepted, notYet)
	f.sleep = func(ctx context.Context, d time.Duration) error {
		if len(f.cms.requests()) == 3 {
			cancel()
		}
		return f.clock.Sleep(ctx, d)
	}
	e := asError(t, byMethod("POST").call(ctx, f.Client))
	if !e.Sent || !e.Unknown || e.JobID != "abc" || !errors.Is(e, context.Canceled) {
		t.Fatalf("got %v", e)
	}
}

func TestJobResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply reply
		done  bool
		class Class
	}{
		{"pending", notYet, false, None},
		{"succeeded", reply{status: 200, body: jobJSON(201, invitationJSON)}, true, None},
		{"failed", reply{status: 200, body: jobJSON(422, apiError("INVALID_FORMAT", "", false))}, true, Reject},
		{"cannot tell", notAllowed, false, Stop},
		{"unreadable", reply{status: 200, body: `{}`}, false, Retry},
	} {
		f := scripted(t, tt.reply)
		done, err := f.JobResult(t.Context(), "abc")
		if done != tt.done || Classify(err) != tt.class {
			t.Errorf("%s: done %v, %v", tt.name, done, err)
		}
	}
}

// A read is never a job: a 202 to it is an answer that cannot be used.
func TestReadAnswered202(t *testing.T) {
	t.Parallel()
	f := scripted(t, accepted)
	if e := asError(t, byMethod("GET").call(t.Context(), f.Client)); e.Unknown || Classify(e) != Retry {
		t.Fatalf("got %v", e)
	}
}
