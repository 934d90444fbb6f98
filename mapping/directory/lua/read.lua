-- Reads of users and groups, one round trip each.
-- KEYS: 1 base of the project
-- ARGV: 1 kind: u | g, 2 how: id | wish (all fields) | record (a tombstone too) | index | sorted | list | after | before | records (after, all fields), 3 index (x:un, x:addr, xd:…, …) or '', 4 value, 5 first rank (0-based),
--       6 count, 7 members to return with a group
-- Returns {total, {records}}: of users all fields as wish or record, else what a listing shows. `after` and
-- `before` read up to count listed records whose sequence is greater, or smaller, than `value`; the nearest come first.
local p, kind, how = KEYS[1], ARGV[1], ARGV[2]
local first, count = tonumber(ARGV[5]), tonumber(ARGV[6])
local ids, total = {}, 0
local one = how == 'record' or how == 'wish'
local full = one or how == 'records'
if how == 'id' or one then ids, total = {ARGV[4]}, 1
elseif how == 'index' then
  local id = call('HGET', p..':'..ARGV[3], ARGV[4])
  if id then ids, total = {id}, 1 end
elseif how == 'after' or how == 'before' or how == 'records' then
  total = call('ZCARD', p..':l:'..kind)
  if how ~= 'before' then ids = call('ZRANGEBYSCORE', p..':l:'..kind, '('..ARGV[4], '+inf', 'LIMIT', 0, count)
  else ids = call('ZREVRANGEBYSCORE', p..':l:'..kind, '('..ARGV[4], '-inf', 'LIMIT', 0, count) end
else
  local set = how == 'list' and p..':l:'..kind or p..':'..ARGV[3]..':'..ARGV[4]
  total = call('ZCARD', set)
  if count > 0 then ids = call('ZRANGE', set, first, first + count - 1) end
end
local out = {}
for _, id in ipairs(ids) do
  local r
  if kind == 'u' then r = d_record(p, id, full and d_ufields or d_vfields, full) else r = d_group(p, id, tonumber(ARGV[7])) end
  if r and (d_visible(r[2]) or how == 'record') then out[#out+1] = r end
end
if how == 'id' or how == 'index' or one then
  total = #out
  if first > 0 or count == 0 then out = {} end
end
return {d_num(total), out}
