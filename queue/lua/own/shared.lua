-- What several of the queue's own scripts need; not part of the fragment.

-- q_trip(p, now, reason, code, first, most) -> the ms for which nothing is taken. Opens the circuit, or keeps it open
-- for twice as long when its probe failed. Trips of others while it is open change nothing.
local function q_trip(p, now, reason, code, first, most)
  local circuit = p .. ':q:circuit'
  local r = redis.call('HMGET', circuit, 'until', 'fails', 'probe', 'since')
  local open = tonumber(r[1] or '') or 0
  if open > now and not q_set(r[3]) then return open - now end
  local fails = (tonumber(r[2] or '') or 0) + 1
  local ms = math.min(first * 2 ^ math.min(fails - 1, 20), most)
  redis.call('HSET', circuit, 'until', q_num(now + ms), 'reason', reason, 'code', code, 'fails', q_num(fails),
    'probe', '', 'since', r[4] or q_num(now))
  return ms
end

-- q_again(p, key, now, code) -> 1 if key is due now with attempts 0, else 0. A parked key is queued as of when it first
-- was, so that parked keys run in that order. With a code, only keys that are parked with it. A held
-- key waits for whoever approves it. The last error stays
-- visible until the next attempt ends.
local function q_again(p, key, now, code)
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'lane', 'token', 'parked', 'since', 'code', 'held')
  if not r[1] or q_set(r[2]) or q_set(r[6]) then return 0 end
  if code ~= '' and not (q_set(r[3]) and code == (q_set(r[5]) and r[5] or 'unknown')) then return 0 end
  if q_set(r[3]) then
    q_unpark(p, key)
    redis.call('HSET', k, 'attempts', '0', 'parked', '')
    redis.call('ZADD', p .. ':q:since', r[4] or q_num(now), key)
    redis.call('ZADD', p .. ':q:' .. r[1], r[4] or q_num(now), key)
  else
    redis.call('HSET', k, 'attempts', '0')
    redis.call('ZADD', p .. ':q:' .. r[1], 'LT', q_num(now), key)
  end
  return 1
end
