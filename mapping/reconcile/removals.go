package reconcile

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
)

// removalsPause is how long nobody is removed after the CMS refused the taker of their content. Access is taken away all
// the same.
const removalsPause = 10 * time.Minute

// removals remembers that the configured content_owner does not work: every removal would fail alike.
type removals struct {
	mu    sync.Mutex
	until time.Time
}

func (r *removals) stop(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = until
}

func (r *removals) stopped(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.until)
}

// noteDestination stops removals when an error says that the taker of the content is not accepted.
func (e *Engine) noteDestination(ctx context.Context, err error) {
	ce, ok := errors.AsType[*cmsclient.Error](err)
	if !ok || !strings.HasPrefix(ce.Code(), "INVALID_DESTINATION") {
		return
	}
	e.removals.stop(e.o.Now().Add(removalsPause))
	e.log.ErrorContext(ctx, "removals are paused: the CMS does not accept content_owner; leavers are deactivated meanwhile",
		"project", e.o.Project, "code", code(ce), "for", removalsPause)
}
