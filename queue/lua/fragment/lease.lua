-- Fragment, part 5: leases, identities, intents.

-- q_dry(p, now) -> whether a replica wants nothing changed outside at present: a dry run. A mark that is not repeated ends.
local function q_dry(p, now) return redis.call('ZCOUNT', p .. ':q:dry', '(' .. q_num(now), '+inf') > 0 end

-- q_stopped(p, now) -> why nothing may be leased for a request ('paused', 'dry run', or the reason of an open circuit), or nil.
-- An open circuit stays a reason until it is cleared: only workers probe.
local function q_stopped(p, now)
  if redis.call('EXISTS', p .. ':q:paused') == 1 then return 'paused' end
  if q_dry(p, now) then return 'dry run' end
  return redis.call('HGET', p .. ':q:circuit', 'reason') or nil
end

-- q_hold(p, key, lane, token, now, ms): write a lease for a key that is queued in lane. Internal.
local function q_hold(p, key, lane, token, now, ms)
  local ends = q_num(now + ms)
  redis.call('ZREM', p .. ':q:' .. lane, key)
  redis.call('ZADD', p .. ':q:leased', ends, key)
  redis.call('HSET', p .. ':k:' .. key, 'token', token, 'until', ends, 'at', q_num(now), 'reclaimed', '')
end

-- q_lease(p, key, token, now, ms) -> ticket, or nil. Leases a queued key for a request, right after its push, if
-- nothing stops work. The same token gets its lease again, prolonged. What an earlier holder left (look, intent)
-- stays in the record: the new holder reads it with q_record.
local function q_lease(p, key, token, now, ms)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'ticket', 'token', 'until', 'lane', 'parked', 'held')
  ms = tonumber(ms)
  if not r[1] or q_set(r[5]) or q_set(r[6]) then return nil end
  if q_set(r[2]) then
    if r[2] ~= token or (tonumber(r[3] or '') or 0) <= now then return nil end
    redis.call('ZADD', p .. ':q:leased', q_num(now + ms), key)
    redis.call('HSET', p .. ':k:' .. key, 'until', q_num(now + ms))
    return tonumber(r[1])
  end
  if q_stopped(p, now) then return nil end
  q_hold(p, key, r[4], token, now, ms)
  return tonumber(r[1])
end

-- q_ident(p, key, token, now, ms, ident, ...) -> true | false. Leases CMS identities ("mail:a@x", "role:editor") to the
-- key's lease, as long as that lasts; q_finish frees them. False when another key's live lease has one, or when token
-- does not hold key: then none is taken. Taken from a holder whose lease ran out, its calls may still land: the key is
-- given a look.
local function q_ident(p, key, token, now, ms, ...)
  local k, idents, mine = p .. ':k:' .. key, p .. ':q:idents', token .. ' ' .. key
  local r = redis.call('HMGET', k, 'token', 'until', 'idents', 'look')
  if not q_set(token) or r[1] ~= token or (tonumber(r[2] or '') or 0) <= now then return false end
  local names, look, taken = r[3] or '', tonumber(r[4] or '') or 0, {}
  for i, owner in ipairs(redis.call('HMGET', idents, ...)) do
    local ident = select(i, ...)
    local other = owner and string.sub(owner, string.find(owner, ' ', 1, true) + 1)
    if other and other ~= key then
      local o = redis.call('HMGET', p .. ':k:' .. other, 'token', 'until', 'look')
      local held = q_set(o[1]) and o[1] .. ' ' .. other == owner
      if held and (tonumber(o[2] or '') or 0) > now then return false end
      look = math.max(look, tonumber(o[3] or '') or 0)
      if held then look = math.max(look, now + 2 * tonumber(ms)) end
    end
    if owner ~= mine then
      names = (names ~= '' and names .. '\31' or '') .. ident
      taken[#taken + 1] = ident
      taken[#taken + 1] = mine
    end
  end
  if #taken == 0 then return true end
  redis.call('HSET', idents, unpack(taken))
  redis.call('HSET', k, 'idents', names, 'look', look > 0 and q_num(look) or '')
  return true
end

-- q_revoked(token) -> what stands in the place of a token whose holder may write nothing any more, but still have a call
-- under way. Internal.
local function q_revoked(token) return '!' .. token end

-- q_revoke(p, key): takes a lease from its holder. The key and the identities stay leased until the holder finds that out,
-- or its lease would have run out: nobody else calls the CMS about them meanwhile.
local function q_revoke(p, key)
  local k, idents = p .. ':k:' .. key, p .. ':q:idents'
  local r = redis.call('HMGET', k, 'token', 'idents')
  local token = q_revoked(r[1])
  redis.call('HSET', k, 'token', token)
  for ident in string.gmatch(r[2] or '', '[^\31]+') do
    if redis.call('HGET', idents, ident) == r[1] .. ' ' .. key then redis.call('HSET', idents, ident, token .. ' ' .. key) end
  end
end

-- q_yields(p, key, now, idents) -> whether the holder of another key, whose lease was revoked, may still have a call about one
-- of the identities under way.
local function q_yields(p, key, now, idents)
  for _, owner in ipairs(redis.call('HMGET', p .. ':q:idents', unpack(idents))) do
    local token, other = string.match(owner or '', '^(!%S*) (.*)$')
    if other and other ~= key then
      local o = redis.call('HMGET', p .. ':k:' .. other, 'token', 'until')
      if o[1] == token and (tonumber(o[2] or '') or 0) > now then return true end
    end
  end
  return false
end

-- q_free(p, key, list): give back the identities that still belong to key. Internal.
local function q_free(p, key, list)
  if not q_set(list) then return end
  local names, own = {}, {}
  for ident in string.gmatch(list, '[^\31]+') do names[#names + 1] = ident end
  for i, owner in ipairs(redis.call('HMGET', p .. ':q:idents', unpack(names))) do
    if owner and string.sub(owner, string.find(owner, ' ', 1, true) + 1) == key then own[#own + 1] = names[i] end
  end
  if #own > 0 then redis.call('HDEL', p .. ':q:idents', unpack(own)) end
end

-- q_intent(p, key, intent, look): before a CMS write, store what is about to be called and when (ms) it must be looked
-- for if no answer comes. The caller has fenced.
-- q_intent(p, key, '', '0') -> whether the caller's own call was answered: the outcome is known, intent and its look are cleared. An intent of an earlier lease was
-- only looked at: its look stays, and counts if it lies after the start of this lease.
-- q_intent(p, key, '', ''): the intent is cleared, its look stays. Any other look is kept if it is later.
-- A look that was asked for otherwise (a lease that ran out) is never cleared here, but by a lease taken after it.
local function q_intent(p, key, intent, look)
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'look', 'ilook', 'itoken', 'token', 'intent')
  local old, ilook, new = tonumber(r[1] or '') or 0, tonumber(r[2] or '') or 0, tonumber(look or '') or 0
  local own = r[3] == r[4]
  if q_set(intent) then
    if own then new = math.max(new, ilook) else old = math.max(old, ilook) end
    redis.call('HSET', k, 'intent', intent, 'ilook', q_num(new), 'itoken', r[4] or '', 'look', old > 0 and q_num(old) or '')
    return
  end
  if not own or tostring(look) ~= '0' then old = math.max(old, new, ilook) end
  redis.call('HSET', k, 'intent', '', 'ilook', '', 'itoken', '', 'look', old > 0 and q_num(old) or '')
  return own and tostring(look) == '0' and q_set(r[5])
end

-- q_answered(p): the CMS does what it is asked for: what failed before was not the whole project's trouble.
local function q_answered(p) redis.call('DEL', p .. ':q:failed') end

-- q_look(p, key, at): have the CMS read by a lease taken at (ms) or later before the key may leave the queue.
local function q_look(p, key, at)
  local k = p .. ':k:' .. key
  local old = tonumber(redis.call('HGET', k, 'look') or '') or 0
  at = tonumber(at) or 0
  if at > old then redis.call('HSET', k, 'look', q_num(at)) end
end

-- q_owed(p, key) -> whether the CMS must be read again by a later lease than the present one.
local function q_owed(p, key)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'look', 'at')
  return (tonumber(r[1] or '') or 0) > (tonumber(r[2] or '') or 0)
end
