-- Prolong a lease.
-- KEYS[1] base   ARGV now|'', key, token, lease ms
-- Returns 1, or 0 when the lease is gone or ran out.
local p, key = KEYS[1], ARGV[2]
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return 0 end
local ends = q_num(now + tonumber(ARGV[4]))
redis.call('ZADD', p .. ':q:leased', ends, key)
redis.call('HSET', p .. ':k:' .. key, 'until', ends)
return 1
