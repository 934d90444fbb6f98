-- Fragment, part 6: ending a lease.

-- q_note(p, key, now, ticket, result, attempts, code, text, call): how an attempt ended, in the key's history: the last
-- 20, kept for 7 days, of keys that met trouble. An attempt that went well is noted only after one that did not. Internal.
local function q_note(p, key, now, ticket, result, attempts, code, text, call)
  local h = p .. ':h:' .. key
  local entry = table.concat({q_num(now), tostring(ticket), result, q_num(attempts), code or '', call or '', text or ''}, '\31')
  if result == 'done' then
    if redis.call('LPUSHX', h, entry) == 0 then return end
  else
    redis.call('LPUSH', h, entry)
  end
  redis.call('LTRIM', h, '0', '19')
  redis.call('PEXPIRE', h, '604800000')
end

-- q_queue(p, key, lane, due, fields): end the lease and queue the key. fields is a list for HSET. Internal.
local function q_queue(p, key, lane, due, fields)
  redis.call('ZREM', p .. ':q:leased', key)
  redis.call('HSET', p .. ':k:' .. key, 'lane', lane, 'token', '', 'until', '', 'dirty', '', 'idents', '', unpack(fields))
  redis.call('ZADD', p .. ':q:' .. lane, q_num(due), key)
end

-- q_drop(p, key): forget key, whatever its state. A holder finds its lease lost and queues a look.
local function q_drop(p, key)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'lane', 'idents')
  q_free(p, key, r[2])
  if r[1] then redis.call('ZREM', p .. ':q:' .. r[1], key) end
  redis.call('ZREM', p .. ':q:leased', key)
  q_unpark(p, key)
  redis.call('ZREM', p .. ':q:held', key)
  redis.call('ZREM', p .. ':q:since', key)
  redis.call('DEL', p .. ':k:' .. key)
end

-- q_yield(p, key, token, now): the holder whose lease was revoked has no call under way any more: the key is queued, as
-- it was asked for meanwhile.
local function q_yield(p, key, token, now)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'token', 'lane', 'dirty', 'idents')
  if not q_set(token) or r[1] ~= q_revoked(token) then return end
  q_free(p, key, r[4])
  q_queue(p, key, q_urgent(r[2], r[3]), now, {'attempts', '0'})
end

-- Verdicts that keep a key aside, and the states that they lead to.
local q_aside = {park = 'parked', hold = 'held'}

-- q_finish(p, key, token, now, ticket, verdict, due, lane, code, text, limit, call)
--   -> 'done' | 'again' | 'retry' | 'parked' | 'held' | 'released' | 'lost'
-- ticket   what the holder acted on. A newer one, or a dirty mark, queues the key again now ('again', attempts 0).
-- verdict  done     the CMS agrees: the record goes; if an intent is open, or a look is due after this lease was taken,
--                   the key waits for that look instead ('retry', no attempt used)
--          retry    again at due (ms), one attempt used (none while the circuit is open); the attempt that reaches
--                   limit, if there is one, parks the key
--          wait     again at due, no attempt used
--          park     kept aside with code and text until a newer wish or a replay
--          hold     kept aside with code and text until a newer wish, or until an operator approves this ticket
--          release  back to its lane, due now, as if it had not been taken
--          drop     forgotten
-- lane     recomputed from the wish; '' keeps the record's.
-- call     the last call of the attempt, for the history; '' when there was none.
-- 'lost' (token does not hold the lease, or it ran out): nothing is written; the caller queues a look.
local function q_finish(p, key, token, now, ticket, verdict, due, lane, code, text, limit, call)
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'token', 'until', 'ticket', 'lane', 'dirty', 'attempts', 'intent', 'look', 'ilook', 'at', 'idents')
  if not q_set(token) or r[1] ~= token or (tonumber(r[2] or '') or 0) <= now then return 'lost' end
  if verdict == 'drop' then
    q_drop(p, key)
    return 'done'
  end
  lane = q_rank[lane] and lane or r[4]
  due = math.max(tonumber(due or '') or 0, now)
  local attempts = tonumber(r[6] or '') or 0
  local newer = q_set(r[5]) or (tonumber(r[3] or '') or 0) > (tonumber(ticket) or 0)
  q_free(p, key, r[11])

  if verdict == 'release' then
    q_queue(p, key, q_urgent(r[4], r[5]), now, {'attempts', newer and '0' or q_num(attempts)})
    return 'released'
  end
  local trouble = verdict == 'retry' or verdict == 'park' or verdict == 'hold'
  if newer then
    if trouble then q_note(p, key, now, ticket, 'again', attempts + 1, code, text, call) end
    local again = q_set(r[5]) and r[5] or lane
    local fields = {'attempts', '0', 'code', '', 'text', '', 'tried', ticket}
    if verdict == 'done' then -- the older wish is agreed: the newer one counts from now
      fields[9], fields[10] = 'since', q_num(now)
      redis.call('ZADD', p .. ':q:since', q_num(now), key)
    else
      again = q_urgent(again, lane)
    end
    q_queue(p, key, again, now, fields)
    return 'again'
  end
  if verdict == 'done' then
    local look = math.max(tonumber(r[8] or '') or 0, q_set(r[7]) and tonumber(r[9] or '') or 0)
    if not q_set(r[7]) and look <= (tonumber(r[10] or '') or 0) then
      q_note(p, key, now, ticket, 'done', attempts, '', '', call)
      redis.call('ZREM', p .. ':q:leased', key) -- who holds a lease is in no other set, and the identities are free
      redis.call('ZREM', p .. ':q:since', key)
      redis.call('DEL', k)
      return 'done'
    end
    q_queue(p, key, lane, math.max(look, now + 1000), {'code', '', 'text', '', 'tried', ticket})
    return 'retry'
  end
  if verdict == 'retry' and redis.call('EXISTS', p .. ':q:circuit') == 0 then
    attempts = attempts + 1
    if tonumber(limit or '') and attempts >= tonumber(limit) then verdict = 'park' end
  end
  if trouble then q_note(p, key, now, ticket, q_aside[verdict] or 'retry', attempts, code, text, call) end
  local fields = {'attempts', q_num(attempts), 'code', code or '', 'text', text or '', 'tried', ticket}
  if not q_aside[verdict] then
    q_queue(p, key, lane, due, fields)
    return 'retry'
  end
  redis.call('ZREM', p .. ':q:leased', key)
  redis.call('ZREM', p .. ':q:since', key)
  local aside = q_aside[verdict]
  if aside == 'parked' then q_park(p, key, code, now) else redis.call('ZADD', p .. ':q:held', q_num(now), key) end
  redis.call('HSET', k, 'lane', lane, 'token', '', 'until', '', 'dirty', '', 'idents', '', aside, q_num(now), unpack(fields))
  return aside
end

-- q_lost(p, key, lane, now, look): the holder found its lease gone, a call of its may still land: queue the key, to be
-- looked at by a lease taken at look (ms) or later. A parked key stays parked and keeps the look for its replay.
local function q_lost(p, key, lane, now, look)
  q_push(p, key, lane, now, '0')
  q_look(p, key, look)
end
