-- Deletes a group. Its members are told by the group's key, in batches; the tombstone keeps the role until then, and
-- hides an imported role as long as that exists.
-- KEYS: 1 base of the project, 2 the group, 3 its members, 4 members left behind by an earlier swap
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 version that the group must be at ('' = any)
-- Returns {'ok', group, lease record or false} | {'gone'} | {'stale'}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local o = call('HMGET', g, 'state', 'gen', 'namef', 'ext', 'roleid', 'owned', 'mgen')
if not d_visible(o[1]) then return {'gone'} end
if not d_at(ARGV[5], o[2], o[7]) then return {'stale'} end
local now = q_now(p, ARGV[1])
if call('EXISTS', KEYS[3]) == 1 then
  if call('EXISTS', KEYS[4]) == 1 then
    call('SUNIONSTORE', KEYS[4], KEYS[3], KEYS[4])
    call('UNLINK', KEYS[3])
  else call('RENAME', KEYS[3], KEYS[4]) end
  call('SADD', p..':fans', id)
end
call('UNLINK', KEYS[3]..':add')
call('ZREM', p..':l:g', id)
d_reindex(p..':x:gext', id, o[4], '')
-- A role that stands for the group keeps the name, and is not listed as another group. One that a rule gave does not.
local stands = o[5] and o[5] ~= '' and call('HGET', p..':x:role', o[5]) == id
if not stands then
  d_reindex(p..':x:gname', id, o[3], '')
  call('HDEL', g, 'roleid', 'rolename', 'owned')
end
call('HSET', g, 'state', 'deleted', 'managed', '1', 'gen', d_num(tonumber(o[2]) + 1), 'modified', d_num(now))
if o[6] == '1' and stands then d_drop(p, id, o[5]) end
call('HINCRBY', g, 'mgen', 1)
d_tomb(p, 'g:'..id)
q_push(p, 'group/'..id, 'interactive', now, '1')
d_audit(p, now, 'group.delete', id)
local rec = false
if ARGV[3] ~= '' and q_lease(p, 'group/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'group/'..id) end
return {'ok', d_group(p, id, 0), rec}
