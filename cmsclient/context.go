package cmsclient

import "context"

type (
	guardKey struct{}
	jobKey   struct{}
	callKey  struct{}
)

// WithGuard has guard checked right before every request that is sent under the context, repeats and job polls
// included. Its error aborts the call as not sent; errors.Is finds it in the call's error. Guards add up: the
// outermost is asked first.
func WithGuard(ctx context.Context, guard func() error) context.Context {
	outer, ok := ctx.Value(guardKey{}).(func() error)
	if !ok {
		return context.WithValue(ctx, guardKey{}, guard)
	}
	return context.WithValue(ctx, guardKey{}, func() error {
		if err := outer(); err != nil {
			return err
		}
		return guard()
	})
}

func checkGuard(ctx context.Context) error {
	if guard, ok := ctx.Value(guardKey{}).(func() error); ok {
		return guard()
	}
	return nil
}

// WithJobStarted has started called with the id of the job when the CMS answers a write with 202, before the first
// poll: so that whoever takes over after a crash can ask [Client.JobResult] for it.
func WithJobStarted(ctx context.Context, started func(jobID string)) context.Context {
	return context.WithValue(ctx, jobKey{}, started)
}

func jobStarted(ctx context.Context, id string) {
	if started, ok := ctx.Value(jobKey{}).(func(string)); ok {
		started(id)
	}
}
