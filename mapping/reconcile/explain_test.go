package reconcile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

func TestExplain_TellsWhatDecidesAndWhatDoesNot(t *testing.T) {
	s := byTitle()
	s.rules.Rules = append([]mapping.Rule{{Group: "Bosses", Role: "Admin"}}, s.rules.Rules...)
	each(t, s, func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		r.createGroup("Authors", u.ID)
		r.settle()
		before := r.writes()
		for _, who := range []string{u.ID, "ada@example.org", "ADA@Example.org"} {
			x, err := r.engine.Explain(r.ctx, who)
			r.must(err)
			text := strings.Join(x.Lines, "\n")
			for _, want := range []string{
				`group "Authors", the oldest that has a role`, `rule 1 (group "Bosses") does not match`, "rule 2 (when Chief) does not match", "nothing to do",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %q is not told:\n%s", who, want, text)
				}
			}
			if x.User.ID != u.ID || len(x.Next) != 0 || x.Queue.State != queue.Idle {
				t.Errorf("%s: %+v", who, x)
			}
		}
		if r.writes() != before {
			t.Error("an explanation wrote to the CMS")
		}
		if _, err := r.engine.Explain(r.ctx, "nobody"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestExplain_TellsWhatWouldBeCalledNext(t *testing.T) {
	each(t, braked(), func(t *testing.T, r *rig) {
		ids := r.people(4)
		for _, id := range ids {
			r.off(id)
		}
		x, err := r.engine.Explain(r.ctx, ids[3])
		r.must(err)
		if len(x.Next) != 1 || !strings.HasPrefix(x.Next[0], "withdraw invitation") || x.Queue.State != queue.Held || x.Queue.Code != "brake" {
			t.Errorf("%+v", x)
		}
	})
}
