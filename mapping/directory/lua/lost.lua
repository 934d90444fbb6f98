-- A holder that lost its lease may have a call under way that lands over what others agreed on since: the key is looked at
-- when the call has ended, and what the call changes is agreed on no more.
-- KEYS: 1 base of the project, 2 the record
-- ARGV: 1 now, 2 queue key, 3 lane, 4 look ms, 5… fields and values
-- Returns {'ok'}
local p = KEYS[1]
local now = q_now(p, ARGV[1])
q_lost(p, ARGV[2], ARGV[3], now, now + tonumber(ARGV[4]))
if call('EXISTS', KEYS[2]) == 1 then
  for i = 5, #ARGV, 2 do call('HSET', KEYS[2], ARGV[i], ARGV[i+1]) end
end
return {'ok'}
