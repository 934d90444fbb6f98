-- Fragment, part 4: queueing.

-- q_park(p, key, code, now) and q_unpark(p, key): the set of parked keys, and the exact number of them by code. The
-- record's code is what it was parked with until after q_unpark. Internal.
local function q_park(p, key, code, now)
  if redis.call('ZADD', p .. ':q:parked', q_num(now), key) == 1 then
    redis.call('HINCRBY', p .. ':q:codes', q_set(code) and code or 'unknown', '1')
  end
end
local function q_unpark(p, key)
  if redis.call('ZREM', p .. ':q:parked', key) == 0 then return end
  local code = redis.call('HGET', p .. ':k:' .. key, 'code')
  code = q_set(code) and code or 'unknown'
  if redis.call('HINCRBY', p .. ':q:codes', code, '-1') <= 0 then redis.call('HDEL', p .. ':q:codes', code) end
end

-- q_push(p, key, lane, now, fresh) -> ticket (number)
-- fresh '1': a newer wish: due now, attempts 0, last error cleared, taken out of parked or held; what an operator
--            released was another wish.
-- fresh '0': import, fan-out and other touches: due now at the latest; attempts and error stay; a parked or held
--            key is left as it is and keeps its ticket. What an operator released stays released.
-- Queued: the more urgent lane and the earlier due time are kept. Leased (ran out or not): dirty remembers the most
-- urgent lane asked for, and whoever ends the lease queues the key again.
local function q_push(p, key, lane, now, fresh)
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'ticket', 'lane', 'token', 'dirty', 'parked', 'held', 'approved')
  local parked, held, at = q_set(r[5]), q_set(r[6]), q_num(now)
  fresh = tostring(fresh) == '1'
  if not q_rank[lane] then lane = 'normal' end
  if (parked or held) and not fresh then return tonumber(r[1]) end

  local ticket = redis.call('INCR', p .. ':q:ticket')
  if not fresh and q_set(r[7]) and r[7] == r[1] then redis.call('HSET', k, 'approved', q_num(ticket)) end
  if q_set(r[3]) then
    redis.call('HSET', k, 'ticket', q_num(ticket), 'dirty', q_urgent(lane, r[4]))
    return ticket
  end
  lane = q_urgent(lane, r[2])
  if not r[1] or parked or held then
    if held then redis.call('ZREM', p .. ':q:held', key) end
    if parked then q_unpark(p, key) end
    redis.call('HSET', k, 'ticket', q_num(ticket), 'lane', lane, 'attempts', '0', 'since', at, 'code', '', 'text', '', 'parked', '', 'held', '')
    local look = redis.call('GET', p .. ':q:look') -- the record may be older than the CMS
    if look then redis.call('HSET', k, 'look', look) end
    redis.call('ZADD', p .. ':q:since', at, key)
    redis.call('ZADD', p .. ':q:' .. lane, at, key)
    return ticket
  end
  if fresh then
    redis.call('HSET', k, 'ticket', q_num(ticket), 'lane', lane, 'attempts', '0', 'code', '', 'text', '')
  else
    redis.call('HSET', k, 'ticket', q_num(ticket), 'lane', lane)
  end
  local due = now
  if lane ~= r[2] then
    due = math.min(now, tonumber(redis.call('ZSCORE', p .. ':q:' .. r[2], key) or at))
    redis.call('ZREM', p .. ':q:' .. r[2], key)
  end
  redis.call('ZADD', p .. ':q:' .. lane, 'LT', q_num(due), key)
  return ticket
end
