-- Creates a user, unless somebody has the userName, the address or the externalId already.
-- KEYS: 1 base of the project, 2 the new user
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 lane, 6 natural key, 7 its use count, 8 doc, 9 userName,
--       10 userName folded, 11 externalId, 12 address, 13 address folded, 14 displayName folded, 15 e-mails folded,
--       16 active, 17 look ms for what a tombstone leaves behind
-- Returns {'ok', user, lease record or false, now, ticket, sequence} (user: only when a tombstone left something, else
-- false, since the caller knows it all) | {'exists', id, attribute} | {'two', id, id} | {'count', n}
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local owners = {
  {call('HGET', p..':x:un', ARGV[10]), 'userName'},
  {ARGV[13] ~= '' and call('HGET', p..':x:addr', ARGV[13]) or false, 'emails'},
  {ARGV[11] ~= '' and call('HGET', p..':x:ext', ARGV[11]) or false, 'externalId'},
}
local found, attr, tomb
for i, o in ipairs(owners) do
  local state = o[1] and d_state(p, 'u', o[1])
  if d_visible(state) then
    if found and found ~= o[1] then return {'two', found, o[1]} end
    if not found then found, attr = o[1], o[2] end
  end
end
if found then return {'exists', found, attr} end
if owners[3][1] and d_state(p, 'u', owners[3][1]) == 'deleted' then return {'exists', owners[3][1], 'externalId'} end
if owners[2][1] and d_state(p, 'u', owners[2][1]) == 'deleted' then tomb = owners[2][1] end
local uses = tonumber(call('HGET', p..':x:count', ARGV[6]) or '0')
if call('EXISTS', u) == 1 then return {'count', d_num(math.max(uses, tonumber(ARGV[7]) + 1))} end
if uses > tonumber(ARGV[7]) then return {'count', d_num(uses)} end

local now = q_now(p, ARGV[1])
local seq = d_num(call('INCR', p..':seq'))
if ARGV[7] ~= '0' then
  call('HSET', p..':x:count', ARGV[6], ARGV[7])
  call('HSET', u, 'uses', ARGV[7])
end
call('HSET', u, 'state', 'live', 'managed', '1', 'doc', ARGV[8], 'un', ARGV[9], 'unf', ARGV[10], 'ext', ARGV[11],
  'addr', ARGV[12], 'addrf', ARGV[13], 'dnf', ARGV[14], 'mailsf', ARGV[15], 'active', ARGV[16], 'key', ARGV[6],
  'seq', seq, 'gen', '1', 'writes', '1', 'created', d_num(now), 'modified', d_num(now))
call('HSET', p..':x:un', ARGV[10], id)
if ARGV[13] ~= '' and not owners[2][1] then call('HSET', p..':x:addr', ARGV[13], id) end -- nobody else has a claim
if ARGV[11] ~= '' then call('HSET', p..':x:ext', ARGV[11], id) end
d_redisplay(p, id, seq, nil, ARGV[14])
d_remail(p, id, seq, nil, ARGV[15])
call('ZADD', p..':l:u', seq, id)
local intent, look = '', 0
if tomb then intent, look = d_supersede(p, tomb, id, ARGV[13], now, tonumber(ARGV[17])) end
if owners[2][1] then d_place(p, id, ARGV[13]) end
local key = 'user/'..id
local ticket = d_push_with(p, key, ARGV[5], now, intent, look)
d_audit(p, now, 'user.create', id)
local rec = false
if ARGV[3] ~= '' and q_lease(p, key, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, key) end
return {'ok', tomb and d_user(p, id) or false, rec, d_num(now), d_num(ticket), seq}
