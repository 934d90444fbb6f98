-- How long until there is something to take. Writes nothing.
-- KEYS[1] base   ARGV now|'', '1' = leavers only
-- Returns ms (0 = now), or -1 when nothing is queued or the project is paused.
local p = KEYS[1]
if redis.call('EXISTS', p .. ':q:paused') == 1 then return -1 end
local now, first = (q_time(p, ARGV[1])), nil
local function sooner(set)
  local score = tonumber(redis.call('ZRANGE', p .. ':q:' .. set, '0', '0', 'WITHSCORES')[2] or '')
  if score and (not first or score < first) then first = score end
end
for i = 1, ARGV[2] == '1' and 1 or #q_lanes do sooner(q_lanes[i]) end
sooner('leased')
if not first then return -1 end
return math.max(first, tonumber(redis.call('HGET', p .. ':q:circuit', 'until') or 0), now) - now
