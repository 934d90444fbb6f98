-- A replica says which rules it runs. Rules that were never in force before begin a new epoch at once; rules that were come
-- back only when no replica has run newer ones for a while: one that restarts during a roll-out does not undo it.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 fingerprint of the rules, 3 ms without a sign of newer rules after which older ones are in force again,
--       4 queue key of the sweep
-- Returns {'current' | 'new' | 'older', epoch}
local p, hash, key = KEYS[1], ARGV[2], KEYS[1]..':rules'
local now = q_now(p, ARGV[1])
local r = call('HMGET', key, 'hash', 'epoch', 'seen')
if r[1] == hash then
  call('HSET', key, 'seen', d_num(now))
  return {'current', r[2]}
end
local known = call('ZSCORE', key..':known', hash)
if r[1] and known and now - tonumber(r[3] or '0') <= tonumber(ARGV[3]) then return {'older', r[2]} end
local epoch = d_num(tonumber(r[2] or '0') + 1)
call('HSET', key, 'hash', hash, 'epoch', epoch, 'seen', d_num(now), 'groups', '-1', 'users', '-1')
call('ZADD', key..':known', epoch, hash)
call('ZREMRANGEBYRANK', key..':known', 0, -101)
q_push(p, ARGV[4], 'background', now, '1')
return {'new', epoch}
