-- Replaces the wish of a user: an update, the take-up of a person found in the CMS, or the revival of a tombstone.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 lane, 6 expected generation, 7 doc, 8 userName,
--       9 userName folded, 10 externalId, 11 address, 12 address folded, 13 displayName folded, 14 e-mails folded,
--       15 active, 16 look ms for what a tombstone leaves behind, 17 event for the audit log
-- Returns {'ok', user, lease record or false, now, ticket, queue state} (user: only when a tombstone left something,
-- else false, since the caller knows it all) | {'gone'} | {'stale'} | {'taken', attribute, id}
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local o = call('HMGET', u, 'state', 'gen', 'unf', 'ext', 'addrf', 'dnf', 'mailsf', 'active', 'seq', 'cid',
  'deactgen', 'crole')
if not o[1] then return {'gone'} end
if o[2] ~= ARGV[6] then return {'stale'} end
local has = call('HGET', p..':x:un', ARGV[9])
if has and has ~= id then return {'taken', 'userName', has} end
local tomb = false
has = ARGV[12] ~= '' and call('HGET', p..':x:addr', ARGV[12])
if has and has ~= id then
  if d_visible(d_state(p, 'u', has)) then return {'taken', 'emails', has} end
  tomb = has
end
has = ARGV[10] ~= '' and call('HGET', p..':x:ext', ARGV[10])
if has and has ~= id and d_visible(d_state(p, 'u', has)) then return {'taken', 'externalId', has} end

local now = q_now(p, ARGV[1])
local seq, gen = o[9], tonumber(o[2]) + 1
d_reindex(p..':x:un', id, o[3], ARGV[9])
d_reindex(p..':x:ext', id, o[4], ARGV[10])
d_redisplay(p, id, seq, o[6], ARGV[13])
d_remail(p, id, seq, o[7], ARGV[14])
if o[1] ~= 'live' then call('ZADD', p..':l:u', seq, id) end
if o[1] == 'deleted' then
  d_hold(p, o[12], id, seq, 'live')
  d_leave_all(p, id, now)
end
local deact = o[11] or '0'
if o[8] == '1' and ARGV[15] == '0' then deact = d_num(gen) end
call('HSET', u, 'state', 'live', 'managed', '1', 'doc', ARGV[7], 'un', ARGV[8], 'unf', ARGV[9], 'ext', ARGV[10],
  'addr', ARGV[11], 'addrf', ARGV[12], 'dnf', ARGV[13], 'mailsf', ARGV[14], 'active', ARGV[15], 'gen', d_num(gen),
  'deactgen', deact, 'modified', d_num(now))
call('HDEL', u, 'kept')
call('HINCRBY', u, 'writes', 1)
d_access(p, id)
local key, intent, look = 'user/'..id, '', 0
if tomb then
  if not o[10] or o[10] == '' then intent, look = d_supersede(p, tomb, id, ARGV[12], now, tonumber(ARGV[16]))
  else look = d_overlap(p, tomb, now, tonumber(ARGV[16])) end
end
if o[5] ~= ARGV[12] then d_place(p, id, o[5]) end
if o[5] ~= ARGV[12] or not d_visible(o[1]) then d_place_all(p, id) end
local ticket = d_push_with(p, key, ARGV[5], now, intent, look)
d_audit(p, now, ARGV[17], id)
local rec = false
if ARGV[3] ~= '' and q_lease(p, key, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, key) end
return {'ok', tomb and d_user(p, id) or false, rec, d_num(now), d_num(ticket), (q_state(p, key))}
