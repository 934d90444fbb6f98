-- Prolong a lease. One that was revoked lasts as long as it would have, for the call that its holder may have under way.
-- KEYS[1] base   ARGV now|'', key, token, lease ms
-- Returns the ms that are left, or 0 when the lease is gone or ran out.
local p, key, token = KEYS[1], ARGV[2], ARGV[3]
local now = q_now(p, ARGV[1])
if q_fenced(p, key, q_revoked(token), now) then return tonumber(redis.call('HGET', p .. ':k:' .. key, 'until')) - now end
if not q_fenced(p, key, token, now) then return 0 end
local ends = q_num(now + tonumber(ARGV[4]))
redis.call('ZADD', p .. ':q:leased', ends, key)
redis.call('HSET', p .. ':k:' .. key, 'until', ends)
return tonumber(ARGV[4])
