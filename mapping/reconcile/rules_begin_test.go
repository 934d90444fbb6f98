package reconcile_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// A record that is begun while the CMS has people is told in the log, once.
func TestNewRecordIsLoggedOnce(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		var log bytes.Buffer
		s := editors()
		s.cms.SeedUsers = 3
		s.engine.Logger = slog.New(slog.NewTextHandler(&log, nil))
		r := newRig(t, s, store, queuetest.NewClock(1_700_000_000_000))
		r.importAll()
		if n := strings.Count(log.String(), "the record is new"); n != 1 {
			t.Errorf("told %d times:\n%s", n, log.String())
		}
	})
}
