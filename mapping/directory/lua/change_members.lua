-- Adds and removes members of a group, or replaces a short list. Needs no generation: deltas of two requests commute.
-- KEYS: 1 base of the project, 2 the group, 3 its members
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 replace (1/0), 6 unknown members: skip | reject,
--       7 members to return (at most; -1 all), 8 version that the group must be at ('' = any), 9 n = ids to add,
--       10… ids to add, then ids to remove
-- Returns {'ok', group, lease record or false, changed (1/0), unknown ids} | {'gone'} | {'stale'} | {'large'} | {'unknown', ids}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local o = call('HMGET', g, 'state', 'managed', 'seq', 'gen', 'mgen')
if not d_visible(o[1]) then return {'gone'} end
if not d_at(ARGV[8], o[4], o[5]) then return {'stale'} end
local last = 9 + tonumber(ARGV[9])
local unknown, skip = d_unknown(p, 10, last)
if #unknown > 0 and ARGV[6] == 'reject' then return {'unknown', unknown} end
local leave, come = d_diff(p, id, ARGV[5] == '1', 10, last, skip)
if not leave then return {'large'} end

local now = q_now(p, ARGV[1])
local changed = d_change(p, id, leave, come, now)
local rec = false
if o[1] == 'rejected' or o[2] ~= '1' or (q_state(p, 'group/'..id)) == 'parked' then
  -- The first write of a group found in the CMS: from now on its members are those that are stored.
  if o[2] ~= '1' and changed == 0 then
    changed = 1
    call('HINCRBY', g, 'mgen', 1)
  end
  call('HSET', g, 'managed', '1', 'state', 'live')
  call('ZADD', p..':l:g', o[3], id)
  q_push(p, 'group/'..id, 'interactive', now, '1')
  if ARGV[3] ~= '' and q_lease(p, 'group/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'group/'..id) end
end
if changed > 0 then d_audit(p, now, 'group.members', id) end
d_skipped(p, now, id, unknown, #unknown)
return {'ok', d_group(p, id, tonumber(ARGV[7])), rec, changed > 0 and 1 or 0, unknown}
