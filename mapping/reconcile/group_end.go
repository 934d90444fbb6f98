package reconcile

import (
	"context"
	"errors"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

func (s *groupSync) settle(ctx context.Context, res directory.GroupResult) (string, error) {
	return s.engine.dir.SettleGroup(context.WithoutCancel(ctx), s.id, s.lease, res)
}

func (s *groupSync) park(ctx context.Context, code, text string) (outcome, error) {
	return s.finish(ctx, directory.GroupResult{Intent: s.cleared()}, queue.Verdict{Outcome: queue.Park, Code: code, Text: text})
}

// finish writes a result that ends the sync. A creation that the CMS refused while its request waits is taken back; the
// members of a group that is parked go by the next rule, and are told.
func (s *groupSync) finish(ctx context.Context, res directory.GroupResult, v queue.Verdict) (outcome, error) {
	v.Call = s.last
	var rejected *RejectedError
	if v.Outcome == queue.Park {
		if s.refused && !s.doubt && s.group.RoleID == "" && s.create.refuse() {
			res.End.Reject, v.Outcome = s.group.Gen, queue.Done
		} else if err := s.releaseMembers(ctx); err != nil {
			return outcome{}, err
		}
		if s.refused && (res.End.Reject != 0 || s.create == nil) {
			rejected = newRejected(v.Code, v.Text)
		}
	}
	res.End.Verdict = &v
	result, err := s.settle(ctx, res)
	if err != nil {
		return s.settleFailed(ctx, err)
	}
	if res.End.Reject != 0 {
		result = outRejected
	}
	s.engine.o.Wake()
	return outcome{result: result, rejected: rejected}, nil
}

// releaseMembers queues the members before the group is parked. Those who look at the group before it is parked wait for
// their role a little, and see it parked then.
func (s *groupSync) releaseMembers(ctx context.Context) error {
	if _, err := s.settle(ctx, directory.GroupResult{TellMembers: true}); err != nil {
		return err
	}
	s.group.FanOut = true
	_, err := s.tellMembers(ctx)
	return err
}

// settleFailed parks a group whose role belongs to another group.
func (s *groupSync) settleFailed(ctx context.Context, err error) (outcome, error) {
	var taken *directory.TakenError
	if !errors.As(err, &taken) {
		return outcome{}, err
	}
	v := queue.Verdict{Outcome: queue.Park, Code: "role_taken", Text: "the role of this name belongs to group " + taken.ID + " of this server"}
	result, err := s.settle(ctx, directory.GroupResult{Intent: s.cleared(), End: directory.End{Verdict: &v}})
	return outcome{result: result}, err
}

// unreadable ends a sync on an error of a read.
func (s *groupSync) unreadable(ctx context.Context, err error) (outcome, error) {
	var ce *cmsclient.Error
	if !errors.As(err, &ce) && !errors.Is(err, context.DeadlineExceeded) {
		return outcome{}, err
	}
	v := s.failure(ctx, err)
	if v.Outcome == queue.Park {
		v.Outcome = queue.Retry
	}
	return s.finish(ctx, directory.GroupResult{}, v)
}
