package queue

import (
	"strings"
	"testing"
)

func TestLean_LeavesOutWhatAScriptDoesNotUse(t *testing.T) {
	t.Parallel()
	const source = `-- A library.
local call = redis.call
local names = {'a',
  'b'}
local unused_table = {1}
local function short() return 1 end
local function deep(x)
  if x then
    return names[x]
  end
end
-- Mentions unused(), and does not use it.
local function used(x)
  -- nor here: unused
  return deep(x) + short()
end
local function unused(x)
  return used(x)
end
do
  local gate = call('GET', KEYS[1])
end
local n, m = nil, {}
local i, j = {}, {}
return used(n)
`
	const want = `local call = redis.call
local names = {'a',
  'b'}
local function short() return 1 end
local function deep(x)
  if x then
    return names[x]
  end
end
local function used(x)
  return deep(x) + short()
end
do
  local gate = call('GET', KEYS[1])
end
local n, m = nil, {}
local i, j = {}, {}
return used(n)
`
	if got := lean(source); got != want {
		t.Fatalf("got:\n%s", got)
	}
}

// What each own script keeps of the fragment defines every q_ name that it uses: a missing one would only show when the line is run.
func TestLean_EveryNameOfTheFragmentIsDefinedWhereItIsUsed(t *testing.T) {
	t.Parallel()
	defined := map[string]bool{}
	for _, p := range luaParts(Fragment()) {
		defined[p.name] = true
	}
	if len(defined) < 25 {
		t.Fatalf("only %d definitions were found in the fragment", len(defined))
	}
	for _, name := range []string{"push", "take", "due", "renew", "finish", "lost", "approve", "drop", "list"} {
		src := lean(Fragment() + luaSource(name))
		if len(src) >= len(Fragment()) {
			t.Errorf("%s is not leaner than the fragment", name)
		}
		for _, used := range luaNames(src) {
			if defined[used] && !strings.Contains(src, "local function "+used+"(") && !strings.Contains(src, "local "+used+" = ") {
				t.Errorf("%s uses %s, and does not define it", name, used)
			}
		}
	}
}
