package queue

import (
	"context"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// commitScript is what a script of another package looks like: the wish, the queue entry and the lease in one step.
const commitScript = `
local p = KEYS[1]
local now = q_now(p, ARGV[1])
local ticket = q_push(p, ARGV[2], ARGV[3], now, '1')
local held = q_lease(p, ARGV[2], ARGV[4], now, 15000)
return {tostring(ticket), held and 'leased' or 'queued', cjson.encode(q_record(p, ARGV[2]))}`

func TestFragment_RunsInScriptsOfOtherPackages(t *testing.T) {
	t.Parallel()
	if src := Fragment(); strings.Contains(src, "is not embedded") {
		t.Fatal(src)
	}
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		got, err := Script(commitScript).Run(context.Background(), store.Client, []string{store.Base},
			"1700000000000", "user/1", "interactive", "tok").StringSlice()
		if err != nil {
			t.Fatal(err)
		}
		want := `1 leased ["1","interactive","0","","","",""]`
		if s := strings.Join(got, " "); s != want {
			t.Fatalf("got %s, want %s", s, want)
		}
	})
}
