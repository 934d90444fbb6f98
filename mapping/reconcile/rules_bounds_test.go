package reconcile_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// family is a row of docs/redis-keys.md.
type family struct {
	name, typ string
	expires   bool
	pattern   *regexp.Regexp
}

var (
	familyRow = regexp.MustCompile("(?m)^\\| `(:[^`]+)` \\| ([a-z]+) \\| ([^|]+) \\| .*\\|$")
	wildcard  = regexp.MustCompile(`\b(ID|RUN|ROLE|EMAIL|NAME|MONTH|KEY|CODE)\b`)
)

// families reads the table of keys.
func families(t *testing.T) (out []family) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "redis-keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range familyRow.FindAllStringSubmatch(string(page), -1) {
		pattern := wildcard.ReplaceAllString(regexp.QuoteMeta(m[1]), `.+`)
		if strings.HasPrefix(m[1], ":gm:") || strings.HasPrefix(m[1], ":rules") {
			pattern = strings.ReplaceAll(pattern, ".+", "[^:]+") // further parts make another family
		}
		out = append(out, family{name: m[1], typ: m[2], expires: m[3] != "bound", pattern: regexp.MustCompile("(?s)^" + pattern + "$")})
	}
	return out
}

// familyOf finds the one row that a key belongs to.
func familyOf(all []family, key string) (found []family) {
	for _, f := range all {
		if f.pattern.MatchString(key) {
			found = append(found, f)
		}
	}
	return found
}

// The table has what the comments in the code have, which other tests compare with Go and Lua.
func TestTableOfKeysIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	all := families(t)
	listed := 0
	for file, name := range map[string]*regexp.Regexp{
		filepath.Join("..", "directory", "keys.go"):   regexp.MustCompile(`(?:^|[\t (])(:[a-zA-Z:]+)`),
		filepath.Join("..", "..", "queue", "keys.go"): regexp.MustCompile(`//\tbase(:q:\S+|:k:\S+|:h:\S+)`),
	} {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		comment, _, _ := strings.Cut(string(src), "type keys struct")
		for _, m := range name.FindAllStringSubmatch(comment, -1) {
			if m[1] == ":q:<lane>" {
				continue
			}
			listed++
			if found := familyOf(all, strings.ReplaceAll(m[1], "<", "x")); len(found) != 1 {
				t.Errorf("%s of %s is in %d rows of the table", m[1], file, len(found))
			}
		}
	}
	if listed < 50 || len(all) < listed {
		t.Errorf("%d keys in the code, %d rows", listed, len(all))
	}
}

// busy leaves something of nearly everything that a project can have.
func (r *rig) busy() {
	r.t.Helper()
	leaver, writers := r.member("ada@example.org"), r.createGroup("Writers", r.create("grace@example.org").ID)
	r.settle()
	held := r.create("held@example.org")
	meter := reconcile.NewMeter(r.dir, discardCalls{})
	meter.Call("GET", "/users", 200, time.Millisecond)
	r.must(meter.Flush(r.ctx))
	r.must(r.engine.DeleteUser(r.ctx, leaver.ID, nil))
	r.must(r.engine.DeleteUser(r.ctx, held.ID, nil)) // one more than the brake lets pass
	r.settle()
	_, err := r.cms.EditUser(leaver.Link.ID, cmstest.NewUser{Email: "ada@elsewhere.example.org"})
	r.must(err)
	r.must(r.engine.DeleteGroup(r.ctx, writers.ID, nil))
	r.settle()
	for range 3 {
		r.importAll()
		r.settle()
	}
	r.must(r.dir.NoteUnbound(r.ctx, leaver.ID, time.UnixMilli(r.clock.Now())))
	r.must(r.cms.Fault(cmstest.Fault{Method: "POST", Path: "/site-invitations", Action: cmstest.Status, Status: 422, Code: "SOMETHING_NEW", Times: 1}))
	var refused *reconcile.RejectedError
	if _, err := r.engine.CreateUser(r.ctx, person("refused@example.org")); !errors.As(err, &refused) {
		r.t.Fatalf("not refused: %v", err)
	}
	parked := r.create("parked@example.org")
	_, err = r.queue.Push(r.ctx, directory.UserKey(parked.ID), queue.Normal, true)
	r.must(err)
	l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
	r.must(err)
	_, err = r.queue.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Park, Code: "c"})
	r.must(err)
	r.must(r.cms.Fault(cmstest.Fault{Action: cmstest.Status, Status: 503, Times: 2}))
	r.create("failed@example.org")
	r.cms.ClearFaults()
	r.create("leased@example.org")
	_, err = r.queue.Push(r.ctx, directory.UserKey(held.ID+"x"), queue.Normal, true)
	r.must(err)
	_, err = r.queue.Take(r.ctx, queue.TakeOptions{})
	r.must(err)
	r.must(r.queue.Pause(r.ctx))
}

type discardCalls struct{}

func (discardCalls) Call(string, string, int, time.Duration) {}

// Memory is bounded: each key of a project has a time to live, or a reason to stay that the table tells.
func TestEveryKeyHasATimeToLiveOrABound(t *testing.T) {
	s := editors()
	s.cms.SeedUsers = 3
	s.dir.Brake = directory.Brake{Percent: 1, Min: 1, Window: time.Hour}
	each(t, s, func(t *testing.T, r *rig) {
		r.busy()
		all, seen := families(t), map[string]bool{}
		keys, err := r.store.Client.Keys(r.ctx, r.store.Base+":*").Result()
		r.must(err)
		for _, key := range keys {
			name := strings.TrimPrefix(key, r.store.Base)
			found := familyOf(all, name)
			if len(found) != 1 {
				t.Errorf("%s is in %d rows of docs/redis-keys.md", name, len(found))
				continue
			}
			f := found[0]
			seen[f.name] = true
			if typ := r.store.Client.Type(r.ctx, key).Val(); typ != f.typ {
				t.Errorf("%s is a %s", name, typ)
			}
			if ttl := r.store.Client.PTTL(r.ctx, key).Val(); (ttl > 0) != f.expires {
				t.Errorf("%s lives for %v", name, ttl)
			}
		}
		if len(seen) < 35 {
			t.Errorf("the project was not busy: %d families of keys", len(seen))
		}
	})
}
