-- Deletes a user: a tombstone stays, with its link, its address and its externalId, until the CMS agrees and beyond.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 expected generation ('' = any)
-- Returns {'ok', user, lease record or false} | {'gone'} | {'stale'}
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local o = call('HMGET', u, 'state', 'gen', 'unf', 'dnf', 'mailsf', 'seq', 'active', 'crole')
if not d_visible(o[1]) then return {'gone'} end
if ARGV[5] ~= '' and o[2] ~= ARGV[5] then return {'stale'} end
local now = q_now(p, ARGV[1])
d_reindex(p..':x:un', id, o[3], '')
d_redisplay(p, id, o[6], o[4], '')
d_remail(p, id, o[6], o[5], '')
call('ZREM', p..':l:u', id)
d_leave_all(p, id, now)
d_hold(p, o[8], id, o[6], 'deleted')
if o[7] == '1' then call('HSET', u, 'deactgen', d_num(tonumber(o[2]) + 1)) end
call('HSET', u, 'state', 'deleted', 'managed', '1', 'active', '0', 'doc', '', 'dnf', '', 'mailsf', '', 'unf', '',
  'gen', d_num(tonumber(o[2]) + 1), 'modified', d_num(now))
call('HDEL', u, 'kept', 'gone')
d_place_all(p, id)
call('HINCRBY', u, 'writes', 1)
d_access(p, id)
q_push(p, 'user/'..id, 'leavers', now, '1')
d_tomb(p, 'u:'..id)
d_audit(p, now, 'user.delete', id)
local rec = false
if ARGV[3] ~= '' and q_lease(p, 'user/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'user/'..id) end
return {'ok', d_user(p, id), rec}
