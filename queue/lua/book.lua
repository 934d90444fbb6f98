-- Book the next send time of a paced API. Stands alone: its key has a hash tag of its own.
-- KEYS[1] pace, HASH {next, hold, now (µs), factor, limit (learnt)}; KEYS[2] replicas, ZSET of who books by when (µs)
-- ARGV now µs|'', window µs, limit, how far ahead µs a slot may lie ('-1' = three spacings), who books
-- Returns {µs until the slot, spacing µs, '1' booked | '0' it lies too far ahead, factor, limit learnt,
--         replicas that have booked within a minute}.
local t = tonumber(ARGV[1])
if not t then
  local s = redis.call('TIME')
  t = tonumber(s[1]) * 1000000 + tonumber(s[2])
end
local r = redis.call('HMGET', KEYS[1], 'next', 'hold', 'now', 'factor', 'limit')
local function num(i) return tonumber(r[i] or '') or 0 end
local now, factor, learnt = math.max(t, num(3)), math.max(num(4), 1), num(5)
local limit = tonumber(ARGV[3])
if learnt > 0 and learnt < limit then limit = learnt end
local at = math.max(now, num(1), num(2))
local spacing = math.ceil(tonumber(ARGV[2]) / limit / 0.97 * factor)
local most = tonumber(ARGV[4])
if most < 0 then most = 3 * spacing end
local booked = at - now <= most
if booked then
  redis.call('HSET', KEYS[1], 'next', string.format('%.0f', at + spacing), 'now', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], '86400000')
end
-- Who books is counted, so that each knows its share if Redis goes away.
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - 60000000))
redis.call('PEXPIRE', KEYS[2], '60000')
return {at - now, spacing, booked and '1' or '0', string.format('%.6f', factor), learnt, redis.call('ZCARD', KEYS[2])}
