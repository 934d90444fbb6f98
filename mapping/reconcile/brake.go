package reconcile

import (
	"context"
	"fmt"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// codeBrake is the reason of a key that the brake holds.
const codeBrake = "brake"

// hold ends a sync whose call the brake keeps back. The queue holds the key for its ticket: a newer wish is judged anew.
func (s *userSync) hold(ctx context.Context, why *directory.HeldError) (outcome, error) {
	if why.First {
		s.engine.log.WarnContext(ctx, "the brake holds people back until an operator releases or discards them: scimcms brake status",
			"project", s.engine.o.Project, "takes", string(why.Takes), "people", why.People, "allowed", why.Allowed)
	}
	loses := "access"
	if why.Takes == directory.TakesRole {
		loses = "role"
	}
	return s.finish(ctx, directory.UserResult{}, queue.Verdict{Outcome: queue.Hold, Code: codeBrake,
		Text: fmt.Sprintf("held by the brake: %d people have lost their %s already, and %d may within its window", why.People, loses, why.Allowed)})
}
