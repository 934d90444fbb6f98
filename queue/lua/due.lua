-- How long until there is something to take. Writes nothing.
-- KEYS[1] base   ARGV now|'', '1' = leavers only, then the harmless keys: all that is leased in a dry run
-- Returns ms (0 = now), or -1 when nothing is queued or the project is paused.
local p = KEYS[1]
if redis.call('EXISTS', p .. ':q:paused') == 1 then return -1 end
local now, first = (q_time(p, ARGV[1])), nil
local function at(score)
  score = tonumber(score or '')
  if score and (not first or score < first) then first = score end
end
local function sooner(set) at(redis.call('ZRANGE', p .. ':q:' .. set, '0', '0', 'WITHSCORES')[2]) end
if q_dry(p, now) then
  for i = 3, #ARGV do
    local lane = redis.call('HGET', p .. ':k:' .. ARGV[i], 'lane')
    if lane and (ARGV[2] ~= '1' or lane == 'leavers') then at(redis.call('ZSCORE', p .. ':q:' .. lane, ARGV[i]) or '') end
  end
else
  for i = 1, ARGV[2] == '1' and 1 or #q_lanes do sooner(q_lanes[i]) end
end
sooner('leased')
if not first then return -1 end
return math.max(first, tonumber(redis.call('HGET', p .. ':q:circuit', 'until') or 0), now) - now
