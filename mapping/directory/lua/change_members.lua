-- Adds and removes members of a group, or replaces a short list. Needs no generation: deltas of two requests commute.
-- KEYS: 1 base of the project, 2 the group, 3 its members
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 replace (1/0), 6 unknown members: skip | reject,
--       7 members to return (at most; -1 all), 8 n = ids to add, 9… ids to add, then ids to remove
-- Returns {'ok', group, lease record or false, changed (1/0), unknown ids} | {'gone'} | {'large'} | {'unknown', ids}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local o = call('HMGET', g, 'state', 'managed')
if not d_visible(o[1]) then return {'gone'} end
local n = tonumber(ARGV[8])
local replace = ARGV[5] == '1'
if replace and call('SCARD', KEYS[3]) > 1000 then return {'large'} end
local unknown = d_unknown(p, 9, 8 + n)
if #unknown > 0 and ARGV[6] == 'reject' then return {'unknown', unknown} end

local now = q_now(p, ARGV[1])
local adds, removes, skip = {}, {}, {}
for i = 9, 8 + n do adds[#adds+1] = ARGV[i] end
for i = 9 + n, #ARGV do removes[#removes+1] = ARGV[i] end
for _, m in ipairs(unknown) do skip[m] = true end
local changed = d_change(p, id, replace, adds, removes, skip, now)
local rec = false
if o[1] == 'rejected' or o[2] ~= '1' or ((q_state(p, 'group/'..id)) == 'parked') then
  call('HSET', g, 'managed', '1', 'state', 'live')
  call('ZADD', p..':l:g', call('HGET', g, 'seq'), id)
  q_push(p, 'group/'..id, 'interactive', now, '1')
  if ARGV[3] ~= '' and q_lease(p, 'group/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'group/'..id) end
end
if changed > 0 then d_audit(p, now, 'group.members', id) end
return {'ok', d_group(p, id, tonumber(ARGV[7])), rec, changed > 0 and 1 or 0, unknown}
