-- Creates a group with at most a thousand members.
-- KEYS: 1 base of the project, 2 the new group
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 unknown members: skip | reject, 6 members to return,
--       7 name, 8 name folded, 9 its use count, 10 externalId, 11 doc, 12… members
-- Returns {'ok', group, lease record or false, 1, unknown ids} | {'taken', attribute, id} | {'count', n} | {'unknown', ids}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local tomb = false
local has = call('HGET', p..':x:gname', ARGV[8])
if has then
  if d_visible(d_state(p, 'g', has)) then return {'taken', 'displayName', has} end
  tomb = has
end
has = ARGV[10] ~= '' and call('HGET', p..':x:gext', ARGV[10])
if has and d_visible(d_state(p, 'g', has)) then return {'taken', 'externalId', has} end
local uses = tonumber(call('HGET', p..':x:gcount', ARGV[8]) or '0')
if call('EXISTS', g) == 1 then return {'count', d_num(math.max(uses, tonumber(ARGV[9]) + 1))} end
if uses > tonumber(ARGV[9]) then return {'count', d_num(uses)} end
local unknown, skip = d_unknown(p, 12, #ARGV)
if #unknown > 0 and ARGV[5] == 'reject' then return {'unknown', unknown} end

local now = q_now(p, ARGV[1])
local seq = d_num(call('INCR', p..':seq'))
if ARGV[9] ~= '0' then call('HSET', p..':x:gcount', ARGV[8], ARGV[9]) end
call('HSET', g, 'key', ARGV[8], 'uses', ARGV[9])
call('HSET', g, 'state', 'live', 'managed', '1', 'name', ARGV[7], 'namef', ARGV[8], 'ext', ARGV[10], 'doc', ARGV[11],
  'seq', seq, 'gen', '1', 'mgen', '1', 'created', d_num(now), 'modified', d_num(now))
call('HSET', p..':x:gname', ARGV[8], id)
if ARGV[10] ~= '' then call('HSET', p..':x:gext', ARGV[10], id) end
call('ZADD', p..':l:g', seq, id)
if tomb then d_inherit(p, tomb, id) end
for i = 12, #ARGV do
  if not skip[ARGV[i]] then d_join(p, id, ARGV[i], now) end
end
q_push(p, 'group/'..id, 'interactive', now, '1')
d_audit(p, now, 'group.create', id)
d_skipped(p, now, id, unknown, #unknown)
local rec = false
if ARGV[3] ~= '' and q_lease(p, 'group/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'group/'..id) end
return {'ok', d_group(p, id, tonumber(ARGV[6])), rec, 1, unknown}
