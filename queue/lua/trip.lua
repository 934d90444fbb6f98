-- Open the circuit, or keep it open for longer when its probe failed. Trips of others while it is open change nothing.
-- KEYS[1] base   ARGV now|'', reason, code, first ms, longest ms
-- Returns the ms for which nothing is taken.
local p = KEYS[1]
local now, circuit = q_now(p, ARGV[1]), p .. ':q:circuit'
local r = redis.call('HMGET', circuit, 'until', 'fails', 'probe', 'since')
local open = tonumber(r[1] or '') or 0
if open > now and not q_set(r[3]) then return open - now end
local fails = (tonumber(r[2] or '') or 0) + 1
local ms = math.min(tonumber(ARGV[4]) * 2 ^ (fails - 1), tonumber(ARGV[5]))
redis.call('HSET', circuit, 'until', q_num(now + ms), 'reason', ARGV[2], 'code', ARGV[3], 'fails', q_num(fails),
  'probe', '', 'since', r[4] or q_num(now))
return ms
