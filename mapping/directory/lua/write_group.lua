-- Renames a group or replaces its other attributes, with a short change of membership in the same commit.
-- KEYS: 1 base of the project, 2 the group, 3 its members
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 unknown members: skip | reject, 6 members to return,
--       7 expected generation (of the attributes: changes of membership do not count), 8 name, 9 name folded, 10 externalId, 11 doc, 12 version that the group must be
--       at, membership included ('' = any), 13 replace members (1/0), 14 n = ids to add, 15… ids to add, then ids to remove
-- Returns {'ok', group, lease record or false, 1, unknown ids} | {'gone'} | {'stale'} | {'taken', attribute, id} | {'large'}
--         | {'unknown', ids}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local o = call('HMGET', g, 'state', 'gen', 'namef', 'ext', 'seq', 'name', 'mgen')
if not d_visible(o[1]) then return {'gone'} end
if o[2] ~= ARGV[7] or not d_at(ARGV[12], o[2], o[7]) then return {'stale'} end
local tomb = false
local has = call('HGET', p..':x:gname', ARGV[9])
if has and has ~= id then
  if d_visible(d_state(p, 'g', has)) then return {'taken', 'displayName', has} end
  tomb = has
end
has = ARGV[10] ~= '' and call('HGET', p..':x:gext', ARGV[10])
if has and has ~= id and d_visible(d_state(p, 'g', has)) then return {'taken', 'externalId', has} end
local last = 14 + tonumber(ARGV[14])
local unknown, skip = d_unknown(p, 15, last)
if #unknown > 0 and ARGV[5] == 'reject' then return {'unknown', unknown} end
local leave, come = d_diff(p, id, ARGV[13] == '1', 15, last, skip)
if not leave then return {'large'} end

local now = q_now(p, ARGV[1])
d_reindex(p..':x:gname', id, o[3], ARGV[9])
d_reindex(p..':x:gext', id, o[4], ARGV[10])
call('HSET', g, 'state', 'live', 'managed', '1', 'name', ARGV[8], 'namef', ARGV[9], 'ext', ARGV[10], 'doc', ARGV[11],
  'gen', d_num(tonumber(o[2]) + 1), 'modified', d_num(now))
call('ZADD', p..':l:g', o[5], id)
if tomb then d_inherit(p, tomb, id) end
d_change(p, id, leave, come, now)
-- A new name may match another rule: every member is asked again.
if o[6] ~= ARGV[8] then
  call('HSET', g, 'fanscan', '0')
  call('SADD', p..':fans', id)
end
q_push(p, 'group/'..id, 'interactive', now, '1')
d_audit(p, now, 'group.write', id)
d_skipped(p, now, id, unknown, #unknown)
local rec = false
if ARGV[3] ~= '' and q_lease(p, 'group/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'group/'..id) end
return {'ok', d_group(p, id, tonumber(ARGV[6])), rec, 1, unknown}
