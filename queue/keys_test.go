package queue

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// documented reads the names of all keys from the comment in keys.go, the one place that lists them.
func documented(t *testing.T) []string {
	t.Helper()
	src, err := os.ReadFile("keys.go")
	ok(t, err)
	var names []string
	for _, m := range regexp.MustCompile(`//\tbase(:\S+)`).FindAllStringSubmatch(string(src), -1) {
		if m[1] == ":q:<lane>" {
			for _, lane := range Lanes() {
				names = append(names, ":q:"+string(lane))
			}
			continue
		}
		name, _, _ := strings.Cut(m[1], "<")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestKeys_AreAllListedHere(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, lane := range Lanes() {
		used[":q:"+string(lane)] = true // Lua builds these from the lane's name
	}
	k := keys{base: ""}
	for _, name := range []string{
		k.record(""), k.history(""), k.codes(), k.leased(), k.parked(), k.held(), k.since(), k.idents(), k.ticket(), k.now(), k.paused(), k.gate(), k.looks(), k.circuit(), k.dryRun(), paceKey(""), pacersKey(""),
		":q:turn", ":q:failed", ":q:refused:", ":q:notall:", // in Lua only
	} {
		used[name] = true
	}
	equal(t, "Go", slices.Sorted(maps.Keys(used)), documented(t))

	for name := range luaKeys(t) {
		if !used[name] {
			t.Errorf("%s is built in Lua, but not listed in keys.go", name)
		}
	}
}

// luaKeys collects the literals that the Lua files append to the base.
func luaKeys(t *testing.T) map[string]bool {
	t.Helper()
	names, literal := map[string]bool{}, regexp.MustCompile(`p \.\. '(:[a-z:]*)'`)
	ok(t, fs.WalkDir(luaFiles, "lua", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := luaFiles.ReadFile(path)
		for _, m := range literal.FindAllStringSubmatch(string(src), -1) {
			if m[1] != ":q:" && m[1] != ":" { // a name follows
				names[m[1]] = true
			}
		}
		return err
	}))
	if len(names) < 9 {
		t.Fatalf("only %v found: the pattern fits no more", names)
	}
	return names
}

func TestKeys_OfAProjectShareItsHashTagAndNothingElseIsWritten(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.populate()
		l := f.failed("user/x", Leavers, 0)
		f.ident(l, "mail:a@x")
		f.intend(l, "PUT", "")
		ok(f.t, f.Pause(ctx))
		ok(f.t, f.Trip(ctx, "down", ""))
		found, err := f.store.Client.Keys(ctx, f.store.Base+"*").Result()
		ok(f.t, err)
		known := documented(f.t)
		for _, key := range found {
			rest := strings.TrimPrefix(key, f.store.Base)
			if !slices.ContainsFunc(known, func(name string) bool {
				return rest == name || strings.HasSuffix(name, ":") && strings.HasPrefix(rest, name)
			}) {
				f.t.Errorf("%s is not listed in keys.go", key)
			}
		}
	})
}

func TestPaceKeyExpires(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		p, err := NewPacer(PacerOptions{Redis: store.Client, Base: store.Base, Limit: 60, Window: 3 * time.Second})
		ok(t, err)
		ok(t, p.Wait(ctx))
		ttl, err := store.Client.PTTL(ctx, paceKey(store.Base)).Result()
		ok(t, err)
		if ttl <= 23*time.Hour || ttl > 24*time.Hour {
			t.Fatalf("time to live %s", ttl)
		}
	})
}

func TestEmptyQueueLeavesTwoCountersBehind(t *testing.T) {
	t.Parallel()
	each(t, func(f *fixture) {
		f.push("user/1", Normal)
		l := f.take()
		f.ident(l, "mail:a@x")
		f.finish(l, Verdict{Outcome: Done}, ResultDone)
		found, err := f.store.Client.Keys(ctx, f.store.Base+"*").Result()
		ok(f.t, err)
		slices.Sort(found)
		equal(f.t, "keys", found, []string{f.keys.now(), f.keys.ticket()})
	})
}

func TestBase(t *testing.T) {
	t.Parallel()
	if got := Base("prod:", "site"); got != "prod:{site}" {
		t.Errorf("base %q", got)
	}
	for base, want := range map[string]bool{
		"{site}": true, "prod:{site}": true, "": false, "site": false, "{}": false, "{site": false, "site}": false, "{site}x": false,
	} {
		if validBase(base) != want {
			t.Errorf("validBase(%q) = %v", base, !want)
		}
	}
}

func TestLuaFiles_SayWhatTheyTakeAndReturn(t *testing.T) {
	t.Parallel()
	entries, err := luaFiles.ReadDir("lua")
	ok(t, err)
	scripts := 0
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		scripts++
		src := luaSource(strings.TrimSuffix(e.Name(), ".lua"))
		for _, want := range []string{"KEYS[1]", "ARGV", "Returns"} {
			head, _, _ := strings.Cut(src, "\nlocal")
			if !strings.Contains(head, want) {
				t.Errorf("lua/%s: its header does not speak of %s", e.Name(), want)
			}
		}
	}
	if scripts < 10 {
		t.Fatalf("%d scripts", scripts)
	}
}
