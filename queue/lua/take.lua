-- Lease the most urgent due key, or the first few, after taking back up to 100 leases that ran out.
-- KEYS[1] base   ARGV now|'', tokens (as many as keys are wanted, separated by a blank), lease ms, look ms (2 call deadlines), '1' = leavers only, then the harmless keys: all that
--               is leased in a dry run
-- Returns {leases taken back, and for each key that is leased now {key, now, until, reclaimed, probe, since, ticket, lane, attempts, look,
--         intent, code, text, what q_with gives for the key}}.
local p = KEYS[1]
local now = q_now(p, ARGV[1])

-- A lease that ran out is an unknown outcome: a call of its holder may still land, so the key is due at once and may
-- not leave before a read that begins after every such call.
local function take_back(key)
  local k = p .. ':k:' .. key
  local r = redis.call('HMGET', k, 'ticket', 'lane', 'dirty', 'attempts', 'look')
  redis.call('ZREM', p .. ':q:leased', key)
  if not r[1] then return end
  local lane, look = q_urgent(r[2], r[3]), math.max(tonumber(r[5] or '') or 0, now + tonumber(ARGV[4]))
  redis.call('HSET', k, 'lane', lane, 'token', '', 'until', '', 'dirty', '', 'reclaimed', '1', 'look', q_num(look),
    'attempts', q_set(r[3]) and '0' or r[4] or '0')
  redis.call('ZADD', p .. ':q:' .. lane, q_num(now), key)
end

local expired = redis.call('ZRANGEBYSCORE', p .. ':q:leased', '-inf', q_num(now), 'LIMIT', '0', '100')
for _, key in ipairs(expired) do take_back(key) end

-- Nearly always nothing of this is there.
local circuit, dry
if redis.call('EXISTS', p .. ':q:paused', p .. ':q:circuit', p .. ':q:dry') > 0 then
  circuit = redis.call('HGET', p .. ':q:circuit', 'until')
  if redis.call('EXISTS', p .. ':q:paused') == 1 or (circuit and tonumber(circuit) > now) then return {#expired} end
  dry = q_dry(p, now)
end

local firsts = {}
local function first_due(lane)
  if firsts[lane] == nil then
    firsts[lane] = redis.call('ZRANGEBYSCORE', p .. ':q:' .. lane, '-inf', q_num(now), 'LIMIT', '0', '1')[1] or false
  end
  return firsts[lane]
end

-- The lanes in the order in which they are asked. Leavers always come first. Of the other takes one in eight begins with
-- normal and one in eight with background, so that no lane starves while a busier one never empties. A probe begins with
-- another lane each time: a key that alone makes the CMS fail, or waits for another key, must not be the only one tried.
local function order()
  if ARGV[5] == '1' then return {'leavers'} end
  if circuit then
    local n, turned = tonumber(redis.call('HGET', p .. ':q:circuit', 'probes') or 0), {}
    for i = 0, #q_lanes - 1 do turned[i + 1] = q_lanes[(n + i) % #q_lanes + 1] end
    return turned
  end
  if first_due('leavers') then return q_lanes end
  local due = 0
  for _, lane in ipairs(q_lanes) do due = due + (first_due(lane) and 1 or 0) end
  if due < 2 then return q_lanes end
  local turn = redis.call('INCR', p .. ':q:turn') % 8
  if turn == 4 then return {'normal', 'interactive', 'background'} end
  if turn == 0 then return {'background', 'interactive', 'normal'} end
  return q_lanes
end

local function hand_out(lane, key, token)
  local was = redis.call('HMGET', p .. ':k:' .. key, 'ticket', 'lane', 'attempts', 'look', 'intent', 'code', 'text', 'ilook', 'reclaimed', 'since')
  q_hold(p, key, lane, token, now, tonumber(ARGV[3]))
  if circuit then -- one probe at a time: the next one when this one's lease is over
    redis.call('HSET', p .. ':q:circuit', 'until', q_num(now + tonumber(ARGV[3])), 'probe', token)
    redis.call('HINCRBY', p .. ':q:circuit', 'probes', '1')
  end
  local out = {key, q_num(now), q_num(now + tonumber(ARGV[3])), was[9] or '', circuit and '1' or '', was[10] or ''}
  local rec = q_shown(was)
  for _, field in ipairs(rec) do out[#out + 1] = field end
  out[#out + 1] = q_with(p, key, rec, now)
  return out
end

if dry then
  for i = 6, #ARGV do
    local lane = redis.call('HGET', p .. ':k:' .. ARGV[i], 'lane')
    local due = lane and redis.call('ZSCORE', p .. ':q:' .. lane, ARGV[i])
    if due and tonumber(due) <= now and (ARGV[5] ~= '1' or lane == 'leavers') then
      return {#expired, hand_out(lane, ARGV[i], (string.match(ARGV[2], '%S+')))}
    end
  end
  return {#expired}
end

local function next_due()
  for _, lane in ipairs(order()) do
    local key = first_due(lane)
    if key then return lane, key end
  end
end

local out = {#expired}
for token in string.gmatch(ARGV[2], '%S+') do
  local lane, key = next_due()
  if not lane then break end
  out[#out + 1] = hand_out(lane, key, token)
  firsts[lane] = nil
  if circuit then break end -- one probe at a time
end
return out
