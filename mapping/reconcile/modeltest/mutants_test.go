package modeltest

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/scimcms/scimcms/queue/queuetest"
)

// mutant is a deliberately broken variant of the engine. The zero value is none.
type mutant struct {
	name    string
	seed    int  // is known to show what is broken; 0: it takes many seeds, see MODEL_SEEDS
	frozen  bool // of a scenario drawn by drawFrozen
	scripts []change
	applied *atomic.Int64
}

// change replaces a piece of a script.
type change struct{ old, new string }

// patch breaks a script.
func (m mutant) patch(_, text string) string {
	for _, c := range m.scripts {
		if strings.Contains(text, c.old) {
			m.applied.Add(1)
			text = strings.ReplaceAll(text, c.old, c.new)
		}
	}
	return text
}

// mutants are broken one promise each.
var mutants = []mutant{
	{name: "an ack without looking at ticket and dirty mark", seed: 89, scripts: []change{
		{"local newer = q_set(r[5]) or (tonumber(r[3] or '') or 0) > (tonumber(ticket) or 0)", "local newer = false"},
	}},
	{name: "no mark when a key is written while it is leased", seed: 89, scripts: []change{
		{"redis.call('HSET', k, 'ticket', q_num(ticket), 'dirty', q_urgent(lane, r[4]))", ""},
	}},
	{name: "no fencing", seed: 9, frozen: true, scripts: []change{
		{"return q_set(token) and r[1] == token and (tonumber(r[2] or '') or 0) > now", "return true"},
		{"if not q_set(token) or r[1] ~= token or (tonumber(r[2] or '') or 0) <= now then return 'lost' end", ""},
	}},
	{name: "no look before a call is repeated", seed: 12, scripts: []change{
		{"for i = 1, 7 do r[i] = r[i] or '' end", "for i = 1, 7 do r[i] = r[i] or '' end r[4] = '' r[5] = ''"},
	}},
	{name: "no intent", seed: 71, scripts: []change{
		{"redis.call('HSET', k, 'intent', intent, 'ilook', q_num(new), 'itoken', r[4] or '', 'look', old > 0 and q_num(old) or '')", ""},
	}},
	{name: "an entity is linked though it belongs to somebody else", seed: 11, scripts: []change{
		{"clash, twin, linked = d_holder(p, id, cms, has)", "clash, twin = nil, nil"},
	}},
	{name: "a leaver's account is left to whoever wishes its address", scripts: []change{{"if not own and not keeps and (had", "if (had"}}},
	{name: "an import overwrites what a sync wrote", seed: 25, scripts: []change{
		{"return tonumber(call('HGET', record, 'stamp') or '0') >= pic or (q_state(p, key)) == 'leased'", "return false and true"},
		{"or q_record(p, key)[5] ~= ''", ""},
	}},
	{name: "a tombstone's account stays behind when its address is taken", scripts: []change{
		{"if linked then call('HSET', p..':x:cms', d_cmskey(f[1], f[2]), id) end", ""},
	}},
	{name: "a tombstone's former account stays behind when its address is taken", seed: 89, scripts: []change{
		{"and old[4] == addr then return d_inherit_old", "and old[4] == '-' then return d_inherit_old"},
		{"if old and (old == entity or f[9] == addrf) then", "if false then"},
	}},
	{name: "a role that is made late stays", scripts: []change{{"and call('HGET', g, 'state') == 'deleted' then\n      d_drop", "and false then\n      d_drop"}}},
	{name: "who is deleted stays in groups", seed: 9, scripts: []change{{"if call('SREM', p..':gm:'..g, id) == 1 then", "if false then"}}},
	{name: "the brake holds nobody", seed: 15, scripts: []change{{"if people < allowed then return true end", "if true then return true end"}}},
	{name: "an account is free while a superseded leaver's call is under way", scripts: []change{
		{"q_intent(p, key, '', '')\n    q_revoke(p, key)", "q_drop(p, key)"},
	}},
	{name: "access that a leaver is given by hand stays", scripts: []change{
		{"call('HSET', p..':u:'..id, 'aknown', '0')\n  q_push(p, 'user/'..id, 'leavers', now, '0')", ""},
	}},
	{name: "what is changed by hand is not seen", seed: 1, scripts: []change{{"if same then return true end", "if true then return true end"}}},
	{name: "an invitation that may be on its way is forgotten", scripts: []change{
		{"unpack(ARGV, 13, 12 + n))", "unpack(ARGV, 13, 12 + n)) call('HDEL', KEYS[2], 'asked')"},
	}},
	{name: "two holders of one key", seed: 1, scripts: []change{
		{"redis.call('ZREM', p .. ':q:' .. lane, key)\n  redis.call('ZADD', p .. ':q:leased', ends, key)", "redis.call('ZADD', p .. ':q:leased', ends, key)"},
	}},
}

func (m mutant) draw() func(*rapid.T) scenario {
	if m.frozen {
		return drawFrozen
	}
	return draw
}

// hunt runs seeds on a mutant until one shows that it is broken.
func hunt(t *testing.T, store queuetest.Store, m mutant, from, n int) (seed, operations int, what string) {
	t.Helper()
	m.applied = &atomic.Int64{}
	for seed = from; seed < from+n; seed++ {
		r := play(t, store, scenarioOf(t, seed, m.draw()), m)
		operations += r.operations
		if len(r.violations) > 0 {
			what = r.violations[0]
			break
		}
	}
	if m.applied.Load() == 0 {
		t.Errorf("%s: the line to be broken is not in any script", m.name)
	}
	return seed, operations, what
}

// The checker sees each broken variant with the seed that is known to show it. With MODEL_SEEDS it looks for such seeds.
func TestCheckerCatchesBrokenVariants(t *testing.T) {
	store := queuetest.Real(t)
	_, n := seeds(t, 1)
	caught, rare := 0, 0
	for i, m := range mutants {
		if only := os.Getenv("MODEL_MUTANT"); only != "" && only != strconv.Itoa(i) {
			continue
		}
		from := m.seed
		if n == 1 && from == 0 {
			rare++
			continue
		}
		if n > 1 {
			from = number(t, "MODEL_FROM", 1)
		}
		seed, operations, what := hunt(t, store, m, from, n)
		if what == "" {
			t.Errorf("%s: not caught by %d seeds from %d on (%d operations)", m.name, n, from, operations)
			continue
		}
		caught++
		t.Logf("%s: caught by seed %d after %d operations: %.110s", m.name, seed, operations, what)
	}
	t.Logf("%d broken variants caught; %d more show so rarely that they are only looked for with MODEL_SEEDS", caught, rare)
}
