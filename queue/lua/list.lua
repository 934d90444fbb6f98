-- Read entries of one set. Writes nothing.
-- KEYS[1] base   ARGV set ('leased', 'parked', 'held' or a lane), offset, count; or 'key' and one key
-- Returns for each entry {key, score|'', field, value, field, value, ...}.
local p, out = KEYS[1], {}
local function add(key, score)
  local fields = redis.call('HGETALL', p .. ':k:' .. key)
  if #fields == 0 then return end
  local entry = {key, score or ''}
  for _, f in ipairs(fields) do entry[#entry + 1] = f end
  out[#out + 1] = entry
end
if ARGV[1] == 'key' then
  local r = redis.call('HMGET', p .. ':k:' .. ARGV[2], 'lane')
  if r[1] then add(ARGV[2], redis.call('ZSCORE', p .. ':q:' .. r[1], ARGV[2])) end
  return out
end
local first = tonumber(ARGV[2])
local found = redis.call('ZRANGE', p .. ':q:' .. ARGV[1], ARGV[2], q_num(first + tonumber(ARGV[3]) - 1), 'WITHSCORES')
for i = 1, #found, 2 do add(found[i], found[i + 1]) end
return out
