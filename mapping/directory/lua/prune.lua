-- Forgets tombstones whose CMS entity is gone: users without any account and groups without any role, at the second picture
-- in a row that shows it. Whatever a sync, a look, an intent, a queue entry or a note still needs stays. Their ids are never
-- given again: the counts behind them stay, and rise.
-- KEYS: 1 base of the project
-- ARGV: 1 number of the picture, compared with the record before, 2 how many tombstones to look at
-- Returns {looked at, users forgotten, groups forgotten}
local p, pic, tomb = KEYS[1], tonumber(ARGV[1]), KEYS[1]..':tomb'
local left = {}
for _, id in ipairs(call('HVALS', p..':left')) do left[id] = true end

local function none(values)
  for i = 1, #values do
    if values[i] and values[i] ~= '' then return false end
  end
  return true
end

-- Whether nothing needs the record of a deleted user.
local function user(id)
  local u = p..':u:'..id
  return none({call('HGET', u, 'cid'), call('HGET', u, 'ocid'), call('ZSCORE', p..':unbound', id)})
    and (q_state(p, 'user/'..id)) == 'idle'
end

-- Whether nothing needs the record of a deleted group: its members are told, and no role hides behind it.
local function group(id)
  local g, m = p..':g:'..id, p..':gm:'..id
  return none(call('HMGET', g, 'roleid', 'drop', 'drops')) and not left[id] and call('SISMEMBER', p..':fans', id) == 0
    and call('EXISTS', m, m..':old', m..':add', m..':busy') == 0 and call('HGET', p..':x:gname', call('HGET', g, 'namef') or '') ~= id
    and (q_state(p, 'group/'..id)) == 'idle'
end

-- The id was made with the key's use count `uses`: the next one that is made with this key is another one.
local function spend(counts, key, uses)
  uses = tonumber(uses or '0')
  if tonumber(call('HGET', counts, key) or '0') <= uses then call('HSET', counts, key, d_num(uses + 1)) end
end

local looked, users, groups = 0, 0, 0
for _, member in ipairs(call('ZRANGEBYSCORE', tomb, '-inf', '('..ARGV[1], 'LIMIT', '0', ARGV[2])) do
  looked = looked + 1
  local kind, id = string.sub(member, 1, 1), string.sub(member, 3)
  local record = p..':'..kind..':'..id
  local o = call('HMGET', record, 'state', 'key', 'uses', 'stamp', 'gone')
  local free = kind == 'u' and user or group
  if o[1] ~= 'deleted' then call('ZREM', tomb, member) -- brought back, or gone
  elseif not o[2] or tonumber(o[4] or '0') >= pic or not free(id) then
    call('HDEL', record, 'gone')
    call('ZADD', tomb, d_num(pic), member)
  elseif not o[5] then
    call('HSET', record, 'gone', '1')
    call('ZADD', tomb, d_num(pic), member)
  else
    call('ZREM', tomb, member)
    if kind == 'u' then
      spend(p..':x:count', o[2], o[3])
      d_forget(p, id)
      users = users + 1
    else
      spend(p..':x:gcount', o[2], o[3])
      call('DEL', record)
      groups = groups + 1
    end
  end
end
return {looked, users, groups}
