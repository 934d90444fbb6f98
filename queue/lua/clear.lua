-- Close the circuit.
-- KEYS[1] base   ARGV now|'', ms for which a code whose keys were refused opens it no more
-- Returns its code, or false when it was closed.
local p = KEYS[1]
q_now(p, ARGV[1])
local r = redis.call('HMGET', p .. ':q:circuit', 'code', 'reason')
if not r[2] then return false end
if redis.call('EXISTS', p .. ':q:refused:' .. r[1]) == 1 then redis.call('SET', p .. ':q:notall:' .. r[1], '1', 'PX', ARGV[2]) end
redis.call('DEL', p .. ':q:circuit', p .. ':q:failed', p .. ':q:refused:' .. r[1])
return r[1]
