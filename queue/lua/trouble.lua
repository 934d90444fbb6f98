-- Notes that the CMS failed (no answer, 5xx) over a key, or refused it with a code that nobody has listed. When that
-- happens to enough different keys, the trouble is the project's and not theirs: the circuit opens.
--   kind 'failed'   counts until a write is answered (q_answered), within a sliding window
--   kind 'refused'  counts within the window, by code; what was parked with the code meanwhile is queued again. When the
--                   circuit has closed over a key that is not refused, the code is about its keys after all: see clear.
-- KEYS[1] base   ARGV now|'', kind, code, key, how many keys, window ms, reason, first ms, longest ms
-- Returns the ms for which nothing is taken, or 0.
local p, kind, code, key = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
local now, many, window = q_now(p, ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('EXISTS', p .. ':q:notall:' .. code) == 1 then return 0 end
local set = kind == 'failed' and p .. ':q:failed' or p .. ':q:refused:' .. code
local probing = redis.call('HGET', p .. ':q:circuit', 'code') == code
redis.call('ZADD', set, q_num(now), key)
if not probing then redis.call('ZREMRANGEBYSCORE', set, '-inf', q_num(now - window)) end
redis.call('PEXPIRE', set, '3600000')
if redis.call('ZCARD', set) < many and not probing then return 0 end
if kind == 'refused' then
  for _, k in ipairs(redis.call('ZRANGE', set, '0', '-1')) do q_again(p, k, now, code) end
end
return q_trip(p, now, ARGV[7], code, tonumber(ARGV[8]), tonumber(ARGV[9]))
