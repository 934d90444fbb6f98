-- Let held keys go on: their calls are approved for the ticket that is held. Due now, before all other work.
-- KEYS[1] base   ARGV now|'', key...
-- Returns how many keys were held.
local p = KEYS[1]
local now, n = q_now(p, ARGV[1]), 0
for i = 2, #ARGV do
  local key = ARGV[i]
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'ticket', 'held', 'since')
  if r[1] and q_set(r[2]) then
    n = n + 1
    redis.call('ZREM', p .. ':q:held', key)
    redis.call('HSET', k, 'held', '', 'approved', r[1], 'attempts', '0', 'code', '', 'text', '', 'lane', 'leavers')
    redis.call('ZADD', p .. ':q:since', r[3] or q_num(now), key)
    redis.call('ZADD', p .. ':q:leavers', q_num(now), key)
  end
end
return n
