-- Writes what a sync learnt or did about one user, for the holder of its lease, and may end the sync.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 id, 3 lease token, 4 intent: '' keep | clear | doubt (its look stays), 5 take the creation back if there are no more
--       writes than these (0 = no),
--       6-13 ticket, verdict ('' = the sync goes on), ms until the next attempt, lane, code, text, limit, last call (q_finish),
--       14 link given (1/0; own: a call of this key has made it), 15-22 link (kind, id, address, address folded, role, active, expired, name),
--       23 former account given (1/0), 24-29 former account (kind, id, address, address folded, role, active),
--       30 entity that the record was linked to when the result was planned, as in the index of links ('*' = any),
--       31… further fields and values
-- Returns {'ok', outcome of the queue or ''} | {'lost'} | {'taken', id of the record that has the entity, 1 if it is
-- about to let go of it (d_leaving)} | {'moved'} (a commit has linked another entity meanwhile)
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local key = 'user/'..id
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return {'lost'} end
local function args(first, last)
  local out = {}
  for i = first, last do out[#out+1] = ARGV[i] end
  return out
end
local had = call('HMGET', u, 'ckind', 'cid', 'caddrf', 'okind', 'ocid', 'oaddrf')
local clash, former
if ARGV[23] == '1' and ARGV[25] ~= '' then
  local entity = d_cmskey(ARGV[24], ARGV[25])
  clash, former = d_holder(p, id, p..':x:cms', entity)
  -- An account that somebody made by an invitation which the record gave up belongs to whoever has its address by now, and to
  -- the record if they keep another one.
  if not clash and ARGV[24] == 'collaborator' and had[2] ~= ARGV[25] and had[5] ~= ARGV[25] then
    local o = d_holder(p, id, p..':x:addr', ARGV[27])
    if o and not d_keeps(p, o, entity, ARGV[27]) then clash = o end
  end
  if clash then return {'taken', clash, d_leaving(p, clash, ARGV[24], ARGV[25])} end
end
if ARGV[14] ~= '0' then
  if ARGV[30] ~= '*' and ARGV[30] ~= (had[2] and had[2] ~= '' and d_cmskey(had[1], had[2]) or '') then return {'moved'} end
  local keep = ARGV[23] == '1' and ARGV[25] ~= '' and d_cmskey(ARGV[24], ARGV[25]) or ''
  clash = d_link(p, id, args(15, 22), keep, ARGV[14] == 'own')
  if clash then return {'taken', clash, d_leaving(p, clash, ARGV[15], ARGV[16])} end
end
d_release(p, former, d_cmskey(ARGV[24], ARGV[25]), ARGV[27])
if ARGV[23] == '1' then d_old(p, id, args(24, 29)) end
if ARGV[4] ~= '' and q_intent(p, key, '', ARGV[4] == 'clear' and '0' or '') and ARGV[7] ~= 'retry' and ARGV[7] ~= 'wait' then q_answered(p) end
-- What is agreed on while another call may still land is no agreement to compare with.
local agreed = {aknown=1, akind=1, aaddr=1, arole=1, aactive=1, awrites=1, aprofile=1}
local skip = ARGV[7] == 'done' and q_owed(p, key)
local fields = {'stamp', call('GET', p..':pic') or '0'}
for i = 31, #ARGV, 2 do
  if not (skip and agreed[ARGV[i]]) then
    fields[#fields+1] = ARGV[i]
    fields[#fields+1] = ARGV[i+1]
  end
end
local code, text = ARGV[10], ARGV[11]
local function add(...)
  for i = 1, select('#', ...) do fields[#fields+1] = select(i, ...) end
end
-- A creation is taken back only if that is still what is wished: a newer wish is tried on its own. Whatever else has queued
-- the key meanwhile wishes nothing.
if ARGV[7] ~= '' and ARGV[5] ~= '0' then
  if call('HGET', u, 'writes') == ARGV[5] then
    call('HINCRBY', u, 'gen', 1) -- clients see another active
    add('state', 'rejected', 'active', '0', 'modified', d_num(now), 'status', 'failed', 'code', code, 'text', text)
    call('ZREM', p..':l:u', id)
  else code, text = '', '' end
elseif ARGV[7] == 'done' and call('HGET', u, 'state') ~= 'rejected' then add('status', 'synced', 'code', '', 'text', '', 'lsync', d_num(now))
elseif ARGV[7] == 'park' then add('status', 'failed', 'code', code, 'text', text) end
call('HSET', u, unpack(fields))
if ARGV[7] == '' then
  d_wake(p, id, had, now)
  return {'ok', ''}
end
local result = q_finish(p, key, ARGV[3], now, tonumber(ARGV[6]), ARGV[7], now + tonumber(ARGV[8]), ARGV[9], code, text, ARGV[12], ARGV[13])
d_wake(p, id, had, now)
return {'ok', result}
