-- Makes a staged list the members of a group, and leaves telling the members to the group's key.
-- KEYS: 1 base of the project, 2 the group, 3 its members, 4 the staged list, 5 its newcomers
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 members to return, 6 expected membership generation,
--       7 number of members staged, 8 expected generation of the attributes ('' = any), 9 how many were left out because they
--       are no users, 10… the first of them
-- Returns {'ok', group, lease record or false, changed (1/0), {}} | {'gone'} | {'stale'} (changed meanwhile, or the staged list expired)
--         | {'fanout'} an earlier swap is still being worked off. A list that is not swapped in is dropped.
local p, g, m, id = KEYS[1], KEYS[2], KEYS[3], ARGV[2]
local key = 'group/'..id
local o = call('HMGET', g, 'state', 'mgen', 'managed', 'fanscan', 'seq', 'gen')
local unknown, left = {}, tonumber(ARGV[9])
for i = 10, #ARGV do unknown[#unknown+1] = ARGV[i] end
local function refuse(why)
  call('UNLINK', KEYS[4], KEYS[5])
  return {why}
end
if not d_visible(o[1]) then return refuse('gone') end
if o[2] ~= ARGV[6] or ARGV[8] ~= '' and o[6] ~= ARGV[8] or d_num(call('SCARD', KEYS[4])) ~= ARGV[7] then return refuse('stale') end
-- Nobody came and the number is the same: nobody left.
if call('EXISTS', KEYS[5]) == 0 and d_num(call('SCARD', m)) == ARGV[7] and o[1] == 'live' and o[3] == '1'
  and (q_state(p, key)) ~= 'parked' then
  call('UNLINK', KEYS[4])
  d_skipped(p, q_now(p, ARGV[1]), id, unknown, left)
  return {'ok', d_group(p, id, tonumber(ARGV[5])), false, 0, {}}
end
if call('EXISTS', m..':old', m..':add') > 0 then return refuse('fanout') end

local now = q_now(p, ARGV[1])
if call('EXISTS', m) == 1 then call('RENAME', m, m..':old') end
if call('EXISTS', KEYS[4]) == 1 then
  call('RENAME', KEYS[4], m)
  call('PERSIST', m)
end
if call('EXISTS', KEYS[5]) == 1 then
  call('RENAME', KEYS[5], m..':add')
  call('PERSIST', m..':add')
end
call('HSET', g, 'state', 'live', 'managed', '1', 'mgen', d_num(tonumber(o[2]) + 1), 'modified', d_num(now))
call('ZADD', p..':l:g', o[5], id)
-- A walk over all members that was under way begins anew: its position was one in the former list.
if o[4] and o[4] ~= '' then call('HSET', g, 'fanscan', '0') end
call('SADD', p..':fans', id)
q_push(p, key, 'interactive', now, '1')
d_audit(p, now, 'group.members', id)
d_skipped(p, now, id, unknown, left)
local rec = false
if ARGV[3] ~= '' and q_lease(p, key, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, key) end
return {'ok', d_group(p, id, tonumber(ARGV[5])), rec, 1, {}}
