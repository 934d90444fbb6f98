-- Reading of records, prepended (after the queue's fragment) to every script of this package.
-- All functions take p, the project's base key ("{project}" with its prefix). Documents are opaque bytes.

local call = redis.call

-- Fields of a user, in the order in which scripts return them (userRecord in record.go).
local d_ufields = {'state','managed','adopted','doc','un','ext','addr','active','seq','gen','deactgen','created',
  'modified','writes','ckind','cid','caddr','crole','cactive','cexpired','cname','okind','ocid','oaddr','orole',
  'oactive','aknown','akind','aaddr','arole','aactive','awrites','aprofile','kept','invseq','resends','asked',
  'status','code','text','lsync'}

-- What a listing shows of a user (userView in record.go).
local d_vfields = {'state','managed','doc','un','ext','active','seq','gen','created','modified','ckind','cid','crole',
  'status','code','text','lsync'}

-- Fields of a group, in the order in which scripts return them (groupRecord in record.go).
local d_gfields = {'state','managed','imported','name','ext','doc','seq','gen','mgen','created','modified','roleid',
  'rolename','owned','drop','status','code','text','lsync'}

local function d_num(n) return string.format('%.0f', n) end

local function d_visible(state) return state == 'live' or state == 'rejected' end

-- What was read of groups, for the length of one script.
local d_fans, d_seen = nil, {}

-- Groups with an open fan-out. No script that asks opens or closes one before.
local function d_open(p)
  d_fans = d_fans or call('SMEMBERS', p..':fans')
  return d_fans
end

-- Whether the identity provider wishes anything of a user, given the record's flag: it has written the record, or has put
-- the user into a group whose fan-out has not come there yet.
local function d_managed(p, id, flag)
  if flag == '1' then return true end
  for _, g in ipairs(d_open(p)) do
    local m = p..':gm:'..g
    if call('SISMEMBER', m, id) == 1 or call('SISMEMBER', m..':old', id) == 1 then return true end
  end
  return false
end

local function d_group_ref(p, g, full)
  local ref = d_seen[g]
  if not ref then
    if full then
      ref = call('HMGET', p..':g:'..g, 'state', 'name', 'seq', 'roleid', 'imported')
      ref[6] = q_state(p, 'group/'..g)
    else ref = call('HMGET', p..':g:'..g, 'state', 'name') end
    d_seen[g] = ref
  end
  return ref
end

-- Groups of a user, flat: id, name, seq, roleid, imported, status (the last four only when `full`). Groups with an open fan-out are asked themselves,
-- because the per-user index lags behind them.
local function d_groups_of(p, id, full)
  local ids = call('SMEMBERS', p..':ug:'..id)
  if #d_open(p) > 0 then
    local member = {}
    for _, g in ipairs(ids) do member[g] = true end
    for _, g in ipairs(d_fans) do member[g] = call('SISMEMBER', p..':gm:'..g, id) == 1 or nil end
    ids = {}
    for g in pairs(member) do ids[#ids+1] = g end
  end
  if #ids > 1 then table.sort(ids) end
  local out = {}
  for _, g in ipairs(ids) do
    local r = d_group_ref(p, g, full)
    if d_visible(r[1]) then
      out[#out+1] = g
      for i = 2, 6 do out[#out+1] = r[i] or '' end
    end
  end
  return out
end

-- Appends state, code, text and ticket of a queue key.
local function d_queue_state(p, key, out)
  local state, code, text, ticket = q_state(p, key)
  out[#out+1] = state; out[#out+1] = code; out[#out+1] = text; out[#out+1] = ticket
end

-- One user: {id, values of the fields, queue state, code, text, ticket, groups}; false when there is no record. held is the
-- record of the user's queue key (q_record) if that is known to be leased, or nil.
local function d_record(p, id, fields, full, held)
  local out = call('HMGET', p..':u:'..id, unpack(fields))
  if not out[1] then return false end
  local shown = d_visible(out[1])
  if d_managed(p, id, out[2]) then out[2] = '1' end
  for i = 1, #fields do out[i] = out[i] or '' end
  table.insert(out, 1, id)
  if held then
    out[#out+1] = 'leased'; out[#out+1] = held[6]; out[#out+1] = held[7]; out[#out+1] = held[1]
  else d_queue_state(p, 'user/'..id, out) end
  out[#out+1] = shown and d_groups_of(p, id, full) or {}
  return out
end

local function d_user(p, id, held) return d_record(p, id, d_ufields, true, held) end

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
