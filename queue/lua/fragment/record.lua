-- Fragment, part 3: reading a key's record, HASH p:k:<key>.
--   ticket    the newest wish's number              lane      its one lane
--   attempts  failed attempts of the newest wish    tried     the newest ticket that an attempt has ended for
--   token     the holder's lease token, until (ms) and at (ms, when it was taken)
--   dirty     most urgent lane asked for while leased
--   look      ms: the CMS is to be read by a lease taken then or later before the key may leave the queue
--   intent    a call that may be under way (opaque), ilook (its share of look), itoken (the lease that stored it)
--   idents    CMS identities held, separated by \31  reclaimed '1' after a lease that ran out
--   code,text the last error                        since     ms since when the key is not agreed
--   parked    ms at which it was parked             held      ms at which it was held
--   approved  the ticket whose calls an operator has released

-- q_shown(r) -> what q_record gives, of the fields that it reads and any behind them. Internal.
local function q_shown(r)
  local look = math.max(tonumber(r[4] or '') or 0, tonumber(r[8] or '') or 0)
  r[4] = look > 0 and q_num(look) or ''
  for i = 8, #r do r[i] = nil end
  for i = 1, 7 do r[i] = r[i] or '' end
  return r
end

-- q_record(p, key) -> {ticket, lane, attempts, look, intent, code, text}, strings, '' when absent.
local function q_record(p, key)
  return q_shown(redis.call('HMGET', p .. ':k:' .. key, 'ticket', 'lane', 'attempts', 'look', 'intent', 'code', 'text', 'ilook'))
end

-- q_own(p, key, token, now) -> the same for the holder of the key's lease; nil for who does not hold it now.
local function q_own(p, key, token, now)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'ticket', 'lane', 'attempts', 'look', 'intent', 'code', 'text', 'ilook', 'token', 'until')
  if not q_set(token) or r[9] ~= token or (tonumber(r[10] or '') or 0) <= now then return nil end
  return q_shown(r)
end

-- q_approved(p, key, ticket) -> whether an operator has released what was held for this ticket.
local function q_approved(p, key, ticket)
  local approved = redis.call('HGET', p .. ':k:' .. key, 'approved')
  return q_set(approved) and approved == tostring(ticket)
end

-- q_held(p) -> how many keys are held.
local function q_held(p) return redis.call('ZCARD', p .. ':q:held') end

-- q_fenced(p, key, token, now) -> whether token holds the key's lease now. A lease that ran out does not, even if
-- nobody has taken the key over yet.
local function q_fenced(p, key, token, now)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'token', 'until')
  return q_set(token) and r[1] == token and (tonumber(r[2] or '') or 0) > now
end

-- q_state(p, key) -> 'idle' | 'queued' | 'leased' | 'parked' | 'held', code, text, ticket
local function q_state(p, key)
  local r = redis.call('HMGET', p .. ':k:' .. key, 'ticket', 'token', 'parked', 'code', 'text', 'held')
  local state = 'queued'
  if not r[1] then
    state = 'idle'
  elseif q_set(r[2]) then
    state = 'leased'
  elseif q_set(r[3]) then
    state = 'parked'
  elseif q_set(r[6]) then
    state = 'held'
  end
  return state, r[4] or '', r[5] or '', r[1] or ''
end
