-- Make keys due with attempts 0: parked ones as of when they were first queued, so that they run in that order, and
-- queued ones now. The last error stays visible until the next attempt ends.
-- KEYS[1] base   ARGV now|'', key...
-- Returns how many keys were parked or queued.
local p = KEYS[1]
local now, n = q_now(p, ARGV[1]), 0
for i = 2, #ARGV do
  local key = ARGV[i]
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'lane', 'token', 'parked', 'since')
  if r[1] and not q_set(r[2]) then
    n = n + 1
    if q_set(r[3]) then
      redis.call('ZREM', p .. ':q:parked', key)
      redis.call('HSET', k, 'attempts', '0', 'parked', '')
      redis.call('ZADD', p .. ':q:since', r[4] or q_num(now), key)
      redis.call('ZADD', p .. ':q:' .. r[1], r[4] or q_num(now), key)
    else
      redis.call('HSET', k, 'attempts', '0')
      redis.call('ZADD', p .. ':q:' .. r[1], 'LT', q_num(now), key)
    end
  end
end
return n
