-- Gives up what the brake holds: the wish becomes what the CMS has, as an operator's change, and stays so until the
-- identity provider writes the user again.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 id, 3 ticket that is held, 4 active, and for a tombstone, which becomes a person found in the CMS:
--       5 doc, 6 userName, 7 userName folded, 8 displayName folded, 9 e-mails folded, 10 address, 11 address folded
-- Returns 'ok' | 'stale' (it is held no more, or for another wish) | {'taken', attribute, id}
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local key = 'user/'..id
local o = call('HMGET', u, 'state', 'gen', 'seq', 'unf', 'ext', 'addrf', 'cid', 'okind', 'ocid', 'oaddr', 'oaddrf', 'orole', 'oactive', 'addr')
if (q_state(p, key)) ~= 'held' or q_record(p, key)[1] ~= ARGV[3] then return 'stale' end
local gone = o[1] == 'deleted'
if gone then
  local has = call('HGET', p..':x:un', ARGV[7])
  if has and has ~= id then return {'taken', 'userName', has} end
  has = call('HGET', p..':x:addr', ARGV[11])
  if has and has ~= id and d_visible(d_state(p, 'u', has)) then return {'taken', 'emails', has} end
end

local now = q_now(p, ARGV[1])
local gen = d_num(tonumber(o[2]) + 1)
if o[9] and o[9] ~= '' then
  if not o[7] or o[7] == '' then -- the former account is all that is left
    d_link(p, id, {o[8], o[9], o[10], o[11], o[12], o[13], '0', ''}, '')
  end
  d_old(p, id, {'', '', '', '', '', ''})
end
local c = call('HMGET', u, 'ckind', 'crole', 'writes')
if gone then
  d_reindex(p..':x:un', id, '', ARGV[7])
  d_reindex(p..':x:ext', id, o[5], '')
  d_redisplay(p, id, o[3], '', ARGV[8])
  d_remail(p, id, o[3], '', ARGV[9])
  call('ZADD', p..':l:u', o[3], id)
  d_hold(p, c[2], id, o[3], 'live')
  call('HSET', u, 'state', 'live', 'managed', '0', 'adopted', '1', 'doc', ARGV[5], 'un', ARGV[6], 'unf', ARGV[7], 'ext', '',
    'dnf', ARGV[8], 'mailsf', ARGV[9], 'addr', ARGV[10], 'addrf', ARGV[11], 'aknown', '0')
  if o[6] ~= ARGV[11] then d_place(p, id, o[6]) end
  d_place_all(p, id)
  d_access(p, id)
else
  call('HSET', u, 'kept', '1', 'aknown', '1', 'akind', c[1] or '', 'aaddr', o[14] or '', 'arole', c[2] or '', 'aactive', ARGV[4],
    'awrites', c[3] or '0')
end
call('HSET', u, 'active', ARGV[4], 'gen', gen, 'modified', d_num(now))
d_audit(p, now, 'brake.discard', id)
q_push(p, key, 'background', now, '1')
return 'ok'
