-- Tell the pacer what a call met. A refusal slows everybody down once and holds everybody until the reset; a success
-- lets the pace recover.
-- KEYS[1] pace (see book.lua)   ARGV now µs|'', '1' = refused for its rate, reset µs, limit told by the API (0 = none)
-- Returns the factor.
local t = tonumber(ARGV[1])
if not t then
  local s = redis.call('TIME')
  t = tonumber(s[1]) * 1000000 + tonumber(s[2])
end
local r = redis.call('HMGET', KEYS[1], 'hold', 'now', 'factor', 'limit')
local function num(i) return tonumber(r[i] or '') or 0 end
local now, hold, factor = math.max(t, num(2)), num(1), math.max(num(3), 1)
if ARGV[2] == '1' then
  if hold <= now then factor = math.min(factor * 1.3, 20) end -- calls in flight together are refused together
  hold = math.max(hold, now + tonumber(ARGV[3]))
else
  factor = math.max(factor * 0.998, 1)
end
local limit = tonumber(ARGV[4])
if limit <= 0 then limit = num(4) end
redis.call('HSET', KEYS[1], 'hold', string.format('%.0f', hold), 'now', string.format('%.0f', now),
  'factor', string.format('%.6f', factor), 'limit', string.format('%.0f', limit))
redis.call('PEXPIRE', KEYS[1], '86400000')
return string.format('%.6f', factor)
