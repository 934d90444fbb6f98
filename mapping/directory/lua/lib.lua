-- The directory's own functions, prepended (after the queue's fragment) to every script of this package.
-- All take p, the project's base key ("{project}" with its prefix). Documents are opaque bytes.

local call = redis.call

-- Fields of a user, in the order in which scripts return them (userFields in user_record.go).
local d_ufields = {'state','managed','adopted','doc','un','ext','addr','active','seq','gen','deactgen','created',
  'modified','writes','ckind','cid','caddr','crole','cactive','cexpired','cname','okind','ocid','oaddr','orole',
  'oactive','aknown','akind','aaddr','arole','aactive','awrites','status','code','text','lsync'}

-- Fields of a group, in the order in which scripts return them (groupFields in group_record.go).
local d_gfields = {'state','managed','imported','name','ext','doc','seq','gen','mgen','created','modified','roleid',
  'rolename','owned','drop','status','code','text','lsync'}

local function d_num(n) return string.format('%.0f', n) end

local function d_visible(state) return state == 'live' or state == 'rejected' end

-- Groups of a user, flat: id, name, seq, roleid, imported, status. Groups with an open fan-out are asked themselves,
-- because the per-user index lags behind them.
local function d_groups_of(p, id)
  local ids, seen = {}, {}
  for _, g in ipairs(call('SMEMBERS', p..':ug:'..id)) do seen[g] = true end
  for _, g in ipairs(call('SMEMBERS', p..':fans')) do
    seen[g] = call('SISMEMBER', p..':gm:'..g, id) == 1 or nil
  end
  for g in pairs(seen) do ids[#ids+1] = g end
  table.sort(ids)
  local out = {}
  for _, g in ipairs(ids) do
    local r = call('HMGET', p..':g:'..g, 'state', 'name', 'seq', 'roleid', 'imported')
    if d_visible(r[1]) then
      out[#out+1] = g; out[#out+1] = r[2] or ''; out[#out+1] = r[3] or '0'; out[#out+1] = r[4] or ''
      out[#out+1] = r[5] or '0'; out[#out+1] = (q_state(p, 'group/'..g))
    end
  end
  return out
end

-- Appends state, code, text and ticket of a queue key.
local function d_queue_state(p, key, out)
  local state, code, text = q_state(p, key)
  out[#out+1] = state; out[#out+1] = code; out[#out+1] = text
  out[#out+1] = state ~= 'idle' and q_record(p, key)[1] or ''
end

-- One user: {id, fields…, queue state, code, text, ticket, groups}; false when there is no record.
local function d_user(p, id)
  local f = call('HMGET', p..':u:'..id, unpack(d_ufields))
  if not f[1] then return false end
  local out = {id}
  for i = 1, #d_ufields do out[i+1] = f[i] or '' end
  d_queue_state(p, 'user/'..id, out)
  out[#out+1] = d_groups_of(p, id)
  return out
end

-- Members as shown, flat: id, userName. An unmanaged group shows who holds its role.
local function d_members_of(p, gid, managed, roleid, limit)
  local ids
  if managed then ids = call('SMEMBERS', p..':gm:'..gid)
  elseif roleid then ids = call('ZRANGE', p..':ru:'..roleid, 0, limit < 0 and -1 or limit - 1)
  else ids = {} end
  table.sort(ids)
  local out = {}
  for _, id in ipairs(ids) do
    local u = call('HMGET', p..':u:'..id, 'state', 'un')
    if d_visible(u[1]) then out[#out+1] = id; out[#out+1] = u[2] or '' end
  end
  return out
end

-- One group: {id, fields…, queue state, code, text, ticket, size, fan-out open, members}; members only when the group
-- has at most `limit` of them (limit < 0: always); false when there is no record.
local function d_group(p, gid, limit)
  local f = call('HMGET', p..':g:'..gid, unpack(d_gfields))
  if not f[1] then return false end
  local out = {gid}
  for i = 1, #d_gfields do out[i+1] = f[i] or '' end
  d_queue_state(p, 'group/'..gid, out)
  local managed, roleid, size = f[2] == '1', f[12], 0
  if managed then size = call('SCARD', p..':gm:'..gid)
  elseif roleid then size = call('ZCARD', p..':ru:'..roleid) end
  out[#out+1] = d_num(size)
  out[#out+1] = d_num(call('SISMEMBER', p..':fans', gid))
  if limit ~= 0 and (limit < 0 or size <= limit) then out[#out+1] = d_members_of(p, gid, managed, roleid, limit)
  else out[#out+1] = {} end
  return out
end

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
