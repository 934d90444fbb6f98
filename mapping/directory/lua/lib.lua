-- The directory's own functions for writing, prepended (after records.lua) to the scripts that write.

-- Moves a record's entry in a hash index. Only the owner's entry is released.
local function d_reindex(key, id, old, new)
  if old and old ~= '' and old ~= new and call('HGET', key, old) == id then call('HDEL', key, old) end
  if new ~= '' then call('HSET', key, new, id) end
end

-- Moves a user's entries in the multi-valued index of e-mails (folded values joined by newlines).
local function d_remail(p, id, seq, old, new)
  if old == new then return end
  for m in string.gmatch(old or '', '[^\n]+') do call('ZREM', p..':xm:'..m, id) end
  for m in string.gmatch(new, '[^\n]+') do call('ZADD', p..':xm:'..m, seq, id) end
end

local function d_redisplay(p, id, seq, old, new)
  if old == new then return end
  if old and old ~= '' then call('ZREM', p..':xd:'..old, id) end
  if new ~= '' then call('ZADD', p..':xd:'..new, seq, id) end
end

local function d_state(p, kind, id)
  if not id then return nil end
  return call('HGET', p..':'..kind..':'..id, 'state')
end

-- What a tombstone hands over when its address is taken by somebody new.
local d_linkfields = {'ckind','cid','caddr','crole','cactive','cexpired','cname','okind','ocid','oaddr','orole',
  'oactive','aknown','akind','aaddr','arole','aactive','stamp'}

-- A new record takes a tombstone's address over: link, last applied state and open intent move, and the tombstone's key
-- leaves the queue. Returns the intent and the look time for the new record's key ('' and 0 when there are none).
local function d_supersede(p, tomb, id, now, look)
  local t, u = p..':u:'..tomb, p..':u:'..id
  local f = call('HMGET', t, unpack(d_linkfields))
  for i, name in ipairs(d_linkfields) do
    if f[i] then call('HSET', u, name, f[i]) end
  end
  call('HDEL', t, unpack(d_linkfields))
  if f[2] and f[2] ~= '' then call('HSET', p..':x:cms', string.sub(f[1], 1, 1)..f[2], id) end
  if f[9] and f[9] ~= '' then call('HSET', p..':x:cms', string.sub(f[8], 1, 1)..f[9], id) end
  if f[4] and f[4] ~= '' then
    call('ZREM', p..':ru:'..f[4], tomb)
    call('ZADD', p..':ru:'..f[4], call('HGET', u, 'seq') or 0, id)
  end
  local key = 'user/'..tomb
  local r = q_record(p, key)
  local leased = q_state(p, key) == 'leased'
  q_drop(p, key)
  local at = tonumber(r[4]) or 0
  if leased or r[5] ~= '' then at = math.max(at, now + look) end
  return r[5], at
end

local function d_audit(p, now, event, id)
  call('XADD', p..':audit', 'MAXLEN', '~', '100000', '*', 'at', d_num(now), 'event', event, 'id', id)
end

-- Queues a user whose role may have changed through a group. Nobody without an active wish is queued.
local function d_touch(p, id, lane, now)
  local u = call('HMGET', p..':u:'..id, 'state', 'active', 'managed')
  if u[3] ~= '1' then call('HSET', p..':u:'..id, 'managed', '1') end
  if u[1] == 'live' and u[2] == '1' then q_push(p, 'user/'..id, lane, now, '1') end
end

local function d_join(p, gid, id, now)
  if call('SADD', p..':gm:'..gid, id) == 0 then return 0 end
  call('SADD', p..':ug:'..id, gid)
  d_touch(p, id, 'normal', now)
  return 1
end

local function d_leave(p, gid, id, now)
  if call('SREM', p..':gm:'..gid, id) == 0 then return 0 end
  call('SREM', p..':ug:'..id, gid)
  d_touch(p, id, 'interactive', now)
  return 1
end
