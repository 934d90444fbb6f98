-- Queue a key whose holder found its lease gone.
-- KEYS[1] base   ARGV now|'', key, lane, look ms (2 call deadlines)
-- Returns 1.
local p = KEYS[1]
local now = q_now(p, ARGV[1])
q_lost(p, ARGV[2], ARGV[3], now, now + tonumber(ARGV[4]))
return 1
